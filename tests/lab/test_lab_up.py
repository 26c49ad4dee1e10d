"""A line that is given up before it stands, and what is said where none stands or one does."""

from __future__ import annotations

import fcntl
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from console.cli import run
from console.errors import Exit
from console.lab import standing


def test_a_start_that_is_interrupted_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(_command: list[str], **named: Any) -> subprocess.Popen[bytes]:
        started.append(popen([sys.executable, "-c", "import time; time.sleep(60)"], **named))
        return started[-1]

    def interrupted(_folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(standing.subprocess, "Popen", start)
    monkeypatch.setattr(standing, "look", interrupted)
    with pytest.raises(KeyboardInterrupt):
        standing.up(tmp_path)
    assert started[0].poll() is not None


def test_the_command_that_a_hint_names_is_about_the_same_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my line"
    for words in (["inject", "lens_dirt"], ["heal"], ["down"]):
        assert run(["lab", *words, "--dir", str(folder)]) == Exit.USAGE
        hint = capsys.readouterr().err.split("`")[1]
        assert hint == f"andon lab up --dir '{folder}'"
    assert run(["lab", "heal", "--data", str(tmp_path)]) == Exit.USAGE
    assert f"`andon lab up --dir {tmp_path}/lab`" in capsys.readouterr().err
    folder.mkdir()
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run(["lab", "up", "--dir", str(folder)]) == Exit.USAGE
        hint = capsys.readouterr().err.split("`")[1]
    assert shlex.split(hint) == ["andon", "lab", "down", "--dir", str(folder)]
