"""How long until something is seen: the first byte, the whole first picture, and the CPU time until then."""

from __future__ import annotations

import statistics
import time
from contextlib import suppress
from dataclasses import dataclass

from _estate import Estate
from _peers import Program, andon, peers
from xterm import Xterm

ROUNDS = 9
PATIENCE = 15.0
CPU_CLOCK = 2  # with a process id: the kernel's clock of that process's CPU time


@dataclass(frozen=True, slots=True)
class Start:
    """Of one start, in seconds from exec."""

    first_byte: float
    painted: float
    cpu: float


def paint(at: Estate, _seconds: float) -> None:
    """Nine starts of each program, by turns, with the daemon running."""
    print(f"── paint: from exec, best and median of {ROUNDS}, in ms; the daemon runs already ".ljust(110, "─"))
    print(f"{'':20}{'first byte':>18}{'whole picture':>18}{'CPU until then':>18}")
    programs = [program for program in (andon(at), *peers(at)) if program.is_installed]
    starts: dict[str, list[Start]] = {program.name: [] for program in programs}
    for _round in range(ROUNDS):
        for program in programs:
            if (start := _start(program)) is not None:
                starts[program.name].append(start)
    for program in programs:
        found = starts[program.name]
        if len(found) < ROUNDS:
            print(f"{program.name:20} was not painted within {PATIENCE:.0f} s in {ROUNDS - len(found)} of {ROUNDS}")
        if found:
            columns = (_best_and_median([getattr(start, name) for start in found]) for name in Start.__slots__)
            print(f"{program.name:20}" + "".join(columns))


def _start(program: Program) -> Start | None:
    spent: list[tuple[float, float]] = []

    def note(at: float) -> None:
        with suppress(OSError):  # it has ended
            spent.append((at, time.clock_gettime(~terminal.pid << 3 | CPU_CLOCK)))

    terminal = Xterm(program.command, env=program.environment, picture=True, on_bytes=note)
    with terminal:
        painted = terminal.wait(program.is_painted, PATIENCE)
        first_byte, began = terminal.first_byte, terminal.started
        terminal.type("q")
        terminal.wait_exit(1)
    if painted is None or first_byte is None:
        return None
    return Start(first_byte - began, painted - began, max(cpu for at, cpu in spent if at <= painted))


def _best_and_median(values: list[float]) -> str:
    return f"{min(values) * 1000:9.0f} /{statistics.median(values) * 1000:7.0f}"
