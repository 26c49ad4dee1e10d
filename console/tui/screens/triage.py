"""One incident: the steps, what each compared, and the causes with their weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import ComposeResult

from console.tui.screens.sheet import Sheet
from console.tui.widgets.canvas import Text


class Triage(Sheet):
    """The triage of one incident."""

    NAME = "triage"

    def __init__(self, incident: str) -> None:
        super().__init__()
        self._incident = incident

    def body(self) -> ComposeResult:
        yield Text(id="steps")

    def show(self, board: Mapping[str, Any]) -> None:
        self.query_one("#steps", Text).show([[(f" {self._incident}", "")]])
