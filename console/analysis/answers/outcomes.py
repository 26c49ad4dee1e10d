"""Answers and how they turned out, as counts: merged over shards and days, split, and carried over to other rows.

What the columns of `Outcomes.table` count, one row per stratum of the answer:
scores   negatives, positives, the sum of all scores (labelled or not), unlabelled
classes  one column per class of the grid as the label, `other` answered right, `other` answered wrong, unlabelled
numbers  n, sums of e, |e|, e², e⁴, y, y², y³, y⁴, e²y, e²y², unlabelled (e: answer less label, y: label less centre)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from console.model import Grid, Outcomes, Record, SegmentOutcomes, StepOutcomes

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

    BoolArray = npt.NDArray[np.bool_]

MOMENTS = ("n", "e", "abs", "e2", "e4", "y", "y2", "y3", "y4", "e2y", "e2y2")
FEWEST_OF_GROUP = 10  # labelled rows of neighbouring strata that are carried over together
THRESHOLD = 0.5  # a score from here on says: the positive class

Key = TypeVar("Key")


def shape(grid: Grid) -> tuple[int, int]:
    """(strata, cells) of a table."""
    match grid.task:
        case "scores":
            return len(grid.edges) + 1, 4
        case "classes":
            return len(grid.classes) + 1, len(grid.classes) + 3
        case "numbers":
            return len(grid.edges) + 1, len(MOMENTS) + 1


def table_of(outcomes: Outcomes) -> Array:
    """The table as an array of shape (strata, cells)."""
    return np.array(outcomes.table, dtype=np.float64).reshape(shape(outcomes.grid))


def labelled(outcomes: Outcomes) -> Array:
    """Rows with an answer and a label, shape (strata,)."""
    table = table_of(outcomes)
    match outcomes.grid.task:
        case "scores":
            return table[:, 0] + table[:, 1]
        case "classes":
            return np.asarray(table[:, :-1].sum(axis=1))
        case "numbers":
            return table[:, 0]


def waiting(outcomes: Outcomes) -> Array:
    """Rows with an answer and no label yet, shape (strata,)."""
    return table_of(outcomes)[:, -1]


def answered(outcomes: Outcomes) -> Array:
    """Rows with an answer, whether or not their label is there, shape (strata,)."""
    return labelled(outcomes) + waiting(outcomes)


def is_positive(grid: Grid) -> BoolArray:
    """Which strata amount to the positive class, shape (strata,); of a grid that has one."""
    if grid.task == "classes":
        return np.array([at == 1 for at in range(len(grid.classes) + 1)])
    return np.array([lower >= THRESHOLD for lower in (-np.inf, *grid.edges)])


def confusion(outcomes: Outcomes) -> Array:
    """Answered (rows) by labelled (columns), the negative class first; of a grid with a positive class. Shape (2, 2).

    A third class counts as negative: it is not the positive one.
    """
    table, says = table_of(outcomes), is_positive(outcomes.grid)
    labels = table[:, :2]
    if outcomes.grid.task == "classes":
        labels = np.stack([table[:, 0] + table[:, 2:-1].sum(axis=1), table[:, 1]], axis=1)
    return np.array([labels[np.logical_not(says)].sum(axis=0), labels[says].sum(axis=0)])


# ── adding up ────────────────────────────────────────────────────────────────────────────────────────────────────────


def merged(records: Sequence[Record]) -> Record:
    """One record of several shards or days, in any order. Raises ValueError where they were counted by other grids."""
    if not records:
        raise ValueError("nothing to merge")
    segments = _by_key(((one.column, one.value), one.outcomes) for record in records for one in record.segments)
    steps = _by_key((one.start, one.outcomes) for record in records for one in record.steps)
    if len({record.step for record in records}) > 1:
        raise ValueError("steps of other lengths do not add up")
    return Record(
        added([record.whole for record in records]),
        tuple(SegmentOutcomes(*key, outcomes) for key, outcomes in segments),
        tuple(StepOutcomes(start, outcomes) for start, outcomes in sorted(steps, key=lambda pair: pair[0])),
        records[0].step,
    )


def added(parts: Sequence[Outcomes]) -> Outcomes:
    """The outcomes of all the parts. Raises ValueError where their grids differ."""
    if len({part.grid for part in parts}) != 1:
        raise ValueError("outcomes counted by other grids do not add up")
    return _with_table(
        replace(
            parts[0],
            rows=sum(part.rows for part in parts),
            unanswered=sum(part.unanswered for part in parts),
            outside=sum(part.outside for part in parts),
            odd=sum(part.odd for part in parts),
        ),
        np.sum([table_of(part) for part in parts], axis=0),
    )


def scaled(outcomes: Outcomes, factor: float) -> Outcomes:
    """The same shares standing on `factor` times as many rows: what rows that are not independent amount to."""
    return outcomes if factor == 1 else _with_table(outcomes, table_of(outcomes) * factor)


def carried_over(outcomes: Outcomes, answers: Array) -> Outcomes:
    """The labelled rows, weighted so that their answers lie as `answers` do, shape (strata,); no row waits any more.

    Post-stratification (Holt and Smith, J. R. Stat. Soc. A 142, 1979): right where a label does not depend on
    whether its row is among the labelled ones, given the answer. The table is as large as so unevenly weighted rows
    are worth (Kish, Survey Sampling, 1965), so that errors read from it are wide enough. Answers in strata
    that no labelled row is near to are left out: `covered` says how many are not.
    """
    have, table = labelled(outcomes), table_of(outcomes)
    group = _groups(have, ordered=outcomes.grid.task != "classes")
    there, wanted = np.bincount(group, weights=have), np.bincount(group, weights=answers)
    weight = np.divide(wanted, there, out=np.zeros_like(wanted), where=there > 0)
    if outcomes.grid.task == "scores":  # the sum of scores is that of waiting rows too
        every = have + table[:, -1]
        table[:, 2] *= np.divide(have, every, out=np.zeros_like(have), where=every > 0)
    table[:, -1] = 0.0
    total, squares = float((weight * there).sum()), float((weight**2 * there).sum())
    worth = total / squares if squares > 0 else 0.0
    return _with_table(outcomes, table * (weight[group] * worth)[:, None])


def covered(outcomes: Outcomes, answers: Array) -> float:
    """The share of `answers`, shape (strata,), in strata where labelled rows are or lie on both sides; 0..1."""
    near = labelled(outcomes) > 0
    if outcomes.grid.task != "classes":
        near = np.maximum.accumulate(near) & np.maximum.accumulate(near[::-1])[::-1]
    return float(answers[near].sum() / answers.sum()) if answers.sum() > 0 else 0.0


def _groups(have: Array, *, ordered: bool) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The group of each stratum: neighbours joined until each group has enough labelled rows."""
    if not ordered:
        return np.arange(have.size)
    group, filled, held = np.zeros(have.size, dtype=np.int64), 0, 0.0
    for at, one in enumerate(have):
        group[at] = filled
        held += one
        if held >= FEWEST_OF_GROUP:
            filled, held = filled + 1, 0.0
    return np.minimum(group, max(filled - 1, 0))  # what is left at the end joins the last


def _by_key(parts: Iterable[tuple[Key, Outcomes]]) -> list[tuple[Key, Outcomes]]:
    held: dict[Key, list[Outcomes]] = {}
    for key, outcomes in parts:
        held.setdefault(key, []).append(outcomes)
    return [(key, added(found)) for key, found in held.items()]


def _with_table(outcomes: Outcomes, table: Array) -> Outcomes:
    return replace(outcomes, table=tuple(map(tuple, table.tolist())))
