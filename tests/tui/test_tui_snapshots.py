"""Each screen at three sizes, as text: a change of layout shows as a change of a file.

`ANDON_SNAPSHOTS=write pytest tests/tui/test_tui_snapshots.py` writes them anew; look at what differs first.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from consoles import NOW, TellingClient, board, curve_answer, drift_answer, gpu, running, settled, text_of
from diagnoses import accuracy_run, diagnosis
from plans import plan
from textual.pilot import Pilot

from console.model import PlanRecord
from console.remedy.planning import plan_hash
from console.tui.app import Console
from console.wire import dump

SNAPSHOTS = Path(__file__).parent / "snapshots"
SIZES = ((80, 24), (120, 40), (200, 50))
SCREENS = ("board", "gpu", "latency", "drift", "incidents", "sources", "plans", "triage")


async def shown(app: Console, pilot: Pilot[int], name: str) -> str:
    if name == "triage":
        app.open_incident("I-3")
    else:
        app.action_go(name)
    await pilot.pause(0.3)
    await settled(app, pilot)
    return text_of(app) + "\n"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_screens_are_laid_out_as_before(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.tui.app.STALE_SECONDS", 1e9)
    client = TellingClient(tmp_path, board())
    made = plan(created=NOW - 60, expires=NOW + 840, incident="I-3")
    client.answers |= {
        "plan.list": [dump(PlanRecord("P-1", plan_hash(made), made, changed=NOW - 60))],
        "diagnosis": diagnosis(accuracy_run()),
        "curve": curve_answer,
        "drift": drift_answer,
        "incident.list": [],
        "gpu": {"gpu": gpu(0), "facts": {}, "processes": [], "links": [], "history": {}},
    }
    wrong = []
    async with running(client, size=size) as (app, pilot):
        for name in SCREENS:
            text = await shown(app, pilot, name)
            kept = SNAPSHOTS / f"{name}-{size[0]}x{size[1]}.txt"
            if os.environ.get("ANDON_SNAPSHOTS") == "write":
                kept.parent.mkdir(exist_ok=True)
                kept.write_text(text)
            elif not kept.exists() or kept.read_text() != text:
                wrong.append(f"{kept.name} was\n{kept.read_text() if kept.exists() else 'not there'}\nand is\n{text}")
    assert not wrong, "\n\n".join(wrong)
