"""Keeps account of a run that deletes, restores, destroys or adopts: one document for programs, however it ends."""

from collections.abc import Callable, Sequence
from typing import Any

from kubectl_pets.errors import ExitCode, PetsError
from kubectl_pets.session import Terminal
from kubectl_pets.views.orphans.outcomes import RunKind, run


class Account:
    """What one run planned and what came of each claim or volume. With ``-o json|yaml`` it alone writes to stdout."""

    def __init__(self, terminal: Terminal, output: str, kind: RunKind) -> None:
        self._terminal, self._output, self._kind = terminal, output, kind
        self._plan: dict[str, Any] | None = None
        self._outcomes: list[dict[str, Any]] = []
        self._printed = output == "table"
        #: What else there is to say of the run, asked for at its end.
        self.details: Callable[[], dict[str, Any]] = dict
        #: For people: what was done, which is data unless a document is.
        self.say = terminal.print if output == "table" else terminal.tell

    def plans(self, plan: dict[str, Any], outcomes: Sequence[dict[str, Any]]) -> None:
        """The plan, and what has come of each of its claims or volumes so far: nothing."""
        self._plan, self._outcomes = plan, list(outcomes)

    def replans(self, plan: dict[str, Any]) -> None:
        """The plan, where it is made as the run goes on."""
        self._plan = plan

    def notes(self, place: int, outcome: dict[str, Any]) -> None:
        """What has come of one of them, by its place in the plan."""
        self._outcomes[place] = outcome

    def instead(self, document: Callable[[str], str]) -> Callable[[str], str]:
        """``document`` of a rehearsal, which is printed in place of the account."""

        def rehearsed(output: str) -> str:
            self._printed = True
            return document(output)

        return rehearsed

    def of(self, work: Callable[["Account"], ExitCode]) -> ExitCode:
        """Do the work and print the account, also where it raises: what it raises goes on."""
        try:
            code = work(self)
        except PetsError as failure:
            self._print(failure.exit_code, failure)
            raise
        except KeyboardInterrupt:
            self._print(ExitCode.INTERRUPTED, None)
            raise
        except Exception:  # a defect; what was done is told all the same
            self._print(ExitCode.FAILED, None)
            raise
        self._print(code, None)
        return code

    def _print(self, code: ExitCode, failure: PetsError | None) -> None:
        if not self._printed:
            self._printed = True
            document = run(self._kind, self._plan, self._outcomes, code, failure, self.details(), self._output)
            self._terminal.print(document)
