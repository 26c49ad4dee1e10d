"""How a minute's shape is kept in a few bytes: a histogram's observations by bucket, or some of a gauge's values.

A sketch says its own number type in its first byte, so counts take one byte each while they are small:
`B`, `H`, `I` are unsigned integers of one, two, four bytes and `d` float64 (counts by bucket); `f` is float32 (values).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from console.model import Array

MOST_VALUES = 16
WIDTHS = (("B", 2**8), ("H", 2**16), ("I", 2**32))
VALUES = ord("f")


def pack_counts(counts: Sequence[float]) -> bytes:
    """Counts by bucket in the narrowest type that holds them exactly.

    >>> pack_counts([0, 3, 200])
    b'B\\x00\\x03\\xc8'
    """
    most = max(counts)
    whole = [int(count) for count in counts]
    code = next((code for code, limit in WIDTHS if most < limit), "d") if whole == list(counts) else "d"
    return struct.pack(f"<c{len(counts)}{code}", code.encode(), *(counts if code == "d" else whole))


def pack_values(values: Sequence[float]) -> bytes:
    """A gauge's values, sorted, thinned to `MOST_VALUES` evenly spaced quantiles where there are more."""
    ordered = sorted(values)
    if len(ordered) > MOST_VALUES:
        ordered = _thin(np.array(ordered), np.ones(len(ordered))).tolist()
    return struct.pack(f"<c{len(ordered)}f", b"f", *ordered)


def unpack(sketch: bytes) -> Array:
    """What one sketch holds, as float64: shape (buckets,) or (values,)."""
    return np.frombuffer(sketch, dtype=f"<{_numpy_code(sketch[0])}", offset=1).astype(np.float64)


def unpack_counts(sketches: Sequence[bytes], buckets: int) -> Array:
    """Many sketches of one histogram series at once: shape (sketches, buckets)."""
    counts = np.empty((len(sketches), buckets))
    codes = np.fromiter((sketch[0] for sketch in sketches), dtype=np.uint8, count=len(sketches))
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        block = np.frombuffer(b"".join([sketches[int(row)] for row in rows]), dtype=np.uint8).reshape(len(rows), -1)
        counts[rows] = np.ascontiguousarray(block[:, 1:]).view(f"<{_numpy_code(int(code))}")
    return counts


def merge(old: bytes | None, old_count: float, new: bytes | None, new_count: float) -> bytes | None:
    """Two sketches of one minute as one; the counts say how many readings each stands for."""
    if old is None or new is None:
        return old or new
    first, second = unpack(old), unpack(new)
    if old[0] != VALUES:
        return pack_counts((first + second).tolist())
    values = np.concatenate([first, second])
    weights = np.repeat([old_count / len(first), new_count / len(second)], [len(first), len(second)])
    order = np.argsort(values, kind="stable")
    values = values[order]
    return pack_values((_thin(values, weights[order]) if len(values) > MOST_VALUES else values).tolist())


def _thin(values: Array, weights: Array) -> Array:
    """The middles of `MOST_VALUES` equal shares of the weight."""
    ranks = (np.arange(MOST_VALUES) + 0.5) / MOST_VALUES * weights.sum()
    middles: Array = values[np.searchsorted(np.cumsum(weights), ranks)]
    return middles


def _numpy_code(code: int) -> str:
    return {"B": "u1", "H": "u2", "I": "u4", "d": "f8", "f": "f4"}[chr(code)]
