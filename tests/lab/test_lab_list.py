"""`andon lab list` says where each fault breaks the line, and whether anything really breaks."""

from __future__ import annotations

import json

import pytest

from console.cli import run
from console.errors import Exit


def test_the_list_tells_place_and_what_is_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--format", "json", "lab", "list"]) == Exit.HEALTHY
    told = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert (told["memory_leak"]["place"], told["memory_leak"]["simulated"]) == ("vision", False)
    assert (told["gpu_hot"]["place"], told["gpu_hot"]["simulated"]) == ("site", True)
    assert len(told) >= 30
    assert sum(not each["simulated"] for each in told.values()) >= 15


def test_a_place_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "up", "--place", "cellar"]) == Exit.USAGE
    assert "vision" in capsys.readouterr().err
