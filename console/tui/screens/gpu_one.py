"""One GPU: how it is and why, how it went, and whose work is on it. Asked anew each second while it is on top."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.timer import Timer

from console.errors import AndonError
from console.tui.panels import gpus, health, processes
from console.tui.panels.figures import age, dicts, figure, known, percent, text, values, whole
from console.tui.panels.panel import Panel
from console.tui.panels.reading import Reading
from console.tui.panels.room import Want, share
from console.tui.screens.sheet import Sheet
from console.tui.text import Line, Span, fit, wrap
from console.tui.widgets.sparkline import Sparkline
from console.tui.widgets.table import Row, Table
from console.words import MARKS

EVERY = 1.0  # seconds between two questions
WAIT = 12.0  # seconds for an answer: the daemon gives a driver less
OLD = 4.0  # seconds after which an answer is old
FRAME, WIDE, TIGHT = 2, 120, 32
LEAST_READ, LEAST_PROCESSES = 9, 3
# What went on lately: its signal, its name, how its newest value is said, and between what it is drawn.
PAST: tuple[tuple[str, str, Callable[[Any], str], float | None], ...] = (
    ("gpu.utilization", "use", percent, 1.0),
    ("gpu.memory.utilization", "memory", percent, 1.0),
    ("gpu.power", "power", lambda value: whole(value, "W"), None),
    ("gpu.temperature", "temperature", lambda value: whole(value, "°C"), 100.0),
)


class OneGpu(Sheet):
    """What the fleet's Enter opens."""

    NAME = "GPU"
    ABOUT = (
        "One GPU. Above: its state and every counter that says something of its health, the worst first, with what to "
        "do. Then its last minutes, and the processes on it. Without processes it says why: only a source on its own "
        "host can see those."
    )
    KEYS = (("Enter", "the whole command"), ("Tab", "next part"), ("Space", "pull the cord"))

    def __init__(self, row: Row) -> None:
        super().__init__()
        self._row = row
        self._told: Mapping[str, Any] = {}  # the last answer
        self._answered: float | None = None
        self._asked: float | None = None  # while a question is out
        self._trouble = ""  # why there was no answer
        self._note = ""  # why the answer was not all
        self._timer: Timer | None = None

    def body(self) -> ComposeResult:
        with Vertical(id="gpu"):
            with Container(id="seen"):
                yield Reading(id="health")
                with Vertical(id="past"):
                    for signal, name, _said, high in PAST:
                        yield Sparkline(name, id=signal.replace(".", "-"), low=0.0 if high else None, high=high)
            yield Panel("processes", processes.columns(), key=processes.key, facts=processes.facts, id="processes")

    def on_mount(self) -> None:
        """Begin to ask."""
        self._timer = self.set_interval(EVERY, self._ask)
        self._ask()

    def on_screen_suspend(self) -> None:
        """Nobody looks."""
        if self._timer is not None:
            self._timer.pause()

    def on_screen_resume(self) -> None:
        """Somebody looks again."""
        if self._timer is not None:
            self._asked = None
            self._timer.resume()

    def on_resize(self) -> None:
        """Another size."""
        self.call_after_refresh(self._draw)

    def show(self, board: Mapping[str, Any]) -> None:
        mine = gpus.key(self._row)
        self._row = next((row for row in dicts(board.get("gpus")) if gpus.key(row) == mine), self._row)
        self._draw()

    def facts(self) -> Mapping[str, str]:
        return {**gpus.facts(self._row), **super().facts()}

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Enter on a process: all of it, to read and to copy."""
        from console.tui.screens.card import Card

        title = f"process {text(event.row, 'pid')} on GPU {gpus.key(self._row)}"
        self.app.push_screen(
            Card(title, {**processes.facts(event.row), "memory": figure(event.row.get("memory"), "By")})
        )

    # ── what the daemon says of it ───────────────────────────────────────────────────────────────────────────────────

    def _ask(self) -> None:
        now = time.monotonic()
        if not self.is_current or (self._asked is not None and now - self._asked < WAIT):
            return
        self._asked = now
        self.console_app.ask(
            "gpu", self._heard, refused=self._refused, timeout=WAIT,
            host=text(self._row, "host"), gpu=text(self._row, "gpu"), source=text(self._row, "source"),
        )  # fmt: skip

    def _heard(self, told: Any) -> None:
        self._asked, self._trouble = None, ""
        if isinstance(told, Mapping):
            self._note = text(told, "note")
            if not (self._note and self._told):  # else nobody could see into it, and what was seen last stands
                self._told, self._answered = told, time.monotonic()
            row = told.get("gpu")
            self._row = row if isinstance(row, Mapping) else self._row
        self._draw()

    def _refused(self, error: AndonError) -> None:
        self._asked = None
        self._trouble = f"{error.message}. {error.hint}" if error.hint else error.message
        self._draw()

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        width, height = self.app.size
        is_wide = width >= WIDE
        reading, table = self.query_one("#health", Reading), self.query_one("#processes", Panel)
        table.is_tight = height < TIGHT
        running = dicts(self._told.get("processes"))
        table.show(running, note=self._how_known(len(running)), empty=(self._why_none(),))
        reading.show(self._lines((width - width // 3 if is_wide else width) - 1))
        self._draw_past()
        past = len(PAST)
        least = Want(table.wanted, table.heads + LEAST_PROCESSES)
        if is_wide:
            seen, rest = share(height - FRAME, [Want(max(reading.wanted, past), LEAST_READ), least])
            read = seen
        else:
            read, past, rest = share(height - FRAME, [Want(reading.wanted, LEAST_READ), Want(past, past), least])
            seen = read + past
        for name, lines in (("#health", read), ("#past", past), ("#seen", seen), ("#processes", rest)):
            self.query_one(name).styles.height = lines

    def _lines(self, width: int) -> list[Line]:
        row = self._row
        state = text(row, "state")
        state = state if state in MARKS else "no_data"
        since = f", {age(row.get('age'))} old" if state == "stale" else ""
        told = [str(fault) for fault in row.get("faults") or ()] if state != "stale" else []
        said = told[0] if told else gpus.why(row, self.console_app.picture.board)
        if len(told) > 1:
            said += f" (and {len(told) - 1} more, below)"
        said = said or ("nothing is wrong with it" if state == "ok" else "")
        title = f" {gpus.key(row)}  {text(row, 'name')}"
        lines: list[Line] = [[(fit(title, width), "title")]]
        mark = f" {MARKS[state]} {state.replace('_', ' ')}{since}: "
        lines += _behind((mark, state), said, width)
        if self._trouble:
            lines += _behind((" ✖ ", "error"), self._trouble, width)
        elif self._answered is not None and time.monotonic() - self._answered > OLD:
            lines += _behind((" ◌ ", "stale"), f"it has not answered for {age(time.monotonic() - self._answered)}; "
                             "below is what it said last", width)  # fmt: skip
        lines += health.lines(row, width)
        facts = self._told.get("facts")
        known_facts = {"uuid": text(row, "uuid")} | (dict(facts) if isinstance(facts, Mapping) else {})
        known_facts |= {"job": text(row, "job")} if text(row, "job") else {}
        shown = "; ".join(f"{name} {value}" for name, value in known_facts.items() if value)
        lines += [[(f" {part}", "dim")] for part in wrap(shown, width - 1)] if shown else []
        return lines + self._links(width)

    def _links(self, width: int) -> list[Line]:
        """Only links that are down or count errors; of the others how many there are."""
        links = dicts(self._told.get("links"))
        lines: list[Line] = []
        for link in links:
            found = link.get("errors")
            counts = found.items() if isinstance(found, Mapping) else ()
            errors = ", ".join(f"{kind} {whole(count)}" for kind, count in counts if known(count))
            if link.get("up") is False or errors:
                state = "degraded" if link.get("up") is False else "inconclusive"
                words = "; ".join(word for word in ("down" if link.get("up") is False else "", errors) if word)
                lines.append(
                    [(f" {MARKS[state]} ", state), (fit(f"link {text(link, 'link')}: {words}", width - 3), "")]
                )
        well = len(links) - len(lines)
        if well > 0:
            lines.append([(f" {MARKS['ok']} ", "ok"), (f"{well} of {len(links)} links are up and count no errors", "")])
        return lines

    def _draw_past(self) -> None:
        past = self._told.get("history")
        told = past if isinstance(past, Mapping) else {}
        for signal, _name, said, _high in PAST:
            kept = told.get(signal) or ()
            line = self.query_one(f"#{signal.replace('.', '-')}", Sparkline)
            line.show([known(value) for value in kept], said(values(self._row).get(signal)))

    def _how_known(self, count: int) -> str:
        if not count:
            return ""
        old = 0.0 if self._answered is None else time.monotonic() - self._answered
        return f"{count} on it" + (f" {age(old)} ago; {self._note or self._trouble}" if old > OLD else "")

    def _why_none(self) -> str:
        if self._answered is None:
            return "asking …" if not self._trouble else "not known"
        is_seen = text(self._row, "state") == "ok" or bool(values(self._row))
        return self._note or ("none: nobody works on it" if is_seen else "not known: it does not answer")


def _behind(mark: Span, said: str, width: int) -> list[Line]:
    """Words behind a mark, folded under themselves."""
    first, *rest = wrap(said, max(width - len(mark[0]), 20))
    return [
        [mark, (first, "" if mark[1] == "ok" else mark[1])],
        *([(" " * len(mark[0]) + more, mark[1])] for more in rest),
    ]
