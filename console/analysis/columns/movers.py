"""Which categories moved? Words, languages or colours that became more frequent or less, for a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from console.analysis.columns.bins import aligned, counts_of

if TYPE_CHECKING:
    from console.model import ColumnProfile

MOST = 3  # each way
SURE = 4.0  # standard errors by which a share must differ to be named


def said(baseline: ColumnProfile, current: ColumnProfile) -> str:
    """The categories that became more frequent, and those that became less; empty where none did for sure.

    `more: refund, broken; fewer: thanks`: the most surely moved first, by the difference of two shares in standard
    errors. Categories that only one side lists are not named.
    """
    before, now = aligned(baseline, current)
    a, b = counts_of(before), counts_of(now)
    n, m = max(float(a.sum()), 1.0), max(float(b.sum()), 1.0)
    share = (a + b + 1) / (n + m + 2)
    z = ((b / m - a / n) / np.sqrt(share * (1 - share) * (1 / n + 1 / m)))[:-1]
    order = np.argsort(-np.abs(z), kind="stable").tolist()
    parts = []
    for word, way in (("more", 1), ("fewer", -1)):
        sure = [before.categories[at] for at in order if z[at] * way >= SURE][:MOST]
        if sure:
            parts.append(f"{word}: {', '.join(sure)}")
    return "; ".join(parts)
