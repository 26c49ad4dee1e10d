"""`andon` by itself: the console at a terminal, the same facts line by line elsewhere, and a daemon where none runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from consoles import board

from console.cli.opening import how_it_is
from console.cli.shapes import shape_schema
from console.errors import Exit
from console.service.client import Client
from console.service.starting import start_daemon


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    return folder


def andon(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "console.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)


def test_in_a_pipe_every_fact_is_a_line_and_a_daemon_is_started(data: Path) -> None:
    try:
        told = andon("--data", str(data))
        again = andon("--data", str(data), "--plain", "--format", "json")
    finally:
        Client(data).request("stop")
    assert told.stdout.startswith("andon at 20")
    assert "no daemon runs yet: starting one" in told.stderr
    assert "kind" in told.stdout, "an empty estate is told what to write"
    assert told.returncode == Exit.INCONCLUSIVE
    jsonschema.validate(json.loads(again.stdout), shape_schema("board"))
    assert not again.stderr


def test_a_dumb_terminal_gets_lines(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_daemon(None, data)
    try:
        monkeypatch.setenv("TERM", "dumb")
        assert andon("--data", str(data)).stdout.startswith("andon at 20")
    finally:
        Client(data).request("stop")


def test_the_exit_code_says_how_it_is() -> None:
    assert how_it_is(board()) == Exit.PROBLEM
    assert how_it_is(board(incidents=[], sources=[])) == Exit.INCONCLUSIVE, "no data is not good news"
    assert how_it_is(board(incidents=[])) == Exit.UNREACHABLE
    assert how_it_is(board(incidents=[], sources=[board()["sources"][0]])) == Exit.HEALTHY
    assert how_it_is(board(incidents=[], sources=[board()["sources"][0] | {"state": "stale"}])) == Exit.INCONCLUSIVE
