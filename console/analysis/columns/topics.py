"""What texts are about: words that go together, and the neighbourhoods in which texts lie by the sum of their words."""

from __future__ import annotations

from base64 import b85decode, b85encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.columns.embeddings import nearest, neighbourhoods, principal_directions
from console.analysis.columns.vocabulary import Words

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import ColumnProfile

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float32]

_TOPICS, _DIRECTIONS = 24, 16
_TEACHERS = 4000  # texts that topics are learned from
_TEXTS_PER_TOPIC = 25
_COMMON = 0.3  # of the texts: a word in more of them says nothing of their topic


@dataclass(frozen=True, slots=True, eq=False)
class Topics:
    """Where each known word points, and the neighbourhoods in which texts lie by the sum of their words."""

    names: tuple[str, ...]
    directions: npt.NDArray[np.int8]  # (words, directions)
    centres: npt.NDArray[np.float16]  # (topics, directions)

    @property
    def basis(self) -> str:
        """All of it as text, for a baseline to keep beside the words."""
        return f"{b85encode(self.centres.tobytes()).decode()} {b85encode(self.directions.tobytes()).decode()}"

    @classmethod
    def read(cls, facet: ColumnProfile, listed: Sequence[str]) -> Topics:
        """The topics that a baseline's facet was counted by, over its known words."""
        centres, directions = (b85decode(part) for part in facet.basis.split(" "))
        return cls(
            facet.categories,
            np.frombuffer(directions, dtype=np.int8).reshape(len(listed), -1),
            np.frombuffer(centres, dtype=np.float16).reshape(len(facet.categories), -1),
        )

    def of(self, words: Words, place: IntArray) -> IntArray:
        """The topic of each text, shape (texts,); -1 where none of its words points anywhere."""
        points = _pointing(words, place, self.directions.astype(np.float32))
        found = nearest(points, self.centres.astype(np.float32))
        found[~points.any(axis=1)] = -1
        return found


def learned(words: Words, listed: Sequence[str]) -> Topics | None:
    """The topics of texts over the `listed` words; None where texts or words are too few.

    Latent semantic analysis (Deerwester et al., J. Am. Soc. Inf. Sci. 41, 1990), then k-means of the texts.
    """
    taught = min(words.texts, _TEACHERS)
    topics = min(_TOPICS, taught // _TEXTS_PER_TOPIC)
    if topics < 2 or len(listed) <= _DIRECTIONS:
        return None
    place = words.places(listed)
    at, text = place[words.word], words.text
    kept = (at >= 0) & (text < taught)
    at, text = at[kept], text[kept]
    shared = np.bincount(at, minlength=len(listed))
    weight = np.where(shared <= _COMMON * taught, np.log(taught / np.maximum(shared, 1)), 0.0).astype(np.float32)
    table = np.zeros((taught, len(listed)), dtype=np.float32)
    table[text, at] = weight[at]
    length = np.linalg.norm(table, axis=1, keepdims=True)
    table /= np.where(length > 0, length, 1)
    directions = principal_directions(table, _DIRECTIONS).T * weight[:, None]
    scale = float(np.abs(directions).max())
    if scale <= 0:
        return None
    small = np.round(directions / scale * 127).astype(np.int8)
    points = _pointing(Words(words.names, words.counts[:taught], words.text[kept], words.word[kept]), place,
                       small.astype(np.float32))  # fmt: skip
    told = points[points.any(axis=1)]
    if len(told) < topics:
        return None
    centres = neighbourhoods(told, topics)
    names = _named(table, nearest(points, centres), listed, centres.shape[0])
    return Topics(names, small, centres.astype(np.float16))


def _pointing(words: Words, place: IntArray, directions: FloatArray) -> FloatArray:
    """Where texts point: the sum of their words' directions at length 1, shape (texts, directions)."""
    at = place[words.word]
    text, at = words.text[at >= 0], at[at >= 0]
    points: FloatArray = np.zeros((words.texts, directions.shape[1]), dtype=np.float32)
    if text.size:
        starts = np.flatnonzero(np.diff(text, prepend=-1))
        points[text[starts]] = np.add.reduceat(directions[at], starts)
    length = np.linalg.norm(points, axis=1, keepdims=True)
    points /= np.where(length > 0, length, 1)
    return points


def _named(table: FloatArray, topic: IntArray, listed: Sequence[str], topics: int) -> tuple[str, ...]:
    """Each topic by the three words that tell it best from the others."""
    everywhere = table.mean(axis=0)
    names: dict[str, None] = {}
    for one in range(topics):
        inside = table[topic == one]
        lift = inside.mean(axis=0) - everywhere if len(inside) else -everywhere
        name = " ".join(listed[at] for at in np.argsort(-lift, kind="stable")[:3])
        names[name if name not in names else f"{name} ({one})"] = None
    return tuple(names)
