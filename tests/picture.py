"""What a terminal shows: the text and the styles of a screen, from the bytes that a program wrote.

Enough of xterm for what Textual and ncurses send; colours are kept as they were named, not understood.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import ClassVar

TOKEN = re.compile(
    r"\x1b\[(?P<private>[<=>?]?)(?P<numbers>[0-9;:]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\)"  # what only the terminal's window or printer would care for
    r"|\x1b[ -/]*(?P<escape>[0-OQ-WYZ\\`-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)",
    re.DOTALL,
)
MOST_UNFINISHED = 100_000  # characters of one sequence; a longer one has no end


class Picture:
    """The screen of a terminal.

    >>> picture = Picture(20, 2)
    >>> picture.feed(b"one\\r\\n\\x1b[5Ctwo")
    >>> picture.text
    'one\\n     two'
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.row = self.column = 0
        self._saved = (0, 0)
        self._top, self._bottom = 0, height - 1
        self._style = ""
        self._last = " "
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._cells = [self._blank() for _ in range(height)]
        self._styles = [self._blank("") for _ in range(height)]

    @property
    def lines(self) -> list[str]:
        """The text, a line a row."""
        return ["".join(row).rstrip() for row in self._cells]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)

    def styles(self, row: int) -> tuple[str, ...]:
        """How each cell of a row is styled: the parameters of the sequences that set it, joined."""
        return tuple(self._styles[row])

    def feed(self, data: bytes) -> None:
        """Draw what these bytes say; half a sequence waits for its other half."""
        text = self._rest + self._decoder.decode(data)
        at = 0
        while at < len(text) and (token := TOKEN.match(text, at)):
            at = token.end()
            if token["text"]:
                self._write(token["text"])
            elif token["control"]:
                self._control(token["control"])
            elif token["escape"]:
                self._escape(token["escape"])
            elif token["final"] and not token["private"]:
                self._sequence(token["final"], token["numbers"])
            elif token["final"] in ("h", "l") and token["numbers"] in ("47", "1047", "1049"):
                self._erase((0, 0), (self.height - 1, self.width - 1))
        self._rest = text[at:] if len(text) - at < MOST_UNFINISHED else ""

    def _blank(self, what: str = " ") -> list[str]:
        return [what] * self.width

    def _write(self, text: str) -> None:
        for character in text:
            wide = unicodedata.east_asian_width(character) in "WF" if character > "\u10ff" else False
            if unicodedata.combining(character):
                continue
            if self.column + wide >= self.width:
                self.column = 0
                self._feed_line()
            self._put(character)
            if wide:
                self._put("")
            self._last = character

    def _put(self, character: str) -> None:
        self._cells[self.row][self.column] = character
        self._styles[self.row][self.column] = self._style
        self.column += 1

    def _control(self, control: str) -> None:
        match control:
            case "\r":
                self.column = 0
            case "\n" | "\v" | "\f":
                self._feed_line()
            case "\b":
                self.column = max(0, self.column - 1)
            case "\t":
                self.column = min(self.width - 1, self.column // 8 * 8 + 8)

    def _escape(self, final: str) -> None:
        match final:
            case "7":
                self._saved = (self.row, self.column)
            case "8":
                self.row, self.column = self._saved
            case "D":
                self._feed_line()
            case "E":
                self.column = 0
                self._feed_line()
            case "M":
                if self.row == self._top:
                    self._scroll(self._top, -1)
                else:
                    self.row = max(0, self.row - 1)

    _MOVES: ClassVar[dict[str, tuple[int, int]]] = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1)}

    def _sequence(self, final: str, numbers: str) -> None:
        given = [int(number) if number.isdigit() else 0 for number in numbers.split(";")]
        n = max(1, given[0])
        here, end = (self.row, self.column), self.width - 1
        match final:
            case "m":
                self._restyle(numbers)
            case "H" | "f":
                self._go(n - 1, max(1, given[1]) - 1 if len(given) > 1 else 0)
            case "A" | "B" | "C" | "D":
                down, right = self._MOVES[final]
                self._go(self.row + n * down, self.column + n * right)
            case "E" | "F":
                self._go(self.row + (n if final == "E" else -n), 0)
            case "G" | "`":
                self._go(self.row, n - 1)
            case "d":
                self._go(n - 1, self.column)
            case "J":
                self._erase(here if given[0] == 0 else (0, 0), here if given[0] == 1 else (self.height - 1, end))
            case "K":
                self._erase(here if given[0] == 0 else (self.row, 0), here if given[0] == 1 else (self.row, end))
            case "X":
                self._erase(here, (self.row, self.column + n - 1))
            case "P" | "@":
                self._shift(n if final == "@" else -n)
            case "L" | "M":
                self._scroll(self.row, -n if final == "L" else n)
            case "S" | "T":
                self._scroll(self._top, n if final == "S" else -n)
            case "b":
                self._write(self._last * n)
            case "r":
                self._top = n - 1
                self._bottom = min(given[1], self.height) - 1 if len(given) > 1 and given[1] else self.height - 1
                self._go(0, 0)
            case "s":
                self._saved = (self.row, self.column)
            case "u":
                self.row, self.column = self._saved

    def _restyle(self, numbers: str) -> None:
        first, _, others = numbers.partition(";")
        if first in ("", "0"):
            self._style, numbers = "", others
        self._style = f"{self._style};{numbers}".strip(";")[-200:]

    def _go(self, row: int, column: int) -> None:
        self.row = min(max(row, 0), self.height - 1)
        self.column = min(max(column, 0), self.width - 1)

    def _feed_line(self) -> None:
        if self.row == self._bottom:
            self._scroll(self._top, 1)
        else:
            self.row = min(self.row + 1, self.height - 1)

    def _scroll(self, top: int, lines: int) -> None:
        """Move what lies between `top` and the scrolling region's bottom up, or down where `lines` is negative."""
        for sheet, what in ((self._cells, " "), (self._styles, "")):
            moved = sheet[top : self._bottom + 1]
            n = min(abs(lines), len(moved))
            blanks = [self._blank(what) for _ in range(n)]
            sheet[top : self._bottom + 1] = moved[n:] + blanks if lines > 0 else blanks + moved[: len(moved) - n]

    def _shift(self, cells: int) -> None:
        for sheet, what in ((self._cells, " "), (self._styles, "")):
            row, at = sheet[self.row], self.column
            n = min(abs(cells), self.width - at)
            tail = [what] * n + row[at : self.width - n] if cells > 0 else row[at + n :] + [what] * n
            row[at:] = tail

    def _erase(self, first: tuple[int, int], last: tuple[int, int]) -> None:
        for row in range(first[0], last[0] + 1):
            start = first[1] if row == first[0] else 0
            end = min(last[1], self.width - 1) if row == last[0] else self.width - 1
            self._cells[row][start : end + 1] = [" "] * (end + 1 - start)
            self._styles[row][start : end + 1] = [self._style] * (end + 1 - start)
