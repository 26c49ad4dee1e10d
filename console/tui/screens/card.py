"""All that is known of one thing, uncut, to read and to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from console.report.clean import clean
from console.tui.panels.reading import Reading
from console.tui.text import Line, fit, wrap

NAME = 12  # cells


class Card(ModalScreen[None]):
    """`y` copies it, Esc leaves."""

    BINDINGS: ClassVar = [
        Binding("escape,q,h,enter", "leave", "leave", priority=True, show=False),
        Binding("y", "copy", "copy", show=False),
    ]

    def __init__(self, title: str, facts: Mapping[str, str]) -> None:
        super().__init__()
        self._title = title
        self._facts = {name: value for name, value in facts.items() if value}

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Reading(id="card")

    def on_mount(self) -> None:
        """Draw once the size is known."""
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self._draw)

    def action_leave(self) -> None:
        """Back."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """All of it, into the clipboard of the operator's machine."""
        self.dismiss(None)
        told = "\n".join(f"{name}={clean(value)}" for name, value in self._facts.items())
        self.app.copy(told)  # type: ignore[attr-defined]

    def _draw(self) -> None:
        card = self.query_one(Reading)
        width = max(min(int(self.app.size.width * 0.8), 110) - 4, 24)
        lines: list[Line] = [[(fit(self._title, width), "title")], []]
        for name, value in self._facts.items():
            first, *rest = wrap(value, width - NAME)
            lines += [[(fit(name, NAME), "dim"), (first, "")], *([(" " * NAME + more, "")] for more in rest)]
        lines += [[], [("y", "key"), (" copies it   ", "dim"), ("Esc", "key"), (" goes back", "dim")]]
        card.styles.height = max(min(len(lines), int(self.app.size.height * 0.9) - 2), 3)
        card.show(lines)
        card.focus()
