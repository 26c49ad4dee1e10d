"""Answers counted against their labels inside a database, as `sources.outcomes` counts those in files: counts travel.

Blocking; imports Ibis, so this module is imported once a database is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import ibis
import numpy as np

from console.analysis.answers.outcomes import THRESHOLD, shape
from console.errors import UsageError
from console.model import Grid, Record
from console.sources.chosen import TIME, is_called, is_finite, name_of
from console.sources.outcomes import (
    A_FRACTION,
    LATE,
    MOST_CHARACTERS,
    MOST_VALUES,
    ODD,
    OUTSIDE,
    UNANSWERED,
    Tally,
    recorded,
)
from console.sources.tasks import BINARY, CELLS, MOST_CLASSES, NUMBER_BINS, Seen, bins_of_cells, recognised, score_edges
from console.sources.types import OutcomesRequest

Ask = Callable[[Any], Any]  # an Ibis expression -> a pyarrow.Table
MOST_WHOLE = 1e15  # numbers that are classes are whole and smaller


def outcomes_of(ask: Ask, rows: Any, request: OutcomesRequest) -> Record:
    """The record of rows that were chosen, counted by the grid and segments of `like`, or by ones that fit them.

    `rows` is an Ibis table with a column TIME. Raises UsageError and NoData as `sources.outcomes.count_outcomes` does.
    """
    for column in (request.prediction, *request.by, *(() if request.like else (request.target,))):
        if column not in rows.columns:
            raise UsageError(f"there is no column {column!r}", f"the columns are {', '.join(rows.columns)}")
    cells = _cells(rows, request)
    if request.like is None:
        grid = _fresh(ask, cells, request)
        values: Sequence[Sequence[str]] = [_values(ask, cells, f"g{i}") for i in range(len(request.by))]
    else:
        grid = request.like.whole.grid
        values = [[one.value for one in request.like.segments if one.column == column and one.value is not None]
                  for column in request.by]  # fmt: skip
    return _counted(ask, cells, request, grid, values)


# ── which grid ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _fresh(ask: Ask, cells: Any, request: OutcomesRequest) -> Grid:
    wanted: dict[str, Any] = {}
    for side in ("t", "p"):
        number, held = cells[f"n{side}"], cells[f"n{side}"].fill_null(0.0)
        wanted |= {
            f"present{side}": cells[f"c{side}"].count(), f"numbers{side}": number.count(),
            f"fractions{side}": (held != held.floor()).sum(), f"low{side}": number.min(),
            f"high{side}": number.max(), f"mean{side}": number.mean(), f"unit{side}": _is_unit(number).sum(),
        }  # fmt: skip
    [found] = ask(cells.aggregate(**wanted)).to_pylist()
    target, prediction = (
        Seen(
            column, found[f"present{side}"], found[f"numbers{side}"], int(found[f"fractions{side}"] or 0),
            found[f"low{side}"], found[f"high{side}"], int(found[f"unit{side}"] or 0),
            _most_frequent(ask, cells, f"c{side}", MOST_CLASSES + 1),
        )
        for side, column in (("t", request.target), ("p", request.prediction))
    )  # fmt: skip
    grid = recognised(target, prediction)
    if grid.task == "scores":
        return _with_score_edges(ask, cells, grid)
    if grid.task == "numbers":
        there = cells.filter(cells.np.notnull()).select("np")
        tiles = there.mutate(tile=ibis.ntile(NUMBER_BINS).over(order_by=there.np))
        lowest = ask(tiles.group_by("tile").aggregate(low=tiles.np.min())).to_pylist()
        edges = sorted({row["low"] for row in lowest} - {min(row["low"] for row in lowest)})
        return replace(grid, edges=tuple(edges), centre=found["meant"])
    return grid


def _with_score_edges(ask: Ask, cells: Any, grid: Grid) -> Grid:
    """As in files: bins of about as many scores each, the positive class that with the higher scores."""
    within = cells.filter(_is_unit(cells.np))
    within = within.mutate(cell=_score_cell(within.np))
    counts = np.zeros(CELLS, dtype=np.int64)
    for row in ask(within.group_by("cell").aggregate(n=within.count())).to_pylist():
        counts[row["cell"]] = row["n"]
    if grid.classes != BINARY:
        means = ask(within.group_by("ct").aggregate(mean=within.np.mean())).to_pylist()
        by_class = {row["ct"]: row["mean"] for row in means}
        grid = replace(grid, classes=tuple(sorted(grid.classes, key=lambda name: (by_class.get(name, 0.0), name))))
    return replace(grid, edges=score_edges(counts))


def _most_frequent(ask: Ask, cells: Any, name: str, most: int) -> list[str]:
    there = cells.filter(cells[name].notnull())
    counted = there.group_by(name).aggregate(rows=there.count())
    found = ask(counted.order_by([ibis.desc("rows"), name]).limit(most)).to_pylist()
    return [row[name] for row in found]


def _values(ask: Ask, cells: Any, name: str) -> list[str]:
    return sorted(_most_frequent(ask, cells.mutate(**{name: _shown(cells[name])}), name, MOST_VALUES))


# ── counting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cells(rows: Any, request: OutcomesRequest) -> Any:
    """Each row as the label's and the prediction's number (n) and class (c), its segments' cells and its step."""
    parts: dict[str, Any] = {}
    for side, column in (("t", request.target), ("p", request.prediction)):
        there = rows[column] if column in rows.columns else ibis.null("string")
        parts[f"n{side}"], parts[f"c{side}"] = _number(there), _class(there)
    parts |= {f"g{i}": rows[column] for i, column in enumerate(request.by)}
    step = ibis.null("int64") if request.every is None else (rows[TIME] / request.every).floor().cast("int64")
    return rows.select(**parts, step=step)


