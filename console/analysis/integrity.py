"""Is the data itself broken? Asked before any question of distribution: a broken pipe looks like drift.

Each check yields an issue or none, in words that name the column: schema, volume, duplicates and freshness of the
table; type, missing, constant, novelty, unit and range of each column.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from console.analysis.bins import aligned, counted, counts_of
from console.analysis.distances import total_variation
from console.analysis.nulls import FEWEST_PAST, ChiSquare, chi_square, usual
from console.analysis.tails import student_tail
from console.model import ColumnProfile, IntegrityIssue, Profile, Verdict

Check = Literal["missing", "novelty", "range", "unit", "constant", "type"]
Share = tuple[int, int]  # odd rows of rows

LEAST_P = 0.001  # integrity issues wake people up: one in a thousand clean checks
LEAST_USUAL_P = 0.01  # the past rarely holds enough windows to say more
LEAST_SHARE = 0.01  # of the rows: fewer odd ones are not news
LEAST_UNPARSABLE = 0.002
LEAST_ROWS = 20
HALVED = 0.5  # volume is news when it halves or doubles
LATE = 0.1  # of the window
NEAR_OUT, FAR_OUT = 1.0, 10.0  # usual ranges beyond the usual range: to mention, to alarm
PARTLY = 0.1  # the same, where the extremes lie a large unit's factor apart
LARGE_UNIT = 10.0
MOSTLY = 0.6  # of the rows moved
UNIT_SLACK, RANGE_SLACK = 0.05, 0.3  # how exactly the mean, or the range, must have grown by a unit's factor
CENTRED = 0.1  # of the range: means nearer to zero say nothing of scale
UNITS = {1e3: "milli or kilo", 1e6: "micro or mega", 100.0: "percent", 60.0: "minutes", 3600.0: "hours"}


def table_issues(current: Profile, baseline: Profile, history: Sequence[Profile]) -> Iterator[IntegrityIssue]:
    """What is wrong with the table as a whole: schema, volume, duplicates, freshness."""
    known = {column.name for column in baseline.columns}
    for column in baseline.columns:
        if current.column(column.name) is None and current.rows > 0:
            yield IntegrityIssue("schema", column.name, Verdict.DEGRADED, f"column {column.name} has vanished")
    for column in current.columns:
        if column.name not in known and baseline.rows > 0:
            yield IntegrityIssue("schema", column.name, Verdict.INCONCLUSIVE, f"column {column.name} is new")
    yield from _volume(current, baseline, history)
    past = [(one.duplicates, one.rows) for one in history]
    if _is_more((current.duplicates, current.rows), (baseline.duplicates, baseline.rows), past):
        now, before = (_percent((one.duplicates, one.rows)) for one in (current, baseline))
        yield IntegrityIssue("duplicates", None, Verdict.DEGRADED, f"{now} of the rows are duplicates, {before} before")
    yield from _freshness(current, baseline)


def column_issues(
    current: ColumnProfile, baseline: ColumnProfile, history: Sequence[ColumnProfile]
) -> Iterator[IntegrityIssue]:
    """What is wrong with one column: missing, novelty, range, unit, constant, type."""

    def issue(check: Check, text: str, verdict: Verdict = Verdict.DEGRADED) -> IntegrityIssue:
        return IntegrityIssue(check, baseline.name, verdict, f"column {baseline.name}: {text}")

    if current.kind != baseline.kind:
        yield issue("type", f"was {baseline.kind} ({baseline.dtype}), is {current.kind} ({current.dtype})")
        return
    odd = (current.unparsable, current.rows)
    if _is_more(odd, (baseline.unparsable, baseline.rows), [], least=LEAST_UNPARSABLE):
        yield issue("type", f"{_percent(odd)} of the values are no longer {baseline.kind}")
    if current.rows >= LEAST_ROWS and current.missing == current.rows and baseline.missing < baseline.rows:
        yield issue("missing", "every value is missing")
        return
    gone, before = (current.missing, current.rows), (baseline.missing, baseline.rows)
    if _is_more(gone, before, [(one.missing, one.rows) for one in history]):
        yield issue("missing", f"{_percent(gone)} of the values are missing, {_percent(before)} before")
    gone, before = (current.infinite, current.rows), (baseline.infinite, baseline.rows)
    if _is_more(gone, before, [(one.infinite, one.rows) for one in history]):
        yield issue("range", f"{_percent(gone)} of the values are infinite, {_percent(before)} before")
    if min(counted(current), counted(baseline)) < LEAST_ROWS:
        return
    if _is_constant(current) and not _is_constant(baseline):
        where = f"{current.minimum:.6g}" if current.is_ordered else "one category"
        yield issue("constant", f"stuck at {where}")
    if not current.is_ordered:
        new, known = _others(current, baseline), (baseline.counts[-1], counted(baseline))
        if baseline.categories and _is_more(new, known, [_others(one, baseline) for one in history]):
            yield issue("novelty", f"{_percent(new)} of the values are of no known category, {_percent(known)} before")
        return
    unit = _unit(current, baseline)
    if unit is not None:
        yield issue("unit", f"the values are {unit}")
        return
    widths, end = _beyond(current, baseline, history)
    if widths > NEAR_OUT:
        verdict = Verdict.DEGRADED if widths > FAR_OUT else Verdict.INCONCLUSIVE
        yield issue("range", f"reaches {end:.6g}, {widths:.3g} times the usual range beyond it", verdict)


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _volume(current: Profile, baseline: Profile, history: Sequence[Profile]) -> Iterator[IntegrityIssue]:
    """Fewer or more rows than windows like this one hold; history's windows are as long as the current one."""
    if current.rows == 0 and baseline.rows > 0:
        yield IntegrityIssue("volume", None, Verdict.DEGRADED, "no rows at all")
        return
    usual_rows, p = _usual_rows(current, baseline, history)
    if usual_rows <= 0 or p > LEAST_P:
        return
    change = current.rows / usual_rows
    if change <= HALVED:
        text = f"{current.rows:,} rows where {usual_rows:,.0f} are usual"
        yield IntegrityIssue("volume", None, Verdict.DEGRADED, text)
    elif change >= 1 / HALVED:
        text = f"{current.rows:,} rows where {usual_rows:,.0f} are usual"
        yield IntegrityIssue("volume", None, Verdict.INCONCLUSIVE, text)


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


