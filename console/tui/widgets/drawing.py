"""A widget that is drawn by a function of the room there is."""

from __future__ import annotations

from collections.abc import Callable

from console.tui.text import Line
from console.tui.widgets.canvas import Canvas

Write = Callable[[int, int], list[Line]]  # cells wide, lines high


class Drawing(Canvas, can_focus=False):
    """A title, and below it what `write` gives."""

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._write: Write = lambda _width, _height: []

    def show(self, write: Write) -> None:
        """Draw something else."""
        self._write = write
        self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        return [[(f" {self._title}", "title")], *self._write(width, height - 1)]
