"""What is true right now, in memory: for screens that somebody looks at, without asking the store."""

from __future__ import annotations

from collections.abc import Sequence

from console.model import Reading
from console.service.gpus import Gpus
from console.service.latency import Latency

PREFIX = "gpu."


class Live:
    """The newest of every GPU and the last minute of every model; bounded, and written where samples arrive."""

    def __init__(self) -> None:
        self.gpus = Gpus()
        self.latency = Latency()

    def note(self, source: str, readings: Sequence[Reading]) -> None:
        """Take notice of the samples of one source."""
        self.gpus.note(source, (each for each in readings if each.series.signal.startswith(PREFIX)))
        self.latency.note(each for each in readings if not each.series.signal.startswith(PREFIX))
