"""A window of stored samples as a frame: which steps it has, and which rows fall into each."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.model import Frame, Kind, Query, Series, SeriesKey, Span
from console.signals.catalogue import find_signal
from console.store.database import Database, Row
from console.store.minute import MINUTE
from console.store.samples import read_key
from console.store.settings import RAW_FROM
from console.store.sketch import unpack_counts

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

MOST_CELLS = 20_000_000  # numbers in one answer (160 MB); steps grow until it fits
ROUNDING = 1e-6  # of a step: a reading on a boundary belongs to the step that ends there

RAW = "SELECT time, 1.0, value, value, sketch FROM raw WHERE series = ? AND time > ? AND time <= ? ORDER BY time"
MINUTES = """
SELECT minute * 60.0, count, sum, high, sketch FROM minutes
WHERE series = ? AND minute > ? AND minute <= ? ORDER BY minute
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """The steps of a frame: those of each span end where the span ends."""

    spans: tuple[Span, ...]
    step: float

    def steps(self, span: Span) -> int:
        """How many whole steps a span has; one that is shorter than a step still has one."""
        return max(1, math.floor(span.seconds / self.step + ROUNDING))

    @property
    def length(self) -> int:
        return sum(self.steps(span) for span in self.spans)

    def times(self) -> Array:
        """The ends of all steps, shape (steps,)."""
        ends = [span.end - self.step * np.arange(self.steps(span) - 1, -1, -1) for span in self.spans]
        return np.concatenate(ends) if ends else np.empty(0)


def read_window(database: Database, query: Query) -> Frame:
    """Every series that a query selects and that has data in its window, each on its own, on the query's steps."""
    selected = _selected(database, query)
    is_raw, axis = _axis(database, query, cells=sum(max(len(key.edges), 1) for _, key in selected))
    read = (_read_one(database, id, key, axis, is_raw) for id, key in selected)
    return Frame(axis.times(), axis.step, tuple(series for series in read if series is not None))


def _selected(database: Database, query: Query) -> list[tuple[int, SeriesKey]]:
    rows = database.rows("SELECT id, signal, labels, kind, edges FROM series WHERE signal = ?", (query.signal,))
    wanted = {*query.where, *query.window.where}
    keys = [(id, read_key(*columns)) for id, *columns in rows]
    return [(id, key) for id, key in keys if wanted.issubset(key.labels)]


def _axis(database: Database, query: Query, cells: int) -> tuple[bool, Axis]:
    """Whether raw samples cover the window, and its steps; `cells` is how many numbers one step holds."""
    rows = database.rows("SELECT value FROM meta WHERE key = ?", (RAW_FROM,))
    raw_from = json.loads(rows[0][0]) if rows else math.inf
    spans = joined(query.window.spans)
    step = query.step
    is_raw = all(span.start >= raw_from for span in spans)
    if not is_raw:
        spans = tuple(whole for span in spans if (whole := _whole_minutes(span)) is not None)
        step = MINUTE * math.ceil(step / MINUTE)
    axis = Axis(spans, step)
    while axis.length * cells > MOST_CELLS and any(axis.steps(span) > 1 for span in spans):
        axis = Axis(spans, axis.step * 2)
    return is_raw, axis


def joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Spans in time order; those that touch are one."""
    whole: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if whole and span.start <= whole[-1].end:
            whole[-1] = Span(whole[-1].start, max(whole[-1].end, span.end))
        else:
            whole.append(span)
    return tuple(whole)


def _whole_minutes(span: Span) -> Span | None:
    """The minutes that lie wholly within a span, so that nothing from outside it counts; None where there is none."""
    start, end = math.ceil(span.start / MINUTE) * MINUTE, math.floor(span.end / MINUTE) * MINUTE
    return Span(start, end) if start < end else None


def _read_one(database: Database, id: int, key: SeriesKey, axis: Axis, is_raw: bool) -> Series | None:
    rows: list[Row] = []
    places: list[npt.NDArray[np.intp]] = []
    offset = 0
    for span in axis.spans:
        steps = axis.steps(span)
        first = span.end - steps * axis.step
        start = max(span.start, first)
        unit = 1.0 if is_raw else MINUTE
        found = database.rows(RAW if is_raw else MINUTES, (id, start / unit, span.end / unit))
        times = np.fromiter((row[0] for row in found), dtype=np.float64, count=len(found))
        step_of = np.ceil((times - first) / axis.step - ROUNDING) - 1
        places.append(offset + np.clip(step_of, 0, steps - 1).astype(np.intp))
        rows += found
        offset += steps
    if not rows:
        return None
    return _series(key, rows, np.concatenate(places), axis.length)


def _series(key: SeriesKey, rows: list[Row], places: npt.NDArray[np.intp], steps: int) -> Series:
    """Rows of (time, count, sum, highest, sketch) gathered into steps; `places` says which step each falls into.

    Gauges that are folded by their largest value, such as codes, have it of a step, too: there is no mean of codes.
    """
    _, counts, sums, highs, sketches = zip(*rows, strict=True)
    seen = np.bincount(places, minlength=steps) > 0
    total = np.where(seen, np.bincount(places, weights=np.array(sums), minlength=steps), np.nan)
    match key.kind:
        case Kind.COUNTER:
            return Series(key, total)
        case Kind.GAUGE if find_signal(key.signal).across == "max":
            largest = np.full(steps, -np.inf)
            np.maximum.at(largest, places, np.array(highs, dtype=np.float64))
            return Series(key, np.where(seen, largest, np.nan))
        case Kind.GAUGE:
            return Series(
                key, total / np.where(seen, np.bincount(places, weights=np.array(counts), minlength=steps), 1.0)
            )
        case Kind.HISTOGRAM:
            values = np.zeros((steps, len(key.edges)))
            np.add.at(values, places, unpack_counts(sketches, len(key.edges)))
            values[~seen] = np.nan
            return Series(key, values, total)
