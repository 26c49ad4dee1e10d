"""A box with everything that a part of the screen says, to scroll through and to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from console.tui.screens.box import Box
from console.tui.text import Line
from console.tui.widgets.part import Part, Write

if TYPE_CHECKING:
    from console.tui.app import Console


class Reader(Box[None]):
    """Esc, Enter or q leaves; y copies."""

    BINDINGS: ClassVar = [
        Binding("escape,q,h,enter,l,backspace", "leave", "leave", priority=True, show=False),
        Binding("y", "copy", "copy", show=False),
    ]

    def __init__(self, title: str, write: Write) -> None:
        super().__init__()
        self._title, self._write = title, write

    def compose(self) -> ComposeResult:
        with Vertical(classes="box reader"):
            yield Part("y copies, Esc goes back", id="reader")

    def on_mount(self) -> None:
        """All of it."""
        part = self.query_one(Part)
        part.show(self._write, note=self._title)
        part.focus()

    def action_leave(self) -> None:
        """Back."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Into the operator's clipboard."""
        part = self.query_one(Part)
        text = as_text(part.all_lines(max(part.size.width - 2, 20), part.size.height))
        self.dismiss(None)
        cast("Console", self.app).copy(text)


def as_text(lines: list[Line]) -> str:
    """Lines without their looks."""
    return "\n".join("".join(text for text, _look in line).rstrip() for line in lines)
