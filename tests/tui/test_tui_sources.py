"""Sources: how fresh each is, what is wrong and what to do, and what one says when it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, TellingClient, board, running, source, text_of

from console.errors import DaemonUnreachable
from console.tui.panels.sources import ADVICE

SIZES = [(80, 24), (120, 40), (200, 50)]
CHECKED = {
    "name": "line",
    "kind": "metrics",
    "state": "ok",
    "reason": "2 pages",
    "dialects": ["vllm", "prometheus"],
    "signals": [f"model.signal{n}" for n in range(60)],
    "missing": [["model.kv.usage", "its exporter is too old"], ["model.drift", "nothing maps to it"]],
    "newest": None,
    "seconds": 0.0123,
}


@pytest.mark.parametrize("size", SIZES)
async def test_sources_say_how_they_are_and_what_to_do(tmp_path: Path, size: tuple[int, int]) -> None:
    told = board(troubles=["the disk is full"])
    async with running(TellingClient(tmp_path, told), size=size) as (app, pilot):
        await pilot.press("6", "end")
        await pilot.pause(0.1)
        shown = text_of(app)
    for words in ("line", "nvml", "● ok", "✖ unreachable", "1 of 3 not well", "did not answer", "✖ the disk is full"):
        assert words in shown
    assert ADVICE["unreachable"][:30] in shown
    assert all(len(line) <= size[0] for line in shown.splitlines())


async def test_every_screen_names_a_source_that_does_not_answer(tmp_path: Path) -> None:
    down = [source("line"), source("prom", state="unreachable"), source("slow", state="stale")]
    async with running(TellingClient(tmp_path, board(sources=down)), size=(80, 24)) as (app, pilot):
        assert "✖ prom unreachable" in text_of(app).splitlines()[0]
        await pilot.press("3")
        await pilot.pause(0.1)
        assert "✖ prom unreachable" in text_of(app).splitlines()[0]
    down.append(source("am", state="denied"))
    async with running(TellingClient(tmp_path, board(sources=down)), size=(80, 24)) as (app, _pilot):
        assert "✖ 2 sources not well" in text_of(app).splitlines()[0]
    async with running(TellingClient(tmp_path, board(sources=down[:1])), size=(80, 24)) as (app, _pilot):
        assert "✖" not in text_of(app).splitlines()[0]


async def test_age_samples_time_and_failures(tmp_path: Path) -> None:
    told = board(sources=[source("old", state="stale", age=400.0, readings=12_345, seconds=1.5, failures=7)])
    async with running(TellingClient(tmp_path, told)) as (app, pilot):
        await pilot.press("6")
        await pilot.pause(0.1)
        shown = text_of(app)
    for words in ("◌ stale", "6 min", "12,345", "1.5 s", "7", "look at what feeds it"):
        assert words in shown


async def test_enter_asks_a_source_and_c_asks_again(tmp_path: Path) -> None:
    client = TellingClient(tmp_path, board())
    client.answers["source.check"] = [CHECKED]
    async with running(client, size=(80, 24)) as (app, pilot):
        await pilot.press("6", "enter")
        await pilot.pause(0.15)
        shown = text_of(app)
        for words in ("vllm, prometheus", "12.3 ms", "60 given, 2 not", "○ model.kv.usage", "its exporter is too old"):
            assert words in shown
        await pilot.press("end")
        await pilot.pause(0.05)
        assert "● model.signal59" in text_of(app)
        await pilot.press("c")
        await pilot.pause(0.1)
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert "1 of 3 not well" in text_of(app)
    assert client.asked == [("source.check", {"name": "line"})] * 2


async def test_the_signals_of_a_source_can_be_filtered(tmp_path: Path) -> None:
    client = TellingClient(tmp_path, board())
    client.answers["source.check"] = [CHECKED]
    async with running(client) as (app, pilot):
        await pilot.press("6", "enter")
        await pilot.pause(0.1)
        await pilot.press("slash", *"given=no", "enter")
        await pilot.pause(0.1)
        shown = text_of(app)
    assert "model.kv.usage" in shown
    assert "model.signal1" not in shown


async def test_while_a_source_does_not_answer_it_says_asking_and_then_why(tmp_path: Path) -> None:
    client = TellingClient(tmp_path, board())
    client.answers["source.check"] = DaemonUnreachable("no answer within 25 s", "is it stuck?")
    async with running(client) as (app, pilot):
        await pilot.press("6", "enter")
        await pilot.pause(0.1)
        shown = text_of(app)
    assert "✖ no answer within 25 s. is it stuck?" in shown
    assert "not known" in shown


async def test_without_sources_it_says_what_to_type(tmp_path: Path) -> None:
    told = board(sources=[], hints=["name what is to be watched", "  [sources.chat]"])
    async with running(TellingClient(tmp_path, told)) as (app, pilot):
        await pilot.press("6")
        await pilot.pause(0.1)
        assert "[sources.chat]" in text_of(app)
        await pilot.press("enter", "down")


@pytest.mark.parametrize("answer", [[], [{}], None, [{"name": "line", "missing": [None, ["a"]], "signals": None}]])
async def test_whatever_is_missing_of_an_answer_is_missing(tmp_path: Path, answer: Any) -> None:
    client = TellingClient(tmp_path, board(sources=[{"name": "line"}, {}]))
    client.answers["source.check"] = answer
    async with running(client, size=(80, 24)) as (app, pilot):
        await pilot.press("6", "enter")
        await pilot.pause(0.1)
        assert "line" in text_of(app)


async def test_hostile_sources_and_ten_thousand(tmp_path: Path) -> None:
    hostile = [source(words, kind=words, state=words, reason=words) for words in HOSTILE]
    told = board(sources=[*hostile, *(source(f"s{n}") for n in range(10_000))], troubles=list(HOSTILE))
    client = TellingClient(tmp_path, told)
    client.answers["source.check"] = lambda name: [
        CHECKED
        | {"name": name, "reason": name, "dialects": list(HOSTILE), "missing": [[words, words] for words in HOSTILE]}
    ]
    async with running(client, size=(80, 24)) as (app, pilot):
        await pilot.press("6")
        for _ in HOSTILE:
            await pilot.press("enter")
            await pilot.pause(0.05)
            assert not set(text_of(app)) & set("\x1b\x07\x9b\r\t\u202e")
            await pilot.press("escape", "down")
        await pilot.press("end")
        await pilot.pause(0.05)
        assert "s9999" in text_of(app)
