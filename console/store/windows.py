"""A window of stored samples as a frame: which steps it has, and which rows fall into each."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.model import Frame, Kind, Labels, Query, Series, SeriesKey, Span
from console.store.database import Database, Row
from console.store.minute import MINUTE
from console.store.samples import read_key
from console.store.settings import RAW_FROM, Settings
from console.store.sketch import unpack_counts

if TYPE_CHECKING:
    from console.model import Array

MOST_CELLS = 20_000_000  # numbers in one answer (160 MB); steps grow until it fits
ROUNDING = 1e-6  # seconds

RAW = "SELECT time, 1.0, value, sketch FROM raw WHERE series = ? AND time > ? AND time <= ? ORDER BY time"
MINUTES = """
SELECT minute * 60.0, count, sum, sketch FROM minutes
WHERE series = ? AND minute * 60.0 > ? AND minute <= ? ORDER BY minute
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """The steps of a frame: those of each span end where the span ends."""

    spans: tuple[Span, ...]
    step: float

    def steps(self, span: Span) -> int:
        """How many whole steps a span has; a span shorter than one step still has one."""
        return max(1, math.floor((span.seconds + ROUNDING) / self.step))

    @property
    def length(self) -> int:
        return sum(self.steps(span) for span in self.spans)

    def times(self) -> Array:
        """The ends of all steps, shape (steps,)."""
        ends = [span.end - self.step * np.arange(self.steps(span) - 1, -1, -1) for span in self.spans]
        return np.concatenate(ends) if ends else np.empty(0)


def read_series(database: Database, query: Query) -> Frame:
    """Every series that a query selects, each on its own, on the query's steps."""
    found = _selected(database, query)
    is_raw, axis = _axis(database, query, found)
    times = axis.times()
    series = tuple(_read_one(database, id, key, axis, is_raw) for id, key in found) if len(times) else ()
    return Frame(times, axis.step, series)
