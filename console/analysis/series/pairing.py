"""Which series of the current window belongs to which of the baseline, and what a ratio is of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.analysis.frames import common_edges, has_data, on_edges
from console.model import Frame, Labels, Series


@dataclass(frozen=True, slots=True)
class Pair:
    """One label set on both sides; None where a side has no data for it. `of` are the denominators of a ratio."""

    signal: str
    labels: Labels
    current: Series | None
    baseline: Series | None
    current_of: Series | None = None
    baseline_of: Series | None = None


def pairs(current: Frame, baseline: Frame, of: tuple[Frame, Frame] | None = None) -> list[Pair]:
    """Every label set of either side, sorted; histograms with different edges meet on their common ones."""
    mine, its = _with_data(current.series), _with_data(baseline.series)
    found = []
    for signal, labels in sorted({**mine, **its}):
        a, b = mine.get((signal, labels)), its.get((signal, labels))
        if a is not None and b is not None and a.key.edges != b.key.edges:
            edges = common_edges((a, b))
            a, b = on_edges(a, edges), on_edges(b, edges)
        a_of, b_of = (None, None) if of is None else (_whole(labels, of[0]), _whole(labels, of[1]))
        found.append(Pair(signal, labels, a, b, a_of, b_of))
    return found


def _with_data(series: Iterable[Series]) -> dict[tuple[str, Labels], Series]:
    return {(one.key.signal, one.key.labels): one for one in series if bool(has_data(one).any())}


def _whole(labels: Labels, frame: Frame) -> Series | None:
    """The series this label set is a part of: the one that shares most labels and contradicts none."""
    fitting = [one for one in frame.series if set(one.key.labels) <= set(labels)]
    return max(fitting, key=lambda one: len(one.key.labels), default=None)
