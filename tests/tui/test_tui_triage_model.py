"""What a model says in the triage: seen as it says it, interrupted, answered, asked on; apart from the diagnosis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, TellingClient, board, incident, running, text_of, until
from diagnoses import curve, diagnosis, finding
from textual.pilot import Pilot

from console.tui.app import Console
from console.tui.screens.triage_answers import Answers
from console.tui.widgets.part import Part

USED = {"calls": 3, "tokens_in": 9000, "tokens_cached": 1000, "tokens_out": 500, "money": 0.043, "seconds": 9.0}
CLAIM = {"text": "The inputs are darker.", "evidence": ["F2"], "against": ["F4"], "unfounded": []}


def seen(**changes: Any) -> dict[str, Any]:
    return {"model": "opus", "view": None, "said": [], "spent": {"incident": USED, "day": USED}, **changes}


def view(**changes: Any) -> dict[str, Any]:
    told = {"question": "", "operator": "ada", "text": "", "looks": [], "used": USED, "asks": None, "ended": False}
    return {**told, **changes}


def said(**changes: Any) -> dict[str, Any]:
    says = {"model": "opus", "claims": [CLAIM], "unexplained": [], "settles": [], "remedies": [], "findings": [],
            "dropped": 0, "disagrees": False, "stopped": "", "usage": USED}  # fmt: skip
    return {"id": "T-1", "time": 1.0, "operator": "ada", "question": changes.pop("question", ""),
            "is_old": changes.pop("is_old", False), "says": {**says, **changes}}  # fmt: skip


@asynccontextmanager
async def triage(
    folder: Path, told: dict[str, Any], *, size: tuple[int, int] = (120, 40), **options: Any
) -> AsyncIterator[tuple[Console, Pilot[int], TellingClient]]:
    client = TellingClient(folder, board(incidents=[incident("I-3")]))
    client.answers = {"diagnosis": diagnosis(), "curve": curve(), "explain.seen": told, "explain": {},
                      "explain.interrupt": {}, "explain.answer": {}}  # fmt: skip
    async with running(client, size=size, **options) as (app, pilot):
        app.open_incident("I-3")
        await until(pilot, lambda: "explain.seen" in ops(client))
        await pilot.pause(0.05)
        yield app, pilot, client


def ops(client: TellingClient) -> list[str]:
    return [op for op, _args in client.asked]


def last(client: TellingClient, op: str) -> dict[str, Any]:
    return [args for name, args in client.asked if name == op][-1]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_where_nothing_was_asked_nothing_takes_room(tmp_path: Path, size: tuple[int, int]) -> None:
    async with triage(tmp_path, seen(), size=size) as (app, _pilot, _client):
        assert not app.screen.query_one("#model", Part).display


async def test_without_a_model_it_is_said_how_to_get_one(tmp_path: Path) -> None:
    async with triage(tmp_path, seen(model=None)) as (app, pilot, client):
        await pilot.press("e")
        await until(pilot, lambda: "no language model was configured" in text_of(app))
        assert "explain" not in ops(client)


@pytest.mark.parametrize("spoken", [said(claims=[], stopped="its endpoint is gone"), said(question="since when?")])
async def test_it_is_begun_again_where_it_explained_nothing_yet(tmp_path: Path, spoken: dict[str, Any]) -> None:
    async with triage(tmp_path, seen(said=[spoken])) as (_app, pilot, client):
        await pilot.press("e")
        await until(pilot, lambda: "explain" in ops(client))


async def test_where_it_has_explained_it_what_comes_next_is_said(tmp_path: Path) -> None:
    async with triage(tmp_path, seen(said=[said()])) as (app, pilot, client):
        await pilot.press("e")
        await until(pilot, lambda: "E asks it something, r examines again" in text_of(app))
        assert "explain" not in ops(client)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_it_is_begun_and_seen_while_it_is_at_work(tmp_path: Path, size: tuple[int, int]) -> None:
    async with triage(tmp_path, seen(), size=size) as (app, pilot, client):
        words = "\n".join(f"thought {at}" for at in range(60))
        client.answers["explain.seen"] = seen(view=view(text=words, looks=["compare signal=model.ttft"]))
        await pilot.press("e")
        await until(pilot, lambda: "opus is at work" in text_of(app))
        shown = text_of(app)
        assert "3 calls, 10,500 tokens, $0.043" in shown and "→ compare signal=model.ttft" in shown
        assert "thought 59" in shown and "thought 1\n" not in shown  # the end of what it says
        assert app.screen.focused is app.screen.query_one("#model", Part)
        assert last(client, "explain") == {"incident": "I-3", "question": ""}
        assert "asking the model" not in shown and "? help" in shown  # the last line is for keys again
        client.answers["explain.seen"] = seen(said=[said()], view=view(ended=True))
        await until(pilot, lambda: "The inputs are darker. [F2, against F4]" in text_of(app))


async def test_it_is_interrupted_with_a_key(tmp_path: Path) -> None:
    async with triage(tmp_path, seen(view=view(text="hm"))) as (app, pilot, client):
        await until(pilot, lambda: "i interrupts it" in text_of(app))
        await pilot.press("i")
        await until(pilot, lambda: "explain.interrupt" in ops(client))
        client.answers["explain.seen"] = seen(
            said=[said(claims=[], stopped="it was interrupted")], view=view(ended=True)
        )
        await until(pilot, lambda: "nothing: it was interrupted; the diagnosis stands" in text_of(app))
        await pilot.press("i")
        await until(pilot, lambda: "it is not at work" in text_of(app))


async def test_it_is_answered_where_it_asks(tmp_path: Path) -> None:
    asks = {"text": "Was it you?", "answers": ["yes", "no"], "kind": "choice"}
    async with triage(tmp_path, seen(view=view(asks=asks))) as (app, pilot, client):
        await until(pilot, lambda: "? it asks: Was it you?" in text_of(app))
        app.screen.query_one("#model", Part).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Answers))
        await pilot.press("1")
        await until(pilot, lambda: "explain.answer" in ops(client))
        assert last(client, "explain.answer") == {"incident": "I-3", "answer": "yes"}


async def test_it_is_asked_on_and_all_answers_stand_with_what_they_cost(tmp_path: Path) -> None:
    told = seen(said=[said(), said(question="since when?", claims=[{**CLAIM, "text": "Since noon."}])])
    async with triage(tmp_path, told, size=(200, 50)) as (app, pilot, client):
        await until(pilot, lambda: "ada asked: since when?" in text_of(app))
        shown = text_of(app)
        assert shown.index("Since noon.") < shown.index("The inputs are darker.")  # the newest first
        assert "3 calls, 10,500 tokens, $0.043 for this incident" in shown
        await pilot.press("E")
        await pilot.press(*"why", "enter")
        await until(pilot, lambda: "explain" in ops(client))
        assert last(client, "explain") == {"incident": "I-3", "question": "why"}


async def test_what_is_marked_is_seen_and_of_another_examination_only_that_it_is_there(tmp_path: Path) -> None:
    marked = said(
        claims=[{**CLAIM, "unfounded": ["47"]}], dropped=2, disagrees=True, settles=["look"], remedies=["scale"],
        findings=[finding("F9"), finding("F2", text="darker inputs")], unexplained=["F5"],
    )  # fmt: skip
    told = seen(said=[said(is_old=True, claims=[{**CLAIM, "text": "OLD"}]), marked])
    async with triage(tmp_path, told, size=(200, 50)) as (app, _pilot, _client):
        app.screen.query_one("#model", Part).focus()
        await _pilot.pause(0.1)
        shown = text_of(app)
    for words in ("no finding that it cites has 47", "another cause first", "to settle it: look", "remedies: scale",
                  "F2 darker inputs", "2 of its claims cited nothing", "1 more of earlier examinations"):  # fmt: skip
        assert words in shown
    assert "OLD" not in shown and "F9" not in shown


async def test_a_locked_console_asks_no_model(tmp_path: Path) -> None:
    async with triage(tmp_path, seen(), locked=True) as (app, pilot, client):
        await pilot.press("e", "E", "i")
        await until(pilot, lambda: "locked" in text_of(app))
        assert not {"explain", "explain.interrupt"} & {*ops(client)}


async def test_whatever_it_says_nothing_steers_the_terminal(tmp_path: Path) -> None:
    told = seen(said=[said(claims=[{**CLAIM, "text": HOSTILE}], settles=[HOSTILE], stopped="", question=HOSTILE)])
    async with triage(tmp_path, told, size=(200, 50)) as (app, _pilot, client):
        first = text_of(app)
        client.answers["explain.seen"] = seen(view=view(text=HOSTILE, looks=[HOSTILE]))
        app.screen._model.look()  # type: ignore[attr-defined]
        await until(_pilot, lambda: "is at work" in text_of(app))
        shown = first + text_of(app)
    assert "\x1b" not in shown and "\u202e" not in shown


@pytest.mark.parametrize(
    "told", [{}, {"model": 7, "view": [], "said": {}}, {"said": [1, {"says": None}], "view": {"looks": 3}}]
)
async def test_an_answer_of_another_shape_is_no_end(tmp_path: Path, told: Any) -> None:
    async with triage(tmp_path, told) as (app, pilot, _client):
        await pilot.press("e", "E", "i")
        await pilot.pause(0.1)
        assert "triage" in text_of(app)
