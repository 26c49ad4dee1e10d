"""What the terminal shows, cell by cell, so that nothing it shows already is sent again.

Textual writes whole strips. `Paper` reads that stream into a grid of cells, and `strokes` writes the shortest way from
the grid that was last sent to this one. Frames that were never sent are simply overwritten: a slow link gets fewer
frames, never old ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from rich.cells import get_character_cell_size

Cell = tuple[str, str]  # the character (nothing: the right half of the one before) and its SGR parameters
Row = list[Cell]

TOKEN = re.compile(
    r"\x1b\[(?P<row>\d*);?(?P<column>\d*)H"  # move
    r"|\x1b\[(?P<sgr>[\d;:]*)m"
    r"|(?P<sync>\x1b\[\?2026[hl])"
    r"|(?P<other>\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP.*?\x1b\\|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]|[\x00-\x1f])"
    r"|(?P<text>[^\x00-\x1f]+)",
    re.DOTALL,
)
BLANK: Cell = (" ", "")
SEEN_ON_BLANKS = re.compile(r"(?:^|;)(?:[479]|4[0-8]|10[0-7])(?:;|$)")  # lines, reversal, and a background
MOST_STYLES = 2000
EIGHT_BIT = re.compile(r"[\x7f-\x9f]")  # control characters of one byte more than the usual ones
MOST_IN_A_CELL = 8  # characters; a letter under a flood of marks costs terminals dearly
SKIP = 4  # unchanged cells that are cheaper written again than moved over
ERASE = 8  # blanks in a row from which erasing is shorter than writing them


class Paper:
    """A grid of cells that reads what Textual writes.

    >>> paper = Paper(8, 1)
    >>> paper.read("\\x1b[1;2H\\x1b[1mok\\x1b[0m")
    ''
    >>> paper.text
    [' ok     ']
    """

    def __init__(
        self, width: int, height: int, *, sgr: Callable[[str], str] = str, glyphs: Mapping[int, str] | None = None
    ):
        self._sgr_of = sgr
        self._glyphs = glyphs or {}
        self._known: dict[str, tuple[str, str]] = {}
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Another size; what stood there is gone, as it is on the terminal."""
        self.width, self.height = width, height
        self.rows: list[Row] = [[BLANK] * width for _ in range(height)]
        self._x = self._y = 0
        self._sgr = self._blank_sgr = ""

    def forget_styles(self) -> None:
        """What an SGR comes to is another thing now."""
        self._known.clear()

    @property
    def text(self) -> list[str]:
        """The characters, a string a row."""
        return ["".join(character for character, _sgr in row) for row in self.rows]

    def read(self, data: str) -> str:
        """Draw what the stream says; what is no drawing (modes, queries) is given back, to be sent as it is.

        Not from among text: those come by themselves, and what stands there came with a name, or was pasted.
        """
        rest, has_text = [], False
        for token in TOKEN.finditer(data):
            kind = token.lastgroup
            if kind == "text":
                has_text = True
                self._write(token["text"])
            elif kind == "sgr":
                self._sgr, self._blank_sgr = self._styled(token["sgr"])
            elif kind == "other":
                if token["other"] == "\n":
                    self._y += 1
                elif token["other"] == "\r":
                    self._x = 0
                else:
                    rest.append(token["other"])
            elif kind != "sync":  # a move; frames are wrapped where they are sent
                self._y = int(token["row"] or 1) - 1
                self._x = int(token["column"] or 1) - 1
        return "" if has_text else "".join(rest)

    def _styled(self, parameters: str) -> tuple[str, str]:
        """What an SGR comes to on characters, and on blanks, which show no colour but that behind them."""
        if parameters in ("", "0"):
            return "", ""
        if parameters not in self._known:
            if len(self._known) >= MOST_STYLES:
                self._known.clear()
            sgr = self._sgr_of(parameters.removeprefix("0;"))
            self._known[parameters] = sgr, sgr if SEEN_ON_BLANKS.search(sgr) else ""
        return self._known[parameters]

    def _write(self, text: str) -> None:
        if not 0 <= self._y < self.height:
            return
        row, x, sgr, blank = self.rows[self._y], self._x, self._sgr, (" ", self._blank_sgr)
        if not text.isascii():
            text = EIGHT_BIT.sub("", text)
        if self._glyphs:
            text = text.translate(self._glyphs)
        end = 0
        if 0 < x < self.width and not row[x][0]:
            row[x - 1], row[x] = (" ", row[x - 1][1]), (" ", row[x][1])  # both halves of what is written over
        for character in text:
            size = 1 if character < "\u0300" else get_character_cell_size(character)
            if size == 0:  # it sits on the character before it
                if 0 < x <= self.width and 0 < len(row[x - 1][0]) < MOST_IN_A_CELL:
                    row[x - 1] = (row[x - 1][0] + character, row[x - 1][1])
                continue
            if x >= 0 and x + size <= self.width:
                row[x] = blank if character == " " else (character, sgr)
                if size == 2:
                    row[x + 1] = ("", sgr)
                end = x + size
            x += size
        if 0 < end < self.width and not row[end][0]:
            row[end] = (" ", row[end][1])  # the right half of what was written over
        self._x = x