def _freshness(current: Profile, baseline: Profile) -> Iterator[IntegrityIssue]:
    """The newest row is older than the baseline's was, by more than a tenth of the window."""
    if current.newest is None or current.end is None or current.start is None:
        return
    late = current.end - current.newest
    was = baseline.end - baseline.newest if baseline.end is not None and baseline.newest is not None else 0.0
    if late > 3 * was and late - was > (current.end - current.start) * LATE:
        text = f"the newest row is {late:.0f} s older than the window's end, {was:.0f} s before"
        yield IntegrityIssue("freshness", None, Verdict.DEGRADED, text)


# ── one column ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_more(now: Share, before: Share, history: Sequence[Share], *, least: float = LEAST_SHARE) -> bool:
    """A larger share of odd rows than sampling noise, usual wobble and the least that is news allow for."""
    if now[1] == 0 or before[1] == 0 or now[0] / now[1] - before[0] / before[1] < least:
        return False
    seen = _two_by_two(before, now)
    if seen.p > LEAST_P:
        return False
    wobble = usual(seen, [_two_by_two(before, one) for one in history if one[1] > 0])
    return wobble is None or wobble.p <= LEAST_USUAL_P


def _two_by_two(before: Share, now: Share) -> ChiSquare:
    counts = [np.array([odd, rows - odd], dtype=np.float64) for odd, rows in (before, now)]
    return chi_square(counts[0], counts[1], fewest=1.0)


def _percent(share: Share) -> str:
    return f"{share[0] / max(share[1], 1):.1%}"


def _others(column: ColumnProfile, baseline: ColumnProfile) -> Share:
    return aligned(baseline, column)[1].counts[-1], counted(column)


def _is_constant(column: ColumnProfile) -> bool:
    if column.is_ordered:
        return column.minimum is not None and column.minimum == column.maximum
    return max(column.counts[:-1], default=0) == counted(column)


def _unit(current: ColumnProfile, baseline: ColumnProfile) -> str | None:
    """The unit's factor, where nearly all values left their bins and the mean moved by exactly such a factor."""
    if None in (current.mean, baseline.mean, current.maximum, baseline.maximum):
        return None
    before, now = aligned(baseline, current)
    moved = total_variation(counts_of(before), counts_of(now)) if len(before.counts) >= 2 else 0.0
    if moved >= PARTLY and (part := _unit_of_a_part(current, baseline)):
        return part
    if moved < MOSTLY:
        return None
    width = [(one.maximum or 0.0) - (one.minimum or 0.0) for one in (baseline, current)]
    mean = [one.mean or 0.0 for one in (baseline, current)]
    if abs(mean[0]) > CENTRED * width[0]:
        factor, slack = mean[1] / mean[0], UNIT_SLACK
    elif width[0] > 0:  # around zero the mean has no factor, the range has a rough one
        factor, slack = width[1] / width[0], RANGE_SLACK
    else:
        return None
    for size, name in UNITS.items():
        for way, ratio in (("×", factor / size), ("÷", factor * size)):
            if abs(ratio - 1) <= slack:
                return f"about {way}{size:,.0f} what they were ({name}?)"
    return None


def _unit_of_a_part(current: ColumnProfile, baseline: ColumnProfile) -> str | None:
    """Where only some values changed their unit, the extremes say so: values that are all positive keep their shape."""
    ends = (baseline.minimum, baseline.maximum, current.minimum, current.maximum)
    low, high, now_low, now_high = (end or 0.0 for end in ends)
    if min(low, now_low) <= 0:
        return None
    for size, name in UNITS.items():
        if size < LARGE_UNIT:
            continue
        for way, ratio in (("×", now_high / high / size), ("÷", low / now_low / size)):
            if abs(ratio - 1) <= RANGE_SLACK:
                return f"in part about {way}{size:,.0f} what they were ({name}?)"
    return None


def _beyond(current: ColumnProfile, baseline: ColumnProfile, history: Sequence[ColumnProfile]) -> tuple[float, float]:
    """(how many usual ranges the values reach beyond the usual range, the farthest value)."""
    past = [one for one in (baseline, *history) if one.minimum is not None and one.maximum is not None]
    if not past or current.minimum is None or current.maximum is None:
        return 0.0, 0.0
    low = min(one.minimum for one in past if one.minimum is not None)
    high = max(one.maximum for one in past if one.maximum is not None)
    width = max(high - low, 1e-9 * max(abs(high), abs(low)), 1e-300)
    return max(((current.maximum - high) / width, current.maximum), ((low - current.minimum) / width, current.minimum))
