"""How much does a series wander by itself? What neighbouring steps share is no new evidence.

Every statistic here is, to first order, a sum of one contribution per step, so one question is left: how many times is
the variance of such a mean larger than independent steps would make it? It is read from sub-windows of several lengths,
each corrected for what neighbours share (an AR(1) whose coefficient is freed of its small-sample bias), and the largest
answer holds: noise on top of a slow wave shows only in the longer ones. Spans of a pooled window are independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

    IntArray = npt.NDArray[np.int64]

LARGEST_PHI = 0.97
FEWEST_SUB_WINDOWS = 20
ALIKE = 1.5  # times as much variance of a mean may be chance
CAUTION = 2.0  # short windows hide persistence; what benchmarks/compare.py needs to hold its 5 % with φ = .9


@dataclass(frozen=True, slots=True)
class Wobble:
    """What neighbouring steps share, and how much that widens a mean."""

    inflation: float = 1.0  # variance of the mean, against independent steps; at least 1
    phi: float = 0.0  # the correlation of neighbours

    def freedom(self, steps: int) -> float:
        """Degrees of freedom of a variance from so many steps: spread and persistence are estimates (delta method)."""
        return max(1.0, steps * (1 - self.phi**2) / (3 + self.phi**2))


def wobble(values: Array, span: IntArray) -> Wobble:
    """The wobble of one series, shape (steps,) with NaN for no data; `span` as from `spans_of`."""
    known = ~np.isnan(values)
    count = int(np.count_nonzero(known))
    usual = float(np.var(values[known])) / max(count, 1)
    if usual <= 0:
        return Wobble()
    variance, phi = _variance_of_mean(values[known], span[known], CAUTION)
    length = 2
    while count // length >= FEWEST_SUB_WINDOWS:
        means, owner = _sub_windows(values, span, length)
        wider, shared = _variance_of_mean(means, owner, 0.0)
        # The largest of several estimates is too large: a longer sub-window has to win by a standard error.
        wider *= 1 - math.sqrt(2 / means.size)
        if wider > variance:
            variance, phi = wider, max(phi, shared ** (1 / length))
        length *= 2
    return Wobble(max(1.0, variance / usual), phi)


def usual_wobble(current: Wobble, baseline: Wobble, both: Wobble, without_steps: Wobble) -> Wobble:
    """The wobble of two windows of one series, where either may hold the very shift that is looked for.

    Both together tell most of it. But a shift in mid-window looks like strong persistence: where one window wobbles far
    more than the other, the calmer speaks for both, and for no less than what they wobble around two levels each
    (`without_steps`, see `without_step`).
    """
    calm = min(current, baseline, key=lambda one: one.inflation)
    usual = both if both.inflation <= ALIKE * calm.inflation else calm
    return max(usual, without_steps, key=lambda one: one.inflation)


def without_step(values: Array) -> Array:
    """The series around two levels instead of one, split where that explains most; same shape."""
    at = np.flatnonzero(~np.isnan(values))
    n = at.size
    if n < 4:
        return values
    upto = np.cumsum(values[at])
    early = np.arange(1, n)
    explained = upto[:-1] ** 2 / early + (upto[-1] - upto[:-1]) ** 2 / (n - early)
    cut = int(np.argmax(explained)) + 1
    flat = values.copy()
    flat[at[:cut]] -= values[at[:cut]].mean()
    flat[at[cut:]] -= values[at[cut:]].mean()
    return flat


def shared_variance(phi: float, n: float) -> float:
    """How many times the variance of a mean of n values grows when neighbours share phi (AR(1), exact)."""
    return float((1 + phi) / (1 - phi) - 2 * phi * (1 - phi**n) / (n * (1 - phi) ** 2))


def lag_one(values: Array, span: IntArray, caution: float = CAUTION) -> float:
    """The correlation of neighbours within spans, 0..1.

    Freed of its small-sample bias (Kendall, Biometrika 41, 1954), and then read with caution.
    """
    n = values.size
    centred = values - values.mean()
    scale = float(centred @ centred)
    together = span[1:] == span[:-1]
    pairs = int(together.sum())
    if pairs < 2 or scale <= 0:
        return 0.0
    raw = float(centred[1:][together] @ centred[:-1][together]) / pairs / (scale / n)
    bias = (1 + 3 * raw) / n
    return float(np.clip(raw + bias + caution * max(0.0, 1 - raw**2) / n, 0.0, LARGEST_PHI))


def _variance_of_mean(means: Array, span: IntArray, caution: float) -> tuple[float, float]:
    n = means.size
    phi = lag_one(means, span, caution)
    _names, sizes = np.unique(span, return_counts=True)
    grows = float(np.average([shared_variance(phi, size) for size in sizes.tolist()], weights=sizes))
    # The spread around the sample's own mean misses what all of its values share.
    spread = float(np.var(means)) / max(1 - grows / n, 1 / n)
    return spread * grows / n, phi


def _sub_windows(values: Array, span: IntArray, length: int) -> tuple[Array, IntArray]:
    """Means over `length` steps, counted from each span's start; those less than half filled are left out."""
    slot = (np.arange(span.size) - np.searchsorted(span, span)) // length
    slots = int(slot.max(initial=0)) + 1
    owner, group = np.unique(span * slots + slot, return_inverse=True)
    known = ~np.isnan(values)
    count = np.bincount(group, weights=known)
    total = np.bincount(group, weights=np.where(known, values, 0.0))
    full = count >= max(1.0, length / 2)
    return total[full] / count[full], owner[full] // slots
