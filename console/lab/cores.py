"""Which core the station lives on, and what it waited for it."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

# Where the operator may (root), the station and what competes with it stand above whatever else the machine does,
# so that a practice run on a busy machine shows the lab's own trouble and nobody else's.
NICENESS = -10


def core_for(slot: int) -> int | None:
    """The core of the lab in this slot; None where processes cannot be tied to one (macOS)."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    return cores[-1 - slot % len(cores)]


def others(core: int | None) -> set[int] | None:
    """Every core but this one, where there are others."""
    if core is None or not hasattr(os, "sched_getaffinity"):
        return None
    return set(os.sched_getaffinity(0)) - {core} or None


def settle(cores: set[int] | None) -> None:
    """Tie this process to some cores, and put it above the rest of the machine where that is allowed."""
    if cores is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


def cpu_seconds() -> float:
    """Time this process has spent on a core."""
    return time.process_time()


def waited_seconds() -> float | None:
    """Time the main thread was runnable and had no core, as Linux counts it; None elsewhere."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return None
