"""Every screen bears what no screen may be broken by: nothing, stale data, one row, ten thousand, and any text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from consoles import (
    HOSTILE,
    TellingClient,
    board,
    curve_answer,
    drift,
    drift_answer,
    gpu,
    incident,
    latency,
    model,
    running,
    settled,
    source,
    text_of,
)
from diagnoses import accuracy_run, diagnosis
from rich.cells import get_character_cell_size

from console.errors import DaemonUnreachable
from console.tui.app import SCREENS
from console.tui.screens.gpu_one import OneGpu
from console.tui.screens.triage import Triage

MANY = 10_000
OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # controls and direction overrides
WHERE = (*SCREENS, "triage", "one gpu")
EMPTY: dict[str, Any] = {key: [] for key in ("models", "gpus", "latency", "drift", "incidents", "sources")}


def of(names: list[str]) -> dict[str, Any]:
    """A board on which everything has these names."""
    return board(
        models=[model(name, incident="I-3", owner=name) for name in names],
        gpus=[gpu(number, host=name, name=name, reason=name) for number, name in enumerate(names)],
        latency=[latency(name, reason=name) for name in names],
        drift=[drift(name, table=name, reason=name) for name in names],
        incidents=[incident("I-3", title=name, subject=name, owner=name) for name in names],
        sources=[source(name, kind=name, reason=name, state="unreachable") for name in names],
        troubles=names[:5],
    )


BOARDS = {
    "nothing": lambda: {"now": 1.0},
    "empty": lambda: board(**EMPTY),
    "one row": lambda: of(["glove"]),
    "ten thousand rows": lambda: of([f"model-{number:05}" for number in range(MANY)]),
    "long names": lambda: of(["n" * 200, "m" * 200]),
    "wide and right to left": lambda: of(["名前がとても長いモデル" * 20, "نموذج كشف القفازات", "e\u0301👩‍👧" * 30]),
    "hostile": lambda: of([*HOSTILE]),
}


def cells(line: str) -> int:
    return sum(map(get_character_cell_size, line))


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=str)
@pytest.mark.parametrize("what", BOARDS)
async def test_every_screen_bears_it(what: str, size: tuple[int, int], tmp_path: Path) -> None:
    told = BOARDS[what]()
    client = TellingClient(tmp_path, told)
    name = (told.get("models") or [{"model": "glove"}])[0]["model"]
    client.answers |= {
        "diagnosis": diagnosis(accuracy_run(), incident=None),
        "curve": curve_answer,
        "drift": lambda model: drift_answer(name),
        "incident.list": [],
        "gpu": {
            "gpu": gpu(0, host=name),
            "facts": {name: name},
            "processes": [],
            "links": [],
            "history": {},
            "note": name,
        },
    }
    async with running(client, size=size) as (app, pilot):
        for where in WHERE:
            if where == "triage":
                app.push_screen(Triage("I-3"))
            elif where == "one gpu":
                app.push_screen(OneGpu((told.get("gpus") or [gpu(0)])[0]))
            else:
                app.action_go(where)
            await pilot.pause(0.05)
            await settled(app, pilot)
            for key in ("down", "G", "tab", "enter", "escape"):
                await pilot.press(key)
            lines = text_of(app).splitlines() if hasattr(app.screen, "text") else []
            assert not [line for line in lines if OBEYED.search(line)], where
            assert max(map(cells, lines), default=0) <= size[0], where
        client.tell(DaemonUnreachable("the daemon hung up", "see its log"))
        await pilot.pause(0.1)
        app.action_go("board")
        await pilot.pause(0.1)
        assert "stale" in text_of(app) or "hung up" in text_of(app)
