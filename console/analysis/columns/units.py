"""Is a column in another unit? All of its values, or some, a unit's factor away from what they were."""

from __future__ import annotations

from console.analysis.columns.bins import aligned, counted, counts_of
from console.analysis.columns.distances import total_variation
from console.analysis.columns.nulls import p_sampling
from console.analysis.columns.odd import Level, is_more
from console.model import ColumnProfile

UNITS = {1e3: "milli or kilo", 1e6: "micro or mega", 100.0: "percent", 60.0: "minutes", 3600.0: "hours"}
LARGE_UNIT = 10.0
MOSTLY = 0.6  # of the rows moved
PARTLY = 0.1  # the same, where only the extremes tell the factor
FEW = 0.01  # the same, where the mean tells it too
SLACK, RANGE_SLACK = 0.05, 0.3  # how exactly the mean, or the range, must have grown by a unit's factor
CENTRED = 0.1  # of the range: means nearer to zero say nothing of scale


def unit(current: ColumnProfile, baseline: ColumnProfile, level: Level) -> str | None:
    """In words, the factor by which values grew or shrank, where it is a unit's; None where it is none.

    Of values that are all positive even a few percent in another unit are told: the mean then moved by just their
    share times the factor.
    """
    if None in (current.mean, baseline.mean, current.maximum, baseline.maximum):
        return None
    before, now = aligned(baseline, current)
    if few := _of_a_few(current, baseline, before, now, level):
        return few
    if p_sampling(counts_of(before), counts_of(now), ordered=True) > level.sampling:
        return None
    moved = total_variation(counts_of(before), counts_of(now)) if len(before.counts) >= 2 else 0.0
    if moved >= PARTLY and (part := _of_a_part(current, baseline)):
        return part
    if moved < MOSTLY:
        return None
    width = [(one.maximum or 0.0) - (one.minimum or 0.0) for one in (baseline, current)]
    mean = [one.mean or 0.0 for one in (baseline, current)]
    if abs(mean[0]) > CENTRED * width[0]:
        factor, slack = mean[1] / mean[0], SLACK
    elif width[0] > 0:  # around zero the mean has no factor, the range has a rough one
        factor, slack = width[1] / width[0], RANGE_SLACK
    else:
        return None
    return _named(factor, slack, "about")


def _of_a_part(current: ColumnProfile, baseline: ColumnProfile) -> str | None:
    """Where only some values changed their unit, the extremes say so: values that are all positive keep their shape."""
    ends = (baseline.minimum, baseline.maximum, current.minimum, current.maximum)
    low, high, now_low, now_high = (end or 0.0 for end in ends)
    if min(low, now_low) <= 0:
        return None
    large = _named(now_high / high, RANGE_SLACK, "in part about") if now_high > LARGE_UNIT * high else None
    small = _named(now_low / low, RANGE_SLACK, "in part about") if low > LARGE_UNIT * now_low else None
    return large or small


def _of_a_few(
    current: ColumnProfile, baseline: ColumnProfile, before: ColumnProfile, now: ColumnProfile, level: Level
) -> str | None:
    """A few rows in a larger unit: what the last bin gained, times the factor, is what the mean gained."""
    ends = (baseline.minimum, baseline.maximum, current.minimum, current.maximum, baseline.mean, current.mean)
    low, high, now_low, now_high, mean, now_mean = (end or 0.0 for end in ends)
    if min(low, now_low, mean) <= 0 or now_high < LARGE_UNIT * high or not before.counts:
        return None
    last, last_before = ((one.counts[-1], counted(one)) for one in (now, before))
    if not is_more(last, last_before, [], level, least=FEW):
        return None
    share = last_before[0] / last_before[1]
    gained = (last[0] / last[1] - share) / (1 - share)
    factor = 1 + (now_mean / mean - 1) / gained
    if not 1 / LARGE_UNIT <= now_high / high / factor <= 1 + RANGE_SLACK:
        return None
    words = _named(factor, RANGE_SLACK, "about")
    return words and f"in {gained:.1%} of the rows {words}"


def _named(factor: float, slack: float, how: str) -> str | None:
    for size, name in UNITS.items():
        for way, ratio in (("×", factor / size), ("÷", factor * size)):
            if abs(ratio - 1) <= slack and (slack <= SLACK or size >= LARGE_UNIT):
                return f"{how} {way}{size:,.0f} what they were ({name}?)"
    return None
