"""The list of incidents: the likeliest cause in the row, closed ones on demand, and every key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, NOW, TellingClient, board, incident, running, settled, text_of
from diagnoses import diagnosis
from textual.pilot import Pilot

from console.errors import SourceError
from console.tui.app import Console
from console.tui.screens.triage import Triage
from console.tui.widgets.table import Table

SIZES = ((80, 24), (120, 40), (200, 50))


def telling(folder: Path, *rows: dict[str, Any]) -> TellingClient:
    client = TellingClient(folder, board(incidents=list(rows)))
    client.answers = {"incident.list": [*rows, incident("I-1", state="closed", owner="bo", cause=None)]}
    return client


async def shown_after(app: Console, pilot: Pilot[int], *keys: str) -> str:
    await pilot.press("5", *keys)
    await pilot.pause(0.1)
    return text_of(app)


@pytest.mark.parametrize("size", SIZES)
async def test_a_row_says_what_is_wrong_and_why(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(telling(tmp_path, incident("I-3", owner="ana", questions=2)), size=size) as (app, pilot):
        shown = await shown_after(app, pilot)
    assert "I-3" in shown
    assert "▲ open" in shown
    assert "6.67 min" in shown
    assert "99 % The world changed" in shown
    assert "?2" in shown
    assert all(len(line) <= size[0] for line in shown.splitlines())


async def test_an_examination_and_a_missing_cause_are_said(tmp_path: Path) -> None:
    steps = [{"id": str(place), "title": "t", "state": "ok" if place < 3 else None} for place in range(7)]
    rows = (
        incident("I-5", cause=None, examining={"playbook": "p", "title": "P", "steps": steps}),
        incident("I-4", cause=None, state="acknowledged"),
    )
    async with running(telling(tmp_path, *rows)) as (app, pilot):
        shown = await shown_after(app, pilot)
    assert "examining 3/7" in shown
    assert "no cause named" in shown
    assert "▲ acknowledged" in shown


@pytest.mark.parametrize("key", ["A", "c"])
async def test_closed_ones_come_and_go(tmp_path: Path, key: str) -> None:
    client = telling(tmp_path, incident("I-3"))
    async with running(client) as (app, pilot):
        shown = await shown_after(app, pilot, key)
        assert "· closed" in shown
        assert shown.index("I-3") < shown.index("I-1")
        assert ("incident.list", {"all": True}) in client.asked
        assert "· closed" not in await shown_after(app, pilot, key)


async def test_closed_ones_that_cannot_be_had_say_why(tmp_path: Path) -> None:
    client = telling(tmp_path, incident("I-3"))
    client.answers["incident.list"] = SourceError("the store is busy", "try again")
    async with running(client) as (app, pilot):
        assert "the store is busy. try again" in await shown_after(app, pilot, "A")


async def test_enter_opens_the_triage_and_escape_comes_back(tmp_path: Path) -> None:
    client = telling(tmp_path, incident("I-4"), incident("I-3"))
    client.answers["diagnosis"] = diagnosis()
    async with running(client) as (app, pilot):
        await shown_after(app, pilot, "j", "enter")
        assert isinstance(app.screen, Triage)
        assert app.screen.incident() == "I-3"
        await pilot.press("escape")
        assert app.screen.query_one(Table).row["id"] == "I-3"  # type: ignore[index]


@pytest.mark.parametrize(
    ("keys", "op", "args"),
    [
        (("a",), "incident.ack", {"incident": "I-3"}),
        (("N", "h", "m", "enter"), "incident.note", {"incident": "I-3", "text": "hm"}),
        (("x", "enter"), "incident.close", {"incident": "I-3", "text": ""}),
        (("space", "o", "h", "enter"), "incident.open", {"subject": "glove", "text": "oh"}),
    ],
)
async def test_keys_act_on_the_row(tmp_path: Path, keys: tuple[str, ...], op: str, args: dict[str, Any]) -> None:
    client = telling(tmp_path, incident("I-3"))
    client.answers[op] = incident("I-3")
    async with running(client) as (app, pilot):
        await shown_after(app, pilot, *keys)
        assert (op, args) in client.asked


@pytest.mark.parametrize("keys", [("N", "enter"), ("N", "escape"), ("x", "escape")])
async def test_what_was_not_meant_is_not_done(tmp_path: Path, keys: tuple[str, ...]) -> None:
    client = telling(tmp_path, incident("I-3"))
    async with running(client) as (app, pilot):
        await shown_after(app, pilot, *keys)
        assert client.asked == []


@pytest.mark.parametrize("key", ["a", "N", "x", "space"])
async def test_a_locked_console_refuses(tmp_path: Path, key: str) -> None:
    client = telling(tmp_path, incident("I-3"))
    async with running(client, locked=True) as (app, pilot):
        assert "this andon is locked" in await shown_after(app, pilot, key)
        assert client.asked == []


@pytest.mark.parametrize("key", ["a", "N", "x", "enter", "y"])
async def test_no_incident_is_no_matter(tmp_path: Path, key: str) -> None:
    client = TellingClient(tmp_path, board(incidents=[]))
    async with running(client) as (app, pilot):
        shown = await shown_after(app, pilot)
        assert "no incident is open" in shown
        assert "A shows those that are closed" in shown
        await pilot.press(key)
        assert client.asked == []


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_from_outside_breaks_the_table(tmp_path: Path, size: tuple[int, int]) -> None:
    rows = [
        incident(
            f"I-{place}", title=text, subject=text, owner=text, cause={"title": text, "probability": None, "more": 2}
        )
        for place, text in enumerate(HOSTILE)
    ]
    async with running(telling(tmp_path, *rows, {"id": "I-77"}), size=size) as (app, pilot):
        shown = await shown_after(app, pilot)
        assert "\x1b" not in shown
        assert "I-77" in shown


async def test_ten_thousand_rows_keep_the_cursor(tmp_path: Path) -> None:
    rows = [incident(f"I-{place}", opened=NOW - place) for place in range(10_000)]
    client = telling(tmp_path, *rows)
    async with running(client) as (app, pilot):
        await shown_after(app, pilot, "G")
        assert "10000/10000" in text_of(app)
        client.tell(board(incidents=[incident("I-new"), *rows]))
        await settled(app, pilot)
        await pilot.pause(0.1)
        assert app.screen.query_one(Table).row["id"] == "I-9999"  # type: ignore[index]