def strokes(shown: list[Row], wanted: list[Row]) -> str:
    """The bytes that turn what is shown into what is wanted; nothing where they are the same."""
    out: list[str] = []
    sgr = ""
    for y, (old, new) in enumerate(zip(shown, wanted, strict=True)):
        at = -1  # the column of the terminal's cursor, where it is known to stand in this row
        for start, end in _runs(old, new) if old != new else ():
            x = start
            while x < end:
                blanks = _blanks(new, x, end)
                character, style = new[x]
                if at != x:
                    out.append(_forward(x - at) if 0 <= at < x else f"\x1b[{y + 1};{x + 1}H")
                    at = x
                if style != sgr:
                    out.append(f"\x1b[0;{style}m" if style else "\x1b[m")
                    sgr = style
                if blanks >= ERASE:
                    out.append("\x1b[K" if x + blanks == len(new) else f"\x1b[{blanks}X")
                    x += blanks
                    continue
                out.append(character)
                x += 1
                if character:
                    at = x if _is_plain(character) else -1  # terminals disagree about other widths
    if sgr:
        out.append("\x1b[m")
    return "".join(out)


def _runs(old: Row, new: Row) -> Iterator[tuple[int, int]]:
    """The spans [start, end) of cells to write: those that differ, and short gaps between them."""
    start = end = -1
    for x, (before, now) in enumerate(zip(old, new, strict=True)):
        if before == now:
            continue
        if start >= 0 and x - end > SKIP:
            yield _whole(new, start, end)
            start = -1
        if start < 0:
            start = x
        end = x + 1
    if start >= 0:
        yield _whole(new, start, end)


def _whole(row: Row, start: int, end: int) -> tuple[int, int]:
    """No half of a wide character is written without the other."""
    while start > 0 and not row[start][0]:
        start -= 1
    while end < len(row) and not row[end][0]:
        end += 1
    return start, end


def _blanks(row: Row, start: int, end: int) -> int:
    """How many unstyled blanks stand from `start` on: those alone can be erased alike on every terminal."""
    x = start
    while x < end and row[x] == BLANK:
        x += 1
    return x - start


def _is_plain(character: str) -> bool:
    """Whether every terminal gives this character one cell: Latin, boxes, blocks and the shapes used here."""
    return len(character) == 1 and (
        character < "\u0300" or "\u2010" <= character <= "\u2027" or "\u2500" <= character <= "\u25ff"
    )


def _forward(cells: int) -> str:
    return f"\x1b[{cells}C" if cells > 1 else "\x1b[C"
