"""Frames made comparable: grouped by labels, brought to one resolution, pooled over seasons.

Counters and histograms are increases per step, so they add; NaN means no data and never becomes 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from console.model import Across, Frame, Kind, Labels, Series, SeriesKey

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]


def aggregate(frame: Frame, by: tuple[str, ...], across: Mapping[str, Across] | Across) -> Frame:
    """One series per signal and value of the labels `by`; everything else is folded together.

    Gauges fold by `across` (one for all, or one per signal name; "sum" where a signal is not named), counters and
    histograms add. A step has data where any member had. Histograms with different edges meet on their common ones.
    """
    groups: dict[tuple[str, Kind, Labels], list[Series]] = {}
    for one in frame.series:
        kept = Labels.of((name, value) for name, value in one.key.labels if name in by)
        groups.setdefault((one.key.signal, one.key.kind, kept), []).append(one)
    folded = []
    for (signal, kind, labels), members in groups.items():
        how = across if isinstance(across, str) else across.get(signal, "sum")
        folded.append(_fold(signal, kind, labels, members, how if kind is Kind.GAUGE else "sum"))
    return Frame(frame.times, frame.step, tuple(folded))


def coarsen(frame: Frame, step: float) -> Frame:
    """The same data at a coarser step (the next multiple of the frame's own).

    Gauges average the steps that have data, counters and histograms add. Each span of a pooled window is cut from its
    end backwards; what does not fill a step at its start is left out: a part of a step would read as a lower rate.
    """
    factor = max(1, int(np.ceil(step / frame.step - 1e-9)))
    if factor == 1 or frame.times.size == 0:
        return frame
    wide = factor * frame.step
    span = spans_of(frame.times, frame.step)
    last = np.flatnonzero(np.diff(span, append=span[-1] + 1))
    ends = frame.times[last][span]
    back = np.floor((ends - frame.times) / wide + 1e-9).astype(np.int64)
    whole = back < np.maximum(1, np.round((ends - frame.times[np.searchsorted(span, span)]) / frame.step + 1) // factor)
    slots, group = np.unique(np.stack([span, -back])[:, whole], axis=1, return_inverse=True)
    times = frame.times[last][slots[0]] + slots[1] * wide
    series = tuple(
        Series(
            one.key,
            _gather(one.values[whole], group, times.size, mean=one.key.kind is Kind.GAUGE),
            None if one.sums is None else _gather(one.sums[whole], group, times.size, mean=False),
        )
        for one in frame.series
    )
    return Frame(times, wide, series)


def concatenate(frames: Sequence[Frame]) -> Frame:
    """Spans pooled in time order at the coarsest of their steps; a series absent from one is NaN there.

    Where spans overlap, a step that two of them hold is taken from the earlier one.
    """
    kept = [frame for frame in frames if frame.times.size]
    if not kept:
        return frames[0] if frames else Frame(np.empty(0), 1.0)
    step = max(frame.step for frame in kept)
    kept = sorted((coarsen(frame, step) for frame in kept), key=lambda frame: float(frame.times[0]))
    for frame in kept:
        if abs(frame.step - step) > 1e-6 * step:
            raise ValueError(f"frames of step {frame.step:g} s and {step:g} s have no common resolution")
    stacked = np.concatenate([frame.times for frame in kept])
    times, order = np.unique(stacked, return_index=True)
    members: dict[tuple[str, Labels], list[tuple[int, Series]]] = {}
    for place, frame in enumerate(kept):
        for one in frame.series:
            members.setdefault((one.key.signal, one.key.labels), []).append((place, one))
    sizes = [frame.times.size for frame in kept]
    return Frame(times, step, tuple(_join(found, sizes, order) for found in members.values()))


def beside(frames: Sequence[Frame]) -> Frame:
    """What several sources tell of the same spans as one frame, at the coarsest of their steps, on the longest axis.

    What two of them tell of one label set is the first one's.
    """
    told = [frame for frame in frames if frame.series and frame.times.size]
    if len(told) < 2:
        return told[0] if told else frames[0]
    step = max(frame.step for frame in told)
    told = [coarsen(frame, step) for frame in told]
    times = max((frame.times for frame in told), key=len)
    series: dict[tuple[str, Labels], Series] = {}
    for frame in told:
        places = np.abs(times[None, :] - frame.times[:, None]).argmin(axis=1)
        near = np.abs(times[places] - frame.times) < step / 2 + 1e-6
        for one in frame.series:
            series.setdefault((one.key.signal, one.key.labels), _placed(one, places[near], near, times.size))
    return Frame(times, step, tuple(series.values()))


def _placed(one: Series, places: IntArray, near: BoolArray, steps: int) -> Series:
    values = np.full((steps, *one.values.shape[1:]), np.nan)
    values[places] = one.values[near]
    if one.sums is None:
        return Series(one.key, values)
    sums = np.full(steps, np.nan)
    sums[places] = one.sums[near]
    return Series(one.key, values, sums)


def on_edges(series: Series, edges: tuple[float, ...]) -> Series:
    """A histogram on coarser edges: buckets whose bound is not among `edges` flow into the next that is.

    `edges` must end with the series' last edge (inf); counts above it would have nowhere to go.
    """
    if series.key.edges == edges:
        return series
    target = np.searchsorted(np.asarray(edges), np.asarray(series.key.edges))
    values = np.zeros((series.values.shape[0], len(edges)))
    np.add.at(values.T, target, series.values.T)
    return Series(SeriesKey(series.key.signal, series.key.labels, series.key.kind, edges), values, series.sums)


def common_edges(members: Sequence[Series]) -> tuple[float, ...]:
    """The bucket bounds that all of these histograms share, ascending; inf is always one."""
    shared = set(members[0].key.edges).intersection(*(one.key.edges for one in members[1:]))
    return tuple(sorted(shared | {float("inf")}))


def spans_of(times: Array, step: float) -> IntArray:
    """Which uninterrupted span each step belongs to: 0, 1, 2 … of shape (steps,); a gap in time starts the next."""
    breaks: IntArray = np.cumsum(np.diff(times, prepend=times[:1]) > 1.5 * step)
    return breaks


def has_data(series: Series) -> BoolArray:
    """Which steps hold data: booleans of shape (steps,)."""
    missing = np.isnan(series.values)
    known: BoolArray = ~missing if missing.ndim == 1 else ~np.any(missing, axis=1)
    return known


def _fold(signal: str, kind: Kind, labels: Labels, members: Sequence[Series], how: Across) -> Series:
    edges: tuple[float, ...] = ()
    if kind is Kind.HISTOGRAM:
        edges = common_edges(members)
        members = [on_edges(one, edges) for one in members]
    key = SeriesKey(signal, labels, kind, edges)
    if len(members) == 1:
        return Series(key, members[0].values, members[0].sums)
    values = _reduce(np.stack([one.values for one in members]), how)
    with_sums = [one.sums for one in members if one.sums is not None]
    # A mean over some members' sums and all members' counts would be wrong, so a lost sum loses the group's.
    sums = _reduce(np.stack(with_sums), "sum") if len(with_sums) == len(members) else None
    return Series(key, values, sums)


def _reduce(stack: Array, how: Across) -> Array:
    """Fold the first axis, ignoring NaN; NaN where nothing was known."""
    known = ~np.isnan(stack)
    count = known.sum(axis=0)
    if how == "max":
        folded = np.where(known, stack, -np.inf).max(axis=0)
    else:
        folded = np.where(known, stack, 0.0).sum(axis=0)
        if how == "mean":
            folded = folded / np.maximum(count, 1)
    return np.where(count > 0, folded, np.nan)


def _gather(values: Array, group: IntArray, size: int, *, mean: bool) -> Array:
    """Sum or mean of the steps of each group, ignoring NaN; NaN where a group has no data."""
    known = ~np.isnan(values)
    total = np.zeros((size, *values.shape[1:]))
    count = np.zeros_like(total)
    np.add.at(total, group, np.where(known, values, 0.0))
    np.add.at(count, group, known)
    return np.where(count > 0, total / np.maximum(count, 1) if mean else total, np.nan)


def _join(found: Sequence[tuple[int, Series]], sizes: Sequence[int], order: IntArray) -> Series:
    members = [one for _place, one in found]
    key = members[0].key
    if key.kind is Kind.HISTOGRAM:
        edges = common_edges(members)
        found = [(place, on_edges(one, edges)) for place, one in found]
        key = SeriesKey(key.signal, key.labels, key.kind, edges)
    by_place = dict(found)
    width = (len(key.edges),) if key.kind is Kind.HISTOGRAM else ()
    with_sums = any(one.sums is not None for one in members)

    def spread(attribute: str, tail: tuple[int, ...]) -> Array:
        pieces = []
        for place, size in enumerate(sizes):
            piece = getattr(by_place[place], attribute) if place in by_place else None
            pieces.append(np.full((size, *tail), np.nan) if piece is None else piece)
        return np.concatenate(pieces)[order]

    return Series(key, spread("values", width), spread("sums", ()) if with_sums else None)
