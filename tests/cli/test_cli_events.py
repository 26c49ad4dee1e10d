"""`andon events` without a daemon: what sources know, each change once, and what is said where some do not answer."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from console.cli import run
from console.cli.shapes import shape_schema
from console.errors import Exit

Capture = pytest.CaptureFixture[str]


def told(capsys: Capture, *arguments: str) -> tuple[int, Any, str]:
    capsys.readouterr()
    code = run(["events", *arguments, "--format", "json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out) if captured.out else None, captured.err


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """Two logs of one deploy, and a flag of last week."""
    now = time.time()
    lines = {
        "script": [
            {"time": (now - 600) * 1000, "kind": "deploy", "target": "fraud", "title": "v8 \x1b[2J"},
            {"time": now - 8 * 86400, "kind": "flag", "target": "ocr", "title": "on", "id": "beta"},
        ],
        "cluster": [{"time": now - 560, "kind": "rollout", "target": "shop/fraud", "title": "revision 9"}],
    }
    for name, events in lines.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in events))
    return [f"--source={name}={tmp_path}/{name}/events.jsonl" for name in lines] + [f"--data={tmp_path}/data"]


def test_a_change_that_two_sources_tell_is_told_once(capsys: Capture, sources: list[str]) -> None:
    code, events, _err = told(capsys, *sources)
    assert code == 0
    jsonschema.validate(events, shape_schema("events"))
    assert [(each["kind"], each["target"], each["source"]) for each in events] == [("deploy", "fraud", "script")]
    assert "also told by cluster" in events[0]["detail"]


def test_span_kind_and_target_choose(capsys: Capture, sources: list[str]) -> None:
    assert [each["id"] for each in told(capsys, *sources, "--span", "9d", "--kind", "flag")[1]] == ["beta"]
    assert [each["id"] for each in told(capsys, *sources, "--span", "9d", "--target", "ocr")[1]] == ["beta"]
    assert told(capsys, *sources, "--span", "5m")[1] == []
    assert told(capsys, *sources, "--span", "soon")[0] == Exit.USAGE
    run(["events", *sources, "--kind", "deplo", "--kind", "flg", "--target", "ocr"])
    assert "no event of kind deplo or flg about ocr was told" in capsys.readouterr().out


def test_a_source_that_does_not_answer_is_named_and_the_others_are_told(capsys: Capture, sources: list[str]) -> None:
    code, events, err = told(capsys, *sources, "--source=gone=mlflow+http://127.0.0.1:9")
    assert (code, len(events)) == (Exit.UNREACHABLE, 1)
    assert "127.0.0.1:9" in err and "cannot be reached" in err


def test_no_control_sequence_reaches_the_terminal(capsys: Capture, sources: list[str]) -> None:
    assert run(["events", *sources]) == 0
    out = capsys.readouterr().out
    assert "v8" in out and "\x1b" not in out
