"""Lines longer than their place, read with the arrow keys once Tab has come to them."""

from __future__ import annotations

from typing import ClassVar

from console.tui.text import Line
from console.tui.widgets.canvas import Text
from console.tui.widgets.part import SCROLLING


class Reading(Text, can_focus=True):
    """As a text, and its last line says where there is more of it."""

    BINDINGS: ClassVar = [*SCROLLING]

    @property
    def wanted(self) -> int:
        """How many lines it would fill."""
        return len(self._all)

    def lines(self, width: int, height: int) -> list[Line]:
        shown = super().lines(width, height)
        below = len(self._all) - self.top - height
        if below > 0 and height > 1:
            how = "↓" if self.has_focus else "Tab, then ↓"
            shown[-1] = [(f" … {below + 1} more lines: {how}", "dim")]
        return shown

    def action_scroll(self, lines: int) -> None:
        """So many lines down, or up."""
        self.scroll_lines(lines)

    def action_page(self, by: int) -> None:
        """So many screens down, or up."""
        self.scroll_lines(by * max(self.size.height - 1, 1))

    def on_focus(self) -> None:
        """Say that the arrow keys move it."""
        self.redraw()

    def on_blur(self) -> None:
        """Say how to come to it."""
        self.redraw()
