"""A stream looked at week by week as `andon drift` looks: the weeks before are the baseline and its past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from _streams import WEEK, Stream
from _windows import Rows, added, length, part, profile

from console.analysis.drift import drift
from console.model import Drift, Profile

WEEKS = 12  # of the baseline
TRAILING = 4  # the newest of them: what a step is a step from
HOUR = 3600.0
MOST_MISSING = 0.2  # of a column's week: more is an outage that the stream has by itself, and no quiet week
FEWEST_VALUES = 50  # that a column to be moved has in its baseline


@dataclass(frozen=True, slots=True)
class Fault:
    """One column moved by so many of its standard deviations from a week on."""

    column: str
    week: int
    size: float


def weeks(stream: Stream) -> list[int]:
    """The weeks that have a whole baseline before them and no outage of their own."""
    return [
        week
        for week in range(WEEKS, length(stream.rows) // WEEK)
        if max(
            np.mean(np.isnan(one))
            for one in part(stream.rows, week * WEEK, (week + 1) * WEEK).values()
            if _is_number(one)
        )
        <= MOST_MISSING
    ]


def faults(stream: Stream, count: int, size: float, seed: int = 0) -> Iterator[Fault]:
    """Faults at weeks spread over the stream, each of another column by turns, up or down."""
    rng = np.random.default_rng(seed)
    quiet = weeks(stream)
    for at in np.linspace(0, len(quiet) - 4, count).astype(int):
        before = part(stream.rows, (quiet[at] - WEEKS) * WEEK, quiet[at] * WEEK)
        able = [
            n for n, one in before.items() if _is_number(one) and np.unique(one[~np.isnan(one)]).size >= FEWEST_VALUES
        ]
        if able:
            yield Fault(str(rng.choice(able)), quiet[at], size * float(rng.choice([-1, 1])))


def broken(stream: Stream, fault: Fault) -> Stream:
    """The stream with the fault in it."""
    values = stream.rows[fault.column].copy()
    before = values[(fault.week - WEEKS) * WEEK : fault.week * WEEK]
    values[fault.week * WEEK :] += fault.size * np.nanstd(before)
    return Stream(stream.name, stream.rows | {fault.column: values})


def windows(stream: Stream, week: int) -> tuple[Rows, Rows]:
    """Rows of the baseline and of the current week, for tools that take rows."""
    return part(stream.rows, (week - WEEKS) * WEEK, week * WEEK), part(stream.rows, week * WEEK, (week + 1) * WEEK)


def look(stream: Stream, week: int, alpha: float = 0.01) -> Drift:
    """What andon says of one week."""
    baseline = _counted(stream.rows, week - WEEKS, week)
    past = [_counted(stream.rows, at, at + 1, baseline) for at in range(week - WEEKS, week)]
    current = _counted(stream.rows, week, week + 1, baseline)
    return drift(current, baseline, history=past, trailing=added(past[-TRAILING:]), alpha=alpha)


def _counted(rows: Rows, first: int, last: int, like: Profile | None = None) -> Profile:
    return profile(part(rows, first * WEEK, last * WEEK), like, (first * WEEK * HOUR, last * WEEK * HOUR))


def _is_number(values: np.ndarray) -> bool:
    return values.dtype.kind == "f"
