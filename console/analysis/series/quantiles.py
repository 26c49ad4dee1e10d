"""Quantiles of histograms, interpolated the way Prometheus' histogram_quantile does.

The same convention on purpose: an answer computed here from buckets and one computed inside Prometheus must agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from console.model import Array


def histogram_quantile(counts: Array, edges: Array, q: Array | float) -> Array:
    """The values below which a share `q` (any shape, each clipped to 0..1) of the observations lies.

    `counts` and `edges` have shape (buckets,): observations per bucket (not cumulative) and upper bounds, the last inf.
    Linear within a bucket, from 0 in the first one if its bound is positive; a rank in the last bucket gives that
    bucket's lower bound. NaN without observations or finite edges.

    >>> float(histogram_quantile(np.array([0, 10, 0]), np.array([1, 2, np.inf]), 0.5))
    1.5
    """
    q = np.clip(np.asarray(q, dtype=np.float64), 0, 1)
    total = float(counts.sum())
    if total <= 0 or edges.size < 2:
        return np.full(q.shape, np.nan)
    upto = np.cumsum(counts)
    rank = q * total
    at = np.minimum(np.searchsorted(upto, rank - 1e-12 * total, side="left"), edges.size - 1)
    upper = np.where(at == edges.size - 1, edges[-2], edges[at])
    first_lower = min(0.0, float(edges[0]))
    lower = np.where(at == 0, first_lower, edges[at - 1])
    before = np.where(at == 0, 0.0, upto[at - 1])
    share = np.clip((rank - before) / np.maximum(counts[at], 1e-300), 0, 1)
    value: Array = lower + (upper - lower) * share
    return value


def count_below(counts: Array, edges: Array, value: float) -> Array:
    """Observations at or below a value, shape (steps,) from (steps, buckets): the inverse of `histogram_quantile`."""
    at = min(int(np.searchsorted(edges, value, side="left")), edges.size - 1)
    below: Array = counts[:, :at].sum(axis=1)
    lower = min(0.0, float(edges[0])) if at == 0 else float(edges[at - 1])
    width = float(edges[at]) - lower
    if at < edges.size - 1 and width > 0:
        below = below + counts[:, at] * min(max((value - lower) / width, 0.0), 1.0)
    return below
