"""Texts read from several sides: how long, in what language, about what, in which words.

Everything counted is one value per text, for words within a text are not independent and texts are. What is learned of
a baseline (which words it knows, which go together) is learned of every other text and counted on the rest.
"""

from __future__ import annotations

import math
import unicodedata
from base64 import b85decode, b85encode
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.embeddings import nearest, neighbourhoods, principal_directions
from console.analysis.facets import by_side, named_facet, ordered_facet, sorted_facet

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import ColumnProfile

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float32]

MOST_CHARACTERS = 2000  # of a text whose words are read; its length is always that of all of it
FEWEST_TEXTS = 5  # that a word must occur in to be kept in a baseline, so that no single person's name is
SAID = 3  # words each way in `said`
SURE = 4.0  # standard errors by which a word must differ to be said

_KNOWN, _LISTED = 2000, 100  # words
_LANGUAGES = 20
_TOPICS, _DIRECTIONS = 24, 16
_TEACHERS = 4000  # texts that topics are learned from
_TEXTS_PER_TOPIC = 25
_COMMON = 0.3  # of the texts: a word in more of them says nothing of their topic
_LONGEST = 30  # letters of a word
_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF))
# Thai and Lao, Burmese, Khmer, kana, Han: written without spaces, so pairs of letters stand for words.


def text_facets(
    of: str, texts: Sequence[str], languages: Sequence[str], like: Sequence[ColumnProfile] = ()
) -> tuple[ColumnProfile, ...]:
    """The facets of texts, in the order of their rows; `languages` are those of some of them.

    With `like`, those facets counted in the same bins; without, new ones. Topics need a few hundred texts.
    """
    known = by_side(of, like)
    words = words_of(texts)
    found = [
        ordered_facet(
            of, "length", np.array([len(text) for text in texts], dtype=np.float64), known.get("length"), is_shared=True
        ),
        ordered_facet(of, "words", words.counts.astype(np.float64), known.get("words"), is_shared=True),
        named_facet(of, "language", languages, _LANGUAGES, known.get("language")),
    ]
    if not like:
        teachers, words = words.parted()
        listed = teachers.frequent()
        topics = _learned(teachers, listed)
    else:
        listed = tuple(known["unseen words"].basis.split()) if "unseen words" in known else ()
        topics = _Topics.read(known["topic"], listed) if "topic" in known else None
    place = words.places(listed)
    found.append(_telling(of, words, place, listed, known.get("vocabulary")))
    found.append(_unseen(of, words, place, listed, known.get("unseen words")))
    if topics is not None:
        at = topics.of(words, place)
        found.append(sorted_facet(of, "topic", at, topics.names, known.get("topic"), basis=topics.basis))
    return tuple(one for one in found if not like or any(one.name == facet.name for facet in like))


def said(baseline: ColumnProfile, current: ColumnProfile) -> str:
    """Which categories became more frequent and which less, for a reader; empty where none did for sure.

    Both count the same categories: words, topics or languages.

    >>> "more: refund, broken; fewer: thanks"  # doctest: +SKIP
    """
    a, b = (np.asarray(one.counts[:-1], dtype=np.float64) for one in (baseline, current))
    n, m = max(sum(baseline.counts), 1), max(sum(current.counts), 1)
    pooled = (a + b + 1) / (n + m + 2)
    z = (b / m - a / n) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    order = np.argsort(-np.abs(z), kind="stable")
    parts = []
    for word, way in (("more", 1.0), ("fewer", -1.0)):
        sure = [baseline.categories[at] for at in order if z[at] * way >= SURE][:SAID]
        if sure:
            parts.append(f"{word}: {', '.join(sure)}")
    return "; ".join(parts)


# ── sides ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _telling(of: str, words: Words, place: IntArray, known: Sequence[str], like: ColumnProfile | None) -> ColumnProfile:
    """Texts by the rarest word they hold of the most frequent ones: one word per text, and the one that says most."""
    listed = tuple(known[:_LISTED]) if like is None else like.categories
    rarest = np.full(words.texts, -1)
    np.maximum.at(rarest, words.text, np.where(place[words.word] < len(listed), place[words.word], -1))
    return sorted_facet(of, "vocabulary", rarest, listed, like)


