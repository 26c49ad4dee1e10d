"""The console at the other end of a bad line: a real sshd behind 10 kB/s and 0.2 s each way."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from slowline import slow_line
from sshserver import is_installed, sshd
from xterm import Xterm

from console.errors import DaemonUnreachable
from console.service.client import Client

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_installed(), reason="needs Debian's openssh-server: `make test-real` installs it"),
]

ROOT = Path(__file__).parents[2]
ANDON = [sys.executable, "-P", "-m", "console.cli"]
ROWS = 100  # models, each with a GPU of its own, all of whose numbers move each second
LOOK_SECONDS = 20.0
OLDEST = 10.0  # seconds; far beyond what is aimed at, so that a busy machine fails nothing
CLOCK = re.compile(r"\d\d:\d\d:\d\d")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a stand-in for the daemon that says a board of many rows."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    server = subprocess.Popen([sys.executable, str(ROOT / "tests" / "boardserver.py"), str(folder), str(ROWS)])
    try:
        _wait(Client(folder))
        yield folder
    finally:
        server.kill()
        server.wait(10)


def test_on_a_bad_line_the_picture_is_late_but_never_old_and_q_leaves(data: Path, tmp_path: Path) -> None:
    command = ["env", f"PYTHONPATH={ROOT}", *ANDON, "--data", str(data)]
    with (
        sshd(tmp_path / "ssh") as server,
        slow_line(server.port) as port,
        Xterm(server.command(command, port=port), picture=True) as terminal,
    ):
        assert terminal.wait(lambda picture: "model-0000" in picture.text, 60) is not None, terminal.look()
        frames, ages = terminal.frames, []
        end = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < end:
            time.sleep(0.1)
            ages.append(_age(terminal.look()))
        assert max(ages) < OLDEST
        assert terminal.frames - frames > LOOK_SECONDS / OLDEST
        terminal.type("q")
        assert terminal.wait_exit(OLDEST) is not None


def _age(picture: str) -> float:
    """Seconds since what the picture says it shows."""
    shown = CLOCK.search(picture.split("\n", 1)[0])
    assert shown is not None, picture
    now = datetime.now(UTC)
    instant = datetime.fromisoformat(f"{now.date()}T{shown[0]}+00:00")
    return (now - instant).total_seconds() % 86400


def _wait(client: Client) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            client.request("status", timeout=2)
            return
        except DaemonUnreachable:
            assert time.monotonic() < deadline
            time.sleep(0.05)
