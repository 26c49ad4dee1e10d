"""Logs and traces on the triage: kinds of line with examples, calls with times; what strangers wrote stays text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, NOW, TellingClient, board, incident, running, text_of, until
from diagnoses import curve, diagnosis, finding, run, step
from textual.pilot import Pilot

from console.tui.app import Console
from console.tui.screens.triage_reader import Reader, as_text
from console.tui.screens.triage_tables import log_lines, trace_lines
from console.tui.text import size_of
from console.tui.widgets.part import Part
from console.tui.widgets.table import Table

SIZES = ((80, 24), (120, 40), (200, 50))
LOST = "could not reach <*> connection refused"


def said(id_: str, change: str, now: float, before: float, template: str = LOST, **changes: Any) -> dict[str, Any]:
    labels = {"service": "cart", "severity": "error", "change": change}
    examples = [
        {"side": "current", "time": NOW - 800 + at, "kind": "text", "caption": f"could not reach orders-db:543{at}",
         "fields": {"trace": "0af7651916cd43dd"}, "pixels": []} for at in range(2)
    ]  # fmt: skip
    whole = finding(
        id_, kind="log", step="logs", text=f"cart error “{template}”: {now:g} lines, none before", signal=None,
        labels=labels, reason=template, stat="sum", ratio=None, interval=None, exemplars=examples,
        current={"value": now, "n": now}, baseline={"value": before, "n": before},
    )  # fmt: skip
    return whole | changes


def amount(id_: str, kind: str, text: str) -> dict[str, Any]:
    return finding(id_, kind=kind, text=text, verdict="ok", labels={}, signal=None, ratio=None)


def timed(id_: str, what: str, now: float, before: float, **labels: str) -> dict[str, Any]:
    verdict = "degraded" if now > 2 * before else "ok"
    sides = {"current": {"value": now, "n": 90}, "baseline": {"value": before, "n": 200}}
    told = {"kind": "trace", "signal": f"trace.{what}", "labels": labels, "verdict": verdict, "text": f"{what} is"}
    return finding(id_, ratio=now / before, **told, **sides)


LOGS = step(
    "logs", "What do the logs say that is new?", "degraded",
    said("F2", "new", 1212, 0),
    said("F3", "surged", 40, 4, "basket <*> is locked"),
    amount("F4", "log", "2 new; current: of about 48,000 lines 5,000 were read"), uses="logs",
)  # fmt: skip
TRACES = step(
    "time", "Where does the time go?", "degraded",
    timed("F5", "own", 0.04, 0.004, service="db"),
    timed("F6", "gap", 0.002, 0.002, caller="cart", callee="db"),
    timed("F7", "errors", 0.3, 0.01, service="db"),
    amount("F8", "trace", "90 traces now, 200 before: a sample of the requests"), uses="traces",
)  # fmt: skip


async def opened(app: Console, pilot: Pilot[int], step_id: str, place: str = "") -> str:
    await pilot.press("g")
    table = app.screen.query_one("#steps", Table)
    for _ in range(20):
        row = table.row
        if row is not None and row["place"].step.get("id") == step_id and place in row["place"].key:
            break
        await pilot.press("j")
    await pilot.pause(0.02)
    return text_of(app)


def read_in(app: Console) -> str:
    part = app.screen.query_one(Part)
    return as_text(part.all_lines(part.size.width - 2, part.size.height))


def told(folder: Path) -> TellingClient:
    client = TellingClient(folder, board(incidents=[incident("I-3")]))
    client.answers = {"diagnosis": diagnosis(run("r1", "error_burst", "More fail", LOGS, TRACES)), "curve": curve()}
    return client


@pytest.mark.parametrize("size", SIZES)
async def test_a_kind_of_line_is_told_with_its_counts_and_examples(tmp_path: Path, size: tuple[int, int]) -> None:
    client = told(tmp_path)
    async with running(client, size=size) as (app, pilot):
        app.open_incident("I-3")
        await until(pilot, lambda: "What do the logs say" in text_of(app))
        shown = await opened(app, pilot, "logs")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Reader))
        read = read_in(app)
    assert "could not reach" in shown
    for words in ("new: cart error", "now 1,212, before 0", "could not reach orders-db:5430", "trace 0af7651916cd43dd",
                  "cart: basket <*> is locked", "of about 48,000 lines 5,000 were read"):  # fmt: skip
        assert words in " ".join(read.split()), words


@pytest.mark.parametrize("size", SIZES)
async def test_services_and_calls_are_a_table(tmp_path: Path, size: tuple[int, int]) -> None:
    client = told(tmp_path)
    async with running(client, size=size) as (app, pilot):
        app.open_incident("I-3")
        await until(pilot, lambda: "Where does the time go" in text_of(app))
        await opened(app, pilot, "time")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Reader))
        read = " ".join(read_in(app).split())
    for words in (
        "▲ db own work",
        "40 ms 4 ms ×10",
        "● cart → db gap",
        "db fail",
        "30 % 1 %",
        "a sample of the requests",
    ):
        assert words in read, words


def test_every_line_fits_and_what_strangers_wrote_stays_text() -> None:
    nasty = [
        said("F2", "new", 1e9, 0, HOSTILE, exemplars=[{"time": None, "caption": HOSTILE, "fields": {"trace": HOSTILE}}])
    ]
    for width in (10, 34, 78):
        for line in (*log_lines(nasty, nasty[0], width, ""), *trace_lines(TRACES["findings"], width, "")):
            assert "\x1b" not in "".join(text for text, _look in line)
            assert size_of(line) <= max(width, 40)
