"""All GPUs of all hosts: which one is sick, at a glance, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import chain
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding

from console.tui.panels import fleet, gpus
from console.tui.panels.figures import dicts, text
from console.tui.screens.sheet import Sheet
from console.tui.text import Line, wrap
from console.tui.widgets.canvas import Text
from console.tui.widgets.table import Table

MOST_SAID = 4  # lines about one GPU
WAITING = ("asking the daemon …",)
SAID = ("degraded", "stale", "ok")


class Gpus(Sheet):
    """The fleet; Enter opens one of them."""

    NAME = "GPUs"
    ABOUT = (
        "Every GPU that any source tells of, by host and number. Its state comes from what its own counters say; "
        "'why' names it in words. 'held by' is what keeps its clocks down: heat, supply and slowed are faults, power "
        "cap and idle are not. ECC errors are mended or lost, for as long as its driver has counted."
    )
    KEYS = (("Enter", "open"), ("s", "sort"), ("Space", "pull the cord"))
    BINDINGS: ClassVar = [Binding("s", "sort", "sort", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self._by = next(iter(fleet.ORDERS))

    def body(self) -> ComposeResult:
        yield Table("GPUs", fleet.columns(), key=gpus.key, facts=gpus.facts, empty=WAITING, id="fleet")
        yield Text(id="sick")

    def show(self, board: Mapping[str, Any]) -> None:
        rows = dicts(board.get("gpus"))
        table = self.query_one("#fleet", Table)
        hints = chain.from_iterable(
            wrap(str(hint), self.app.size.width - 4, indent=2) for hint in board.get("hints") or ()
        )
        states = Counter(text(row, "state") for row in rows)
        said = ", ".join(f"{states[state]} {state}" for state in SAID if states[state])
        note = f"{said}; by {self._by}" if rows else ""
        table.show(fleet.ordered(rows, self._by), note=note, empty=(*gpus.EMPTY, *hints))
        self._say_sick()

    def on_table_moved(self, _event: Table.Moved) -> None:
        """Another row: what is wrong with that one."""
        self._say_sick()

    def on_resize(self) -> None:
        """Another size."""
        self.call_after_refresh(self._say_sick)

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Enter: that GPU alone."""
        from console.tui.screens.gpu_one import OneGpu

        self.console_app.push_screen(OneGpu(event.row))

    def action_sort(self) -> None:
        """By the next order."""
        orders = list(fleet.ORDERS)
        self._by = orders[(orders.index(self._by) + 1) % len(orders)]
        self.show(self.console_app.picture.board)

    def _say_sick(self) -> None:
        """What is wrong in full: with the GPU under the cursor, or, if that is well, with the first that is not."""
        board = self.console_app.picture.board
        rows = dicts(board.get("gpus"))
        here = self.query_one("#fleet", Table).row
        sick = next((row for row in ((here,) if here else ()) + (*rows,) if row.get("reason")), None)
        lines: list[Line] = []
        if sick is not None:
            mark, look = gpus.place(sick, self.app.size.width)
            told = wrap(f" {mark}: {gpus.why(sick, board)}", self.app.size.width - 1, indent=3)
            lines = [[(part, look)] for part in told[:MOST_SAID]]
        said = self.query_one("#sick", Text)
        said.styles.height = len(lines)
        said.show(lines)
