"""What a second of looking costs: bytes on the terminal, CPU and memory, process by process."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import boardserver
import psutil
from _cost import MEGABYTE, Cost, Watching, family
from _estate import ANDON, Estate, running, wait
from _peers import Program, andon, peers
from _world import MODELS, ROWS
from xterm import Xterm

from console.service.client import Client

WARM_UP = 10.0  # seconds after the first whole picture
PATIENCE = 30.0
MANY = 1000


def live(at: Estate, seconds: float) -> None:
    """The board and its peers at one frame a second."""
    title = f"── live: {len(MODELS)} models, 8 GPUs, {ROWS} predictions a second; {seconds:.0f} s at 1 Hz, 200×50 "
    print(title.ljust(110, "─"))
    _heading()
    _measure(andon(at), seconds, {"daemon": at.daemon})
    for program in peers(at):
        if program.is_installed:
            _measure(program, seconds, {})
        else:
            print(f"{program.name:34} not installed")


def rows(at: Estate, seconds: float) -> None:
    """The board of a stand-in daemon that says a thousand GPUs and models: the screen's own cost alone."""
    title = f"── rows: {MANY} GPUs, models and tables from a stand-in for the daemon; {seconds:.0f} s at 1 Hz "
    print(title.ljust(110, "─"))
    _heading()
    data = at.folder / "many"
    data.mkdir(mode=0o700)
    with running([sys.executable, boardserver.__file__, str(data), str(MANY)], at.folder, at.env):
        wait(Client(data))
        program = replace(
            andon(at), command=[*ANDON, "--data", str(data)], words=("GPU", "model-0000", "-000/0 ", "live")
        )
        _measure(program, seconds, {})


def _heading() -> None:
    print(f"{'':34}{'B/s':>9}{'frames/s':>10}{'CPU':>8}{'RSS MB':>9}{'PSS MB':>9}")


def _measure(program: Program, seconds: float, others: Mapping[str, int]) -> None:
    with ExitStack() as stack:
        terminal = stack.enter_context(Xterm(program.command, env=program.environment, picture=True))
        if terminal.wait(program.is_painted, PATIENCE) is None:
            print(f"{program.name:34} was not painted within {PATIENCE:.0f} s")
            return
        terminal.stop_drawing()
        time.sleep(WARM_UP)
        watching = Watching(family({program.name: terminal.pid} | others, _what))
        written, frames, began = terminal.bytes, terminal.frames, time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - began
        rates = ((terminal.bytes - written) / took, (terminal.frames - frames) / took)
        costs = watching.stop()
        terminal.type("q")
        terminal.wait_exit(1)
    for number, cost in enumerate(costs):
        _line(cost, rates if number == 0 else None)
    if len(costs) > 1:
        cpu, rss, pss = (sum(getattr(cost, name) for cost in costs) for name in ("cpu", "rss", "pss"))
        _line(Cost(f"{program.name}, all", cpu, rss, pss), None)


def _line(cost: Cost, rates: tuple[float, float] | None) -> None:
    written = f"{rates[0]:9.0f}{rates[1]:10.1f}" if rates else " " * 19
    memory = f"{cost.rss / MEGABYTE:9.1f}{cost.pss / MEGABYTE:9.1f}"
    print(f"{cost.name:34}{written}{cost.cpu:8.1%}{memory}", flush=True)


def _what(child: psutil.Process) -> str:
    """What a child of the daemon is for, by the library that it has loaded."""
    maps = Path(f"/proc/{child.pid}/maps").read_text()
    return next((name for part, name in (("nvidia-ml", "NVML"), ("duckdb", "table")) if part in maps), "child")
