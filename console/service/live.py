"""What is true right now, in memory: for screens that somebody looks at, without asking the store."""

from __future__ import annotations

from collections.abc import Sequence

from console.model import Frame, Reading
from console.service.gpu_faults import Books
from console.service.gpus import Gpus
from console.service.hosts import HOST_SIGNALS, Hosts
from console.service.latency import WANTED, Latency
from console.service.siblings import Siblings

PREFIX = "gpu."


class Live:
    """The newest of every GPU and the last minute of every model; bounded, and written where samples arrive."""

    def __init__(self, books: Books | None = None) -> None:
        self.gpus = Gpus(books)
        self.latency = Latency()
        self.hosts = Hosts()
        self.siblings = Siblings()

    def note(self, source: str, readings: Sequence[Reading]) -> None:
        """Take notice of the samples of one source."""
        self.gpus.note(source, (each for each in readings if each.series.signal.startswith(PREFIX)))
        self.latency.note(each for each in readings if not each.series.signal.startswith(PREFIX))
        self.hosts.note(readings)

    def take(self, source: str, signal: str, frame: Frame) -> None:
        """Take what a source that was asked says of one signal over the last minute."""
        if signal.startswith(PREFIX):
            self.gpus.take(source, signal, frame)
        elif signal in WANTED:
            self.latency.take(source, signal, frame)
        elif signal in HOST_SIGNALS:
            self.hosts.take(signal, frame)

    def compare(self, now: float) -> None:
        """Compare the GPUs with their siblings."""
        self.siblings.look(self.gpus, now)
