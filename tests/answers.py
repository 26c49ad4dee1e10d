"""Answers counted row by row: what the SQL must agree with, and how simulations come by outcomes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from console.analysis.answers.outcomes import shape
from console.model import Grid, Outcomes, Record, SegmentOutcomes, StepOutcomes

SCORES = Grid("scores", ("0", "1"), tuple(np.round(np.arange(1, 200) / 200, 4).tolist()))


def of_scores(score: np.ndarray, label: np.ndarray, grid: Grid = SCORES) -> Outcomes:
    """Scores 0..1; labels 0, 1, or NaN for one that is late."""
    table = np.zeros(shape(grid))
    stratum = np.searchsorted(grid.edges, score, side="right")
    np.add.at(table, (stratum, np.where(np.isnan(label), 3, np.nan_to_num(label)).astype(int)), 1)
    np.add.at(table[:, 2], stratum, score)
    return Outcomes(grid, score.size, tuple(map(tuple, table.tolist())))


def of_classes(answer: np.ndarray, label: np.ndarray, grid: Grid) -> Outcomes:
    """Texts; an empty label is a late one."""
    table = np.zeros(shape(grid))
    other = len(grid.classes)

    def place(words: np.ndarray) -> np.ndarray:
        at = np.full(words.size, other)
        for number, name in enumerate(grid.classes):
            at[words == name] = number
        return at

    truth = place(label)
    column = np.where(label == "", other + 2, np.where((truth == other) & (answer != label), other + 1, truth))
    np.add.at(table, (place(answer), column), 1)
    return Outcomes(grid, answer.size, tuple(map(tuple, table.tolist())))


def of_numbers(answer: np.ndarray, label: np.ndarray, grid: Grid) -> Outcomes:
    """Numbers; a label NaN is a late one."""
    table = np.zeros(shape(grid))
    stratum = np.searchsorted(grid.edges, answer, side="right")
    late = np.isnan(label)
    e, y = answer - label, label - grid.centre
    moments = [np.ones(e.size), e, abs(e), e**2, e**4, y, y**2, y**3, y**4, e**2 * y, e**2 * y**2]
    for at, values in enumerate(moments):
        np.add.at(table[:, at], stratum[~late], values[~late])
    np.add.at(table[:, -1], stratum[late], 1)
    return Outcomes(grid, answer.size, tuple(map(tuple, table.tolist())))


def record(
    whole: Outcomes,
    segments: Mapping[str, Mapping[str, Outcomes]] | None = None,
    steps: Mapping[float, Outcomes] | None = None,
    step: float | None = None,
) -> Record:
    parts = [
        SegmentOutcomes(column, value, one) for column, of in (segments or {}).items() for value, one in of.items()
    ]
    return Record(whole, tuple(parts), tuple(StepOutcomes(at, one) for at, one in (steps or {}).items()), step)
