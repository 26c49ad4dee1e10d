"""The answers to range queries as series in increase form: a step without a point is NaN, each bucket counts alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from console.model import Kind, Labels, Series, SeriesKey
from console.signals.promql import Expression

if TYPE_CHECKING:
    from console.model import Array

Row = tuple[Mapping[str, str], Sequence[tuple[float, str]]]  # the labels of one series, and its (time, value) points


def series_of(
    signal: str, answers: Iterable[tuple[Expression, Sequence[Row]]], times: Array, step: float
) -> tuple[Series, ...]:
    """Put the answers for one signal on the steps that end at `times` (evenly spaced, shape (steps,)).

    Raises ValueError where a point or an edge is no number.
    """
    values: dict[Labels, Array] = {}
    buckets: dict[Labels, dict[float, Array]] = {}
    sums: dict[Labels, Array] = {}
    kind = Kind.GAUGE
    for expression, rows in answers:
        native, kind = expression.native, expression.native.kind
        for metric, points in rows:
            labels = _common(expression, metric)
            column = _column(points, times, step)
            match expression.part:
                case "value":
                    values[labels] = _add(values.get(labels), column * native.scale)
                case "sum":
                    sums[labels] = _add(sums.get(labels), column * native.scale)
                case "bucket":
                    bars = buckets.setdefault(labels, {})
                    edge = float(metric.get("le", "none")) * native.scale  # "1" and "1.0" are one edge of two exporters
                    bars[edge] = _add(bars.get(edge), column)
    plain = tuple(Series(SeriesKey(signal, labels, kind), column) for labels, column in values.items())
    return plain + tuple(
        _histogram(signal, labels, bars, sums.get(labels)) for labels, bars in buckets.items() if np.inf in bars
    )


def plain_series(rows: Iterable[Row], times: Array, step: float) -> tuple[Series, ...]:
    """Answers to an expression of anyone's own as gauges under their native labels; `__name__` is the signal.

    Raises ValueError where a point is no number. Pieces of one series, asked for one after the other, become one again.
    """
    values: dict[tuple[str, Labels], Array] = {}
    for metric, points in rows:
        labels = Labels.of((name, value) for name, value in metric.items() if name != "__name__")
        key = metric.get("__name__", ""), labels
        values[key] = _add(values.get(key), _column(points, times, step))
    return tuple(Series(SeriesKey(name, labels, Kind.GAUGE), column) for (name, labels), column in values.items())


def _common(expression: Expression, metric: Mapping[str, str]) -> Labels:
    named = expression.dialect.named({name: value for name, value in metric.items() if name != "le"})
    return Labels.of(named | dict(expression.native.labels))


def _column(points: Sequence[tuple[float, str]], times: Array, step: float) -> Array:
    column = np.full(times.size, np.nan)
    if points:
        moments, numbers = zip(*points, strict=True)
        places = np.round((np.asarray(moments, dtype=float) - times[0]) / step).astype(int)
        within = (places >= 0) & (places < times.size)
        column[places[within]] = np.asarray(numbers, dtype=float)[within]
    return np.where(np.isfinite(column), column, np.nan)


def _add(known: Array | None, column: Array) -> Array:
    if known is None:
        return column
    total: Array = np.where(np.isnan(known), column, known + np.nan_to_num(column))
    return total


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
