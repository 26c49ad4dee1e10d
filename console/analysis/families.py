"""Many questions asked at once: which p-values still mean something? For everything that compares a family."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from console.model import Array


def benjamini_hochberg(p: Array) -> Array:
    """Adjusted p-values, same shape (n,): reject those at or below q and at most a share q of the rejected is wrong.

    Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995). A NaN was not asked: it stays NaN and does not count.

    >>> benjamini_hochberg(np.array([0.01, 0.5]))
    array([0.02, 0.5 ])
    """
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    asked = np.flatnonzero(~np.isnan(p))
    if asked.size == 0:
        return adjusted
    order = asked[np.argsort(p[asked], kind="stable")]
    steps = p[order] * order.size / np.arange(1, order.size + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return adjusted
