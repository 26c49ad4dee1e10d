"""What kind of answers does a model give? Told from its predictions and labels, and from it how both are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from console.errors import NoData, UsageError
from console.model import Grid

MOST_CLASSES = 20
NUMERIC_SHARE = 0.9  # of what is there
BINARY = ("0", "1")
CELLS = 4096  # of scores, even in the arcsine of their root: as fine near 0 and 1 as their noise is small there
SCORE_BINS = 200
COARSE = CELLS // 32  # no bin of scores is wider, whatever the baseline's scores are
NUMBER_BINS = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """What a column of answers or labels was seen to hold. Truths are counted as the classes 0 and 1."""

    column: str
    present: int
    numbers: int
    fractions: int  # numbers that are not whole
    low: float | None
    high: float | None
    unit: int  # numbers within 0..1
    top: Sequence[str]  # the most frequent classes, MOST_CLASSES + 1 at most

    @property
    def is_numeric(self) -> bool:
        return self.numbers >= NUMERIC_SHARE * self.present

    @property
    def is_binary(self) -> bool:
        return set(self.top) <= set(BINARY)


def recognised(target: Seen, prediction: Seen) -> Grid:
    """The grid without its edges.

    Scores are predictions with fractions beside a label of two classes; classes of scores that are not 0 and 1 are
    left for the caller to put in order. Raises NoData for a baseline without labels or predictions, and UsageError
    where the two are of unlike kinds.
    """
    for one, what in ((target, "labels"), (prediction, "predictions")):
        if one.present == 0:
            raise NoData(f"the baseline has no {what}: column {one.column} is empty")
    if prediction.is_numeric and prediction.fractions and len(target.top) <= 2 and not target.fractions:
        return _scores(target, prediction)
    if target.is_binary and prediction.is_binary:
        return Grid("classes", BINARY)
    if target.is_numeric and prediction.is_numeric:
        many = max(len(target.top), len(prediction.top)) > MOST_CLASSES
        if many or target.fractions or prediction.fractions:
            return Grid("numbers")
    if not set(target.top) & set(prediction.top):
        raise UsageError(
            f"{target.column} and {prediction.column} are of unlike kinds: "
            f"{_sample(target)} against {_sample(prediction)}",
            "a prediction is a class as the label spells it, the probability of one of two classes, or a number",
        )
    return Grid("classes", tuple(dict.fromkeys([*target.top, *prediction.top]))[:MOST_CLASSES])


def score_edges(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[float, ...]:
    """Inner edges of the bins of scores, from how many lie in each of the CELLS: about as many in each bin."""
    upto = np.cumsum(counts)
    wanted = np.arange(1, SCORE_BINS) * upto[-1] / SCORE_BINS
    quantiles = np.searchsorted(upto, wanted) if upto[-1] else np.empty(0, dtype=np.int64)
    heavy = np.flatnonzero(counts * SCORE_BINS > upto[-1])  # perhaps one value: it keeps a bin of its own
    cells = {*quantiles.tolist(), *heavy.tolist(), *(heavy + 1).tolist(), *range(COARSE, CELLS, COARSE)} - {0, CELLS}
    return tuple(edge_of(cell) for cell in sorted(cells))


def edge_of(cell: int) -> float:
    """Where a cell begins; the middle one at 0.5 sharp."""
    return 0.5 if cell == CELLS // 2 else float(np.sin(cell / CELLS * np.pi / 2) ** 2)


def bins_of_cells(edges: Sequence[float]) -> list[int]:
    """The bin of each cell, for edges of `score_edges`."""
    begins = np.array([edge_of(cell) for cell in range(CELLS)])
    return [int(one) for one in np.searchsorted(np.asarray(edges) - 1e-12, begins, side="right")]


def _scores(target: Seen, prediction: Seen) -> Grid:
    if prediction.unit < NUMERIC_SHARE * prediction.numbers:
        raise UsageError(
            f"{prediction.column} is no probability: it spans {prediction.low:g} to {prediction.high:g}, "
            f"and {target.column} has two classes",
            "give the probability of one class, between 0 and 1, or the predicted class",
        )
    if not target.is_binary and len(target.top) < 2:
        raise NoData(f"the baseline's labels are all of one class: {_sample(target)}")
    return Grid("scores", BINARY if target.is_binary else tuple(sorted(target.top)))


def _sample(seen: Seen) -> str:
    return ", ".join(repr(one) for one in list(seen.top)[:3]) + ("…" if len(seen.top) > 3 else "")
