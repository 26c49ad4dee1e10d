"""The words of texts, in every script: which text holds which, without what could name a person."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]

MOST_CHARACTERS = 2000  # of a text whose words are read
FEWEST_TEXTS = 5  # that a word must occur in to be kept in a baseline, so that no single person's name is

_LONGEST = 30  # letters of a word
_EDGES = "\"'`.,;:!?()[]{}<>*-_"
_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF))
# Thai and Lao, Burmese, Khmer, kana, Han: written without spaces, so pairs of letters stand for words.


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

    def frequent(self, most: int) -> tuple[str, ...]:
        """The words that enough texts share, the most frequent first, of them so many."""
        shared = np.bincount(self.word, minlength=len(self.names))
        at = sorted(np.flatnonzero(shared >= FEWEST_TEXTS).tolist(), key=lambda at: (-int(shared[at]), self.names[at]))
        return tuple(self.names[one] for one in at[:most])

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
        word = chunk.strip(_EDGES)
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
