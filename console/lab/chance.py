"""Chance that depends on nothing but what it is asked: the same key and the same place give the same number.

A generator gives the numbers of a window in order, so that a longer window would give others. Here every number has a
place of its own (a step in time, a bucket), and any window sees the same one there.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

    Places = npt.NDArray[np.uint64]

FEW = 40.0  # expected events up to which they are counted out exactly; beyond, their number is nearly normal


def key_of(*parts: object) -> int:
    """A number for anything that can be written down.

    >>> key_of(0, "gpu.power") == key_of(0, "gpu.power"), key_of(0, "gpu.power") == key_of(1, "gpu.power")
    (True, False)
    """
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def uniform(key: int, places: Places, draw: int = 0) -> Array:
    """Numbers between 0 and 1, neither included, one for each place; `draw` tells several of one place apart."""
    with np.errstate(over="ignore"):
        bits = places * np.uint64(0x9E3779B97F4A7C15) + np.uint64((key + draw * 0xD1B54A32D192ED03) % 2**64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
        bits ^= bits >> np.uint64(31)
    numbers: Array = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return numbers


def normal(key: int, places: Places, draw: int = 0) -> Array:
    """Numbers around 0 with deviation 1, one for each place."""
    radius = np.sqrt(-2.0 * np.log(uniform(key, places, 2 * draw)))
    numbers: Array = radius * np.cos(2.0 * np.pi * uniform(key, places, 2 * draw + 1))
    return numbers


def poisson(key: int, places: Places, means: Array) -> Array:
    """How many events happen where `means` are expected, one number for each place; shapes are alike."""
    shares = uniform(key, places)
    counts = np.zeros(means.shape)
    few = (means > 0) & (means <= FEW)
    if few.any():
        counts[few] = _counted_out(shares[few], means[few])
    many = means > FEW
    if many.any():
        noise = normal(key, places[many], draw=1)
        counts[many] = np.maximum(np.rint(means[many] + np.sqrt(means[many]) * noise), 0.0)
    return counts


def _counted_out(shares: Array, means: Array) -> Array:
    """The smallest number whose cumulative chance reaches the share."""
    chance = np.exp(-means)
    reached = chance.copy()
    counts = np.zeros(means.shape)
    for number in range(1, int(FEW + 12 * np.sqrt(FEW))):
        short = shares > reached
        if not short.any():
            break
        counts[short] = number
        chance = chance * means / number
        reached += chance
    return counts
