"""The palette: everything by name, quickly however many models there are, and nothing from outside is markup."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, TellingClient, board, incident, model, running, text_of, until
from diagnoses import diagnosis
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit

from console.tui.app import SCREENS, Console
from console.tui.looks import THEMES
from console.tui.palette import MOST_HITS, Commands
from console.tui.screens.sheet import Sheet
from console.tui.screens.triage import Triage


async def names(hits: AsyncIterator[DiscoveryHit | Hit]) -> list[str]:
    return [str(hit.text) async for hit in hits]


def commands(app: Console) -> Commands:
    return Commands(app.screen)


async def test_at_first_it_offers_screens_incidents_acts_and_themes(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, _pilot):
        found = await names(commands(app).discover())
    assert found[: len(SCREENS)] == list(SCREENS)
    assert "I-3 glove: The world changed; the model answers as it always did" in found
    assert {"pull the cord for glove", "acknowledge I-3", "help", "quit"} <= set(found)
    assert {f"theme {theme.name}" for theme in THEMES} <= set(found)
    assert not {"Theme", "Screenshot", "Keys"} & set(found)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("drift of chat", "drift of chat"),
        ("lat glo", "latency of glove"),
        ("i-3", "I-3 glove: The world changed; the model answers as it always did"),
        ("dark", "theme dark"),
        ("cord", "pull the cord for glove"),
    ],
)
async def test_words_find_what_they_name(tmp_path: Path, query: str, first: str) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, _pilot):
        hits = [hit async for hit in commands(app).search(query)]
    assert str(max(hits, key=lambda hit: hit.score).text) == first


async def test_what_nothing_is_called_finds_nothing(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, _pilot):
        assert await names(commands(app).search("zzz")) == []


async def test_ten_thousand_models_are_searched_at_once_and_few_are_offered(tmp_path: Path) -> None:
    many = [model(f"model-{place}") for place in range(10_000)]
    async with running(TellingClient(tmp_path, board(models=many))) as (app, _pilot):
        started = time.perf_counter()
        found = await names(commands(app).search("model"))
        assert time.perf_counter() - started < 1.0
        assert len(found) == MOST_HITS
        assert "drift of model-9999" in await names(commands(app).search("drift model-9999"))


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_both_keys_open_it_and_enter_runs_what_was_found(tmp_path: Path, key: str) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        assert isinstance(app.screen, CommandPalette)
        await pilot.press(*"light")
        await until(pilot, lambda: app.screen.query_one(CommandList).option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "light")
        assert app.theme == "light"


async def run(app: Console, pilot: Any, name: str) -> None:
    hits = [hit async for hit in commands(app).search(name)]
    result = max(hits, key=lambda hit: hit.score).command()
    if hasattr(result, "__await__"):
        await result
    await pilot.pause(0.1)


async def test_an_incident_and_a_screen_are_opened(tmp_path: Path) -> None:
    client = TellingClient(tmp_path, board())
    client.answers["diagnosis"] = diagnosis()
    async with running(client) as (app, pilot):
        await run(app, pilot, "I-3")
        assert isinstance(app.screen, Triage)
        await run(app, pilot, "incidents")
        assert isinstance(app.screen, Sheet)
        assert app.screen.NAME == "incidents"
        await run(app, pilot, "drift of glove")
        assert app.screen.NAME == "drift"


async def test_names_from_outside_are_shown_as_they_are(tmp_path: Path) -> None:
    told = board(models=[model(text) for text in HOSTILE], incidents=[incident("I-1", subject=HOSTILE[5], cause=None)])
    async with running(TellingClient(tmp_path, told)) as (app, pilot):
        await pilot.press("colon")
        await pilot.pause(0.2)
        await pilot.press(*"markup")
        await pilot.pause(0.4)
        hits = [hit async for hit in Commands(app.screen_stack[-2]).search("markup")]
        assert any("[bold]markup[/bold]" in str(hit.prompt) for hit in hits)
        hits = [hit async for hit in Commands(app.screen_stack[-2]).search("drift of")]
        assert all("\x1b" not in str(hit.prompt) and "\x9b" not in str(hit.prompt) for hit in hits)
        await pilot.press("escape")
        assert app.is_running


async def test_the_daemon_can_be_restarted_but_not_by_a_locked_console(tmp_path: Path) -> None:
    for locked in (False, True):
        client = TellingClient(tmp_path, board())
        client.answers["stop"] = {}
        async with running(client, locked=locked) as (app, pilot):
            await run(app, pilot, "restart the daemon")
            await until(pilot, lambda: "daemon has stopped" in text_of(app) or "locked" in text_of(app))
        assert (("stop", {}) in client.asked) is not locked
