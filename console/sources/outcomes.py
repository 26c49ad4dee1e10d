"""Answers counted against their labels where the rows lie: one pass for the whole, every segment and every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from console.analysis.answers.outcomes import MOMENTS, THRESHOLD, shape
from console.errors import UsageError
from console.model import Grid, Outcomes, Record, SegmentOutcomes, StepOutcomes
from console.sources.duck import Duck, literal
from console.sources.rows import Rows
from console.sources.selection import Selection
from console.sources.tasks import BINARY, CELLS, MOST_CLASSES, NUMBER_BINS, Seen, bins_of_cells, recognised, score_edges
from console.sources.types import OutcomesRequest

MOST_VALUES = 20  # of a segmenting column; the others are counted as one
MOST_CHARACTERS = 200
A_FRACTION = "a fraction"  # the class of all numbers that are not whole
MOST_STEPS = 500
UNANSWERED, OUTSIDE = -1, -2  # instead of a stratum
LATE, ODD = -1, -2  # instead of a column of the table
QUANTILES = [number / NUMBER_BINS for number in range(1, NUMBER_BINS)]


def count_outcomes(duck: Duck, selection: Selection, request: OutcomesRequest) -> Record:
    """The record of the selected rows, counted by the grid and the segments of `like`, or by ones that fit them.

    With `like`, rows of a table that has no label column at all wait for their labels.
    Raises UsageError for a column that is not there, for target and prediction of unlike kinds and for too many steps;
    NoData for a baseline without labels.
    """
    rows = selection.rows
    for column in (request.prediction, *request.by, *(() if request.like else (request.target,))):
        if column not in rows.columns:
            raise UsageError(f"there is no column {column!r}", f"the columns are {', '.join(rows.columns)}")
    cells = _cells(selection, request)
    if request.like is None:
        grid, values = _fresh(duck, selection, cells, request)
    else:
        grid = request.like.whole.grid
        values = [[one.value for one in request.like.segments if one.column == column and one.value is not None]
                  for column in request.by]  # fmt: skip
    return _counted(duck, selection, cells, request, grid, values)


# ── which grid ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _fresh(
    duck: Duck, selection: Selection, cells: str, request: OutcomesRequest
) -> tuple[Grid, Sequence[Sequence[str]]]:
    """The grid that fits these rows, and the values of each segmenting column."""
    parts = [f"approx_top_k(g{i}, {MOST_VALUES}) AS values{i}" for i in range(len(request.by))]
    for side in ("t", "p"):
        parts += [
            f"count(c{side}) AS present{side}", f"count(n{side}) AS numbers{side}",
            f"count(*) FILTER (n{side} <> trunc(n{side})) AS fractions{side}",
            f"min(n{side}) AS low{side}", f"max(n{side}) AS high{side}", f"avg(n{side}) AS mean_{side}",
            f"count(*) FILTER (n{side} BETWEEN 0 AND 1) AS unit{side}",
            f"approx_top_k(c{side}, {MOST_CLASSES + 1}) AS top{side}",
        ]  # fmt: skip
    [found] = duck.asks(f"SELECT {', '.join(parts)} FROM ({cells})", selection.values)  # noqa: S608 - as Duck says
    grid = recognised(_seen(request.target, "t", found), _seen(request.prediction, "p", found))
    if grid.task == "scores":
        grid = _with_score_edges(duck, selection, cells, grid)
    elif grid.task == "numbers":
        [edges] = duck.asks(
            f"SELECT approx_quantile(np, {QUANTILES}) AS edges FROM ({cells})",  # noqa: S608 - as Duck says
            selection.values,
        )
        grid = replace(grid, edges=tuple(sorted(set(edges["edges"]))), centre=found["mean_t"])
    return grid, [sorted(found[f"values{i}"] or ()) for i in range(len(request.by))]


def _seen(column: str, side: str, found: Mapping[str, Any]) -> Seen:
    fields = ("present", "numbers", "fractions", "low", "high", "unit")
    return Seen(column, **{field: found[f"{field}{side}"] for field in fields}, top=found[f"top{side}"] or ())


def _with_score_edges(duck: Duck, selection: Selection, cells: str, grid: Grid) -> Grid:
    """Bins of about as many scores each; of two named classes the positive one is that with the higher scores."""
    within = f"SELECT {_SCORE_CELL} AS cell, ct, np FROM ({cells}) WHERE np BETWEEN 0 AND 1"  # noqa: S608 - as Duck says
    found = duck.asks(f"SELECT cell, count(*) AS n FROM ({within}) GROUP BY cell", selection.values)  # noqa: S608 - as Duck says
    counts = np.zeros(CELLS, dtype=np.int64)
    for row in found:
        counts[row["cell"]] = row["n"]
    if grid.classes != BINARY:
        means = duck.asks(f"SELECT ct, avg(np) AS mean FROM ({within}) GROUP BY ct", selection.values)  # noqa: S608 - as Duck says
        by_class = {row["ct"]: row["mean"] for row in means}
        grid = replace(grid, classes=tuple(sorted(grid.classes, key=lambda name: (by_class.get(name, 0.0), name))))
    return replace(grid, edges=score_edges(counts))


# ── counting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cells(selection: Selection, request: OutcomesRequest) -> str:
    """Each row as the label's and the prediction's number (n) and class (c), its segments' values and its step."""
    parts = []
    for side, column in (("t", request.target), ("p", request.prediction)):
        number, name = _cell(selection.rows, column)
        parts += [f"{number} AS n{side}", f"{name} AS c{side}"]
    parts += [f"left(coalesce({selection.rows.text(column)}, ''), {MOST_CHARACTERS}) AS g{i}"
              for i, column in enumerate(request.by)]  # fmt: skip
    if request.every is not None:
        parts.append(f"floor(andon_time / {request.every!r})::BIGINT AS step")
    return selection.query(parts)


