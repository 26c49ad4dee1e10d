"""The lab's own time: a file with epoch seconds that the daemon, the station and the driver all read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

TICK = 15.0  # seconds of lab time between two collections


@dataclass(frozen=True, slots=True)
class LabClock:
    """The file. One process sets it, any number read it."""

    path: Path

    def now(self) -> float:
        """Epoch seconds of lab time."""
        return float(self.path.read_text())

    def set(self, seconds: float) -> None:
        """Move the lab to this instant; readers see the old time or the new one, never half of it."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(repr(seconds))
        os.replace(fresh, self.path)  # noqa: PTH105 - the atomic one


def day(seconds: float) -> str:
    """The day of an instant, for file names.

    >>> day(0)
    '1970-01-01'
    """
    return _named(int(seconds // 86400))


@lru_cache(64)
def _named(days: int) -> str:
    return datetime.fromtimestamp(days * 86400, UTC).strftime("%Y-%m-%d")  # dear, and asked for every row
