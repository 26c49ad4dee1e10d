"""Is the table itself broken? Schema, volume, duplicates, freshness: asked before any question of distribution.

Each check yields an issue or none. What is wrong within a column is for `columns` to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from console.analysis.columns.nulls import FEWEST_PAST
from console.analysis.columns.odd import Level, is_more, percent
from console.analysis.tails import student_tail
from console.model import IntegrityIssue, Profile, Verdict

HALVED = 0.5  # volume is news when it halves or doubles
LATE = 0.1  # of the window


def table_issues(
    current: Profile, baseline: Profile, history: Sequence[Profile], level: Level
) -> Iterator[IntegrityIssue]:
    """What is wrong with the table as a whole; `level` is that of each check."""
    known = {column.name for column in baseline.columns}
    for column in baseline.columns:
        if current.column(column.name) is None and current.rows > 0:
            yield IntegrityIssue("schema", column.name, Verdict.DEGRADED, f"column {column.name} has vanished")
    for column in current.columns:
        if column.name not in known and baseline.rows > 0:
            yield IntegrityIssue("schema", column.name, Verdict.INCONCLUSIVE, f"column {column.name} is new")
    yield from _volume(current, baseline, history, level)
    yield from _duplicates(current, baseline, history, level)
    yield from _freshness(current, baseline, history, level)


def _volume(current: Profile, baseline: Profile, history: Sequence[Profile], level: Level) -> Iterator[IntegrityIssue]:
    """Fewer or more rows than windows like this one hold; history's windows are as long as the current one."""
    if current.rows == 0 and baseline.rows > 0:
        yield IntegrityIssue("volume", None, Verdict.DEGRADED, "no rows at all")
        return
    usual_rows, p = _usual_rows(current, baseline, history)
    if usual_rows <= 0 or p > level.sampling:
        return
    change = current.rows / usual_rows
    if HALVED < change < 1 / HALVED:
        return
    verdict = Verdict.DEGRADED if change <= HALVED else Verdict.INCONCLUSIVE
    yield IntegrityIssue("volume", None, verdict, f"{current.rows:,} rows where {usual_rows:,.0f} are usual")


def _usual_rows(current: Profile, baseline: Profile, history: Sequence[Profile]) -> tuple[float, float]:
    """(rows that such a window usually holds, p-value of the current number); (0, 1) where nobody can know."""
    past = np.array([one.rows for one in history if one.rows > 0], dtype=np.float64)
    if past.size >= FEWEST_PAST:
        logs = np.log(past)
        centre = float(np.median(logs))
        noise = math.sqrt(1 / math.exp(centre) + 1 / max(current.rows, 1))
        spread = max(float(np.std(logs, ddof=1)) * math.sqrt(1 + 1 / past.size), noise)
        return math.exp(centre), 2 * student_tail(abs(math.log(current.rows) - centre) / spread, past.size - 1)
    if None in (current.start, current.end, baseline.start, baseline.end):
        return 0.0, 1.0
    seconds = [(one.end or 0.0) - (one.start or 0.0) for one in (current, baseline)]
    if min(seconds) <= 0:
        return 0.0, 1.0
    expected = baseline.rows * seconds[0] / seconds[1]
    # Without a past nobody knows how rows usually vary: only what halves or doubles, and cannot be noise, is told.
    noise = math.sqrt(1 / max(expected, 1e-9) + 1 / current.rows)
    return expected, 2 * student_tail(abs(math.log(current.rows / max(expected, 1e-9))) / noise, math.inf)


def _duplicates(
    current: Profile, baseline: Profile, history: Sequence[Profile], level: Level
) -> Iterator[IntegrityIssue]:
    """Rows that are there twice. Of few distinct ones more rows hold more twins by chance, so a longer window may."""
    now, before = (current.duplicates, current.rows), (baseline.duplicates, baseline.rows)
    longer = max(1.0, current.rows / max(baseline.rows, 1))
    allowed = (min(before[1], math.ceil(before[0] * longer)), before[1])
    if is_more(now, allowed, [(one.duplicates, one.rows) for one in history], level):
        text = f"{percent(now)} of the rows are duplicates, {percent(before)} before"
        yield IntegrityIssue("duplicates", None, Verdict.DEGRADED, text)


def _freshness(
    current: Profile, baseline: Profile, history: Sequence[Profile], level: Level
) -> Iterator[IntegrityIssue]:
    """The newest row is older than usual by more than a tenth of the window, and than rows at random would leave it."""
    late = _lateness(current)
    if late is None or current.start is None or current.end is None:
        return
    length = current.end - current.start
    was = max((known for one in (baseline, *history) if (known := _lateness(one)) is not None), default=0.0)
    by_chance = (1 - min(late / length, 1.0)) ** current.rows if length > 0 else 1.0
    if late > 3 * was and late - was > length * LATE and by_chance <= level.sampling:
        text = f"the newest row is {late:.0f} s older than the window's end, {was:.0f} s before"
        yield IntegrityIssue("freshness", None, Verdict.DEGRADED, text)


def _lateness(profile: Profile) -> float | None:
    return None if profile.newest is None or profile.end is None else profile.end - profile.newest
