"""The last values of a number as one short text, a level from 0 to 7 each: sixty numbers in each of a thousand rows,
sent each second, would cost every screen more than all the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

LEVELS = 8


def levels(values: Sequence[float], *, low: float | None = None, high: float | None = None) -> str:
    """A digit for each value; the scale is theirs unless it is given.

    >>> levels([0.0, 0.5, 1.0]), levels([0.5, 2.0], low=0.0, high=1.0)
    ('047', '47')
    """
    if not values:
        return ""
    bottom = min(values) if low is None else low
    span = (max(values) if high is None else high) - bottom
    if span <= 0:
        return "0" * len(values)
    return "".join(str(min(max(int((value - bottom) / span * LEVELS), 0), LEVELS - 1)) for value in values)
