"""Texts and embeddings read from several sides, so that they can be counted as any column is.

Rows of a bounded sample come in, facets go out: `prompt [length]`, `image_vec [norm]`, each a column of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from console.model import ColumnProfile


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
    return ()
