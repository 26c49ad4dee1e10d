"""One source, asked now: whether it answers, which dialects it speaks, which signals it gives and which it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding

from console.errors import AndonError
from console.tui.panels import sources
from console.tui.panels.figures import dicts, figure, text
from console.tui.screens.sheet import Sheet
from console.tui.text import Line, tame, wrap
from console.tui.widgets.canvas import Text
from console.tui.widgets.table import Column, Row, Table
from console.words import MARKS

WAIT = 25.0  # seconds: the daemon gives a source less
MOST_SAID = 6  # lines above the signals


class OneSource(Sheet):
    """What Enter opens on a source."""

    NAME = "source"
    ABOUT = (
        "One source, asked when this screen was opened and again with c. The signals that it does not give come first, "
        "with the reason; then those that it gives."
    )
    KEYS = (("c", "check again"),)
    BINDINGS: ClassVar = [Binding("c", "check", "check again", show=False)]

    def __init__(self, row: Row) -> None:
        super().__init__()
        self._row = row
        self._status: Row = {}
        self._trouble = ""
        self._is_asking = False

    def body(self) -> ComposeResult:
        yield Text(id="status")
        yield Table(
            "signals",
            (
                Column("signal", 30, _signal),
                Column("why not", 20, lambda row: text(row, "why"), grows=True),
            ),
            key=lambda row: text(row, "signal"),
            facts=lambda row: {name: text(row, name) for name in ("signal", "why", "given")},
            id="signals",
        )

    def on_mount(self) -> None:
        """Ask at once."""
        self.action_check()

    def on_resize(self) -> None:
        """Another size."""
        self.call_after_refresh(self._draw)

    def show(self, board: Mapping[str, Any]) -> None:
        name = sources.key(self._row)
        self._row = next((row for row in dicts(board.get("sources")) if sources.key(row) == name), self._row)
        self._draw()

    def subject(self) -> str:
        return sources.key(self._row)

    def action_check(self) -> None:
        """Ask it how it is."""
        if self._is_asking:
            return
        self._is_asking, self._trouble = True, ""
        name = sources.key(self._row)
        self.console_app.ask("source.check", self._heard, refused=self._refused, timeout=WAIT, name=name)
        self._draw()

    def _heard(self, told: Any) -> None:
        self._is_asking = False
        name = sources.key(self._row)
        self._status = next((each for each in dicts(told) if text(each, "name") == name), {})
        self._draw()

    def _refused(self, error: AndonError) -> None:
        self._is_asking = False
        self._trouble = f"{error.message}. {error.hint}" if error.hint else error.message
        self._draw()

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        width = self.app.size.width
        status = self.query_one("#status", Text)
        lines = self._lines(width)[:MOST_SAID]
        status.styles.height = len(lines)
        status.show(lines)
        missing = [_pair(each) for each in self._status.get("missing") or ()]
        given = [str(signal) for signal in self._status.get("signals") or ()]
        rows = [{"signal": signal, "why": why, "given": "no"} for signal, why in missing]
        rows += [{"signal": signal, "why": "", "given": "yes"} for signal in given]
        note = f"{len(given)} given, {len(missing)} not" if rows else ""
        self.query_one("#signals", Table).show(rows, note=note, empty=(self._why_none(),))

    def _lines(self, width: int) -> list[Line]:
        row = {**self._row, **self._status}
        mark, look = sources.state(row)
        title: Line = [
            (f" {tame(text(row, 'name'))} ", "title"),
            (f" {tame(text(row, 'kind'))}  ", "dim"),
            (mark, look),
        ]
        lines: list[Line] = [title]
        if self._is_asking:
            lines.append([(" … asking it now", "dim")])
        if self._trouble:
            lines += [[(part, "error")] for part in wrap(f" ✖ {self._trouble}", width, indent=3)]
        for part in wrap(text(row, "reason"), width - 2) if row.get("reason") else ():
            lines.append([(f" {part}", "")])
        lines += [[(f" {part}", "dim")] for part in wrap(sources.advice(row), width - 2) if part]
        if self._status:
            spoken = self._status.get("dialects") or ()
            dialects = ", ".join(str(each) for each in spoken) if isinstance(spoken, (list, tuple)) else ""
            said = f"dialects: {dialects or 'none'}; answered in {figure(self._status.get('seconds'), 's')}"
            lines += [[(f" {part}", "")] for part in wrap(said, width - 2)]
        return lines

    def _why_none(self) -> str:
        if self._is_asking:
            return "asking …"
        return "not known" if self._trouble or not self._status else "it names none"


def _signal(row: Row) -> tuple[str, str]:
    state = "ok" if row.get("given") == "yes" else "no_data"
    return (f"{MARKS[state]} {text(row, 'signal')}", "" if state == "ok" else state)


def _pair(told: Any) -> tuple[str, str]:
    """(signal, why) of what came as a list of two."""
    signal, *why = told if isinstance(told, (list, tuple)) and told else (told,)
    return str(signal), str(why[0]) if why else ""
