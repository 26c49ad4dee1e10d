"""The screen of alerts: what fires comes first, silences are asked for step by step, and failing sources say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, NOW, TellingClient, board, running, text_of, until
from textual.pilot import Pilot
from textual.widgets import Input, Label

from console.errors import SourceError, UsageError
from console.tui.app import Console
from console.tui.screens.card import Card
from console.tui.screens.links import Links
from console.tui.screens.prompt import Prompt
from console.tui.screens.sheet import Sheet
from console.tui.screens.triage import Triage

SIZES = ((80, 24), (120, 40), (200, 50))


def alert(name: str = "Slow", **changes: Any) -> dict[str, Any]:
    row = {
        "id": f"f-{name}-{changes.get('state', '')}",
        "name": name,
        "text": f"{name}: answers take long",
        "subject": "glove",
        "state": "firing",
        "started": NOW - 400,
        "labels": {"alertname": name, "model": "glove", "team": "ml"},
        "annotations": {"runbook_url": "https://runbooks/slow", "description": "look at the queue"},
        "url": "http://prom/graph",
        "source": "am",
        "silences": [],
        "incident": "I-3",
    }
    return row | changes


def answer(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    whole = {
        "now": NOW,
        "alerts": [*rows],
        "counts": {"firing": len(rows)},
        "total": len(rows),
        "sources": [{"name": "am", "state": "ok", "reason": ""}],
    }
    return whole | changes


def telling(folder: Path, told: Any) -> TellingClient:
    client = TellingClient(folder, board())
    client.answers = {"alert.list": told}
    return client


async def shown_after(app: Console, pilot: Pilot[int], *keys: str) -> str:
    """What it shows after these keys; empty where a box lies over it."""
    await pilot.press("7")
    await until(pilot, lambda: app.screen.NAME == "alerts" and "asking the daemon" not in text_of(app))  # type: ignore[attr-defined]
    await pilot.press(*keys)
    await pilot.pause(0.05)
    return text_of(app) if isinstance(app.screen, Sheet) else ""


async def typed(app: Console, pilot: Pilot[int], text: str) -> str:
    """Answer the prompt on top; its question."""
    await until(pilot, lambda: isinstance(app.screen, Prompt) and bool(app.screen.query(Label)))
    question = str(app.screen.query_one(Label).render())
    app.screen.query_one(Input).value = text
    await pilot.press("enter")
    return question


@pytest.mark.parametrize("size", SIZES)
async def test_a_row_says_what_fires_since_when_and_whose_it_is(tmp_path: Path, size: tuple[int, int]) -> None:
    rows = (alert("Slow"), alert("Quiet", state="silenced", incident=""))
    async with running(telling(tmp_path, answer(*rows)), size=size) as (app, pilot):
        shown = await shown_after(app, pilot)
    assert "▲ firing" in shown and "· silenced" in shown
    assert shown.index("Slow") < shown.index("Quiet")
    assert "I-3" in shown and "6 min" in shown and "glove" in shown
    assert "Slow: answers take long" in shown
    assert all(len(line) <= size[0] for line in shown.splitlines())


async def test_nothing_that_fires_is_said_and_where_alerts_come_from(tmp_path: Path) -> None:
    async with running(telling(tmp_path, answer())) as (app, pilot):
        assert "no alert fires" in await shown_after(app, pilot)
    async with running(telling(tmp_path, answer(sources=[]))) as (app, pilot):
        assert "andon listen" in await shown_after(app, pilot)


async def test_a_source_that_fails_and_a_daemon_that_does_say_so(tmp_path: Path) -> None:
    broken = answer(sources=[{"name": "am", "state": "unreachable", "reason": "http://am cannot be reached"}])
    async with running(telling(tmp_path, broken)) as (app, pilot):
        assert "✖ am is unreachable: http://am cannot be reached" in await shown_after(app, pilot)
    async with running(telling(tmp_path, SourceError("the daemon is busy", ""))) as (app, pilot):
        await pilot.press("7")
        await until(pilot, lambda: "the daemon is busy" in text_of(app))
        assert "✖ the daemon is busy" in text_of(app)


async def test_enter_shows_labels_and_annotations_and_i_the_incident(tmp_path: Path) -> None:
    async with running(telling(tmp_path, answer(alert()))) as (app, pilot):
        await shown_after(app, pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, Card))
        assert isinstance(app.screen, Card)
        assert app.screen._facts["team"] == "ml"
        assert app.screen._facts["description"] == "look at the queue"
        await pilot.press("escape", "i")
        await until(pilot, lambda: isinstance(app.screen, Triage))
        assert isinstance(app.screen, Triage) and app.screen.incident() == "I-3"


async def test_o_lists_the_rules_page_and_the_runbook_and_nothing_that_is_no_page(tmp_path: Path) -> None:
    async with running(telling(tmp_path, answer(alert()))) as (app, pilot):
        await shown_after(app, pilot, "o")
        await until(pilot, lambda: isinstance(app.screen, Links))
        assert isinstance(app.screen, Links)
        urls = [row["url"] for row in app.screen._rows]
        assert urls[:2] == ["http://prom/graph", "https://runbooks/slow"]
        assert len(urls) == 3  # and the dashboard of the configuration


async def test_a_silence_is_asked_for_step_by_step_and_says_how_many_it_would_keep_quiet(tmp_path: Path) -> None:
    client = telling(tmp_path, lambda matchers, most: answer(alert(), total=7 if matchers else 1))
    client.answers["silence.create"] = {"id": "s-1", "source": "am", "end": NOW + 7200, "alerts": 7}
    async with running(client) as (app, pilot):
        await shown_after(app, pilot, "s")
        await until(pilot, lambda: isinstance(app.screen, Prompt) and bool(app.screen.query(Input)))
        prefilled = app.screen.query_one(Input).value
        assert prefilled == 'alertname="Slow" model="glove"'
        await typed(app, pilot, prefilled + " team=ml")
        assert "For how long" in await typed(app, pilot, "90m")
        assert "7 alerts fit now. Silence for 90m: why?" in await typed(app, pilot, "we know")
        await until(pilot, lambda: any(op == "silence.create" for op, _args in client.asked))
        await until(pilot, lambda: "7 quiet" in text_of(app))
        assert "7 quiet" in text_of(app)
    assert ("alert.list", {"matchers": [prefilled + " team=ml"], "most": 0}) in client.asked
    (made,) = [args for op, args in client.asked if op == "silence.create"]
    assert made == {"matchers": [prefilled + " team=ml"], "seconds": 5400.0, "comment": "we know", "source": "am"}


@pytest.mark.parametrize("answers", ["escape", "x escape", "x soon", "x 2h escape", "x 2h "])
async def test_nothing_is_silenced_where_a_step_is_left_or_wrong(tmp_path: Path, answers: str) -> None:
    client = telling(tmp_path, answer(alert()))
    async with running(client) as (app, pilot):
        await shown_after(app, pilot, "s")
        for each in answers.split(" "):
            if each == "escape":
                await until(pilot, lambda: isinstance(app.screen, Prompt))
                await pilot.press("escape")
            else:
                await typed(app, pilot, each)
        await until(pilot, lambda: not isinstance(app.screen, Prompt))
        await pilot.pause(0.1)
    assert not [op for op, _args in client.asked if op == "silence.create"]


async def test_what_the_daemon_refuses_is_said(tmp_path: Path) -> None:
    def told(matchers: list[str], most: int) -> Any:
        if matchers:
            raise UsageError("'x' is no matcher", "write them like a=b")
        return answer(alert())

    async with running(telling(tmp_path, told)) as (app, pilot):
        await shown_after(app, pilot, "s")
        await typed(app, pilot, "=x")
        await typed(app, pilot, "2h")
        await until(pilot, lambda: "is no matcher" in text_of(app))
        assert "is no matcher" in text_of(app)


async def test_a_silence_is_ended_once_it_was_said_whose_it_is(tmp_path: Path) -> None:
    client = telling(tmp_path, answer(alert(state="silenced", silences=["s-1"])))
    quiet = {"id": "s-1", "author": "bo", "comment": "we know", "source": "am", "end": NOW, "matchers": []}
    client.answers |= {"silence.list": {"silences": [quiet, quiet | {"id": "s-2"}]}, "silence.end": {}}
    async with running(client) as (app, pilot):
        await shown_after(app, pilot, "u")
        assert "End the silence of bo: we know?" in await typed(app, pilot, "")
        await until(pilot, lambda: "heard again" in text_of(app))
        assert "heard again" in text_of(app)
    assert [args for op, args in client.asked if op == "silence.end"] == [{"silence": "s-1", "source": "am"}]


async def test_what_is_not_silenced_cannot_be_unsilenced_and_a_locked_console_changes_nothing(tmp_path: Path) -> None:
    async with running(telling(tmp_path, answer(alert()))) as (app, pilot):
        assert "nothing silences this alert" in await shown_after(app, pilot, "u")
    client = telling(tmp_path, answer(alert(silences=["s-1"])))
    async with running(client, locked=True) as (app, pilot):
        for key in ("s", "u"):
            assert "this andon is locked" in await shown_after(app, pilot, key)


async def test_rows_are_filtered_by_any_label(tmp_path: Path) -> None:
    rows = (alert("Slow"), alert("Cold", labels={"alertname": "Cold", "team": "infra"}))
    async with running(telling(tmp_path, answer(*rows))) as (app, pilot):
        await shown_after(app, pilot, "slash", *"team", "equals_sign", *"infra", "enter")
        shown = text_of(app)
    assert "Cold" in shown and "▲ firing    Slow" not in shown


@pytest.mark.parametrize("size", SIZES)
async def test_it_bears_any_text_and_ten_thousand_rows(tmp_path: Path, size: tuple[int, int]) -> None:
    rows = [
        alert(
            name,
            id=str(place),
            text=name,
            subject=name,
            labels={name or "x": name},
            annotations={"a": name},
            source=name,
        )
        for place, name in enumerate([*HOSTILE] * 100)
    ]
    async with running(telling(tmp_path, answer(*rows, total=20_000)), size=size) as (app, pilot):
        shown = await shown_after(app, pilot, "G", "enter")
        await pilot.press("escape", "o", "escape")
        shown = text_of(app)
    assert "are not shown" in shown
    assert "\x1b" not in shown
