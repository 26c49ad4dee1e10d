"""Drift: world or model in a sentence first, then every column over time, then what its values look like."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, NOW, TellingClient, board, drift, drift_answer, running, text_of
from textual.pilot import Pilot

from console.errors import SourceError
from console.tui.app import Console
from console.tui.screens.drift import Drift
from console.tui.screens.drift_rows import heat, shade
from console.tui.screens.drift_words import numbers, rests_on, verdict
from console.tui.widgets.table import Table

SIZES = ((80, 24), (120, 40), (200, 50))


async def opened(app: Console, pilot: Pilot[int]) -> Drift:
    app.action_go("drift")
    await answered(pilot)
    assert isinstance(app.screen, Drift)
    return app.screen


async def answered(pilot: Pilot[int]) -> None:
    """Until the threads that ask have been answered, and what that changed is laid out."""
    before, same = "", 0
    for _ in range(100):
        await pilot.pause(0.02)
        shown = text_of(pilot.app)  # type: ignore[arg-type]
        same = same + 1 if shown == before and "asking …" not in shown else 0
        if same == 3:
            return
        before = shown


def told(tmp_path: Path, **changes: Any) -> TellingClient:
    client = TellingClient(tmp_path, board(**changes))
    client.answers["drift"] = drift_answer
    return client


def asked(client: TellingClient) -> list[str]:
    return [args["model"] for op, args in client.asked if op == "drift"]


@pytest.mark.parametrize("size", SIZES)
async def test_the_verdict_the_columns_and_one_of_them_are_seen_without_scrolling(
    size: tuple[int, int], tmp_path: Path
) -> None:
    async with running(told(tmp_path), size=size) as (app, pilot):
        await opened(app, pilot)
        shown = text_of(app)
    lines = shown.splitlines()
    assert "▲ The inputs moved: probably the world changed." in lines[1]
    assert "looked at 20 s ago; 1,228 rows of predictions against 7,869" in lines[2]
    assert "▲ glove_luma" in shown
    assert "28%" in shown
    assert "▓" in shown
    assert "5.0 % → 45 %" in shown
    assert len(lines) == size[1]
    assert all(len(line) <= size[0] for line in lines)
    is_wide = size[0] >= 120
    assert ("baseline May" in shown) == is_wide
    assert ("in words and numbers" in shown) == is_wide


async def test_broken_data_stands_above_the_shapes(tmp_path: Path) -> None:
    client = told(tmp_path)
    first, second = drift_answer()["columns"]
    broken = [first | {"issues": [f"column glove_luma: ×1000, trouble {n}" for n in range(5)]}, second]
    client.answers["drift"] = drift_answer(columns=broken, issues=["only 3 rows came, usually 1,200"])
    async with running(client, size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
        shown = text_of(app)
    assert shown.index("✖ only 3 rows came") < shown.index("✖ column glove_luma: ×1000") < shown.index("▲ glove_luma")
    assert "and 3 more things wrong with the data" in shown


async def test_x_goes_through_the_parts_where_there_is_room_for_one(tmp_path: Path) -> None:
    async with running(told(tmp_path), size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
        assert "how often each value came" in text_of(app)
        await pilot.press("x")
        assert "light glove" in text_of(app)
        assert "dark glove" in text_of(app)
        await pilot.press("tab")
        shown = text_of(app)
        assert "28% of the rows moved, their mean by -43.1" in shown
        assert "it stands out since" in shown
        assert "impossible, in practice (p below 1e-12)" in shown
        await pilot.press("X", "shift+tab")
        assert "how often each value came" in text_of(app)


async def test_the_part_below_is_about_the_column_under_the_cursor(tmp_path: Path) -> None:
    async with running(told(tmp_path), size=(120, 40)) as (app, pilot):
        await opened(app, pilot)
        assert "their mean by -43.1" in " ".join(text_of(app).split())
        await pilot.press("j")
        shown = text_of(app)
        assert "their mean by -43.1" not in shown
        assert "quite possible" in shown


async def test_it_asks_once_in_a_while_and_only_on_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.tui.screens.drift.LOOK_SECONDS", 0.05)
    client = told(tmp_path)
    async with running(client) as (app, pilot):
        await opened(app, pilot)
        await pilot.pause(0.3)
        assert asked(client) == ["glove"]
        monkeypatch.setattr("console.tui.screens.drift.ASK_SECONDS", 0.1)
        await pilot.pause(0.3)
        assert len(asked(client)) > 1
        await pilot.press("1")
        before = len(asked(client))
        await pilot.pause(0.3)
        assert len(asked(client)) == before


async def test_m_goes_from_model_to_model_and_focus_on_to_one(tmp_path: Path) -> None:
    client = told(tmp_path, drift=[drift("glove"), drift("chat", verdict="ok"), drift("press")])
    async with running(client) as (app, pilot):
        app.sheet("drift").focus_on("chat")
        screen = await opened(app, pilot)
        assert screen.subject() == "chat"
        assert "model 2/3" in text_of(app)
        await pilot.press("m")
        assert screen.subject() == "press"
        await pilot.press("m", "M", "M")
        await answered(pilot)
        assert screen.subject() == "chat"
        screen.focus_on("glove")
        assert screen.subject() == "glove"
    assert {"glove", "chat", "press"} >= set(asked(client))


async def test_enter_opens_the_triage_of_the_model(tmp_path: Path) -> None:
    client = told(tmp_path, drift=[drift("glove"), drift("nobody")])
    async with running(client) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("m", "enter")
        assert "no incident is open about this model" in text_of(app)
        await pilot.press("m", "enter")
        await pilot.pause(0.05)
        assert app.screen is not screen


async def test_before_the_answer_comes_the_boards_columns_are_shown(tmp_path: Path) -> None:
    client = told(tmp_path)
    is_over = threading.Event()
    client.answers["drift"] = lambda **_asked: is_over.wait(10.0) and drift_answer()
    async with running(client, size=(120, 40)) as (app, pilot):
        app.action_go("drift")
        await pilot.pause(0.2)
        shown = text_of(app)
        assert "asking …" in shown
        assert "▲ glove_luma" in shown
        assert "The world changed; the model answers as it always did" in shown
        is_over.set()


async def test_a_refusal_is_said_with_its_hint_and_what_is_known_stays(tmp_path: Path) -> None:
    client = told(tmp_path)
    client.answers["drift"] = SourceError("the table cannot be read", "look at it with: andon source check")
    async with running(client, size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
        await pilot.pause(0.05)
        shown = text_of(app)
    assert "✖ the table cannot be read. look at it with: andon source check" in shown
    assert "▲ glove_luma" in shown


async def test_nothing_to_show_says_what_to_type(tmp_path: Path) -> None:
    async with running(told(tmp_path, drift=[]), size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
        assert 'kind = "table"' in text_of(app)
        await pilot.press("m", "x", "enter", "space")


async def test_what_was_not_looked_at_says_why(tmp_path: Path) -> None:
    client = told(tmp_path, drift=[drift("glove", verdict="no_data", columns=[], world_or_model="", looked=None)])
    client.answers["drift"] = {
        "model": "glove", "verdict": "no_data", "reason": "absent: the baseline has no row", "rows": [0, 0],
        "world_or_model": {"verdict": "unknown", "text": ""}, "columns": [], "times": [], "exemplars": [],
    }  # fmt: skip
    async with running(client, size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
        assert "absent: the baseline has no row" in text_of(app)


@pytest.mark.parametrize("size", SIZES)
async def test_odd_and_hostile_answers_break_nothing(size: tuple[int, int], tmp_path: Path) -> None:
    odd: list[Any] = [
        {"name": name, "reason": name, "slice": name, "issues": [name], "slots": name, "bins": {"labels": [name]}}
        for name in HOSTILE
    ]
    odd += [{}, {"name": None, "slots": ["x", None, 7], "bins": 3, "issues": {}, "onset": "never", "wobble": -1}]
    client = told(tmp_path, drift=[{}, drift(HOSTILE[1]), drift(HOSTILE[3], rows=None, columns=None)])
    client.answers["drift"] = drift_answer(
        columns=odd, rows="x", times=["y"], windows=HOSTILE[3], looked="z", world_or_model=HOSTILE[3],
        exemplars=[{"side": "current", "caption": HOSTILE[4], "pixels": [[None]]}, 5],
    )  # fmt: skip
    async with running(client, size=size) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("m")
        await answered(pilot)
        await pilot.press("j", "x", "end", "x")
        assert "\x1b" not in text_of(app)


async def test_ten_thousand_columns_and_a_filter(tmp_path: Path) -> None:
    client = told(tmp_path)
    column = drift_answer()["columns"][0]
    client.answers["drift"] = drift_answer(columns=[column | {"name": f"c{n}"} for n in range(10_000)])
    async with running(client) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("end")
        assert "10000/10000" in text_of(app)
        await pilot.press("slash", *"c77")
        await pilot.pause(0.05)
        assert "c77" in str(app.screen.query_one(Table).row)


def test_a_cell_is_darker_the_more_rows_moved_and_no_rows_are_not_none() -> None:
    assert [shade(effect) for effect in (0.0, 0.06, 0.1, 0.25, 0.9)] == [" ", "░", "▒", "▓", "█"]
    assert shade(None) == "·"
    assert heat({"slots": [0.0, 0.5]}, 8)[0] == "    ████"


@pytest.mark.parametrize(
    ("told", "look"),
    [
        ({"world_or_model": {"verdict": "world", "text": "The inputs moved."}}, "degraded"),
        ({"world_or_model": {"verdict": "neither", "text": "Nothing changed."}}, "ok"),
        ({"world_or_model": {"verdict": "unknown", "text": "Nobody can tell."}}, "inconclusive"),
        ({"world_or_model": "The world changed", "verdict": "degraded"}, "degraded"),
        ({}, "no_data"),
    ],
)
def test_the_verdict_has_a_shape(told: dict[str, Any], look: str) -> None:
    assert verdict(told)[1] == look


def test_a_column_in_words() -> None:
    first, calm = drift_answer()["columns"]
    said = "\n".join(text for line in numbers(first, 200) for text, _look in line)
    assert "×34.2: this column wobbles a lot by itself, so only a large move counts" in said
    assert "line=line-1 explains 98% of it" in said
    assert "PSI 0.84" in said
    quiet = "\n".join(text for line in numbers(calm, 200) for text, _look in line)
    assert "it stands out" not in quiet
    assert numbers({}, 40)


def test_what_the_verdict_rests_on_copes_with_little() -> None:
    assert rests_on({}, None) == ""
    assert rests_on({"rows": [0, 0], "windows": "w"}, NOW) == "w"
