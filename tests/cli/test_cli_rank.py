"""`andon rank CASE`: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from console.cli.root import andon
from console.cli.shapes import shape_schema
from console.errors import AndonError


def run(*words: str) -> Result:
    return CliRunner().invoke(andon, ["rank", *words], standalone_mode=False)


@pytest.fixture
def slow_db(tmp_path: Path) -> Path:
    about = {
        "onset": 6000,
        "windows": {"baseline": [[0, 5940]], "current": [[6000, 7200]]},
        "violated": 'latency{service="web"}',
        "calls": [["web", "db"], ["web", "mail"]],
    }
    (tmp_path / "case.json").write_text(json.dumps(about))
    rows = [f"{time},{0.3 if time < 6000 else 0.9},{0.1 if time < 6000 else 0.7},0.1" for time in range(0, 7200, 60)]
    head = 'time,latency{service="web"},latency{service="db"},latency{service="mail"}'
    (tmp_path / "metrics.csv").write_text("\n".join([head, *rows]))
    return tmp_path


def test_the_cause_is_told_in_words_with_its_onset(slow_db: Path) -> None:
    told = run(str(slow_db))
    assert told.return_value == 1
    assert told.output.splitlines()[0].split()[:3] == ["1", "service", "db"]
    assert "since 1970-01-01T01:40:00Z: latency ×7 (0.1 to 0.7)" in told.output


def test_json_is_of_the_published_shape_and_takes_the_score_apart(slow_db: Path) -> None:
    told = run(str(slow_db), "--format", "json", "--top", "1")
    shape = json.loads(told.stdout)
    jsonschema.validate(shape, shape_schema("rank"))
    (one,) = shape["candidates"]
    assert one["target"] == "db"
    assert one["score"] == pytest.approx(sum(one["parts"].values()))


def test_nothing_to_blame_is_inconclusive(slow_db: Path) -> None:
    (slow_db / "metrics.csv").unlink()
    told = run(str(slow_db))
    assert told.return_value == 3
    assert "nothing stands out" in told.output


def test_an_event_that_fits_nothing_leaves_none_and_is_inconclusive(slow_db: Path) -> None:
    (slow_db / "metrics.csv").unlink()
    event: dict[str, Any] = {"time": 10, "kind": "deploy", "service": "docs", "id": "d1", "title": "typo"}
    (slow_db / "events.jsonl").write_text(json.dumps(event))
    told = run(str(slow_db), "--top", "1")
    assert told.return_value == 3
    assert "no change is to blame" in told.output


def test_what_was_skipped_is_said_beside_the_answer(slow_db: Path) -> None:
    (slow_db / "logs.jsonl").write_text("\x1b[2Jnot json\n")
    told = run(str(slow_db), "--format", "json")
    assert json.loads(told.stdout)["candidates"]
    assert "logs.jsonl: 1 lines skipped" in told.stderr


@pytest.mark.parametrize(("onset", "window"), [(6000e3, "current"), ("1960-01-01T00:00:00Z", "baseline")])
def test_an_onset_outside_of_what_there_is_is_asked_about(slow_db: Path, onset: float | str, window: str) -> None:
    (slow_db / "case.json").write_text(json.dumps({"onset": onset}))
    told = run(str(slow_db))
    assert told.return_value == 3
    assert f"in the {window} window" in told.stderr


def test_a_changes_score_is_told_as_the_probability_that_it_is(slow_db: Path) -> None:
    event: dict[str, Any] = {"time": 5990, "kind": "deploy", "service": "db", "id": "d1", "title": "db 2"}
    (slow_db / "events.jsonl").write_text(json.dumps(event))
    lines = [line.split() for line in run(str(slow_db)).output.splitlines() if " event " in line]
    assert sum(int(line[-1].removesuffix("%")) for line in lines) == 100


@pytest.mark.parametrize(("text", "code"), [(None, 2), ("{", 4), ("{}", 3)])
def test_what_is_no_case_says_what_is_needed(tmp_path: Path, text: str | None, code: int) -> None:
    if text is not None:
        (tmp_path / "case.json").write_text(text)
    told = run(str(tmp_path))
    assert isinstance(told.exception, AndonError)
    assert told.exception.exit == code
    assert told.exception.hint
