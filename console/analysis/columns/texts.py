"""Texts read from several sides: how long, in what language, about what, in which words.

Everything counted is one value per text, for words within a text are not independent and texts are. What is learned of
a baseline (which words it knows, which go together) is learned of every other text and counted on the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.columns.facets import by_side, named_facet, ordered_facet, sorted_facet
from console.analysis.columns.topics import Topics, learned
from console.analysis.columns.vocabulary import Words, words_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import ColumnProfile

    IntArray = npt.NDArray[np.int64]

_KNOWN, _LISTED = 2000, 100  # words
_LANGUAGES = 20


def text_facets(
    of: str, texts: Sequence[str], languages: Sequence[str], like: Sequence[ColumnProfile] = ()
) -> tuple[ColumnProfile, ...]:
    """The facets of texts, in the order of their rows; `languages` are those of some of them.

    With `like`, those facets counted in the same bins; without, new ones. Topics need a few hundred texts.
    """
    known = by_side(of, like)
    words = words_of(texts)
    lengths = np.array([len(text) for text in texts], dtype=np.float64)
    found = [
        ordered_facet(of, "length", lengths, known.get("length"), is_shared=True),
        ordered_facet(of, "words", words.counts.astype(np.float64), known.get("words"), is_shared=True),
        named_facet(of, "language", languages, _LANGUAGES, known.get("language")),
    ]
    if not like:
        teachers, words = words.parted()
        listed = teachers.frequent(_KNOWN)
        topics = learned(teachers, listed)
    else:
        listed = tuple(known["unseen words"].basis.split()) if "unseen words" in known else ()
        topics = Topics.read(known["topic"], listed) if "topic" in known else None
    place = words.places(listed)
    found.append(_telling(of, words, place, listed, known.get("vocabulary")))
    found.append(_unseen(of, words, place, listed, known.get("unseen words")))
    if topics is not None:
        at = topics.of(words, place)
        found.append(sorted_facet(of, "topic", at, topics.names, known.get("topic"), basis=topics.basis))
    return tuple(one for one in found if not like or any(one.name == facet.name for facet in like))


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
