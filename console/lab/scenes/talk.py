"""What the services of a scene write into their logs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from console.lab.chance import key_of
from console.model import NO_LABELS, Labels, LogLine, Span
from console.sources.types import LogRequest

GRAVE = frozenset(("warning", "warn", "error", "critical", "fatal"))
JITTER = 0.5  # of the time between two lines: services do not write by the clock


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is written once, `ago` seconds before now, or from then on every so many seconds."""

    ago: float
    service: str
    severity: str
    body: str
    every: float | None = None
    until: float = 0.0
    labels: Labels = NO_LABELS

    def said(self, seed: int, now: float, span: Span) -> Iterator[LogLine]:
        """Its lines of a span. The n-th is the same whatever span is asked for."""
        start, end = now - self.ago, now - self.until
        if self.every is None:
            if span.start <= start < span.end:
                yield self._line(start, 0)
            return
        key = key_of(seed, self.service, self.body, self.ago)
        first = max(0, math.ceil((span.start - start) / self.every - 1))
        last = math.floor((min(span.end, end) - start) / self.every)
        for number in range(first, last + 1):
            time = start + self.every * (number + JITTER * (key_of(key, number) % 1000 / 1000))
            if max(span.start, start) <= time < min(span.end, end):
                yield self._line(round(time, 3), number)

    def _line(self, time: float, number: int) -> LogLine:
        return LogLine(time, self.service, self.severity, self.body.replace("{n}", str(number)))

    def fits(self, request: LogRequest) -> bool:
        """Whether it may be asked for: a label that it does not have is no reason to leave it out."""
        own = dict(self.labels) | {"service": self.service}
        if any(own.get(name, value) != value for name, value in request.where):
            return False
        is_asked = request.words.lower() in self.body.lower()
        return is_asked and (not request.grave or self.severity.lower() in GRAVE)


@dataclass(slots=True)
class Talk:
    """All lines of a scene, as a LogReader."""

    seed: int
    now: float
    lines: list[Line] = field(default_factory=list)

    async def logs(self, request: LogRequest) -> Sequence[LogLine]:
        """The lines of a span in order of time; where there are too many, evenly fewer that stand for all."""
        said = (each.said(self.seed, self.now, request.span) for each in self.lines if each.fits(request))
        found = sorted(
            (line for lines in said for line in lines), key=lambda line: (line.time, line.service, line.body)
        )
        stride = max(1, math.ceil(len(found) / request.most))
        if stride == 1:
            return found
        thin = islice(found, 0, None, stride)
        return [LogLine(one.time, one.service, one.severity, one.body, one.trace, float(stride)) for one in thin]
