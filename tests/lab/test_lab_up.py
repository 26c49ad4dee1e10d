"""A line that is given up before it stands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
