"""Vectors read from several sides: how long, where from eight random sides, off the usual plane, near which others.

Against a domain classifier (benchmarks/rich_drift.py) these sides see more, but for a shift of everything along one
direction that hardly varies; and they are counts, so a baseline needs no rows.
"""

from __future__ import annotations

from base64 import b85decode, b85encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.columns.facets import by_side, named_facet, ordered_facet, sorted_facet

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array, ColumnProfile

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float32]

_SEED = 1998
_PROJECTIONS = 8
_DIRECTIONS = 32  # of the plane in which most of the baseline lies
_MOST_BASIS = 100_000  # numbers: wider vectors get fewer directions
_NEIGHBOURHOODS = 32
_ROWS_PER_NEIGHBOURHOOD = 25
_TEACHERS = 4000  # vectors that the plane and the neighbourhoods are learned from
_ROUNDS = 12  # of k-means
_ITERATIONS = 3  # of the search for a plane
_SPARE = 8
_BLOCK = 4096  # rows at a time
_DECIMALS = 9  # of a projection: what is beyond them depends on the machine
_LONGEST = 1e15  # whose square a float32 still holds


def embedding_facets(
    of: str, vectors: FloatArray, widths: IntArray, like: Sequence[ColumnProfile] = ()
) -> tuple[ColumnProfile, ...]:
    """The facets of vectors (rows, width), in the order of their rows; `widths` (all rows,) are of those left out too.

    Vectors with a NaN or an infinite value are missing from the norm, and left out elsewhere. With `like`, those facets
    counted in the same bins; vectors of another width than theirs are counted by their width alone.
    """
    known = by_side(of, like)
    width = named_facet(of, "width", [str(one) for one in widths.tolist()], 1, known.get("width"))
    expected = int(width.categories[0]) if width.categories else 0
    if vectors.shape[1] != expected:
        vectors = np.empty((0, expected), dtype=np.float32)
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    usable = length < _LONGEST  # which NaN is not
    if not usable.all():
        vectors, length = vectors[usable], length[usable]
    found = [
        width,
        ordered_facet(of, "norm", _three_digits(length), known.get("norm"), missing=usable.size - length.size,
                      is_shared=True),
    ]  # fmt: skip
    sides = _projected(vectors, _random_directions(expected))
    for at in range(_PROJECTIONS):
        side = f"projection {at + 1}"
        found.append(ordered_facet(of, side, sides[:, at], known.get(side)))
    if not like:
        plane = _learned(vectors[::2])
        vectors = vectors[1::2]
    else:
        plane = _Plane.read(known["neighbourhood"], expected) if "neighbourhood" in known else None
    if plane is not None:
        off, place = plane.seen(vectors)
        names = [f"#{at + 1}" for at in range(plane.centres.shape[0])]
        found.append(ordered_facet(of, "distance", off, known.get("distance")))
        found.append(sorted_facet(of, "neighbourhood", place, names, known.get("neighbourhood"), basis=plane.basis))
    return tuple(one for one in found if not like or any(one.name == facet.name for facet in like))


# ── what topics of texts are made of too ─────────────────────────────────────────────────────────────────────────────


def principal_directions(rows: FloatArray, most: int) -> FloatArray:
    """The directions in which rows, shape (rows, width), vary most: (directions, width), orthonormal.

    By iterating a random plane (Halko, Martinsson and Tropp, SIAM Review 53, 2011), with a fixed seed.
    """
    width = rows.shape[1]
    most = min(most, width, rows.shape[0])
    centred = rows - rows.mean(axis=0)
    start = np.random.default_rng(_SEED).normal(size=(width, min(most + _SPARE, width))).astype(np.float32)
    plane: FloatArray = start
    for _ in range(_ITERATIONS):
        plane = np.linalg.qr(centred.T @ (centred @ plane))[0]
    turn = np.linalg.svd(centred @ plane, full_matrices=False)[2]
    directions: FloatArray = (plane @ turn[:most].T).T
    return directions


def neighbourhoods(points: FloatArray, most: int) -> FloatArray:
    """The centres of k-means, at most `most`, shape (centres, width); from a fixed seed, by Lloyd's rounds."""
    centres: FloatArray = points[
        np.random.default_rng(_SEED).choice(len(points), min(most, len(points)), replace=False)
    ]
    for _ in range(_ROUNDS):
        at = nearest(points, centres)
        held = np.bincount(at, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, at, points)
        centres = np.where(held[:, None] > 0, sums / np.maximum(held, 1)[:, None], centres).astype(np.float32)
    return centres