def _number(cell: Any) -> Any:
    if not cell.type().is_numeric() or cell.type().is_boolean():
        return ibis.null("float64")
    number = cell.cast("float64")
    return is_finite(number).ifelse(number, ibis.null("float64"))


def _class(cell: Any) -> Any:
    """Whole numbers without a point, truths as 1 and 0; numbers that are not whole are no classes."""
    kind = cell.type()
    if kind.is_boolean():
        return ibis.cases((cell, "1"), (~cell, "0"))
    if not kind.is_numeric():
        text = cell if kind.is_string() else cell.cast("string")
        low = text.lower()
        return ibis.cases((text.isnull(), ibis.null("string")), (low == "true", "1"), (low == "false", "0"),
                          else_=text.left(MOST_CHARACTERS))  # fmt: skip
    if kind.is_integer():
        small = (cell < int(MOST_WHOLE)) & (cell > -int(MOST_WHOLE))
        return ibis.cases((cell.isnull(), ibis.null("string")), (small, cell.cast("string")), else_=A_FRACTION)
    number = cell.cast("float64")
    held = (is_finite(number) & (number.abs() < MOST_WHOLE)).ifelse(number, 0.5)  # what no engine stumbles over
    is_whole = held == held.floor()
    whole = is_whole.ifelse(held, 0.0).cast("int64").cast("string")
    nothing = ibis.null("string")
    return ibis.cases((number.isnull(), nothing), (number.isnan(), nothing), (is_whole, whole), else_=A_FRACTION)


def _shown(cell: Any) -> Any:
    return name_of(cell).left(MOST_CHARACTERS).fill_null("")


def _is_unit(number: Any) -> Any:
    return (number >= 0.0) & (number <= 1.0)


def _score_cell(score: Any) -> Any:
    half = CELLS // 2
    within = ibis.cases((_is_unit(score), score), else_=0.0)
    cell = (within.sqrt().asin() / np.pi * (2 * CELLS)).floor().cast("int64")
    low, high = ibis.least(cell, _int(half - 1)), ibis.greatest(_int(half), ibis.least(cell, _int(CELLS - 1)))
    return (score < THRESHOLD).ifelse(low, high)


@dataclass(frozen=True, slots=True)
class _Sorting:
    """How a grid sorts rows, as `sources.outcomes` has it in SQL."""

    stratum: Any
    truth: Any
    sums: tuple[Any, ...]
    of_steps: Grid
    of_step: Callable[[Any], Any]  # of the stratum


def _sorting(grid: Grid, cells: Any) -> _Sorting:
    strata = shape(grid)[0]
    cp, ct, answer, label = cells.cp, cells.ct, cells.np, cells.nt
    match grid.task:
        case "scores":
            first = list(grid.edges).index(THRESHOLD) + 1
            bins = bins_of_cells(grid.edges)
            begins = [cell for cell in range(1, CELLS) if bins[cell] != bins[cell - 1]]
            place = _search(cells.cell, begins, [bins[0], *(bins[cell] for cell in begins)])
            negative, positive = grid.classes
            return _Sorting(
                ibis.cases((cp.isnull(), _int(UNANSWERED)), (_is_unit(answer), place), else_=_int(OUTSIDE)),
                ibis.cases((ct.isnull(), _int(LATE)), (ct == negative, _int(0)), (ct == positive, _int(1)),
                           else_=_int(ODD)),
                (answer,),
                Grid("classes", BINARY),
                lambda s: (s < 0).ifelse(s, (s >= first).ifelse(_int(1), _int(0))),
            )  # fmt: skip
        case "classes":
            other = (ct == cp).fill_null(False).ifelse(_int(strata - 1), _int(strata))
            return _Sorting(
                _named(cp, grid.classes, _int(UNANSWERED), _int(strata - 1)),
                _named(ct, grid.classes, _int(LATE), other),
                (),
                grid,
                lambda s: s,
            )
        case "numbers":
            places = _search(answer, grid.edges, range(strata))
            e, y = answer - label, label - grid.centre
            powers = (e, e.abs(), e * e, e * e * e * e, y, y * y, y * y * y, y * y * y * y, e * e * y, e * e * y * y)
            return _Sorting(
                ibis.cases((cp.isnull(), _int(UNANSWERED)), (answer.isnull(), _int(OUTSIDE)), else_=places),
                ibis.cases((ct.isnull(), _int(LATE)), (label.isnull(), _int(ODD)), else_=_int(0)),
                powers,
                replace(grid, edges=()),
                lambda s: ibis.least(s, _int(0)),
            )


