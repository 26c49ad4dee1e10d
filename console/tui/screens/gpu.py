"""All GPUs of all hosts: which one is sick, at a glance, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding

from console.errors import AndonError
from console.filter import Filter
from console.tui.panels import fleet, gpus
from console.tui.panels.figures import dicts, known, text
from console.tui.screens.sheet import Sheet
from console.tui.text import Line, wrap
from console.tui.widgets.canvas import Text
from console.tui.widgets.table import Row, Table

MOST_SAID = 4  # lines about one GPU
WAITING = ("asking the daemon …",)
PAGE = 200  # rows that are asked for at once, where the board cannot carry them all
AHEAD = 50  # rows of them before the first that is seen


class Gpus(Sheet):
    """The fleet; Enter opens one of them."""

    NAME = "GPUs"
    ABOUT = (
        "Every GPU that any source tells of, by host and number; of thousands, the worst first. Its state comes from "
        "what its own counters say, and from how it differs from its siblings; 'why' names it in words, with what to "
        "do. 'held by' is what keeps its clocks down: heat, supply and slowed are faults, power cap and idle are not. "
        "ECC errors are mended or lost, for as long as its driver has counted. / finds any of them."
    )
    KEYS = (("Enter", "open"), ("s", "sort"), ("Space", "pull the cord"))
    BINDINGS: ClassVar = [Binding("s", "sort", "sort", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self._order: str | None = None  # none was chosen yet
        self._some = fleet.Some()  # of more GPUs than the board carries, those that are looked at
        self._is_large = False

    def body(self) -> ComposeResult:
        yield Table("GPUs", fleet.columns(), key=gpus.key, facts=gpus.facts, empty=WAITING, id="fleet")
        yield Text(id="sick")

    def show(self, board: Mapping[str, Any]) -> None:
        rows = dicts(board.get("gpus"))
        self._is_large = _count(board) > len(rows)
        if self._is_large:
            self._ask()
        self._show(rows)

    def on_table_moved(self, _event: Table.Moved) -> None:
        """Another row: what is wrong with that one; and those around it, where they are not known yet."""
        seen = self.query_one("#fleet", Table).seen
        if self._is_large and seen and not (seen[0] in self._some.known and seen[-1] in self._some.known):
            self._ask()
        self._say_sick()

    def on_resize(self) -> None:
        """Another size."""
        self.call_after_refresh(self._say_sick)

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Enter: that GPU alone."""
        from console.tui.screens.gpu_one import OneGpu

        if text(event.row, "gpu"):
            self.console_app.push_screen(OneGpu(event.row))

    def action_sort(self) -> None:
        """By the next order."""
        orders = list(fleet.ORDERS)
        self._order = orders[(orders.index(self._by) + 1) % len(orders)]
        self.show(self.console_app.picture.board)

    @property
    def _by(self) -> str:
        """What they are sorted by: as nobody can look through thousands, those by trouble."""
        return self._order or ("trouble" if self._is_large else next(iter(fleet.ORDERS)))

    # ── more than the board carries ──────────────────────────────────────────────────────────────────────────────────

    def _filter_by(self, words: str) -> None:
        if not self._is_large:
            super()._filter_by(words)
            return
        self.filter = Filter.of(words)
        self.query_one("#fleet", Table).filter_by(self.filter)
        self._ask()

    def _ask(self) -> None:
        seen = self.query_one("#fleet", Table).seen
        first = max(seen.start - AHEAD, 0)
        self.console_app.ask(
            "gpu.page", self._heard, refused=self._refused,
            filter=self.filter.text[:PAGE], order=self._by, first=first, count=PAGE,
        )  # fmt: skip

    def _heard(self, told: Any) -> None:
        if self.is_up and isinstance(told, Mapping):
            total, first = known(told.get("total")) or 0, known(told.get("first")) or 0
            self._some = fleet.Some(int(total), int(first), dicts(told.get("rows")))
            self._show(())

    def _refused(self, error: AndonError) -> None:
        self.say(error.message, "warn")

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _show(self, rows: Sequence[Row]) -> None:
        board = self.console_app.picture.board
        table = self.query_one("#fleet", Table)
        hints = chain.from_iterable(
            wrap(str(hint), self.app.size.width - 4, indent=2) for hint in board.get("hints") or ()
        )
        note = "; ".join(fleet.summary(board.get("fleet"), rows, self._by))
        if self._is_large:
            table.show(self._some, note=note, empty=WAITING, of=_count(board))
        else:
            table.show(fleet.ordered(rows, self._by), note=note, empty=(*gpus.EMPTY, *hints))
        self._say_sick()

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


def _count(board: Mapping[str, Any]) -> int:
    """How many GPUs there are, whether the board carries them or not."""
    told = board.get("fleet")
    return int(known(told.get("gpus")) or 0) if isinstance(told, Mapping) else 0
