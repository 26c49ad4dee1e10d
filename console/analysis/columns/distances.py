"""How far two binned distributions are apart. Shown because people know them; `nulls` decides.

All take counts of the same bins, shape (bins,), baseline first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from console.model import Array


def psi(baseline: Array, current: Array) -> float:
    """Population stability index, in nats.

    Above 0.2 is commonly read as a shift (Siddiqi, Credit Risk Scorecards, 2006). Half an observation is added to every
    bin, so an empty one is rare and not impossible.

    >>> psi(np.array([50, 50]), np.array([50, 50]))
    0.0
    """
    p, q = _shares(baseline + 0.5), _shares(current + 0.5)
    return float(np.sum((q - p) * np.log(q / p)))


def jensen_shannon(baseline: Array, current: Array) -> float:
    """Jensen-Shannon distance, 0..1: the root of the divergence in bits."""
    p, q = _shares(baseline), _shares(current)
    middle = (p + q) / 2
    bits = sum(float(np.sum(one[one > 0] * np.log2(one[one > 0] / middle[one > 0]))) / 2 for one in (p, q))
    return math.sqrt(min(max(bits, 0.0), 1.0))


def kolmogorov_smirnov(baseline: Array, current: Array) -> float:
    """The largest gap between the two distribution functions at the bins' edges, 0..1; bins in order."""
    return float(np.max(np.abs(np.cumsum(_shares(baseline) - _shares(current)))))


def wasserstein(baseline: Array, current: Array, edges: Array, low: float, high: float) -> float:
    """How far rows were moved on average, in the column's unit; `edges` are inner, `low` and `high` the outer ends."""
    bounds = np.concatenate([[min(low, edges[0])], edges, [max(high, edges[-1])]])
    # Within a bin mass is taken to lie evenly, so the gap between the functions is linear there.
    gap = np.concatenate([[0.0], np.cumsum(_shares(baseline) - _shares(current))])
    a, b = gap[:-1], gap[1:]
    crossing = a * b < 0
    even = (np.abs(a) + np.abs(b)) / 2
    crossed = (a**2 + b**2) / np.where(crossing, 2 * np.abs(a - b), 1.0)
    return float(np.sum(np.where(crossing, crossed, even) * np.diff(bounds)))


def shift(baseline: Array, current: Array, edges: Array, low: float, high: float) -> float:
    """How far the mean moved, in the column's unit, were all rows between `low` and `high`: the signed Wasserstein."""
    bounds = np.concatenate([[min(low, edges[0])], edges, [max(high, edges[-1])]])
    gap = np.concatenate([[0.0], np.cumsum(_shares(baseline) - _shares(current))])
    return float(np.sum((gap[:-1] + gap[1:]) / 2 * np.diff(bounds)))


def total_variation(baseline: Array, current: Array) -> float:
    """The share of rows that would have to change bins, 0..1, freed of what chance alone makes of it at these n and m.

    Chance and a true difference add as squares: to subtract them plainly would hide small differences of few rows.
    """
    n, m = float(baseline.sum()), float(current.sum())
    raw = float(np.abs(_shares(baseline) - _shares(current)).sum()) / 2
    pooled = _shares(baseline + current)
    by_chance = float(np.sqrt(2 / math.pi * pooled * (1 - pooled) * (1 / n + 1 / m)).sum()) / 2
    return math.sqrt(max(0.0, raw**2 - by_chance**2))


def _shares(counts: Array) -> Array:
    shares: Array = counts / max(float(counts.sum()), 1e-300)
    return shares
