"""What two sets of samples look like beside each other: counts in the same few bins, for a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.samples import Samples, quantile

if TYPE_CHECKING:
    from console.model import Array

BINS = 16
EDGE_SHARE = 0.01  # of each side lies beyond the picture and is put into its last bins
LOG_FROM = 20.0  # times from the lowest to the highest value, and bins are as wide on the log scale


@dataclass(frozen=True, slots=True)
class Shape:
    """How often each bin was seen, as a share of its side; both are (bins,)."""

    baseline: tuple[float, ...]
    current: tuple[float, ...]
    low: float
    high: float


def shape(current: Samples | None, baseline: Samples | None) -> Shape | None:
    """Both sides in common bins; None where there is no value at all."""
    held = [one for one in (current, baseline) if one is not None and one.n > 0]
    if not held:
        return None
    ordered = [_ordered(one) for one in held]
    low = min(float(quantile(one, EDGE_SHARE)) for one in ordered)
    high = max(float(quantile(one, 1 - EDGE_SHARE)) for one in ordered)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    edges = np.geomspace(low, high, BINS + 1) if low > 0 and high / low > LOG_FROM else np.linspace(low, high, BINS + 1)
    return Shape(_shares(baseline, edges), _shares(current, edges), low, high)


def _ordered(one: Samples) -> Samples:
    order = np.argsort(one.values, kind="stable")
    return Samples(one.metric, one.labels, one.values[order], one.counts[order], None, one.rows)


def _shares(one: Samples | None, edges: Array) -> tuple[float, ...]:
    if one is None or one.n == 0:
        return (0.0,) * BINS
    at = np.clip(np.searchsorted(edges, one.values, side="right") - 1, 0, BINS - 1)
    counts = np.bincount(at, weights=one.counts, minlength=BINS)
    return tuple((counts / one.n).tolist())
