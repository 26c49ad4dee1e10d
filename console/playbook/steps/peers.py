"""The healthy siblings of what is looked at: the same signal at the same time, laid one behind the other as a baseline.

Siblings are the series that differ in the labels of `by` alone. Those that are themselves unlike the rest are no
measure of health and are left out; the median decides, so that one sick member, or a few, do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.frames import common_edges, on_edges
from console.analysis.series.statistic import statistic
from console.analysis.siblings import LEAST_SIBLINGS, apart
from console.errors import NoData
from console.model import Direction, Frame, Kind, Labels, Series, Stat

if TYPE_CHECKING:
    from console.model import Array, Flags

FEWEST_TO_JUDGE = 3  # of two, nobody can tell which is the odd one
MOST_PEERS = 8  # that one series is compared with; more tell hardly more, and cost as much each


@dataclass(frozen=True, slots=True)
class Beside:
    """Members of a group, and for each its healthy siblings as a baseline of its own."""

    current: Frame
    baseline: Frame
    of: tuple[Frame, Frame] | None
    siblings: Mapping[Labels, int]  # how many each is compared with
    left_out: int  # members that are no measure of health


def beside_siblings(
    members: Frame,
    of: Frame | None,
    asked: Mapping[str, str],
    *,
    stat: Stat,
    bad: Direction,
    tolerance: float,
    floor: float,
) -> Beside:
    """The members that have the labels asked for, each beside its healthy siblings.

    Raises NoData where nobody has a sibling, or none that is healthy.
    """
    known = [one for one in members.series if not np.isnan(_level(one, members, of, stat))]
    if len(known) < 2:
        raise NoData(f"absent: {len(known)} series is there, and siblings need two", "see which labels stand in `by`")
    levels = np.array([_level(one, members, of, stat) for one in known])
    sick = _sick(levels, bad, tolerance, floor)
    healthy = [one.key.labels for one, is_sick in zip(known, sick, strict=True) if not is_sick]
    looked = [
        one for one in members.series if all(one.key.labels.value(name) == value for name, value in asked.items())
    ]
    chosen = {one.key.labels: _chosen(one.key.labels, healthy) for one in looked}
    if looked and not any(chosen.values()):
        raise NoData("absent: no healthy sibling is left", "")
    blocks = max((len(peers) for peers in chosen.values()), default=0)
    mine = Frame(members.times, members.step, tuple(looked))
    denominators = None
    if of is not None:
        those = tuple(one for one in of.series if one.key.labels in chosen)
        denominators = (Frame(of.times, of.step, those), _laid(of, chosen, blocks))
    return Beside(
        mine,
        _laid(members, chosen, blocks),
        denominators,
        {labels: len(peers) for labels, peers in chosen.items()},
        int(sick.sum()),
    )


def _level(one: Series, frame: Frame, of: Frame | None, stat: Stat) -> float:
    """The statistic of one member over the whole window; NaN where it has none."""
    under = None
    if stat == "ratio":
        under = next((each for each in of.series if each.key.labels == one.key.labels), None) if of else None
        if under is None:
            return float("nan")
    return statistic(one, stat, frame, of=under).value


def _sick(levels: Array, bad: Direction, tolerance: float, floor: float) -> Flags:
    """Which members lie too far on the bad side of the median."""
    if levels.size < FEWEST_TO_JUDGE:
        return np.zeros(levels.shape, dtype=bool)
    if levels.size > LEAST_SIBLINGS:
        far, _usual = apart(levels, np.zeros(levels.size, dtype=int), bad, least=floor, share=tolerance)
        apart_ones: Flags = far != 0
        return apart_ones
    away = levels - np.median(levels)
    is_far = np.abs(away) > max(floor, tolerance * abs(float(np.median(levels))))
    sick: Flags = is_far if bad is Direction.EITHER else is_far & ((away > 0) == (bad is Direction.UP))
    return sick


def _chosen(labels: Labels, healthy: list[Labels]) -> tuple[Labels, ...]:
    """The healthy siblings of one member, at most so many, spread over all of them."""
    others = [each for each in healthy if each != labels]
    every = max(1, -(-len(others) // MOST_PEERS))
    return tuple(others[::every])


def _laid(frame: Frame, chosen: Mapping[Labels, tuple[Labels, ...]], blocks: int) -> Frame:
    """For each member its siblings' series, as if they were earlier windows; NaN where it has fewer than others."""
    by_labels = {one.key.labels: one for one in frame.series}
    steps = frame.times.size
    length = (steps + 2) * frame.step  # with a gap between two: how siblings differ is known from that
    times = np.concatenate([frame.times - back * length for back in range(blocks - 1, -1, -1)] or [frame.times[:0]])
    laid = []
    for labels, peers in chosen.items():
        found = [by_labels[peer] for peer in peers if peer in by_labels]
        if not found:
            continue
        if found[0].key.kind is Kind.HISTOGRAM:
            edges = common_edges(found)
            found = [on_edges(one, edges) for one in found]
        empty = np.full((blocks - len(found)) * steps, np.nan)
        shaped = np.full((empty.size, *found[0].values.shape[1:]), np.nan)
        values = np.concatenate([shaped, *(one.values for one in found)])
        sums = None
        if found[0].sums is not None:
            sums = np.concatenate(
                [empty, *(one.sums if one.sums is not None else np.full(steps, np.nan) for one in found)]
            )
        laid.append(Series(replace(found[0].key, labels=labels), values, sums))
    return Frame(times, frame.step, tuple(laid))
