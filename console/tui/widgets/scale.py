"""The axes of a chart: round ends and labels for values, round times for a span."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from console.tui.text import tame
from console.words import quantity

NICE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
CALM = 0.3  # of the largest value: values nearer to each other than that are drawn from 0, so that noise looks small
PACES = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 2 * 86400, 7 * 86400)
DAYS = 36 * 3600.0  # spans from here on are named by days


@dataclass(frozen=True, slots=True)
class Scale:
    """From `low` to `high`, in a unit."""

    low: float
    high: float
    unit: str

    @classmethod
    def of(cls, values: Iterable[float], unit: str) -> Scale:
        """Round ends around all values; from 0 on, unless they lie far from it and apart from each other.

        >>> Scale.of((0.018, 0.062), "s")
        Scale(low=0.0, high=0.08, unit='s')
        """
        known = list(values) or [0.0]
        least, most = min(known), max(known)
        if least >= 0 and (most - least < CALM * most or least < most / 2):
            return cls(0.0, nice(most) or 1.0, unit)
        step = nice((most - least) / 4) or 1.0
        return cls(math.floor(least / step) * step, (math.floor(most / step) + 1) * step, unit)

    def place(self, value: float, levels: int) -> int:
        """Which of so many levels a value lies on, 0 the lowest."""
        share = (value - self.low) / (self.high - self.low)
        return min(max(int(share * levels), 0), levels - 1)

    def labels(self, rows: int) -> dict[int, str]:
        """Labels by row, 0 the upmost: both ends, and the middle where there is room."""
        named = {0: self.high, rows - 1: self.low}
        if rows >= 5 and rows % 2:
            named[rows // 2] = (self.low + self.high) / 2
        return {row: "0" if value == 0 else tame(quantity(value, self.unit)) for row, value in named.items()}


def nice(value: float) -> float:
    """The smallest round number that is not less.

    >>> nice(0.062), nice(23)
    (0.08, 30.0)
    """
    if value <= 0 or not math.isfinite(value):
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{next(step for step in NICE if step * power >= value * (1 - 1e-9)) * power:.6g}")


def ticks(start: float, end: float, columns: int) -> Iterator[tuple[int, str]]:
    """(column, label) of the window's start, of round times, and of its end; none overlaps another."""
    words = _words(start, end)
    first, last = words(start), words(end)
    yield 0, first
    room = columns - len(last)
    if room <= len(first) + 1 or end <= start:
        return
    per_second = (columns - 1) / (end - start)
    pace = next((each for each in PACES if each * per_second >= len(last) + 6), PACES[-1])
    used = len(first) + 1
    time = math.ceil(start / pace) * pace
    while time < end:
        label = words(time)
        column = round((time - start) * per_second) - len(label) // 2
        if used < column and column + len(label) < room:
            yield column, label
            used = column + len(label) + 1
        time += pace
    yield room, last


def _words(start: float, end: float) -> Callable[[float], str]:
    shape = "%b %d" if end - start >= DAYS else "%H:%M:%S" if end - start < 300 else "%H:%M"
    return lambda time: datetime.fromtimestamp(time, UTC).strftime(shape)
