"""Keys that come all at once, as a slow line or a fast hand sends them, are meant for what the first of them opens."""

from __future__ import annotations

from pathlib import Path

import pytest
from consoles import TellingClient, board, gpu, incident, running, until
from diagnoses import curve, diagnosis
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from console.tui.app import Console
from console.tui.palette import Palette
from console.tui.screens.help import Help
from console.tui.screens.prompt import Prompt
from console.tui.screens.triage import Triage


def send(app: Console, letters: str) -> None:
    """All of them before any is handled."""
    for letter in letters:
        app.post_message(Key(_character_to_key(letter), letter))


async def typed(app: Console, pilot: Pilot[int]) -> str:
    """What the line on top holds once it has something."""
    await until(pilot, lambda: any(field.value for field in app.screen.query(Input)))
    await pilot.pause(0.05)
    return app.screen.query_one(Input).value


@pytest.mark.parametrize(
    ("keys", "text"), [("/state=ok 1", "state=ok 1"), (":theme 1?", "theme 1?"), (" it is 5x", "it is 5x")]
)
async def test_what_follows_the_key_that_opens_is_typed(tmp_path: Path, keys: str, text: str) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, pilot):
        send(app, keys)
        assert await typed(app, pilot) == text


async def test_no_letter_acts_twice(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, pilot):
        send(app, ":drift")
        assert await typed(app, pilot) == "drift"
        assert isinstance(app.screen, Palette)


async def test_escape_with_a_letter_right_behind_it_is_both(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, pilot):
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        app.post_message(Key("alt+q", "q"))
        await until(pilot, lambda: app.return_code is not None)
        assert app.return_code == 0


async def test_the_cord_of_a_gpu_begins_with_what_is_wrong_with_it(tmp_path: Path) -> None:
    lost = gpu(3, state="degraded", reason="it does not answer")
    client = TellingClient(tmp_path, board(gpus=[lost]))
    client.answers["incident.open"] = incident("I-9", subject="n1/3")
    async with running(client) as (app, pilot):
        await pilot.press("2", "space")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        assert await typed(app, pilot) == "it does not answer"
        send(app, " since 3\r")
        await until(
            pilot, lambda: ("incident.open", {"subject": "n1/3", "text": "it does not answer since 3"}) in client.asked
        )


async def test_an_incident_of_a_gpu_has_the_links_of_its_node(tmp_path: Path) -> None:
    client = TellingClient(tmp_path, board(gpus=[gpu(3)], incidents=[incident("I-3", subject="n1/3")]))
    client.answers = {"diagnosis": diagnosis(), "curve": curve()}
    async with running(client) as (app, pilot):
        app.open_incident("I-3")
        await until(pilot, lambda: isinstance(app.screen, Triage) and app.screen.subject() == "n1/3")
        facts = app.screen.facts()  # type: ignore[attr-defined]
    assert (facts["host"], facts["gpu"]) == ("n1", "3")
    assert "model" not in facts
