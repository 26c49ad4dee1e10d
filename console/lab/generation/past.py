"""The weeks before station two opens, drawn from ticks it has really served at the load of its days.

What is drawn is a stretch of ticks in a row, so that a burst and what it leaves behind stay together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.lab.clock import TICK
from console.lab.traffic import DAY, WEEK
from console.model import Span

if TYPE_CHECKING:
    import numpy.typing as npt

WEEKS, DAYS = 4, 7
BEFORE = 600.0  # seconds of past weeks and days before the hour at which the lab opens
LAST = 5400.0  # seconds right before it opens
RAW = 3600.0  # … the last of which are told every tick
MINUTE = 4  # ticks between two pages: the daemon keeps no finer past than that
STRETCH = 8  # ticks in a row
COUNTED = ("_total", "_bucket", "_sum", "_count")


@dataclass(frozen=True, slots=True)
class Served:
    """What some ticks in a row added to every counter, and what gauges they left."""

    names: tuple[str, ...]  # `metric{labels}`
    counted: npt.NDArray[np.bool_]  # (names,)
    values: npt.NDArray[np.float64]  # (ticks, names)

    @classmethod
    def of(cls, pages: Sequence[str]) -> Served:
        """Of the pages at the ends of ticks in a row, the first of which is where they begin."""
        rows = [[line.rsplit(" ", 2) for line in page.splitlines() if not line.startswith("#")] for page in pages]
        names = tuple(row[0] for row in rows[-1])
        totals = np.array([[float(row[1]) for row in page] for page in rows])
        counted = np.array([name.partition("{")[0].endswith(COUNTED) for name in names])
        return cls(names, counted, np.where(counted, np.diff(totals, axis=0), totals[1:]))


def spans(start: float, lasts: float) -> list[Span]:
    """The stretches that a lab opening at `start` has a history of, oldest first."""
    then = {start - day * DAY for day in range(1, DAYS + 1)} | {start - week * WEEK for week in range(1, WEEKS + 1)}
    return [*(Span(at - BEFORE, at + lasts) for at in sorted(then)), Span(start - LAST, start)]


def pages(
    levels: Mapping[float, Served], level: Mapping[float, float], past: Sequence[Span], rng: np.random.Generator
) -> Iterator[str]:
    """The pages of these spans, counters running on; `level` says how busy each was, by its start."""
    names = next(iter(levels.values())).names
    counted = next(iter(levels.values())).counted
    template = "".join(f"{name} %.9g @\n" for name in names)
    totals = np.zeros(len(names))
    for span in past:
        served = levels[min(levels, key=lambda known: abs(known - level[span.start]))]
        ticks = _drawn(served, round(span.seconds / TICK), rng)
        yield (template % tuple(np.where(counted, totals, served.values[ticks[0]]))).replace("@", _stamp(span.start))
        is_last = span is past[-1]
        place = 0
        while place < len(ticks):
            left = (len(ticks) - place) * TICK
            step = 1 if is_last and left <= RAW else min(MINUTE, len(ticks) - place)
            rows = served.values[ticks[place : place + step]]
            totals = np.where(counted, totals + rows.sum(axis=0), totals)
            place += step
            shown = np.where(counted, totals, rows[-1])
            yield (template % tuple(shown)).replace("@", _stamp(span.start + place * TICK))


def _drawn(served: Served, count: int, rng: np.random.Generator) -> list[int]:
    there = len(served.values)
    drawn: list[int] = []
    while len(drawn) < count:
        start = int(rng.integers(there))
        drawn += [(start + place) % there for place in range(STRETCH)]
    return drawn[:count]


def _stamp(time: float) -> str:
    return str(round(time * 1000))
