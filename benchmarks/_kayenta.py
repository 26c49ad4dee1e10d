"""Kayenta's judge, written from its description, with the rules that Argo Rollouts and Flagger users write beside it.

Each rule answers a score: the higher, the surer it is that current is worse (higher) than baseline; -inf where it would
pass whatever its threshold. A rule's own verdict is a score above its own threshold (`USUAL`).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy.special import stdtr
from scipy.stats import norm, rankdata

PASS = -math.inf
SHIFT = 0.25  # of the Hodges-Lehmann estimate, which the interval of the shift has to clear
CONFIDENCE = 0.98
USUAL = {"kayenta": float(norm.ppf((1 + CONFIDENCE) / 2)), "welch": float(norm.ppf(0.975)), "fixed": 0.2}


def kayenta(
    baseline: np.ndarray,
    current: np.ndarray,
    *,
    allowed: float | None,
    nan: Literal["remove", "replace"] = "remove",
    outliers: float | None = None,
) -> float:
    """The z at which the Mann-Whitney interval of the shift still clears 0.25 × |its Hodges-Lehmann estimate|.

    Blanks are removed, or replaced by 0. `outliers` drops what lies so many interquartile ranges outside the quartiles.
    A side without any value is Kayenta's Nodata, equal samples pass, and with `allowed` so does a ratio of means up to
    1 + allowed, unless a mean is 0: then the effect size is skipped.
    """
    a, b = (_cleaned(side, nan, outliers) for side in (baseline, current))
    if not a.size or not b.size or (np.ptp(np.concatenate([a, b])) == 0):
        return PASS
    shift = float(np.median(b[:, None] - a[None, :]))
    if shift <= 0:
        return PASS
    if allowed is not None and a.mean() != 0 and b.mean() != 0 and b.mean() / a.mean() <= 1 + allowed:
        return PASS
    return _mann_whitney(a, b - SHIFT * shift)


def welch(baseline: np.ndarray, current: np.ndarray) -> float:
    """Welch's t of the difference of means, as the z of equal tail."""
    a, b = (_cleaned(side, "remove", None) for side in (baseline, current))
    if min(a.size, b.size) < 2:
        return PASS
    parts = [float(np.var(side, ddof=1)) / side.size for side in (a, b)]
    if sum(parts) <= 0:
        return PASS
    t = float(b.mean() - a.mean()) / math.sqrt(sum(parts))
    freedom = sum(parts) ** 2 / sum(part**2 / (side.size - 1) for part, side in zip(parts, (a, b), strict=True))
    return -float(norm.ppf(max(float(stdtr(freedom, -t)), 1e-300)))


def fixed(baseline: np.ndarray, current: np.ndarray) -> float:
    """How much larger the mean is, as a share: the analysis template that says `current / baseline < 1.2`."""
    a, b = (_cleaned(side, "remove", None) for side in (baseline, current))
    if not a.size or not b.size or a.mean() <= 0:
        return PASS
    return float(b.mean() / a.mean()) - 1


def _cleaned(values: np.ndarray, nan: str, outliers: float | None) -> np.ndarray:
    kept = np.nan_to_num(values) if nan == "replace" else values[~np.isnan(values)]
    if outliers is None or kept.size == 0:
        return kept
    low, high = np.quantile(kept, [0.25, 0.75])
    reach = outliers * (high - low)
    return kept[(kept >= low - reach) & (kept <= high + reach)]


def _mann_whitney(a: np.ndarray, b: np.ndarray) -> float:
    """z of the rank sum of b, with the correction for ties and for continuity."""
    n, m = a.size, b.size
    both = np.concatenate([a, b])
    ranks = rankdata(both)
    wins = float(ranks[n:].sum()) - m * (m + 1) / 2
    _values, ties = np.unique(both, return_counts=True)
    spread = math.sqrt(n * m / 12 * ((n + m + 1) - float(np.sum(ties**3 - ties)) / ((n + m) * (n + m - 1))))
    gap = wins - n * m / 2
    return (gap - math.copysign(0.5, gap)) / spread if spread > 0 else PASS
