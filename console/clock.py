"""What time it is: the wall clock's, or that of a file, so that the practice line can live through weeks in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from console.errors import ConfigError

Clock = Callable[[], float]
"""Epoch seconds."""

wall_clock: Clock = time.time

YEAR_10000 = 253402300800.0


def file_clock(path: Path) -> Clock:
    """A clock that reads epoch seconds from a file, which its owner replaces whole. ConfigError when it holds none."""

    def read() -> float:
        try:
            now = float(path.read_text("ascii"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"the clock file {path} holds no time", "write epoch seconds into it") from error
        if not 0 <= now < YEAR_10000:  # what no calendar has, no store can keep and no report can say
            raise ConfigError(f"the clock file {path} holds no time", "write epoch seconds into it")
        return now

    return read


def clock_of(path: Path | None) -> Clock:
    """The clock that a configuration names."""
    return wall_clock if path is None else file_clock(path)


def patient(clock: Clock, on_trouble: Callable[[str], None]) -> Clock:
    """A clock that, while `clock` fails, stands still; `on_trouble` hears why, and an empty text when all is well.

    Raises ConfigError at once where `clock` does not tell the time to begin with.
    """
    last = clock()

    def read() -> float:
        nonlocal last
        try:
            last = clock()
        except ConfigError as error:
            on_trouble(error.message)
        else:
            on_trouble("")
        return last

    return read