def _named(cell: Any, classes: Sequence[str], nothing: Any, other: Any) -> Any:
    known = ((cell == name, _int(at)) for at, name in enumerate(classes))
    return ibis.cases((cell.isnull(), nothing), *known, else_=other)


def _search(value: Any, edges: Sequence[float], answers: Sequence[int]) -> Any:
    """The answer of the bin that a value lies in, found by halves; an edge belongs to the bin above."""
    if not edges:
        return _int(answers[0])
    middle = len(edges) // 2
    below = _search(value, edges[:middle], answers[: middle + 1])
    return (value < edges[middle]).ifelse(below, _search(value, edges[middle + 1 :], answers[middle + 1 :]))


def _int(number: int) -> Any:
    return ibis.literal(int(number), "int64")


def _counted(ask: Ask, cells: Any, request: OutcomesRequest, grid: Grid, values: Sequence[Sequence[str]]) -> Record:
    """One statement for all groups: each row of its answer says which part it is of, and its key there."""
    if grid.task == "scores":
        cells = cells.mutate(cell=_score_cell(cells.np))  # a column, so that no statement spells it out for every bin
    sorting = _sorting(grid, cells)
    keys = {f"k{i}": _key(cells[f"g{i}"], of_column) for i, of_column in enumerate(values)}
    powers = {f"m{i}": one for i, one in enumerate(sorting.sums, 1)}
    rows = cells.select("step", s=sorting.stratum, t=sorting.truth, **keys, **powers)
    parts = [_part(rows, 0, _int(0), rows.s, [*powers])]
    parts += [_part(rows, i, rows[f"k{i - 1}"], rows.s, [*powers]) for i in range(1, len(values) + 1)]
    if request.every is not None:
        timed = rows.filter(rows.step.notnull())
        parts.append(_part(timed, -1, timed.step, sorting.of_step(timed.s), [*powers]))
    whole = Tally(grid)
    segments = [[Tally(grid) for _ in range(len(one) + 1)] for one in values]
    steps: dict[int, Tally] = {}
    for row in ask(reduce(lambda one, other: one.union(other), parts)).to_pylist():
        match row["part"]:
            case -1:
                tally = steps.setdefault(row["key"], Tally(sorting.of_steps))
            case 0:
                tally = whole
            case part:
                tally = segments[part - 1][row["key"] - 1]  # 0, of no listed value, is the last one
        tally.add(row["s"], row["t"], _sums(row, len(powers)))
    return recorded(request, values, whole, segments, steps)


def _part(rows: Any, part: int, key: Any, stratum: Any, powers: Sequence[str]) -> Any:
    grouped = rows.select(*powers, "t", s=stratum, key=key).mutate(part=_int(part))
    counted = grouped.group_by(["part", "key", "s", "t"]).aggregate(
        n=grouped.count().cast("int64"), **{name: grouped[name].sum().cast("float64") for name in powers}
    )
    return counted.select("part", "key", "s", "t", "n", *powers)


def _key(cell: Any, values: Sequence[str]) -> Any:
    """The number of a segment's value, from 1 on; 0 for one that is not listed."""
    return ibis.cases(*((_is(cell, value), _int(at)) for at, value in enumerate(values, 1)), else_=_int(0)) \
        if values else _int(0)  # fmt: skip


def _is(cell: Any, value: str) -> Any:
    if not value:
        return cell.isnull() | (cell == "") if cell.type().is_string() else cell.isnull()
    if len(value) >= MOST_CHARACTERS:
        return _shown(cell) == value
    return is_called(cell, value)


def _sums(row: Mapping[str, Any], powers: int) -> list[float]:
    return [float(row["n"]), *(float(row[f"m{i}"] or 0.0) for i in range(1, powers + 1))]