def nearest(points: FloatArray, centres: FloatArray) -> IntArray:
    """The centre that is nearest to each point, shape (points,)."""
    found: IntArray = np.argmin((centres**2).sum(axis=1) - 2 * points @ centres.T, axis=1)
    return found


# ── sides ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """The plane in which most of the baseline lies, as it is kept: coarsely, so that a basis stays small."""

    directions: npt.NDArray[np.int8]  # (directions, width)
    middle: npt.NDArray[np.float16]  # (width,) the baseline's mean
    centres: npt.NDArray[np.float16]  # (neighbourhoods, directions)

    @property
    def basis(self) -> str:
        return " ".join(b85encode(one.tobytes()).decode() for one in (self.directions, self.middle, self.centres))

    @classmethod
    def read(cls, facet: ColumnProfile, width: int) -> _Plane:
        directions, middle, centres = (b85decode(part) for part in facet.basis.split(" "))
        held = np.frombuffer(directions, dtype=np.int8).reshape(-1, width)
        return cls(
            held,
            np.frombuffer(middle, dtype=np.float16),
            np.frombuffer(centres, dtype=np.float16).reshape(-1, len(held)),
        )

    def inside(self, vectors: FloatArray) -> tuple[FloatArray, Array]:
        """(where vectors lie in the plane (rows, directions), how far off it (rows,))."""
        axes = np.linalg.qr(self.directions.T.astype(np.float32))[0]
        places, off = [], []
        for at in range(0, max(len(vectors), 1), _BLOCK):
            centred = vectors[at : at + _BLOCK] - self.middle.astype(np.float32)
            inside = centred @ axes
            places.append(inside)
            off.append(np.einsum("ij,ij->i", centred, centred) - np.einsum("ij,ij->i", inside, inside))
        return np.concatenate(places), np.sqrt(np.maximum(np.concatenate(off), 0.0)).astype(np.float64)

    def seen(self, vectors: FloatArray) -> tuple[Array, IntArray]:
        """(how far vectors lie off the plane, their neighbourhood in it), both (rows,)."""
        places, off = self.inside(vectors)
        return off, nearest(places, self.centres.astype(np.float32))


def _learned(vectors: FloatArray) -> _Plane | None:
    taught = vectors[:_TEACHERS]
    most = min(_NEIGHBOURHOODS, len(taught) // _ROWS_PER_NEIGHBOURHOOD)
    if most < 2 or vectors.shape[1] < 2:
        return None
    width = taught.shape[1]
    directions = principal_directions(taught, min(_DIRECTIONS, width // 2, max(2, _MOST_BASIS // width)))
    small = np.round(directions / np.abs(directions).max(axis=1, keepdims=True) * 127).astype(np.int8)
    plane = _Plane(small, taught.mean(axis=0).astype(np.float16), np.empty((0, len(small)), dtype=np.float16))
    places, _off = plane.inside(taught)
    return _Plane(small, plane.middle, neighbourhoods(places, most).astype(np.float16))


def _random_directions(width: int) -> FloatArray:
    """The same directions for a width every time, shape (projections, width), of length 1."""
    # RandomState's stream is promised never to change (NEP 19), and a pinned baseline outlives a numpy.
    drawn = np.random.RandomState(_SEED).normal(size=(_PROJECTIONS, width))
    directions: FloatArray = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return directions


def _projected(vectors: FloatArray, directions: FloatArray) -> Array:
    """How far vectors reach in each direction, (rows, directions): the same for a vector whatever stands beside it.

    A product of float32 depends on how many rows are multiplied at once, and on the machine that does it.
    """
    wide = directions.T.astype(np.float64)
    blocks = [vectors[at : at + _BLOCK].astype(np.float64) @ wide for at in range(0, max(len(vectors), 1), _BLOCK)]
    sides: Array = np.concatenate(blocks)
    return sides.round(_DECIMALS)


def _three_digits(values: Array) -> Array:
    """Rounded: vectors of length 1 have that length whatever their precision was."""
    digits = 10.0 ** (np.floor(np.log10(np.where(values > 0, values, 1.0))) - 2)
    return np.round(values / digits) * digits
