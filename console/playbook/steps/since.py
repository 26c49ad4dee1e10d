"""Since when, to the sample: an onset found among minutes is looked at again where raw samples are still held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from console.analysis.compare import compare
from console.model import Comparison, Direction, Frame, Series, Stat

# Coarse steps around the coarse onset in which the true one is looked for, the wide look first: one or two coarse steps
# cannot tell where a shift began that has only just begun.
MARGINS = (3.0, 1.0)


def sharpened(
    found: Sequence[Comparison],
    fine: Frame,
    of: Frame | None,
    *,
    coarse: float,
    stat: Stat,
    tolerance: float,
    bad: Direction,
) -> tuple[Comparison, ...]:
    """The same comparisons; an onset is replaced by that of the current window's own quiet part against the rest.

    `fine` is the current window (and `of` its denominators) at the sampling interval, `coarse` the step in seconds at
    which the onsets were found. Where the quiet part is too short to judge by, the coarse onset stays.
    """
    return tuple(
        one
        if one.onset is None
        else replace(one, onset=_sharpened(one, one.onset, fine, of, coarse, stat, tolerance, bad))
        for one in found
    )


def _sharpened(
    one: Comparison,
    onset: float,
    fine: Frame,
    of: Frame | None,
    coarse: float,
    stat: Stat,
    tolerance: float,
    bad: Direction,
) -> float:
    mine = Frame(fine.times, fine.step, tuple(series for series in fine.series if series.key.labels == one.labels))
    for margin in MARGINS:
        border = onset - margin * coarse
        again = compare(
            _part(mine, border, after=True),
            _part(mine, border, after=False),
            stat=stat,
            tolerance=tolerance,
            bad=bad,
            of=None if of is None else (_part(of, border, after=True), _part(of, border, after=False)),
        )
        nearer = next((each.onset for each in again if each.onset is not None), None)
        if nearer is not None and abs(nearer - onset) <= margin * coarse:
            return nearer
    return onset


def _part(frame: Frame, border: float, *, after: bool) -> Frame:
    """The steps that end after `border`, or those up to it."""
    kept = frame.times > border if after else frame.times <= border
    return Frame(
        frame.times[kept],
        frame.step,
        tuple(
            Series(series.key, series.values[kept], None if series.sums is None else series.sums[kept])
            for series in frame.series
        ),
    )
