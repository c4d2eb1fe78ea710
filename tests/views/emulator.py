"""A terminal that understands what the painters write and refuses what it does not know."""

import re

_TOKENS = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n])")


class Emulator:
    """``columns`` by ``rows``; what scrolls off the top goes to ``scrolled``."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.lines = [""]
        self.scrolled: list[str] = []
        self.row = self.column = 0
        self.cursor_shown = True
        #: Whether what is pasted comes between marks.
        self.marks_pastes = False
        #: What stands on the ordinary screen while the other one is shown, with its cursor; None: it is the one that is shown.
        self.behind: tuple[list[str], int, int] | None = None

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")

    def feed(self, written: str) -> None:
        position = 0
        while position < len(written):
            token = _TOKENS.match(written, position)
            assert token is not None, f"unknown to a terminal: {written[position:position + 20]!r}"
            position = token.end()
            private, number, final, control, character = token.groups()
            if character is not None:
                self._put(character)
            elif control == "\r":
                self.column = 0
            elif control == "\n":
                self._new_line()
            else:
                self._sequence(private, number, final)

    def _sequence(self, private: str, number: str, final: str) -> None:
        if private:
            assert final in "lh"
            self._mode(number, final == "h")
        elif final == "H":
            assert not number
            self.row = self.column = 0
        elif final == "K":
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif final == "J":
            self.lines[self.row] = self.lines[self.row][: self.column]
            del self.lines[self.row + 1:]
        else:
            assert final == "m"

    def _mode(self, number: str, on: bool) -> None:
        match number:
            case "25":
                self.cursor_shown = on
            case "2004":
                self.marks_pastes = on
            case "1049" if on and self.behind is None:
                self.behind, self.lines = (self.lines, self.row, self.column), [""]
                self.row = self.column = 0
            case "1049" if not on and self.behind is not None:
                (self.lines, self.row, self.column), self.behind = self.behind, None
            case _:
                raise AssertionError(f"mode {number} {'on' if on else 'off'} a second time, or unknown")

    def _put(self, character: str) -> None:
        if self.column == self.columns:
            self._new_line()
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + character + line[self.column + 1:]
        self.column += 1

    def _new_line(self) -> None:
        self.column = 0
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")
        if len(self.lines) > self.rows:
            gone = self.lines.pop(0)
            if self.behind is None:  # what scrolls off the other screen is kept by no terminal
                self.scrolled.append(gone)
            self.row -= 1

    def lower(self, rows: int) -> None:
        """Make the window lower, as terminals do it: what stands above the cursor and has no room goes where what scrolls goes."""
        self.rows = rows
        while len(self.lines) > rows:
            if self.row < len(self.lines) - 1 and not any(self.lines[self.row + 1:]):
                self.lines.pop()
                continue
            gone = self.lines.pop(0)
            if self.behind is None:
                self.scrolled.append(gone)
            self.row = max(0, self.row - 1)

    def narrow(self, columns: int) -> None:
        """Make the window narrower, as terminals that fold long lines anew do it."""
        self.columns = columns
        folded: list[str] = []
        for index, line in enumerate(self.lines):
            line = line.rstrip()
            folded += [line[start: start + columns] for start in range(0, max(len(line), 1), columns)]
            if index == self.row:
                self.row = len(folded) - 1
        self.lines = folded
