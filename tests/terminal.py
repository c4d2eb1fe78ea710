"""A terminal made of strings, for tests that read what a user would."""

import io

from kubectl_pets.session import Terminal


class FakeTerminal(Terminal):
    """``interactive``: somebody sits there and types ``answers``; ``live``: stdout is a terminal."""

    def __init__(self, *, answers: str = "", interactive: bool = False, live: bool = False) -> None:
        self.out, self.err = _Stream(live), _Stream(interactive)
        super().__init__(_Stream(interactive, answers), self.out, self.err, {"COLUMNS": "120"})

    @property
    def stdout_text(self) -> str:
        return self.out.getvalue()

    @property
    def stderr_text(self) -> str:
        return self.err.getvalue()


class _Stream(io.StringIO):
    def __init__(self, tty: bool, text: str = "") -> None:
        super().__init__(text)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty
