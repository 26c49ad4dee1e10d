"""How many GPUs each host has for work, and how many of them work was given: what an orchestrator tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.model import Frame, Reading

ALLOCATABLE, REQUESTED = "host.gpus.allocatable", "host.gpus.requested"
HOST_SIGNALS = (ALLOCATABLE, REQUESTED)
MOST_HOSTS = 20_000
OLD_SECONDS = 600.0  # what is older is not added up


class Hosts:
    """The newest of each host; bounded."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], tuple[float, float]] = {}  # signal and host: time and number

    def note(self, readings: Iterable[Reading]) -> None:
        """Take notice of samples."""
        for reading in readings:
            if reading.series.signal in HOST_SIGNALS:
                self._put(reading.series.signal, dict(reading.series.labels), reading.time, reading.value)

    def take(self, signal: str, frame: Frame) -> None:
        """Take what a source that was asked says."""
        for series in frame.series:
            value = float(series.values[-1])
            if value == value:
                self._put(signal, dict(series.key.labels), float(frame.times[-1]), value)

    def total(self, signal: str, now: float) -> float | None:
        """All hosts added up; None where nobody tells."""
        found = [
            number
            for (told, _host), (time, number) in self._told.items()
            if told == signal and now - time <= OLD_SECONDS
        ]
        return sum(found) if found else None

    def _put(self, signal: str, labels: Mapping[str, str], time: float, value: float) -> None:
        place = signal, labels.get("host") or labels.get("instance", "")
        if place in self._told or len(self._told) < MOST_HOSTS:
            self._told[place] = (time, value)
