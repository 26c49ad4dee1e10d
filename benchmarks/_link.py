"""What a bad line does: how old the picture is, and how long a key press takes to be seen.

A real sshd behind a line of 10 kB/s and 0.2 s each way, with the small buffers of a real one.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from _estate import Estate
from _peers import Program, andon, peers
from picture import Picture
from slowline import slow_line
from sshserver import Server, is_installed, sshd
from xterm import Xterm

from console.service.client import Client

RATE, DELAY = 10_000.0, 0.2
LOOK_SECONDS = 0.02  # between two looks at the picture
PATIENCE = 60.0
KEY_SECONDS = 10.0
PRESSES = 20
BETWEEN = 0.77  # seconds between two presses, so that they fall everywhere between two frames
OPEN, BACK = "2", "h"
SETTLE = 5.0
CLOCK = re.compile(r"\b(\d\d):(\d\d):(\d\d)")
DAY = 86400.0


def link(at: Estate, seconds: float) -> None:
    """The board, and nvitop, at the other end of that line."""
    title = f"── link: {RATE / 1000:.0f} kB/s and {DELAY * 1000:.0f} ms each way before a real sshd, 1 Hz, 200×50 "
    print(title.ljust(110, "─"))
    if not is_installed():
        print("sshd is not installed here: nothing was measured")
        return
    print(f"{'':34}{'median s':>10}{'worst s':>10}{'of':>7}")
    with tempfile.TemporaryDirectory() as folder, sshd(Path(folder)) as server:
        with snapshots(at.data) as told:
            _andon(server, andon(at), seconds, lambda shown: told.get(int(shown), shown))
        for program in peers(at):
            if program.name == "nvitop" and program.is_installed:
                _nvitop(server, program, seconds)


@contextmanager
def snapshots(data: Path) -> Iterator[dict[int, float]]:
    """When the daemon's snapshots are of, by their whole second: a picture shows no more of it."""
    told: dict[int, float] = {}
    over = threading.Event()

    def listen() -> None:
        for state in Client(data).subscribe("board"):
            told.setdefault(int(state["now"]), state["now"])
            if over.is_set():
                return

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield told
    finally:
        over.set()


@contextmanager
def far_away(server: Server, program: Program) -> Iterator[Xterm]:
    """The program on a terminal at this end of the line, once its whole picture is here."""
    command = ["env", *(f"{name}={value}" for name, value in program.env.items()), *program.command]
    with (
        slow_line(server.port, rate=RATE, delay=DELAY) as port,
        Xterm(server.command(command, port=port), picture=True) as terminal,
    ):
        painted = terminal.wait(program.is_painted, PATIENCE)
        if painted is None:
            print(f"{program.name:34} was not painted within {PATIENCE:.0f} s")
            print(terminal.look())
        else:
            print(f"{program.name + ', whole picture after':34}{painted - terminal.started:10.2f}")
        time.sleep(SETTLE)
        yield terminal


def ages(terminal: Xterm, seconds: float, exact: Callable[[float], float]) -> list[float]:
    """How old the picture was, look by look."""
    found = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        if (shown := CLOCK.search(terminal.look().split("\n", 1)[0])) is not None:
            found.append(time.time() - exact(_instant(shown)))
    return found


def latency(terminal: Xterm, keys: str, seen: Callable[[Picture], bool]) -> float | None:
    """Seconds from a key press until its effect is painted."""
    pressed = terminal.type(keys)
    painted = terminal.wait(seen, KEY_SECONDS)
    return None if painted is None else painted - pressed


def cursor(picture: Picture) -> int | None:
    """The row that is drawn in reverse from edge to edge."""
    return next((row for row in range(picture.height) if set(picture.styles(row)) == {"7"}), None)


def edges(picture: Picture) -> tuple[str, str]:
    """What tells screens apart: the name in the first line, and the keys in the last, which is painted last."""
    return picture.lines[0][:14], picture.lines[-1]


def _elsewhere(before: int | None) -> Callable[[Picture], bool]:
    return lambda picture: cursor(picture) not in (before, None)


def _is(wanted: tuple[str, str]) -> Callable[[Picture], bool]:
    return lambda picture: edges(picture) == wanted


def _andon(server: Server, program: Program, seconds: float, exact: Callable[[float], float]) -> None:
    with far_away(server, program) as terminal:
        _line("andon, age of the picture", ages(terminal, seconds, exact))
        board = terminal.read(edges)
        terminal.type(OPEN)
        time.sleep(SETTLE)
        opened_one = terminal.read(edges)
        latency(terminal, BACK, _is(board))
        moved, opened, closed = [], [], []
        for press in range(PRESSES):
            time.sleep(BETWEEN)
            moved.append(latency(terminal, "jk"[press % 2], _elsewhere(terminal.read(cursor))))
        for _press in range(PRESSES):
            time.sleep(BETWEEN)
            opened.append(latency(terminal, OPEN, _is(opened_one)))
            time.sleep(BETWEEN)
            closed.append(latency(terminal, BACK, _is(board)))
        _line("andon, key to painted: cursor", moved)
        _line("andon, key to painted: open GPUs", opened)
        _line("andon, key to painted: back", closed)
        _leave("andon", terminal)


def _nvitop(server: Server, program: Program, seconds: float) -> None:
    with far_away(server, program) as terminal:
        # It shows whole seconds of its own clock: up to one second of this is what it does not say.
        _line("nvitop, age of the picture", ages(terminal, seconds, lambda shown: shown))
        opened, closed = [], []
        for _press in range(PRESSES):
            opened.append(latency(terminal, "h", lambda picture: "Processes:" not in picture.text))
            closed.append(latency(terminal, "\x1b", lambda picture: "Processes:" in picture.text))
        _line("nvitop, key to painted: help", opened)
        _line("nvitop, key to painted: back", closed)
        _leave("nvitop", terminal)


def _leave(name: str, terminal: Xterm) -> None:
    pressed = terminal.type("q")
    left = terminal.wait_exit(KEY_SECONDS)
    _line(f"{name}, q to the shell", [None if left is None else left - pressed])


def _line(name: str, values: list[float | None]) -> None:
    found = [value for value in values if value is not None]
    if not found:
        print(f"{name:34} never within {KEY_SECONDS:.0f} s")
        return
    missed = f"  {len(values) - len(found)} never came" if len(found) < len(values) else ""
    print(f"{name:34}{statistics.median(found):10.2f}{max(found):10.2f}{len(values):7}{missed}", flush=True)


def _instant(shown: re.Match[str]) -> float:
    """The newest time at which clocks showed that."""
    now = time.time()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    hours, minutes, seconds = map(int, shown.groups())
    instant = midnight + hours * 3600 + minutes * 60 + seconds
    return instant - DAY if instant > now + 1 else instant
