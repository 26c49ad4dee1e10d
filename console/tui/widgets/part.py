"""A title, and text that is laid out for the room there is; the keys scroll it, Enter asks for all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding
from textual.message import Message

from console.tui.text import Line, fit
from console.tui.widgets.canvas import Canvas

Write = Callable[[int, int], list[Line]]  # cells wide, lines high -> lines; those that are more are scrolled to

SCROLLING = (
    Binding("down,j", "scroll(1)", "down", show=False),
    Binding("up,k", "scroll(-1)", "up", show=False),
    Binding("pagedown,f", "page(1)", "page down", show=False),
    Binding("pageup,b", "page(-1)", "page up", show=False),
    Binding("home,g", "scroll(-1000000)", "first", show=False),
    Binding("end,G", "scroll(1000000)", "last", show=False),
)


class Part(Canvas, can_focus=True):
    """`write` is asked again whenever the room changes."""

    BINDINGS: ClassVar = [
        *SCROLLING,
        Binding("enter,l", "read", "read in a box", show=False),
    ]

    @dataclass
    class Read(Message):
        """Enter: all of it is wanted, in a box."""

        part: Part

    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id)
        self.title = title
        self._write: Write = lambda _width, _height: []
        self._note = ""
        self._top = 0

    def show(self, write: Write, *, note: str = "", anew: bool = False) -> None:
        """Other text; `anew` begins at its first line."""
        self._write, self._note = write, note
        self._top = 0 if anew else self._top
        self.redraw()

    def all_lines(self, width: int, height: int) -> list[Line]:
        """Everything that it says, in a certain room."""
        return self._write(width, height)

    def lines(self, width: int, height: int) -> list[Line]:
        room = height - 1
        written = self._write(width - 2, room) if room > 0 else []
        self._top = max(0, min(self._top, len(written) - room))
        below = len(written) - self._top - room
        where = f"{below} more line{'s' if below > 1 else ''}" if below > 0 and room > 0 else ""
        left = f" {self.title} "
        heading: Line = [
            (left, "bar" if self.has_focus else "title"),
            (fit(f"  {self._note}", max(width - len(left) - len(where) - 1, 0)), "dim"),
            (f"{where} ", "dim"),
        ]
        return [heading, *([(" ", ""), *line] for line in written[self._top : self._top + max(room, 0)])]

    def action_scroll(self, lines: int) -> None:
        """So many lines down, or up."""
        self._top = max(0, self._top + lines)
        self.redraw()

    def action_page(self, pages: int) -> None:
        """So many screens down, or up."""
        self.action_scroll(pages * max(self.size.height - 2, 1))

    def action_read(self) -> None:
        """Show all of it."""
        self.post_message(self.Read(self))

    def on_focus(self) -> None:
        """The title says so."""
        self.redraw()

    def on_blur(self) -> None:
        """The title says so."""
        self.redraw()
