"""Texts and embeddings read from several sides, so that they can be counted as any column is.

Rows of a bounded sample come in, facets go out: `prompt [length]`, `image_vec [norm]`, each a column of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from console.analysis.columns.embeddings import embedding_facets
from console.analysis.columns.texts import text_facets
from console.model import ColumnProfile

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNKNOWN, NONE = "unknown", "none"

_MOST_IDENTIFIED = 4000  # texts whose language is looked at
_READ = 120  # characters of each
_FEWEST_LETTERS = 12  # by which a language is known; an ideograph stands for three
_LEAST_CONFIDENCE = 0.5
_IDEOGRAPHS = 0x2E80  # and what comes after them: a letter is a syllable or a word
_NO_LANGUAGE = "zxx"  # ISO 639-2


def facets(
    name: str,
    kind: Literal["text", "embedding"],
    values: np.ndarray[Any, Any],
    like: Sequence[ColumnProfile] = (),
) -> tuple[ColumnProfile, ...]:
    """The facets of one column, each with `of=name`; blocking, CPU only.

    `values` are cells of a sample in the order of their rows, at most some 20,000: texts as an object array (rows,) of
    str or None; embeddings as floats (rows, width), or as an object array of sequences or None where widths differ.
    Missing cells are left out, so `rows` of a facet is what was read of the sample: the column itself counts them all.

    `like` are the baseline's facets (columns whose `of` is this name; others are passed over): the answer counts the
    same bins in the same order. Without `like` new bins are fitted: every other row teaches what the rest is counted
    by, for rows do not look unusual beside what they taught. So fit once and count every other window, shard and slice
    `like` that.
    """
    known = [one for one in like if one.of == name]
    if kind == "embedding":
        return embedding_facets(name, *_vectors(values, known), known)
    texts = [str(value) for value in values.tolist() if value is not None]
    step = max(1, -(-len(texts) // _MOST_IDENTIFIED))
    return text_facets(name, texts, [language_of(text) for text in texts[::step]], known)


def language_of(text: str) -> str:
    """The ISO 639 code of a text's language; `none` for what is in none, `unknown` where it is too short to tell.

    By py3langid (Lui and Baldwin, langid.py, ACL 2012, trained anew): numpy alone. Right for 80 of 80 sentences in 20
    languages, unknown and never wrong for what 20 letters do not tell (tests/sources/test_rich.py).
    """
    start = text[:_READ]
    weight = 1 if start.isascii() or ord(max(start)) < _IDEOGRAPHS else 3
    letters = weight * sum(map(str.isalpha, start))
    if letters < _FEWEST_LETTERS:
        return UNKNOWN
    code, confidence = _identifier().classify(start)
    if confidence < _LEAST_CONFIDENCE:
        return UNKNOWN
    return NONE if code == _NO_LANGUAGE else str(code)


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _vectors(
    values: np.ndarray[Any, Any], like: Sequence[ColumnProfile]
) -> tuple[np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, np.dtype[np.int64]]]:
    """(the vectors of the usual width (rows, width), the widths of all that are there (all rows,))."""
    if values.ndim == 2:
        return values.astype(np.float32, copy=False), np.full(len(values), values.shape[1], dtype=np.int64)
    there = [value for value in values.tolist() if value is not None]
    widths = np.array([len(value) for value in there], dtype=np.int64)
    known = next((int(one.categories[0]) for one in like if one.name.endswith("[width]") and one.categories), None)
    usual = known if known is not None else int(np.bincount(widths).argmax()) if widths.size else 0
    kept = [value for value in there if len(value) == usual]
    return np.array(kept, dtype=np.float32).reshape(len(kept), usual), widths
