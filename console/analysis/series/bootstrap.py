"""What else could this window have looked like? Moving blocks of it, drawn again (Künsch, Ann. Stat. 17, 1989)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

    IntArray = npt.NDArray[np.int64]

REPLICATES = 400
MOST_DRAWN = 400_000  # values held at once: 3 MB


def moving_blocks(span: IntArray, length: int, *, seed: int, replicates: int = REPLICATES) -> IntArray:
    """Steps to draw, shape (replicates, about steps): blocks of `length` neighbours that never cross a gap.

    An entry of -1 stands for no data: a span shorter than a block fills only a part of it.
    """
    steps = span.size
    length = min(length, steps)
    end = np.searchsorted(span, span, side="right")
    first = np.searchsorted(span, span, side="left")
    starts = np.flatnonzero((np.arange(steps) + length <= end) | (np.arange(steps) == first))
    blocks = -(-steps // length)
    replicates = max(50, min(replicates, MOST_DRAWN // (blocks * length)))
    drawn = np.random.default_rng(seed).choice(starts, size=(replicates, blocks))
    at = drawn[:, :, None] + np.arange(length)
    return np.where(at < end[drawn][:, :, None], at, -1).reshape(replicates, blocks * length)


def block_length(phi: float, steps: int) -> int:
    """The length that estimates the variance of a mean best when neighbours share phi, 1..steps/3.

    Politis and White (Econom. Rev. 23, 2004) for an AR(1).
    """
    best = (6 * phi**2 / (1 - phi**2) ** 2 * steps) ** (1 / 3)
    return int(np.clip(np.ceil(best), 1, max(1, steps // 3)))


def draw(values: Array, at: IntArray) -> Array:
    """The drawn values, same shape as `at`; NaN where nothing was drawn."""
    drawn: Array = np.append(values, np.nan)[at]
    return drawn
