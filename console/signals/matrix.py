"""The answers to range queries as series in increase form: a step without a point is NaN, each bucket counts alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from console.model import Across, Kind, Labels, Series, SeriesKey
from console.signals.promql import Expression

if TYPE_CHECKING:
    from console.model import Array

Row = tuple[Mapping[str, str], Sequence[tuple[float, Any]]]  # the labels of one series, and its (time, value) points
Known = MutableMapping[tuple[Any, ...], Labels]  # label sets that were read before: the next answer says them again


@dataclass(frozen=True, slots=True)
class Answer:
    """What one range query answered, on the steps that were asked for."""

    metrics: Sequence[Mapping[str, str]]
    values: Array  # (series, steps); NaN where a series has no point


def gridded(rows: Sequence[Row], times: Array, step: float) -> Answer:
    """Put points on the steps that end at `times` (evenly spaced, shape (steps,)); others are left out.

    Raises ValueError where a point is no number.
    """
    values = np.full((len(rows), times.size), np.nan)
    points = [point for _metric, points in rows for point in points]
    if points:
        moments = np.fromiter(map(float, map(itemgetter(0), points)), float, len(points))
        numbers = np.fromiter(map(float, map(itemgetter(1), points)), float, len(points))
        places = np.round((moments - times[0]) / step).astype(np.intp)
        series = np.repeat(np.arange(len(rows)), [len(points) for _metric, points in rows])
        good = (places >= 0) & (places < times.size) & np.isfinite(numbers)
        values[series[good], places[good]] = numbers[good]
    return Answer([metric for metric, _points in rows], values)


def joined(pieces: Sequence[Answer]) -> Answer:
    """Answers to one query over times that follow each other as one; a series that one of them lacks is NaN there."""
    if len(pieces) == 1:
        return pieces[0]
    places: dict[tuple[tuple[str, str], ...], int] = {}
    metrics: list[Mapping[str, str]] = []
    rows = []
    for piece in pieces:
        at = np.empty(len(piece.metrics), np.intp)
        for number, metric in enumerate(piece.metrics):
            place = at[number] = places.setdefault(tuple(metric.items()), len(metrics))
            if place == len(metrics):
                metrics.append(metric)
        rows.append(at)
    values = np.full((len(metrics), sum(piece.values.shape[1] for piece in pieces)), np.nan)
    begin = 0
    for piece, at in zip(pieces, rows, strict=True):
        end = begin + piece.values.shape[1]
        values[at, begin:end] = piece.values
        begin = end
    return Answer(metrics, values)


def series_of(
    signal: str, answers: Iterable[tuple[Expression, Answer]], across: Across, known: Known | None = None
) -> tuple[Series, ...]:
    """The answers to all expressions for one signal as series; gauges of one label set are folded by `across`.

    Raises ValueError where an edge is no number.
    """
    known = {} if known is None else known
    values: dict[Labels, Array] = {}
    folded: dict[Labels, list[Array]] = {}  # of those that come more than once
    buckets: dict[Labels, dict[float, Array]] = {}
    sums: dict[Labels, Array] = {}
    kind = Kind.GAUGE
    for expression, answer in answers:
        kind, scale = expression.native.kind, expression.native.scale
        scaled = answer.values if scale == 1.0 else answer.values * scale
        for metric, column, count in zip(answer.metrics, scaled, answer.values, strict=True):
            labels = _common(expression, metric, known)
            if kind is not Kind.HISTOGRAM:
                if labels in values:
                    folded.setdefault(labels, [values[labels]]).append(column)
                else:
                    values[labels] = column
            elif "le" in metric:
                bars = buckets.setdefault(labels, {})
                edge = float(metric["le"]) * scale  # "1" and "1.0" are one edge of two exporters
                bars[edge] = _add(bars.get(edge), count)
            else:
                sums[labels] = _add(sums.get(labels), column)
    how = across if kind is Kind.GAUGE else "sum"
    values |= {labels: _fold(columns, how) for labels, columns in folded.items()}
    plain = tuple(Series(SeriesKey(signal, labels, kind), column) for labels, column in values.items())
    return plain + tuple(
        _histogram(signal, labels, bars, sums.get(labels)) for labels, bars in buckets.items() if np.inf in bars
    )


def plain_series(answer: Answer) -> tuple[Series, ...]:
    """An answer to an expression of anyone's own as gauges under their native labels; `__name__` is the signal."""
    found = []
    for metric, column in zip(answer.metrics, answer.values, strict=True):
        labels = Labels.of((name, value) for name, value in metric.items() if name != "__name__")
        found.append(Series(SeriesKey(metric.get("__name__", ""), labels, Kind.GAUGE), column))
    return tuple(found)


def _common(expression: Expression, metric: Mapping[str, str], known: Known) -> Labels:
    pairs = tuple(pair for pair in metric.items() if pair[0] != "le") if "le" in metric else tuple(metric.items())
    key = (expression.dialect.name, expression.native.labels, pairs)
    labels = known.get(key)
    if labels is None:
        labels = known[key] = Labels.of(expression.dialect.named(dict(pairs)) | dict(expression.native.labels))
    return labels


def _fold(columns: Sequence[Array], how: Across) -> Array:
    stack = np.stack(columns)
    blank = np.isnan(stack)
    if how == "max":
        folded = np.where(blank, -np.inf, stack).max(axis=0)
    else:
        folded = np.where(blank, 0.0, stack).sum(axis=0)
        folded = folded / np.maximum((~blank).sum(axis=0), 1) if how == "mean" else folded
    return np.where(blank.all(axis=0), np.nan, folded)


def _add(known: Array | None, column: Array) -> Array:
    return column if known is None else _fold((known, column), "sum")


def _histogram(signal: str, labels: Labels, bars: Mapping[float, Array], sums: Array | None) -> Series:
    edges = tuple(sorted(bars))
    cumulative = np.stack([bars[edge] for edge in edges], axis=1)
    known = ~np.isnan(cumulative[:, -1])
    # Pods with other edges, or a restart between two buckets, may let a bucket dip below the one before it.
    rising = np.maximum.accumulate(np.nan_to_num(cumulative), axis=1)
    counts = np.diff(rising, axis=1, prepend=0.0)
    key = SeriesKey(signal, labels, Kind.HISTOGRAM, edges)
    return Series(
        key, np.where(known[:, None], counts, np.nan), None if sums is None else np.where(known, sums, np.nan)
    )
