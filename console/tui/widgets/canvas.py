"""A widget that draws lines of spans and repaints only the cells that differ from what it drew last."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from console.report.clean import clean
from console.tui.text import Line, changed

if TYPE_CHECKING:
    from console.tui.app import Console

BREAKS = re.compile(r"[\n\t]")


class Canvas(Widget):
    """Subclasses give the lines that are seen right now, in `lines`; `redraw` brings the screen up to them."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._drawn: list[Line] = []
        self._styles: dict[str, Style] = {}  # by look, on this widget's own background

    def lines(self, width: int, height: int) -> list[Line]:
        """What is to be seen in so many cells; shorter is filled with blanks."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw anew, and repaint what differs."""
        width, height = self.size
        if not width or not height:
            return
        lines = self.lines(width, height)[:height]
        old, self._drawn = self._drawn, lines
        if len(old) != len(lines):
            self.refresh()
            return
        regions = [
            Region(x, y, cells, 1)
            for y, (before, now) in enumerate(zip(old, lines, strict=True))
            if before != now
            for x, cells in (changed(before, now),)
        ]
        if regions:
            self.refresh(*regions)

    def on_resize(self) -> None:
        """Another size: everything is drawn anew."""
        self._drawn = []
        self.redraw()

    def notify_style_update(self) -> None:
        """Another theme."""
        super().notify_style_update()
        self._styles.clear()
        self._drawn = []
        self.redraw()

    def render_line(self, y: int) -> Strip:
        """One line, for Textual."""
        width = self.size.width
        base = self._style("")
        if y >= len(self._drawn):
            return Strip.blank(width, base)
        segments = [Segment(_safe(text), self._style(look)) for text, look in self._drawn[y] if text]
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, look: str) -> Style:
        if look not in self._styles:
            self._styles[look] = self.rich_style + cast("Console", self.app).styles_by_look[look]
        return self._styles[look]


def _safe(text: str) -> str:
    """The last gate before the terminal: what a screen forgot to tame is text here at the latest."""
    return text if text.isprintable() else BREAKS.sub(" ", clean(text))


class Text(Canvas, can_focus=False):
    """Lines that are set from outside; longer than the widget, they can be scrolled where it has the focus."""

    def __init__(self, lines: list[Line] | None = None, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._all: list[Line] = lines or []
        self.top = 0

    def show(self, lines: list[Line]) -> None:
        """Other lines."""
        self._all = lines
        self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        self.top = max(0, min(self.top, len(self._all) - height))
        return self._all[self.top : self.top + height]

    def scroll_lines(self, lines: int) -> None:
        """So many lines down, or up."""
        self.top = max(0, self.top + lines)
        self.redraw()
