"""Latency: words first, then the table, then what the model under the cursor did against its baseline."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, NOW, TellingClient, board, curve_answer, latency, model, running, text_of
from textual.pilot import Pilot

from console.errors import SourceError
from console.tui.app import Console
from console.tui.screens.latency import Latency
from console.tui.screens.latency_rows import sentence, usual
from console.tui.widgets.table import Table

SIZES = ((80, 24), (120, 40), (200, 50))


async def opened(app: Console, pilot: Pilot[int]) -> Latency:
    app.action_go("latency")
    await answered(pilot)
    assert isinstance(app.screen, Latency)
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
    client.answers["curve"] = curve_answer
    return client


def asked(client: TellingClient) -> list[dict[str, Any]]:
    return [args for op, args in client.asked if op == "curve"]


@pytest.mark.parametrize("size", SIZES)
async def test_the_sentence_the_table_and_a_chart_are_seen_without_scrolling(
    size: tuple[int, int], tmp_path: Path
) -> None:
    async with running(told(tmp_path), size=size) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("down")
        await answered(pilot)
        shown = text_of(app)
    assert "glove is slower than usual: 95 of 100 requests take 45 ms or less" in shown
    assert "×2.4" in shown
    assert "p95 time to answer, 1 h" in shown
    assert "▀" in shown and "░" in shown and "─" in shown
    assert len(shown.splitlines()) == size[1]
    assert all(len(line) <= size[0] for line in shown.splitlines())
    assert ("requests a second" in shown) == (size[0] >= 120)


async def test_it_asks_for_the_hour_before_now_against_the_days_before(tmp_path: Path) -> None:
    client = told(tmp_path)
    async with running(client, size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
    first = asked(client)[0]
    assert (first["start"], first["end"]) == (NOW - 3600, NOW)
    assert first["where"] == {"model": "chat"}
    assert (first["signal"], first["stat"], first["of"]) == ("model.latency", "p95", None)
    assert first["baseline"] == "seasonal:1dx7"
    assert first["steps"] <= 300
    ratio = next(each for each in asked(client) if each["signal"] == "model.errors")
    assert (ratio["of"], ratio["stat"]) == ("model.requests", None)


async def test_keys_change_the_quantile_the_span_and_the_chart(tmp_path: Path) -> None:
    client = told(tmp_path)
    async with running(client, size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("p")
        await answered(pilot)
        assert "p50 time to answer, 1 h" in text_of(app)
        await pilot.press("p", "t")
        await answered(pilot)
        assert "p99 time to answer, 6 h" in text_of(app)
        assert any(each["end"] - each["start"] == 6 * 3600 and each["stat"] == "p99" for each in asked(client))
        await pilot.press("tab")
        await answered(pilot)
        assert "requests waiting, 6 h" in text_of(app)
        await pilot.press("shift+tab", "C")
        await answered(pilot)
        assert "requests a second, 6 h" in text_of(app)
        await pilot.press("c", "t", "t")
        await answered(pilot)
        assert "p99 time to answer, 15 min" in text_of(app)


async def test_nothing_is_asked_twice_in_a_moment_and_nothing_at_all_below_another_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.tui.screens.latency.LOOK_SECONDS", 0.05)
    client = told(tmp_path)
    async with running(client, size=(200, 50)) as (app, pilot):
        await opened(app, pilot)
        await pilot.pause(0.3)
        signals = [each["signal"] for each in asked(client)]
        assert len(signals) == len(set(signals)) == 6
        await pilot.press("1")
        client.tell(board(now=NOW + 5))
        await pilot.pause(0.3)
        assert len(asked(client)) == 6


async def test_another_row_has_other_curves(tmp_path: Path) -> None:
    client = told(tmp_path)
    async with running(client, size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("j")
        await answered(pilot)
        assert {each["where"]["model"] for each in asked(client)} == {"chat", "glove"}
        await pilot.press("k")
        await answered(pilot)
        assert "chat is as fast as usual" in text_of(app)


async def test_the_cursor_goes_to_the_model_asked_for_before_or_after(tmp_path: Path) -> None:
    async with running(told(tmp_path)) as (app, pilot):
        screen = app.sheet("latency")
        screen.focus_on("glove")
        await opened(app, pilot)
        assert screen.subject() == "glove"
        screen.focus_on("chat")
        assert screen.subject() == "chat"
        screen.focus_on("nobody")
        await answered(pilot)
        assert screen.subject() == "chat"


async def test_enter_opens_the_triage_of_the_model_or_says_that_there_is_none(tmp_path: Path) -> None:
    async with running(told(tmp_path)) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("enter")
        assert "no incident is open about this model" in text_of(app)
        screen.focus_on("glove")
        assert screen.incident() == "I-3"
        await pilot.press("enter")
        await answered(pilot)
        assert app.screen is not screen


async def test_the_first_day_has_no_baseline_and_says_so(tmp_path: Path) -> None:
    client = told(tmp_path)

    def young(**question: Any) -> dict[str, Any]:
        answer = curve_answer(**question)
        size = len(answer["times"])
        return answer | {
            "current": [None] * (2 * size // 3) + [0.02] * (size - 2 * size // 3),
            **{name: [None] * size for name in ("baseline", "low", "high")},
            "note": "absent: nothing is known of that time",
        }

    client.answers["curve"] = young
    async with running(client, size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
        shown = " ".join(text_of(app).split())
    assert "no baseline yet: andon has watched this for 21 min; a comparison needs the same time of an" in shown


async def test_what_is_not_measured_is_named_and_passed_over(tmp_path: Path) -> None:
    client = told(tmp_path)

    def some(**question: Any) -> dict[str, Any]:
        answer = curve_answer(**question)
        has_any = question["signal"] in ("model.latency", "model.requests")
        return answer if has_any else answer | {side: [None] for side in ("current", "baseline", "low", "high")}

    client.answers["curve"] = some
    async with running(client, size=(120, 40)) as (app, pilot):
        await opened(app, pilot)
        shown = text_of(app)
        assert "not measured here: requests waiting, KV cache in use, tokens a second, requests that fail" in shown
        await pilot.press("tab")
        await answered(pilot)
        assert "requests a second, 1 h" in text_of(app)


async def test_a_question_that_is_refused_is_said_with_its_hint(tmp_path: Path) -> None:
    client = told(tmp_path)
    client.answers["curve"] = SourceError("prometheus did not answer", "look at it with: andon source check")
    async with running(client, size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
        assert "prometheus did not answer. look at it with: andon source check" in text_of(app)


async def test_a_daemon_that_never_answers_leaves_asking_and_keys_go_on(tmp_path: Path) -> None:
    client = told(tmp_path)
    is_over = threading.Event()
    client.answers["curve"] = lambda **_question: is_over.wait(10.0) and {}
    async with running(client, size=(80, 24)) as (app, pilot):
        app.action_go("latency")
        await pilot.pause(0.1)
        assert "asking …" in text_of(app)
        await pilot.press("j")
        assert app.screen.subject() == "glove"  # type: ignore[attr-defined]
        is_over.set()


@pytest.mark.parametrize("size", SIZES)
async def test_no_data_odd_data_and_hostile_names_break_nothing(size: tuple[int, int], tmp_path: Path) -> None:
    client = TellingClient(tmp_path, {"interval": 15.0, "hints": ["type andon demo"]})
    client.answers["curve"] = {"times": None, "current": 5, "baseline": "x", "low": {}}
    async with running(client, size=size) as (app, pilot):
        await opened(app, pilot)
        assert "no model's requests have been counted yet" in text_of(app)
        assert "type andon demo" in text_of(app)
        odd = [{"model": name, "signal": name, "reason": name} for name in HOSTILE]
        client.tell({"now": NOW, "latency": [{}, *odd, latency("a", baseline={}, p95="x", verdict="what", spark=None)]})
        await answered(pilot)
        await pilot.press("j", "p", "t", "c", "end", "space", "escape")
        await answered(pilot)
        assert "\x1b" not in text_of(app)


async def test_ten_thousand_models_and_a_filter(tmp_path: Path) -> None:
    many = [latency(f"m{n}") for n in range(10_000)]
    async with running(told(tmp_path, latency=many), size=(120, 40)) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("end")
        assert "10000/10000" in text_of(app)
        await pilot.press("slash", *"m77")
        await pilot.pause(0.05)
        assert app.screen.query_one(Table).row is not None
        assert "m77" in text_of(app)


async def test_another_size_is_another_layout(tmp_path: Path) -> None:
    async with running(told(tmp_path), size=(200, 50)) as (app, pilot):
        await opened(app, pilot)
        assert "requests a second" in text_of(app)
        await pilot.resize_terminal(80, 24)
        await answered(pilot)
        shown = text_of(app)
        assert "requests a second" not in shown
        assert "p95 time to answer" in shown


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"verdict": "ok"}, "is as fast as usual"),
        ({"verdict": "inconclusive", "reason": "40 requests"}, "too little data to be sure"),
        (
            {"verdict": "no_data", "reason": "no playbook has compared it yet", "baseline": None},
            "has not been compared",
        ),
        ({"p95": None}, "nothing came within the last minute"),
    ],
)
def test_a_row_in_a_sentence(row: dict[str, Any], words: str) -> None:
    said, _look = sentence(latency("glove") | row)
    assert words in said


def test_the_baseline_in_one_cell() -> None:
    assert usual(latency("a")) == "19 (17–22) ms"
    assert usual({"baseline": {"value": 0.9, "low": 0.8, "high": 1.2}}) == "900 ms (800 ms–1.2 s)"
    assert usual({"baseline": {"value": 0.9}}) == "900 ms"
    assert usual({}) == "–"


def test_models_of_the_board_are_asked_for_their_incident(tmp_path: Path) -> None:
    from console.tui.screens.standing import incident_of

    assert incident_of(board(models=[model("a", incident="I-9")]), "a") == "I-9"
    assert incident_of(board(), "nobody") == ""