def _cell(rows: Rows, column: str) -> tuple[str, str]:
    """SQL: a cell as a finite number, and as a class: whole numbers without a point, truths as 1 and 0.

    Numbers that are not whole are no classes, and there are too many of them to spell.
    """
    if column not in rows.columns:
        return "NULL::DOUBLE", "NULL::VARCHAR"
    raw, text = rows.number(column), rows.text(column)
    number = f"CASE WHEN isfinite({raw}) THEN {raw} END"
    name = (
        f"CASE WHEN {raw} IS NULL THEN CASE lower({text}) WHEN 'true' THEN '1' WHEN 'false' THEN '0' "
        f"ELSE left({text}, {MOST_CHARACTERS}) END "
        f"WHEN isnan({raw}) THEN NULL WHEN {raw} = trunc({raw}) AND abs({raw}) < 1e15 THEN {raw}::BIGINT::VARCHAR "
        f"ELSE {literal(A_FRACTION)} END"
    )
    return number, name


_SCORE_CELL = (
    f"CASE WHEN np < {THRESHOLD} THEN least({CELLS // 2 - 1}, floor(asin(sqrt(np)) / pi() * {2 * CELLS})::INT) "
    f"ELSE greatest({CELLS // 2}, least({CELLS - 1}, floor(asin(sqrt(np)) / pi() * {2 * CELLS})::INT)) END"
)


@dataclass(frozen=True, slots=True)
class _Sorting:
    """How a grid sorts rows: SQL for the stratum, the cell of the table that the label picks, and what is summed."""

    stratum: str
    truth: str
    sums: tuple[str, ...]
    values: Mapping[str, Any]
    of_steps: Grid
    stratum_of_steps: str  # over `s`, the stratum


def _sorting(grid: Grid) -> _Sorting:
    strata = shape(grid)[0]
    answered, late = f"WHEN cp IS NULL THEN {UNANSWERED}", f"WHEN ct IS NULL THEN {LATE}"
    match grid.task:
        case "scores":
            first = list(grid.edges).index(THRESHOLD) + 1
            return _Sorting(
                f"CASE {answered} WHEN np BETWEEN 0 AND 1 THEN $bins_[{_SCORE_CELL} + 1] ELSE {OUTSIDE} END",
                f"CASE {late} WHEN ct = $negative_ THEN 0 WHEN ct = $positive_ THEN 1 ELSE {ODD} END",
                ("count(*)", "sum(np)"),
                {"bins_": bins_of_cells(grid.edges), "negative_": grid.classes[0], "positive_": grid.classes[1]},
                Grid("classes", BINARY),
                f"CASE WHEN s < 0 THEN s ELSE (s >= {first})::INT END",
            )
        case "classes":
            place = "coalesce(nullif(list_position($classes_::VARCHAR[], {}), 0), " + str(strata) + ") - 1"
            other = f"CASE WHEN ct = cp THEN {strata - 1} ELSE {strata} END"
            return _Sorting(
                f"CASE {answered} ELSE {place.format('cp')} END",
                f"CASE {late} WHEN list_contains($classes_::VARCHAR[], ct) THEN {place.format('ct')} ELSE {other} END",
                ("count(*)",),
                {"classes_": list(grid.classes)},
                grid,
                "s",
            )
        case "numbers":
            bins = "".join(f" WHEN np < {edge!r} THEN {i}" for i, edge in enumerate(grid.edges))
            error, label = "(np - nt)", f"(nt - {grid.centre!r})"
            powers = (
                error, f"abs({error})", f"{error} ** 2", f"{error} ** 4", label, f"{label} ** 2", f"{label} ** 3",
                f"{label} ** 4", f"{error} ** 2 * {label}", f"{error} ** 2 * {label} ** 2",
            )  # fmt: skip
            return _Sorting(
                f"CASE {answered} WHEN np IS NULL THEN {OUTSIDE}{bins} ELSE {strata - 1} END",
                f"CASE {late} WHEN nt IS NULL THEN {ODD} ELSE 0 END",
                ("count(*)", *(f"sum({one})" for one in powers)),
                {},
                replace(grid, edges=()),
                "least(s, 0)",
            )


