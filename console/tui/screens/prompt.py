"""One question, one line to answer it on."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, Label

from console.report.clean import clean
from console.tui.screens.box import Box
from console.tui.text import tame

MOST_TYPED = 400  # characters; the daemon takes no longer words


class Prompt(Box[str | None]):
    """Gives what was typed behind what stood there already, or None for Esc."""

    BINDINGS: ClassVar = [Binding("escape", "leave", "leave", priority=True, show=False)]

    def __init__(self, question: str, typed: str = "") -> None:
        super().__init__()
        self._question, self._typed = question, typed

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Label(tame(self._question), markup=False)
            yield Input(clean(self._typed)[:MOST_TYPED], max_length=MOST_TYPED, select_on_focus=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was pasted may hold anything."""
        if (told := clean(event.value)) != event.value:
            event.input.value = told

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.dismiss(clean(event.value).strip())

    def action_leave(self) -> None:
        """Esc."""
        self.dismiss(None)
