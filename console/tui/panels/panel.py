"""A table that shares a screen with others: where lines are few, its title stands among its headings."""

from __future__ import annotations

from console.tui.text import Line, fit
from console.tui.widgets.table import Table


class Panel(Table):
    """As a table, and `is_tight` saves one line."""

    is_tight = False

    @property
    def heads(self) -> int:
        """How many lines stand above the rows."""
        return 1 if self.is_tight else 2

    @property
    def wanted(self) -> int:
        """How many lines it would fill."""
        return self.heads + len(self._rows) if self._rows else 1 + len(self._empty)

    @property
    def is_empty(self) -> bool:
        """Whether there is no row, filtered or not."""
        return not self._all

    def lines(self, width: int, height: int) -> list[Line]:
        if not self.is_tight or not self._rows:
            return super().lines(width, height)
        title, heads, *rows = super().lines(width, height + 1)
        (name, look), _note, (where, _look) = title
        (_margin, _look), (first, head), *others = heads
        room = 1 + len(first)
        is_whole = len(self._rows) < height or len(name) + len(where) > room
        shown = fit(name if is_whole and not self._filter else name + where, room)
        return [[(shown[: len(name)], look), (shown[len(name) :], head), *others], *rows]
