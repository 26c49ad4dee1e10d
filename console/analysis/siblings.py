"""Which members of a group are unlike their siblings: robust, and only where the difference matters.

The centre is the group's median and the scale its median absolute deviation, so that one odd member, or a few, move
neither. Where siblings agree to the last digit the scale would be nothing, so it has a floor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from console.model import Direction

if TYPE_CHECKING:
    from console.model import Array, Codes

SIGMAS = 5.0  # of the siblings' own spread that a member must be away
LEAST_SIBLINGS = 4
PER_MAD = 1.4826  # a normal law's standard deviation in median absolute deviations


def apart(
    values: Array,
    groups: Codes,
    bad: Direction,
    *,
    least: float = 0.0,
    share: float = 0.0,
    floor: float = 0.0,
) -> tuple[Array, Array]:
    """(how far from its siblings' median, that median), each of shape (members,); a difference of 0: like them.

    `groups` says to which group each member belongs; one below 0, or a value that is NaN, takes no part. A member is
    apart in the `bad` direction when it has at least four siblings and lies further from the median than `least` (in
    the values' unit), than `share` of the median, and than five times their spread, which is never below `floor`.

    >>> far, usual = apart(np.array([70.0, 71, 69, 70, 90]), np.zeros(5, dtype=int), Direction.UP, least=15, floor=2)
    >>> far.tolist(), usual.tolist()
    ([0.0, 0.0, 0.0, 0.0, 20.0], [70.0, 70.0, 70.0, 70.0, 70.0])
    """
    far, usual = np.zeros(values.shape), np.full(values.shape, np.nan)
    there = np.flatnonzero(np.isfinite(values) & (groups >= 0))
    if not there.size:
        return far, usual
    _names, group, sizes = np.unique(groups[there], return_inverse=True, return_counts=True)
    centre = _medians(values[there], group, sizes)[group]
    away = values[there] - centre
    spread = np.maximum(PER_MAD * _medians(np.abs(away), group, sizes)[group], floor)
    needed = np.maximum(np.maximum(least, share * np.abs(centre)), SIGMAS * spread)
    is_apart = (np.abs(away) >= needed) & (np.abs(away) > 0) & (sizes[group] > LEAST_SIBLINGS)
    if bad is not Direction.EITHER:
        is_apart &= (away > 0) == (bad is Direction.UP)
    far[there], usual[there] = np.where(is_apart, away, 0.0), centre
    return far, usual


def _medians(values: Array, group: Codes, sizes: Codes) -> Array:
    """The median of each group, shape (groups,)."""
    ordered = values[np.lexsort((values, group))]
    ends = np.cumsum(sizes)
    starts = ends - sizes
    middle: Array = (ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) / 2
    return middle
