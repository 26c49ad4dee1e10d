"""A part of the practice line that runs by itself: what a `Line` needs to know of it, and nothing more.

There are three: `vision` (station one: a vision model, its feed and its registry), `generation` (station two: a small
generation server and the provider behind it) and `site` (simulated exporters of GPUs, hosts and a cluster).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    import numpy as np

    from console.lab.changes import ChangeLog
    from console.lab.clock import LabClock
    from console.lab.leash import Leash


class Place(Protocol):
    """A context manager: inside it the place serves; after it nothing of it is left running.

    Faults are given the place they break (`inject(place, parameters)`), and use what is its own beside this.
    """

    folder: Path
    start: float  # lab time at which it opens
    rng: np.random.Generator
    clock: LabClock
    changes: ChangeLog
    leash: Leash

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def prepare(self) -> None:
        """Write what the daemon's sources read (files of the past, golden inputs) before the daemon starts."""

    def config(self) -> str:
        """The daemon's `[sources.NAME]` tables, as TOML, the change log's among them."""

    def past(self, lasts: float) -> Iterator[tuple[str, str]]:
        """(source, page) of its past, oldest first, and of the present up to now; it may serve some ticks for it.

        The daemon starts meanwhile: what is done at the call goes on beside it, what must not be disturbed (ticks that
        are timed) is done as the pages are read. The past reaches `lasts` seconds of lab time further than now, on the
        days before.
        """

    def tick(self) -> object:
        """Live through 15 s of lab time, and move the clock."""
