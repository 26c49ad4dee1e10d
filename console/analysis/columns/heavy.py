"""Values that many rows share: what a sentinel, a default or a renamed category is known by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_VALUES = 10
LEAST_SHARE = 0.005  # of the rows
FEWEST = 3  # rows


def heavy_values(values: npt.NDArray[Any] | Sequence[str | None]) -> tuple[tuple[tuple[str, int], ...], int]:
    """`ColumnProfile.heavy` and `.sampled` of a sample of rows: numbers with NaN, or texts with None, for missing.

    At most 10 values, each in half a percent of the rows and in three at least, the most frequent first.

    >>> heavy_values(np.array([1.0, -999.0, 2.0, -999.0, -999.0, np.nan]))
    ((('-999', 3),), 5)
    """
    held = np.asarray(values)
    counted: Iterable[tuple[Any, int]]
    if held.dtype.kind in "fiu":
        held = held[np.isfinite(held)]
        found, counts = np.unique(held, return_counts=True)
        often = np.flatnonzero(counts >= FEWEST)
        size, counted = held.size, zip(found[often].tolist(), counts[often].tolist(), strict=True)
    else:
        texts = Counter(value for value in held.tolist() if value is not None)
        size, counted = texts.total(), texts.items()
    least = max(FEWEST, LEAST_SHARE * size)
    heavy = sorted((-count, value) for value, count in counted if count >= least)[:MOST_VALUES]
    return tuple((value if isinstance(value, str) else f"{value:.12g}", -count) for count, value in heavy), size
