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
            assert number == "25" and final in "lh"
            self.cursor_shown = final == "h"
        elif final == "A":
            self.row = max(0, self.row - int(number))
        elif final == "K":
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif final == "J":
            self.lines[self.row] = self.lines[self.row][: self.column]
            del self.lines[self.row + 1:]
        else:
            assert final == "m"

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
            self.scrolled.append(self.lines.pop(0))
            self.row -= 1

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
