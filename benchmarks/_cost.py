"""What processes cost: the CPU time and the memory of a program with all its children, each apart."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY = 5.0  # seconds between two looks at the memory
MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process over some time: CPU as a share of one core, memory at its highest."""

    name: str
    cpu: float
    rss: float
    pss: float


def cpu_seconds(process: psutil.Process) -> float:
    """CPU time so far, with that of children that have ended."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def memory(process: psutil.Process) -> tuple[float, float]:
    """Resident and proportional set size in bytes."""
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    rss, pss = (int(re.search(rf"^{name}:\s+(\d+)", rollup, re.MULTILINE)[1]) for name in ("Rss", "Pss"))
    return rss * 1024.0, pss * 1024.0


def family(pids: Mapping[str, int], child_name: Callable[[psutil.Process], str]) -> dict[str, psutil.Process]:
    """These processes and their children, by name."""
    found = {}
    for name, pid in pids.items():
        process = psutil.Process(pid)
        found[name] = process
        found |= {f"{name}: {child_name(child)} ({child.pid})": child for child in process.children(recursive=True)}
    return found


class Watching:
    """Adds up what processes cost between its beginning and `stop`."""

    def __init__(self, processes: Mapping[str, psutil.Process]) -> None:
        self._processes = dict(processes)
        self._began = time.monotonic()
        self._before = {name: cpu_seconds(process) for name, process in self._processes.items()}
        self._most: dict[str, tuple[float, float]] = dict.fromkeys(self._processes, (0.0, 0.0))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> list[Cost]:
        """One cost per process. One that has ended meanwhile counts with nothing, and says so."""
        self._stop.set()
        self._thread.join()
        seconds = time.monotonic() - self._began
        costs = []
        for name, process in self._processes.items():
            try:
                cpu = (cpu_seconds(process) - self._before[name]) / seconds
            except psutil.NoSuchProcess:
                costs.append(Cost(f"{name} (ended)", 0.0, *self._most[name]))
                continue
            costs.append(Cost(name, cpu, *self._most[name]))
        return costs

    def _look(self) -> None:
        while True:
            for name, process in self._processes.items():
                try:
                    now = memory(process)
                except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                    continue
                self._most[name] = max(self._most[name], now)
            if self._stop.wait(EVERY):
                return
