"""However the console ends, the terminal works afterwards; and a terminal that has gone takes the console with it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from console.errors import DaemonUnreachable, UsageError
from console.service.client import Client

ROOT = Path(__file__).parents[2]
SECONDS = 20.0


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a daemon that says a board each second."""
    server = subprocess.Popen([sys.executable, ROOT / "tests" / "boardserver.py", tmp_path, "8"])
    deadline = time.monotonic() + SECONDS
    while not _answers(tmp_path) and time.monotonic() < deadline:  # or the console would start a daemon of its own
        time.sleep(0.02)
    yield tmp_path
    server.kill()
    server.wait()


def _answers(data: Path) -> bool:
    try:
        Client(data).request("status", timeout=1.0)
    except DaemonUnreachable:
        return False
    except UsageError:  # all it can say is the board
        return True
    return True


class Opened:
    """A console on a terminal of its own, which it is not told about when that goes."""

    def __init__(self, data: Path) -> None:
        self.terminal, self.line = os.openpty()
        self.before = termios.tcgetattr(self.line)
        self.seen = b""
        self.program = subprocess.Popen(
            [sys.executable, "-m", "console.cli", "--data", data], stdin=self.line, stdout=self.line, stderr=self.line,
            cwd=ROOT, start_new_session=True, env=os.environ | {"TERM": "xterm-256color", "LANG": "C.UTF-8"},
        )  # fmt: skip

    def read_until(self, wanted: bytes) -> None:
        """Take what comes, as a terminal does, until this is among it."""
        deadline = time.monotonic() + SECONDS
        while wanted not in self.seen and time.monotonic() < deadline:
            if select.select([self.terminal], [], [], 0.05)[0]:
                new = os.read(self.terminal, 1 << 16)
                self.seen += new
                os.write(self.terminal, b"\x1b[1;1R" * new.count(b"\x1b[6n"))
        assert wanted in self.seen

    def close(self) -> None:
        self.program.kill()
        self.program.wait()
        for each in (self.terminal, self.line):
            with suppress(OSError):
                os.close(each)


@pytest.fixture
def opened(data: Path) -> Iterator[Opened]:
    one = Opened(data)
    one.read_until(b"live")
    yield one
    one.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_the_console_finds_a_terminal_that_works(opened: Opened, how: signal.Signals) -> None:
    opened.program.send_signal(how)
    opened.read_until(b"\x1b[?1049l")
    assert opened.program.wait(5) == 128 + how
    assert termios.tcgetattr(opened.line) == opened.before


def test_a_console_that_was_stopped_and_goes_on_can_be_left(opened: Opened) -> None:
    opened.program.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, opened.program.pid, os.WSTOPPED | os.WNOWAIT)
    opened.seen = b""
    opened.program.send_signal(signal.SIGCONT)
    opened.read_until(b"live")
    os.write(opened.terminal, b"q")
    opened.read_until(b"\x1b[?1049l\x1b[?25h\x1b[?1004l")
    assert opened.program.wait(5) == 0
    assert termios.tcgetattr(opened.line) == opened.before


@pytest.mark.parametrize("odd", [b"\xe9\xff", b"\x1b[97;1:3u"], ids=["no UTF-8", "the end of a key press"])
def test_input_that_nobody_expects_ends_nothing(opened: Opened, odd: bytes) -> None:
    os.write(opened.terminal, odd)
    time.sleep(0.3)
    os.write(opened.terminal, b"q")
    opened.read_until(b"\x1b[?1049l\x1b[?25h\x1b[?1004l")
    assert opened.program.wait(5) == 0
    assert b"Error" not in opened.seen


def test_a_terminal_that_has_gone_takes_the_console_with_it(opened: Opened) -> None:
    os.close(opened.line)
    os.close(opened.terminal)  # no signal comes: it is not the console's own
    assert opened.program.wait(5) == 129
