"""Two files of samples against each other: what their columns are, and what of them is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from console.analysis.samples import Samples
from console.errors import NoData, UsageError
from console.model import Labels
from console.sources.samples import TIME_NAMES, Look, SampleFiles
from console.triage.comparing import Asked, Judged, Key, judge
from console.words import nearest

MOST_SETS = 100  # label sets; those with the most rows are compared
MOST_METRICS = 500
LONG_FORM = ("metric", "value")  # a file with these two columns names its metrics in rows


def compare_files(baseline: str, current: str, asked: Asked) -> Judged:
    """Every metric and label set that either file (or glob of files) has.

    Raises UsageError for a column that neither has, NoData for a file without rows, and what sources raise.
    """
    sides = SampleFiles("current", current), SampleFiles("baseline", baseline)
    by, time, named = _roles(sides, asked)
    looks = _looks(sides, asked, by, time, named)
    metrics = _metrics(sides, looks, asked, named)
    notes = _odd_cells(looks, metrics)
    keys, left_out = _label_sets(sides, by)
    notes += [f"{left_out} label sets with fewer rows were left out"] if left_out else []
    spans = [side.times(time) if time is not None else None for side in sides]
    if time is not None and None in spans:
        notes.append(f"column {time} holds no times on one side: rows were taken as they come, without order")
        time, spans = None, [None, None]
    mine, its = (
        {(one.metric, one.labels): one for one in side.read(metrics, by, keys, time, look.rows, span)}
        for side, look, span in zip(sides, looks, spans, strict=True)
    )
    if named:
        mine, its = ({_long(key, named): _renamed(one, named) for key, one in side.items()} for side in (mine, its))
    mine, its = (_but_empty_sets(side, by) for side in (mine, its))
    return judge(f"{current} against {baseline}", mine, its, asked, tuple(notes), timed=time is not None)


def _roles(sides: Sequence[SampleFiles], asked: Asked) -> tuple[tuple[str, ...], str | None, str]:
    """(label columns, time column, the column that names the metric of each row or nothing)."""
    columns = list(dict.fromkeys(column for side in sides for column in side.columns))
    shared = [column for column in columns if all(column in side.columns for side in sides)]
    for name in (*asked.by, *([asked.time] if asked.time else [])):
        for side in sides:
            if name not in side.columns:
                raise UsageError(f"{side.side} has no column {name!r}", nearest(name, side.columns))
    for name in asked.columns:
        if name not in columns:
            raise UsageError(f"neither file has a column {name!r}", nearest(name, columns))
    time = asked.time or next((column for column in shared if column.casefold() in TIME_NAMES), None)
    time = None if time in (*asked.columns, *asked.by) else time
    is_long = not asked.columns and all(name in shared for name in LONG_FORM)
    named = LONG_FORM[0] if is_long and LONG_FORM[0] not in asked.by else ""
    return (*((named,) if named else ()), *asked.by), time, named


def _looks(sides: Sequence[SampleFiles], asked: Asked, by: Sequence[str], time: str | None, named: str) -> list[Look]:
    found = []
    for side in sides:
        wanted = asked.columns or ((LONG_FORM[1],) if named else side.columns)
        columns = [column for column in wanted if column in side.columns and column not in (*by, time)]
        look = side.look(columns)
        if not look.rows:
            raise NoData(f"{side.side} holds no row", "check what wrote the file")
        found.append(look)
    return found


def _metrics(sides: Sequence[SampleFiles], looks: Sequence[Look], asked: Asked, named: str) -> list[str]:
    """The columns that hold numbers on either side, in the order of the baseline's file."""
    current, baseline = looks
    numbers = [
        column
        for column in dict.fromkeys((*baseline.columns, *current.columns))
        if "number" in (current.columns.get(column), baseline.columns.get(column))
    ]
    for column in asked.columns:
        if column not in numbers:
            holds = baseline.columns.get(column) or current.columns.get(column)
            if holds == "text":
                raise UsageError(f"column {column!r} holds text", "split by it with --by, or use `andon drift`")
            raise NoData(f"column {column!r} holds no value on either side", "")
    if not numbers:
        what = "no values" if named else "no column of numbers"
        raise NoData(f"there is nothing to compare: {what}", "`andon drift` compares columns of every kind")
    if len(numbers) > MOST_METRICS:
        raise UsageError(f"{len(numbers)} columns of numbers are too many", "choose some with --column")
    return numbers


def _odd_cells(looks: Sequence[Look], metrics: Sequence[str]) -> list[str]:
    notes = []
    for name, look in zip(("current", "baseline"), looks, strict=True):
        odd = [f"{column} ({look.odd[column]})" for column in metrics if look.odd.get(column)]
        text = [column for column in metrics if look.columns.get(column) == "text"]
        notes += [f"{name}: cells that are no numbers were left out of {', '.join(odd[:10])}"] if odd else []
        notes += [f"{name}: {', '.join(text[:10])} hold text, where the other side has numbers"] if text else []
    return notes


def _label_sets(sides: Sequence[SampleFiles], by: Sequence[str]) -> tuple[list[str], int]:
    """The label sets with the most rows on both sides together, and how many others there are."""
    counted = sides[0].label_sets(by)
    for side in sides[1:]:
        counted = counted + side.label_sets(by)
    return [key for key, _rows in counted.most_common(MOST_SETS)], max(0, len(counted) - MOST_SETS)


def _long(key: Key, named: str) -> Key:
    metric, labels = key
    return labels.value(named) or metric, Labels.of(pair for pair in labels if pair[0] != named)


def _renamed(one: Samples, named: str) -> Samples:
    metric, labels = _long((one.metric, one.labels), named)
    return replace(one, metric=metric, labels=labels)


def _but_empty_sets(side: Mapping[Key, Samples], by: Sequence[str]) -> dict[Key, Samples]:
    """Without the label sets that this side has no row of."""
    return {key: one for key, one in side.items() if one.rows or not by}
