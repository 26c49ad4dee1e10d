"""Ten thousand keys as they come, on boards that change meanwhile: nothing crashes, and q still leaves."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, TellingClient, board, drift, gpu, incident, latency, model, running, source, until
from diagnoses import curve, diagnosis
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from console.errors import SourceError
from console.tui.app import Console
from console.tui.palette import Commands

KEYS = 10_000
A_TURN = 250  # keys between two boards
LETTERS = "abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVWXYZ0123456789/:?.,!=+-<>[]{} \"'"
NAMED = ("enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "pageup", "pagedown", "home", "end",
         "backspace", "ctrl+l", "ctrl+p", "space")  # fmt: skip
OFTEN = "123456jkhl\x1b"  # so that every screen is reached, and left again
SIZES = ((80, 24), (120, 40), (60, 15))


def press(app: Console, dice: random.Random) -> None:
    """One key to whatever has the focus; without q, which would leave."""
    kind = dice.random()
    if kind < 0.35:
        key = dice.choice(NAMED)
    else:
        letter = dice.choice(OFTEN if kind < 0.55 else LETTERS)
        key = "escape" if letter == "\x1b" else _character_to_key(letter)
    character = {"space": " ", "enter": "\r", "tab": "\t"}.get(
        key, letter if kind >= 0.35 and key != "escape" else None
    )
    app.post_message(events.Key(key, character))


def anything(dice: random.Random) -> dict[str, Any]:
    """A board of any kind: whole, empty, with holes, with many rows, with hostile names."""
    names = [dice.choice(HOSTILE) or "x" for _ in range(dice.randrange(4))] + ["glove", "chat"][: dice.randrange(3)]
    whole = board(
        models=[model(name, drift=dice.choice(("ok", "degraded", "stale"))) for name in names],
        gpus=[
            gpu(number, values={} if dice.random() < 0.2 else gpu(number)["values"])
            for number in range(dice.randrange(40))
        ],
        latency=[latency(name, p95=dice.choice((None, 0.1))) for name in names],
        drift=[drift(name, looked=dice.choice((None, 1.0))) for name in names],
        incidents=[incident(f"I-{number}", subject=dice.choice(names or ["x"])) for number in range(dice.randrange(5))],
        sources=[source(name) for name in names],
        troubles=list(HOSTILE[: dice.randrange(4)]),
    )
    for key in dice.sample(sorted(whole), dice.randrange(3)):
        whole[key] = None
    return {key: value for key, value in whole.items() if value is not None}


def answers(dice: random.Random) -> dict[str, Any]:
    """What the daemon says to every question; now and then that it cannot."""

    def sometimes(answer: Any) -> Any:
        def give(**_asked: Any) -> Any:
            if dice.random() < 0.1:
                raise SourceError("the source does not answer", "wait a moment")
            return answer

        return give

    acts = ("incident.open", "incident.ack", "incident.note", "incident.close", "answer", "examine")
    return {op: sometimes(incident("I-1", owner="ana")) for op in acts} | {
        "diagnosis": sometimes(diagnosis()),
        "curve": sometimes(curve()),
        "incident.list": sometimes([incident("I-0", state="closed", cause=None)]),
        "gpu": sometimes({}),
        "drift": sometimes({}),
    }


@pytest.mark.parametrize("seed", [1])
async def test_no_key_crashes_the_console(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    few = Commands._few  # letters typed in the palette could find its quit
    monkeypatch.setattr(Commands, "_few", lambda self: (each for each in few(self) if each.name != "quit"))
    dice = random.Random(seed)
    client = TellingClient(tmp_path, board())
    client.answers = answers(dice)
    seen = set()
    async with running(client, size=SIZES[0]) as (app, pilot):
        app.copy = lambda _text: None  # type: ignore[method-assign]
        for turn in range(KEYS // A_TURN):
            for _ in range(A_TURN):
                press(app, dice)
            await taken(app, pilot)
            assert app.is_running, f"left after {(turn + 1) * A_TURN} keys"
            seen.add(type(app.screen).__name__)
            client.tell(anything(dice))
            if turn % 5 == 4:
                await pilot.resize_terminal(*dice.choice(SIZES))
        for _ in range(5):  # out of whatever is open, where a q would be a letter
            await pilot.press("escape")
            await taken(app, pilot)
        await pilot.press("q")
        await until(pilot, lambda: app.return_code is not None)
        assert app.return_code == 0
    assert len(seen) >= 6


async def taken(app: Console, pilot: Pilot[int]) -> None:
    """Until the keys are handled."""
    for _ in range(200):
        await pilot.pause(0)
        if app._message_queue.empty() and app.screen._message_queue.empty():
            return
