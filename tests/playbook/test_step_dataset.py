"""A dataset as a baseline: live rows against those of a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from playbook_world import NOW, Readings, counter, situation

from console.model import Labels, Run, State
from console.playbook.engine import run
from console.playbook.loader import built_in_step_types, load
from console.playbook.steps.dataset import Dataset

TYPES = built_in_step_types()
BOOK = (
    "schema: andon/v1\nname: p\ntitle: P\nwindows: {current: 15m, baseline: {dataset: rows/*.jsonl}}\nsteps:\n"
    "  - {id: a, title: A, uses: drift}\n"
    "  - {id: b, title: B, uses: compare, with: {signal: model.requests}}\n"
)


def rows(path: Path, mean: float, count: int = 800, **more: object) -> None:
    path.parent.mkdir(exist_ok=True)
    chances = np.random.default_rng(int(mean))
    times = np.linspace(NOW - 890, NOW - 1, count)
    path.write_text(
        "".join(
            json.dumps({"time": time, "size": float(size), "kind": "a" if size > mean else "b"} | more) + "\n"
            for time, size in zip(times, chances.normal(mean, 1, count), strict=True)
        )
    )


async def ran(folder: Path, mean: float) -> Run:
    (folder / "p.yaml").write_text(BOOK)
    rows(folder / "rows" / "kept.jsonl", 10.0, label=1)
    rows(folder / "live" / "now.jsonl", mean)
    reader = Readings({"model.requests": {Labels.of(model="glove"): counter(5.0)}})
    here = situation(tables={"live": Dataset(str(folder / "live" / "now.jsonl"))}, readers=[reader])
    return await run(load(folder / "p.yaml", TYPES), {}, here, step_types=TYPES)


async def test_live_rows_are_compared_with_those_of_the_file(tmp_path: Path) -> None:
    moved = await ran(tmp_path, 14.0)
    assert (moved.steps[0].state, moved.steps[0].values["column"]) == (State.DEGRADED, "size")
    assert moved.steps[0].values["rows.baseline"] == 800.0
    assert "label" not in moved.steps[0].values["issue_columns"]
    same = await ran(tmp_path, 10.0)
    assert same.steps[0].values["columns"] == []


async def test_a_signal_has_no_rows_and_says_so(tmp_path: Path) -> None:
    done = await ran(tmp_path, 10.0)
    assert done.steps[1].state is State.NO_DATA
    assert "only steps on tables can use rows" in done.steps[1].reason


async def test_a_file_that_is_not_there_is_an_error_of_its_step(tmp_path: Path) -> None:
    await ran(tmp_path, 10.0)
    (tmp_path / "rows" / "kept.jsonl").unlink()
    here = situation(tables={"live": Dataset(str(tmp_path / "live" / "now.jsonl"))})
    done = await run(load(tmp_path / "p.yaml", TYPES), {}, here, step_types=TYPES)
    assert (done.steps[0].state, "there is no file" in done.steps[0].reason) == (State.ERROR, True)
