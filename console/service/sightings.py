"""Which model has which signals, and since when none came: what the board's rows and lights are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from console.model import Frame, Reading, SeriesKey

COLUMNS = ("gpu", "latency", "errors", "queue", "drift", "data")
MOST_MODELS = 2000
MOST_KEYS = 100_000

# The first column of which some words are in the signal's name; a signal that fits none has no light.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "gpu": ("gpu.",),
    "data": ("data.",),
    "queue": (".queue.",),
    "errors": (".errors.", ".up.", ".unavailable.", ".waiting."),
    "latency": (".latency.", ".duration.", ".ttft.", ".itl.", ".tpot."),
    "drift": (".feedback.", ".confidence.", ".drift."),
}


def column_of(signal: str) -> str | None:
    """The board's column that a signal lights.

    >>> column_of("model.queue.duration")
    'queue'
    """
    return next((column for column, parts in _PARTS.items() if any(part in f"{signal}." for part in parts)), None)


class Sightings:
    """The newest sample of every model and column. Written by the store's thread and by the loop, read by anyone."""

    def __init__(self) -> None:
        self.newest: dict[str, dict[str, float]] = {}
        self._places: dict[SeriesKey, tuple[str, str] | None] = {}

    def note(self, readings: Iterable[Reading]) -> None:
        """Take notice of samples."""
        for reading in readings:
            place = self._place(reading.series)
            if place is not None:
                self._see(*place, reading.time)

    def take(self, signal: str, frame: Frame) -> None:
        """Take notice of what a source that was asked told of a signal."""
        column = column_of(signal)
        if column is None or not frame.times.size:
            return
        for series in frame.series:
            if (model := series.key.labels.value("model")) and not np.isnan(series.values[-1]).any():
                self._see(model, column, float(frame.times[-1]))

    def _see(self, model: str, column: str, time: float) -> None:
        if model in self.newest or len(self.newest) < MOST_MODELS:
            times = self.newest.setdefault(model, {})
            times[column] = max(times.get(column, time), time)

    def _place(self, series: SeriesKey) -> tuple[str, str] | None:
        if series in self._places:
            return self._places[series]
        model, column = series.labels.value("model"), column_of(series.signal)
        place = (model, column) if model and column else None
        if len(self._places) < MOST_KEYS:
            self._places[series] = place
        return place