def _counted(
    duck: Duck,
    selection: Selection,
    cells: str,
    request: OutcomesRequest,
    grid: Grid,
    values: Sequence[Sequence[str]],
) -> Record:
    """One answer of the database for all groups: each row says which group it is of by the key that is not NULL."""
    sorting = _sorting(grid)
    keys = [f"coalesce(list_position($values{i}_::VARCHAR[], g{i}), 0) AS k{i}" for i in range(len(values))]
    groups = ["(s, t)", *(f"(k{i}, s, t)" for i in range(len(values)))]
    if request.every is not None:
        keys.append("step")
        groups.append("(step, said, t)")
    names = ["s", "t", *(key.split(" AS ")[-1] for key in keys), *(["said"] if request.every is not None else [])]
    rows = f"SELECT {', '.join(['np', 'nt', *keys, f'{sorting.stratum} AS s', f'{sorting.truth} AS t'])} FROM ({cells})"  # noqa: S608 - as Duck says
    sums = [f"{one} AS m{i}" for i, one in enumerate(sorting.sums)]
    found = duck.asks(
        f"SELECT {', '.join([*names, *sums])} FROM (SELECT *, {sorting.stratum_of_steps} AS said FROM ({rows})) "  # noqa: S608 - as Duck says
        f"GROUP BY GROUPING SETS ({', '.join(groups)})",
        {**selection.values, **sorting.values, **{f"values{i}_": list(one) for i, one in enumerate(values)}},
    )
    whole = Tally(grid)
    segments = [[Tally(grid) for _ in range(len(one) + 1)] for one in values]
    steps: dict[int, Tally] = {}
    for row in found:
        sums_of_row = [row[f"m{i}"] or 0.0 for i in range(len(sums))]
        key = next((f"k{i}" for i in range(len(values)) if row[f"k{i}"] is not None), None)
        if row.get("said") is not None:
            if row["step"] is not None:  # else the row has no time
                steps.setdefault(row["step"], Tally(sorting.of_steps)).add(row["said"], row["t"], sums_of_row)
        elif key is None:
            whole.add(row["s"], row["t"], sums_of_row)
        else:
            segments[int(key[1:])][row[key] - 1].add(row["s"], row["t"], sums_of_row)
    return recorded(request, values, whole, segments, steps)


def recorded(
    request: OutcomesRequest,
    values: Sequence[Sequence[str]],
    whole: Tally,
    segments: Sequence[Sequence[Tally]],
    steps: Mapping[int, Tally],
) -> Record:
    """What was added up, as a record; of each segmenting column the last tally is of what `values` does not list.

    Raises UsageError for too many steps.
    """
    if len(steps) > MOST_STEPS:
        raise UsageError(f"steps of {request.every:g} s are too many", f"at most {MOST_STEPS} are counted")
    return Record(
        whole.outcomes(),
        tuple(
            SegmentOutcomes(column, value, tally.outcomes())
            for column, of_column, tallies in zip(request.by, values, segments, strict=True)
            for value, tally in zip([*of_column, None], tallies, strict=True)
            if value is not None or tally.rows
        ),
        tuple(StepOutcomes(at * (request.every or 0.0), steps[at].outcomes()) for at in sorted(steps)),
        request.every,
    )


class Tally:
    """Outcomes while they are added up."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.table = np.zeros(shape(grid))
        self.rows = self.unanswered = self.outside = self.odd = 0

    def add(self, stratum: int, truth: int, sums: Sequence[float]) -> None:
        """Rows of one stratum and one kind of label."""
        n = int(sums[0])
        self.rows += n
        if stratum == UNANSWERED:
            self.unanswered += n
        elif stratum == OUTSIDE:
            self.outside += n
        elif truth == ODD:
            self.odd += n
        elif self.grid.task == "numbers" and truth != LATE:
            self.table[stratum, : len(MOMENTS)] += sums
        else:
            self.table[stratum, truth] += n  # the late ones are the last column
            if self.grid.task == "scores":
                self.table[stratum, 2] += sums[1]

    def outcomes(self) -> Outcomes:
        table = tuple(map(tuple, self.table.tolist()))
        return Outcomes(self.grid, self.rows, table, self.unanswered, self.outside, self.odd)
