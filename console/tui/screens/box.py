"""A box over the screen: a question, a list, a text to read."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

Given = TypeVar("Given")


class Box(ModalScreen[Given]):
    """Gives its answer once, whatever keys were on their way already."""

    def dismiss(self, result: Given | None = None) -> AwaitComplete:
        """Textual would take away whichever screen is on top by then."""
        return super().dismiss(result) if self.is_active else AwaitComplete()
