"""Samples with a time as frames: as they are where they were taken regularly, as counts per step where they came as
they came (requests of a log). What neighbouring steps share, and since when, is then `compare`'s to say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.samples import Samples
from console.model import Frame, Kind, Labels, Series, SeriesKey

if TYPE_CHECKING:
    from console.model import Array

STEPS = 60  # of a window of requests, fewer where they are few
LEAST_STEPS = 12
PER_STEP = 5
MOST_STEPS = 5000  # of a window of regular samples; more are counted
REGULAR = 0.8  # of the gaps lie within a quarter of the usual one
MIDDLE = np.linspace(0.0, 1.0, 201)
MOST_DISTINCT = 120
TAIL_EDGES = np.geomspace(2.5e-3, 1e-6, 30)  # shares beyond which an edge lies, at both ends


def framed(current: Sequence[Samples], baseline: Sequence[Samples]) -> tuple[Frame, Frame]:
    """Both sides of some metrics as frames of one step; every one of the samples has times.

    Series are gauges where all of them were taken regularly, and histograms of many narrow buckets otherwise.
    """
    step = _regular_step((*current, *baseline))
    if step is not None:
        return _gauges(current, step), _gauges(baseline, step)
    spans = [_span(side) for side in (current, baseline)]
    fewest = min((one.n for one in (*current, *baseline)), default=0.0)
    steps = float(np.clip(fewest // PER_STEP, LEAST_STEPS, STEPS))
    step = max(max(end - start for start, end in spans), 1e-3) / steps
    edges = _edges((*current, *baseline))
    return _histograms(current, step, edges), _histograms(baseline, step, edges)


def _times(one: Samples) -> Array:
    assert one.times is not None
    return one.times


def _regular_step(series: Sequence[Samples]) -> float | None:
    """The seconds between neighbours, where all series have about the same, again and again."""
    usual = []
    for one in series:
        times = np.unique(_times(one))
        if times.size < 3:
            continue
        gaps = np.diff(times)
        median = float(np.median(gaps))
        alike = np.abs(gaps - median) <= 0.25 * median
        if alike.mean() < REGULAR or times.size < REGULAR * one.n or (times[-1] - times[0]) / median > MOST_STEPS:
            return None
        usual.append(median)
    if not usual or max(usual) > 1.5 * min(usual):
        return None
    return float(np.median(usual))


def _span(side: Sequence[Samples]) -> tuple[float, float]:
    held = [_times(one) for one in side if one.n > 0]
    if not held:
        return 0.0, 0.0
    return min(float(times.min()) for times in held), max(float(times.max()) for times in held)


def _axis(side: Sequence[Samples], step: float) -> Array:
    """The ends of the steps, (steps,): the first sample lies in the first, the last in the last."""
    start, end = _span(side)
    steps = int(np.floor((end - start) / step + 0.5)) + 1 if any(one.n for one in side) else 0
    axis: Array = end + step * np.arange(1 - steps, 1, dtype=np.float64)
    return axis


def _place(one: Samples, axis: Array, step: float) -> tuple[Array, int]:
    slots = np.round((_times(one) - axis[0]) / step).astype(np.int64) if axis.size else np.empty(0, np.int64)
    return np.clip(slots, 0, max(axis.size - 1, 0)), axis.size


def _gauges(side: Sequence[Samples], step: float) -> Frame:
    axis = _axis(side, step)
    series = []
    for one in side:
        at, steps = _place(one, axis, step)
        total = np.bincount(at, weights=one.values * one.counts, minlength=steps)
        count = np.bincount(at, weights=one.counts, minlength=steps)
        values = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        series.append(Series(SeriesKey(one.metric, one.labels, Kind.GAUGE), values))
    return Frame(axis, step, tuple(series))


def _histograms(side: Sequence[Samples], step: float, edges: dict[tuple[str, Labels], Array]) -> Frame:
    axis = _axis(side, step)
    series = []
    for one in side:
        at, steps = _place(one, axis, step)
        bounds = edges[one.metric, one.labels]
        cells = at * bounds.size + np.searchsorted(bounds, one.values)
        counts: Array = np.bincount(cells, weights=one.counts, minlength=steps * bounds.size).astype(np.float64)
        sums: Array = np.bincount(at, weights=one.values * one.counts, minlength=steps).astype(np.float64)
        key = SeriesKey(one.metric, one.labels, Kind.HISTOGRAM, tuple(bounds.tolist()))
        series.append(Series(key, counts.reshape(steps, bounds.size), sums))
    return Frame(axis, step, tuple(series))


def _edges(series: Sequence[Samples]) -> dict[tuple[str, Labels], Array]:
    """Bounds where both sides together have their quantiles, close at both ends, for each metric and label set."""

    def name(one: Samples) -> tuple[str, Labels]:
        return one.metric, one.labels

    found = {}
    for key, members in groupby(sorted(series, key=name), key=name):
        held = list(members)
        values = np.concatenate([one.values for one in held])
        if values.size == 0:
            found[key] = np.array([0.0, np.inf])
            continue
        distinct = np.unique(values)
        if distinct.size <= MOST_DISTINCT:  # few values lie far apart: nothing lies between them
            found[key] = np.unique([*np.nextafter(distinct, -np.inf), *distinct, np.inf])
            continue
        order = np.argsort(values)
        upto = np.cumsum(np.concatenate([one.counts for one in held])[order])
        shares = np.unique(np.concatenate([MIDDLE, TAIL_EDGES, 1 - TAIL_EDGES]))
        inner = np.unique(values[order][np.searchsorted(upto, shares * upto[-1] * (1 - 1e-12))])
        below = np.nextafter(inner[0], -np.inf)
        found[key] = np.concatenate([[below], inner, [np.inf]])
    return found
