"""One row of bars: how a number went, with its name before and its value behind."""

from __future__ import annotations

from collections.abc import Sequence

from console.tui.text import Line, fit
from console.tui.widgets.canvas import Canvas
from console.words import spark


class Sparkline(Canvas):
    """A title, the last values as bars, and the newest one in words."""

    def __init__(
        self, title: str, *, id: str | None = None, low: float | None = None, high: float | None = None
    ) -> None:
        super().__init__(id=id)
        self._title = title
        self._low, self._high = low, high
        self._values: Sequence[float | None] = ()
        self._said = ""

    def show(self, values: Sequence[float | None], said: str) -> None:
        """Other values, and the newest one in words."""
        self._values, self._said = values, said
        self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        bars = max(width - 26, 8)
        return [
            [
                (fit(self._title, 14), "dim"),
                (spark(self._values, bars, low=self._low, high=self._high), "spark"),
                (fit(self._said, 12, right=True), ""),
            ]
        ]
