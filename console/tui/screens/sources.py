"""Where the data comes from: how fresh each source is, what is wrong with it, and what to do about that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical

from console.tui.panels import sources
from console.tui.panels.figures import dicts, text
from console.tui.panels.panel import Panel
from console.tui.panels.reading import Reading
from console.tui.panels.room import Want, share
from console.tui.screens.sheet import Sheet
from console.tui.text import Line, wrap
from console.tui.widgets.table import Row, Table

FRAME, TIGHT = 2, 20
LEAST_ROWS, LEAST_SAID = 6, 4
WAITING = ("asking the daemon …",)
EMPTY = ("no source is configured",)


class Sources(Sheet):
    """Every configured source; Enter asks one how it is."""

    NAME = "sources"
    ABOUT = (
        "Every source of the configuration: how old its newest sample is, how many it gave in its last round and how "
        "long that took, how often in a row it failed, and why. Below: what to do about the one under the cursor, and "
        "what is wrong with the daemon itself."
    )
    KEYS = (("Enter", "check it now"), ("Tab", "next part"))

    def body(self) -> ComposeResult:
        with Vertical(id="sources"):
            yield Panel("sources", sources.columns(), key=sources.key, facts=sources.facts, empty=WAITING, id="table")
            yield Reading(id="said")

    def show(self, board: Mapping[str, Any]) -> None:
        rows = dicts(board.get("sources"))
        table = self.query_one(Panel)
        hints = [str(hint) for hint in board.get("hints") or ()]
        bad = sum(sources.look_of(row) != "ok" for row in rows)
        note = f"{bad} of {len(rows)} not well" if bad else "all are well" if rows else ""
        table.show(rows, note=note, empty=(*EMPTY, *hints))
        self._say(board)

    def on_resize(self) -> None:
        """Another size."""
        self.call_after_refresh(lambda: self._say(self.console_app.picture.board))

    def subject(self) -> str:
        return self.facts().get("name", "")

    def on_table_moved(self, _event: Table.Moved) -> None:
        """Another row: what is wrong with that one."""
        self._say(self.console_app.picture.board)

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Enter: ask it now."""
        from console.tui.screens.source_one import OneSource

        self.console_app.push_screen(OneSource(event.row))

    def _say(self, board: Mapping[str, Any]) -> None:
        """What is wrong, uncut, and what to do; and the lines for it."""
        table, said = self.query_one(Panel), self.query_one(Reading)
        width, height = self.app.size
        lines = _about(table.row, width) if table.row is not None else []
        for trouble in board.get("troubles") or ():
            lines += [[(f" {part}", "error")] for part in wrap(f"✖ {trouble}", width - 1, indent=2)]
        said.show(lines)
        table.is_tight = height < TIGHT
        rows, told = share(height - FRAME, [Want(table.wanted, table.heads + LEAST_ROWS), Want(len(lines), LEAST_SAID)])
        table.styles.height, said.styles.height = rows, told


def _about(row: Row, width: int) -> list[Line]:
    """One source in full; nothing of one that is well."""
    if sources.look_of(row) == "ok" and not row.get("reason"):
        return []
    mark, look = sources.state(row)
    lines: list[Line] = [[], [(f" {mark[:1]} ", look), (f"{text(row, 'name')}: "[:width], "bold"), (mark[2:], look)]]
    lines += [[(f"   {part}", "")] for part in wrap(text(row, "reason"), width - 4)] if row.get("reason") else []
    return lines + [[(f"   {part}", "dim")] for part in wrap(sources.advice(row), width - 4) if part]
