"""The live table: any number of rows, of which only those seen are formatted, and only cells that changed repainted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import Binding
from textual.message import Message

from console.filter import Filter
from console.tui.text import Line, Span, fit
from console.tui.widgets.canvas import Canvas

GAP = 2
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how wide it is at least, and what it says of a row."""

    title: str
    width: int
    draw: Callable[..., str | Span]  # of a row: text, or text with a look
    right: bool = False
    grows: bool = False  # takes what room is left
    keep: int = 9  # where there is no room for all, the smallest go first
    is_measured: bool = False  # `draw` is told how many cells there are, too


class Table(Canvas, can_focus=True):
    """Rows under headings, with a cursor that stays on its row wherever that goes."""

    BINDINGS: ClassVar = [
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("pagedown,f", "page(1)", "page down", show=False),
        Binding("pageup,b", "page(-1)", "page up", show=False),
        Binding("home,g", "move(-1000000000)", "first", show=False),
        Binding("end,G", "move(1000000000)", "last", show=False),
        Binding("enter,l", "choose", "open", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """Enter was pressed on a row."""

        table: Table
        row: Row

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        table: Table
        row: Row

    def __init__(
        self,
        title: str,
        columns: Sequence[Column],
        *,
        key: Callable[[Row], str],
        facts: Callable[[Row], Mapping[str, str]],
        empty: Sequence[str] = ("nothing",),
        id: str | None = None,
    ) -> None:
        """`key` tells rows apart, `facts` are what the filter and links may name, `empty` is said where no row is."""
        super().__init__(id=id)
        self.title = title
        self._columns = columns
        self._key = key
        self._facts = facts
        self._empty: Sequence[str] = empty
        self._all: Sequence[Row] = ()
        self._rows: Sequence[Row] = ()  # those that fit the filter
        self._cursor = 0
        self._cursor_key: str | None = None
        self._top = 0
        self._filter = Filter()
        self._note = ""
        self._of: int | None = None

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def facts(self) -> Mapping[str, str]:
        """What is known of the row under the cursor."""
        return {} if self.row is None else self._facts(self.row)

    def show(
        self, rows: Sequence[Row], *, note: str = "", empty: Sequence[str] | None = None, of: int | None = None
    ) -> None:
        """Other rows; the cursor stays on the row it is on, if that is still there.

        With `of`, the rows are those of so many that fit the filter already.
        """
        self._note = note
        self._empty = self._empty if empty is None else empty
        self._all = rows
        self._of = of
        is_whole = not self._filter or of is not None
        self._rows = rows if is_whole else [row for row in rows if self._filter.fits(self._facts(row))]
        self._find_cursor()
        self.redraw()

    def use_columns(self, columns: Sequence[Column]) -> None:
        """Other columns, for another width."""
        self._columns = columns
        self.redraw()

    def filter_by(self, wanted: Filter) -> None:
        """Show only the rows that fit."""
        self._filter = wanted
        self.show(self._all, note=self._note, of=self._of)

    @property
    def seen(self) -> range:
        """The places of the rows that are on the screen."""
        room = max(self.size.height - 2, 1)
        return range(self._top, min(self._top + room, len(self._rows)))

    def lines(self, width: int, height: int) -> list[Line]:
        lines: list[Line] = [self._heading(width)] if self.title else []
        if not self._rows:
            said = (
                self._empty
                if not self._how_many
                else (f"none of {self._how_many:,} fits {self._filter.text!r}; Esc shows all",)
            )
            return lines + [[(fit("  " + text, width), "dim")] for text in said]
        columns = _fitting(self._columns, width)
        lines.append(
            [(" ", "head"), *self._joined(((fit(c.title, w, right=c.right), "head") for c, w in columns), "head")]
        )
        room = max(height - len(lines), 1)
        self._top = max(min(self._top, self._cursor, len(self._rows) - room), self._cursor - room + 1, 0)
        seen = range(self._top, min(self._top + room, len(self._rows)))
        return lines + [self._line(place, columns, width) for place in seen]

    def action_move(self, by: int) -> None:
        """So many rows down, or up."""
        if not self._rows:
            return
        self._cursor = max(0, min(self._cursor + by, len(self._rows) - 1))
        self._cursor_key = self._key_at(self._cursor)
        self.redraw()
        self.post_message(self.Moved(self, self._rows[self._cursor]))

    def action_page(self, by: int) -> None:
        """So many screens down, or up."""
        self.action_move(by * max(self.size.height - 3, 1))

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        if self.row is not None:
            self.post_message(self.Chosen(self, self.row))

    def select(self, key: str) -> None:
        """Put the cursor on a row."""
        self._cursor_key = key
        self._find_cursor()
        self.redraw()

    def on_focus(self) -> None:
        """The cursor appears."""
        self.redraw()

    def on_blur(self) -> None:
        """The cursor disappears."""
        self.redraw()

    @property
    def _how_many(self) -> int:
        """Rows, whether they fit or not."""
        return len(self._all) if self._of is None else self._of

    def _find_cursor(self) -> None:
        if not self._rows:
            self._cursor = 0
            return
        if self._cursor_key is not None:
            place = self._cursor
            if place < len(self._rows) and self._key(self._rows[place]) == self._cursor_key:
                return
            for place, row in enumerate(self._rows):
                if self._key(row) == self._cursor_key:
                    self._cursor = place
                    return
        self._cursor = min(self._cursor, len(self._rows) - 1)
        if self._cursor:  # on the first row it stays first, whichever row that is
            self._cursor_key = self._key_at(self._cursor)

    def _key_at(self, place: int) -> str | None:
        """None for a row of which nothing is known yet: the cursor then stays at its place."""
        row = self._rows[place]
        return self._key(row) if row else None

    def _heading(self, width: int) -> Line:
        where = f"{self._cursor + 1}/{len(self._rows)}" if self._rows else ""
        if self._filter:
            where = f"{where} of {self._how_many}, filter {self._filter.text}".strip()
        note = f"  {self._note}" if self._note else ""
        look = "title" if not self.has_focus else "bar"
        left = f" {self.title} "
        return [(left, look), (fit(note, max(width - len(left) - len(where) - 1, 0)), "dim"), (where + " ", "dim")]

    def _line(self, place: int, columns: Sequence[tuple[Column, int]], width: int) -> Line:
        row = self._rows[place]
        has_cursor = place == self._cursor and self.has_focus
        spans = []
        for column, cells in columns:
            drawn = column.draw(row, cells) if column.is_measured else column.draw(row)
            text, look = (drawn, "") if isinstance(drawn, str) else drawn
            spans.append((fit(text, cells, right=column.right), look))
        line = [(" ", ""), *self._joined(spans, "")]
        if not has_cursor:
            return line
        line = [(text, "cursor") for text, _look in line]
        used = 1 + sum(cells for _column, cells in columns) + GAP * (len(columns) - 1)
        return [*line, (" " * max(width - used, 0), "cursor")]

    @staticmethod
    def _joined(spans: Any, look: str) -> list[Span]:
        joined: list[Span] = []
        for span in spans:
            if joined:
                joined.append((" " * GAP, look))
            joined.append(span)
        return joined


def _fitting(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """The columns that fit side by side, with their widths; the most dispensable are left out."""
    kept = list(columns)

    def needed() -> int:
        return 1 + sum(column.width for column in kept) + GAP * (len(kept) - 1)

    while len(kept) > 1 and needed() > width:
        kept.remove(min(reversed(kept), key=lambda column: column.keep))
    spare = max(width - needed(), 0)
    growing = [column for column in kept if column.grows]
    share, rest = divmod(spare, len(growing)) if growing else (0, 0)
    widths = []
    for column in kept:
        more = 0
        if column.grows:
            more = share + (1 if rest > 0 else 0)
            rest -= 1
        widths.append(min(column.width, width) + more)
    return list(zip(kept, widths, strict=True))
