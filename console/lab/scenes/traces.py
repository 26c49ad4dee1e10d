"""The requests of a scene as traces: who calls whom, and how long each works."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from console.lab.chance import key_of, normal, uniform
from console.lab.course import Turn
from console.model import TraceSpan
from console.sources.types import TraceRequest

WIRE = 0.0005  # seconds between a call and its being taken up


@dataclass(frozen=True, slots=True)
class Call:
    """A caller's calls of a service, each of which it works on for so long beside what it calls itself."""

    caller: str  # empty: a request begins here
    callee: str
    seconds: float
    sigma: float = 0.3
    every: float = 5.0  # seconds between two requests that begin here


@dataclass(slots=True)
class Traces:
    """All calls of a scene, as a TraceReader."""

    seed: int
    now: float
    calls: list[Call] = field(default_factory=list)
    turns: dict[str, list[tuple[Turn, float]]] = field(default_factory=dict)  # service -> slower from when, failing

    def slow(self, service: str, turn: Turn, failing: float) -> None:
        """From then on a service works longer, and fails more."""
        self.turns.setdefault(service, []).append((turn, failing))

    async def spans(self, request: TraceRequest) -> Sequence[TraceSpan]:
        """Whole traces that began in a span of time; of too many, every second, third … one."""
        roots = [(call, number) for call in self.calls if not call.caller for number in self._numbers(call, request)]
        size = len(self.calls)
        stride = max(1, math.ceil(len(roots) * size / request.most))
        found = [span for call, number in roots[::stride] for span in self._trace(call, number)]
        return sorted(found, key=lambda span: (span.start, span.trace, span.id))

    def _numbers(self, call: Call, request: TraceRequest) -> range:
        return range(math.ceil(request.span.start / call.every), math.ceil(request.span.end / call.every))

    def _trace(self, root: Call, number: int) -> list[TraceSpan]:
        trace = f"{key_of(self.seed, root.callee, number):016x}"
        return list(self._below(root, trace, "", number * root.every, number))

    def _below(self, call: Call, trace: str, parent: str, start: float, number: int) -> Iterator[TraceSpan]:
        own = f"{key_of(trace, parent, call.callee):016x}"
        place = np.array([number], dtype=np.uint64)
        key = key_of(self.seed, call.caller, call.callee)
        work = call.seconds * math.exp(call.sigma * float(normal(key, place)[0]))
        failing = 0.0
        for turn, share in self.turns.get(call.callee, ()):
            holds = float(turn.share(np.array([start]))[0])
            work *= 1.0 + (turn.times - 1.0) * holds
            failing = max(failing, share * holds)
        end = start + work / 2
        below: list[TraceSpan] = []
        for each in self.calls:
            if each.caller == call.callee:
                inside = list(self._below(each, trace, own, end + WIRE, number))
                below += inside
                end = inside[0].end + WIRE
        end += work / 2
        failed = bool(uniform(key, place, 9)[0] < failing)
        yield TraceSpan(trace, own, parent, call.callee, "call", round(start, 6), round(end, 6), failed)
        yield from below