def _unseen(of: str, words: Words, place: IntArray, known: Sequence[str], like: ColumnProfile | None) -> ColumnProfile:
    """The share of each text's words that the baseline does not know, of texts that have words."""
    held = np.bincount(words.text, minlength=words.texts)
    unseen = np.bincount(words.text, weights=place[words.word] < 0, minlength=words.texts)
    share = unseen[held > 0] / held[held > 0]
    return ordered_facet(of, "unseen words", share, like, basis=" ".join(known))


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Which words each text holds: pairs, each once, in the order of texts."""

    names: tuple[str, ...]
    counts: IntArray  # (texts,) words of each text, kept or not
    text: IntArray  # (pairs,)
    word: IntArray  # (pairs,)

    @property
    def texts(self) -> int:
        return self.counts.size

    def parted(self) -> tuple[Words, Words]:
        """Every other text to learn from, and the rest."""
        parts = []
        for odd in (0, 1):
            held = self.text % 2 == odd
            parts.append(Words(self.names, self.counts[odd::2], self.text[held] // 2, self.word[held]))
        return parts[0], parts[1]

    def frequent(self) -> tuple[str, ...]:
        """The most frequent words that enough texts share, the most frequent first."""
        shared = np.bincount(self.word, minlength=len(self.names))
        at = sorted(np.flatnonzero(shared >= FEWEST_TEXTS).tolist(), key=lambda at: (-int(shared[at]), self.names[at]))
        return tuple(self.names[one] for one in at[:_KNOWN])

    def places(self, listed: Sequence[str]) -> IntArray:
        """The place of each word in a list, shape (words,); -1 where it is not there."""
        place_of = {word: place for place, word in enumerate(listed)}
        return np.array([place_of.get(name, -1) for name in self.names] or [-1])


def words_of(texts: Sequence[str]) -> Words:
    """The words of texts, in lower case; what holds a digit or an @, or is no word of letters, is counted and not kept.

    In scripts that do without spaces each pair of neighbouring letters stands for a word.
    """
    number: dict[str, int] = defaultdict(count().__next__)
    chunks = [[number[chunk] for chunk in text[:MOST_CHARACTERS].lower().split()] for text in texts]
    counts = np.array([len(one) for one in chunks], dtype=np.int64)
    chunk = np.fromiter((one for held in chunks for one in held), dtype=np.int64, count=int(counts.sum()))
    text = np.repeat(np.arange(counts.size), counts)
    names: dict[str, int] = defaultdict(count().__next__)
    parts = [[names[word] for word in _words_in(one)] for one in number]
    sizes = np.array([len(part) for part in parts], dtype=np.int64)
    flat = np.fromiter((word for part in parts for word in part), dtype=np.int64, count=int(sizes.sum()))
    starts = np.cumsum(sizes) - sizes
    times = sizes[chunk] if chunk.size else chunk
    within = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
    word = flat[np.repeat(starts[chunk], times) + within] if within.size else within
    many = max(len(names), 1)
    pairs = np.sort(np.repeat(text, times) * many + word)
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    return Words(tuple(names), counts, pairs // many, pairs % many)


def _words_in(chunk: str) -> tuple[str, ...]:
    """The words of what stands between two spaces."""
    if chunk.isascii():
        word = chunk.strip("\"'`.,;:!?()[]{}<>*-_")
        return (word,) if 2 <= len(word) <= _LONGEST and _is_word(word) else ()
    if "@" in chunk:
        return ()
    letters = "".join(one if _is_letter(one) else " " for one in chunk)
    if any(low <= ord(one) <= high for one in letters for low, high in _UNSPACED):
        return tuple(run[at : at + 2] for run in letters.split() for at in range(max(len(run) - 1, 1)))
    if any(one.isdigit() for one in chunk):
        return ()
    return tuple(word for word in letters.split() if 2 <= len(word) <= _LONGEST)


def _is_word(word: str) -> bool:
    return word.isalpha() or word.replace("'", "").replace("-", "").isalpha()


def _is_letter(one: str) -> bool:
    """A letter, or a sign that belongs to one, as vowels do in Devanagari."""
    return one.isalpha() or unicodedata.category(one).startswith("M")


# ── topics ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class _Topics:
    """Where each known word points, and the neighbourhoods in which texts lie by the sum of their words."""

    names: tuple[str, ...]
    directions: npt.NDArray[np.int8]  # (words, directions)
    centres: npt.NDArray[np.float16]  # (topics, directions)

    @property
    def basis(self) -> str:
        return f"{b85encode(self.centres.tobytes()).decode()} {b85encode(self.directions.tobytes()).decode()}"

    @classmethod
    def read(cls, facet: ColumnProfile, listed: Sequence[str]) -> _Topics:
        centres, directions = (b85decode(part) for part in facet.basis.split(" "))
        shape = (len(listed), -1)
        return cls(
            facet.categories,
            np.frombuffer(directions, dtype=np.int8).reshape(shape),
            np.frombuffer(centres, dtype=np.float16).reshape(len(facet.categories), -1),
        )

    def of(self, words: Words, place: IntArray) -> IntArray:
        """The topic of each text, shape (texts,); -1 where none of its words points anywhere."""
        points = _pointing(words, place, self.directions.astype(np.float32))
        found = nearest(points, self.centres.astype(np.float32))
        found[~points.any(axis=1)] = -1
        return found


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


def _learned(words: Words, listed: Sequence[str]) -> _Topics | None:
    """Latent semantic analysis (Deerwester et al., J. Am. Soc. Inf. Sci. 41, 1990), then k-means of the texts."""
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
    if not math.isfinite(scale) or scale <= 0:
        return None
    small = np.round(directions / scale * 127).astype(np.int8)
    points = _pointing(Words(words.names, words.counts[:taught], words.text[kept], words.word[kept]), place,
                       small.astype(np.float32))  # fmt: skip
    centres = neighbourhoods(points[points.any(axis=1)], topics)
    names = _named(table, nearest(points, centres), listed, centres.shape[0])
    return _Topics(names, small, centres.astype(np.float16))


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
