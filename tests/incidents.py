"""Made-up incidents for tests: metrics with windows, and traces grown from a tree of calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from console.model import Case, Frame, LogLines, Series, Span, TraceSpans, Window
from console.sources.telemetry import series_key

START = 1_795_348_800.0
STEP = 60.0
STEPS, LATER = 120, 20  # of the baseline, of the current window
ONSET = START + STEPS * STEP
CURRENT = Window((Span(ONSET, ONSET + LATER * STEP),))
BASELINE = Window((Span(START, ONSET),), "span")


def metrics(levels: Mapping[str, tuple[float | None, float | None]], *, wobble: float = 0.05, seed: int = 0) -> Frame:
    """Series by their names, each with its level before and now; None where it does not report."""
    rng = np.random.default_rng(seed)
    times = START + STEP * np.arange(STEPS + LATER)

    def values(level: float | None, count: int) -> Any:
        return np.full(count, np.nan) if level is None else level * (1 + wobble * rng.standard_normal(count))

    series = [
        Series(series_key(name), np.concatenate([values(before, STEPS), values(now, LATER)]))
        for name, (before, now) in levels.items()
    ]
    return Frame(times, STEP, tuple(series))


def case(levels: Mapping[str, tuple[float | None, float | None]] | None = None, **fields: Any) -> Case:
    violated = fields.pop("violated", None)
    return Case(
        CURRENT,
        BASELINE,
        onset=ONSET,
        violated=series_key(violated) if violated else None,
        metrics=metrics(levels) if levels is not None else None,
        **fields,
    )


@dataclass(frozen=True)
class Call:
    """An operation of a service: its own work, what it calls, the lines it writes. Times in seconds."""

    service: str
    operation: str
    work: float = 0.01
    wire: float = 0.002  # on the way from its caller
    calls: Sequence[Call] = ()
    lines: Sequence[tuple[str, str]] = ()  # severity, body
    fails: bool = False
    answers: bool = True  # its caller waits, and nothing comes


@dataclass
class Telemetry:
    """Spans and log lines as they come in."""

    seed: int = 0
    spans: list[list[Any]] = field(default_factory=list)  # start, end, service, operation, parent, failed
    lines: list[tuple[float, str, str, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def trace(self, root: Call, at: float) -> None:
        self._grow(root, at, -1)

    def _grow(self, call: Call, at: float, parent: int) -> float:
        """The end of the call. A caller's waiting is a span of its own, as HTTP clients write it."""
        jitter = 1 + 0.1 * abs(self.rng.standard_normal())
        if parent >= 0:
            waiting = self._span(at, self.spans[parent][2], f"call {call.service}", parent)
            if not call.answers:
                self.spans[waiting][1], self.spans[waiting][5] = at + 1.0, True
                return at + 1.0
            end = self._serve(call, at + call.wire * jitter / 2, waiting, jitter) + call.wire * jitter / 2
            self.spans[waiting][1] = end
            return end
        return self._serve(call, at, parent, jitter)

    def _serve(self, call: Call, at: float, parent: int, jitter: float) -> float:
        span = self._span(at, call.service, call.operation, parent)
        now = at + call.work * jitter / 2
        for severity, body in call.lines:
            self.lines.append((now, call.service, severity, span, body))
        for callee in call.calls:
            now = self._grow(callee, now, span)
        now += call.work * jitter / 2
        self.spans[span][1], self.spans[span][5] = now, call.fails
        return now

    def _span(self, start: float, service: str, operation: str, parent: int) -> int:
        self.spans.append([start, start, service, operation, parent, False])
        return len(self.spans) - 1

    def columns(self) -> tuple[TraceSpans, LogLines | None]:
        starts, ends, services, operations, parents, failed = zip(*self.spans, strict=True)
        order = np.argsort(starts, kind="stable")
        place = np.empty(order.size, dtype=np.intp)
        place[order] = np.arange(order.size)
        service_names, service = np.unique(services, return_inverse=True)
        operation_names, operation = np.unique(operations, return_inverse=True)
        parent = np.array([place[one] if one >= 0 else -1 for one in parents], dtype=np.intp)
        spans = TraceSpans(
            np.array(starts)[order], np.array(ends)[order], service[order], operation[order], parent[order],
            np.array(failed)[order], tuple(service_names.tolist()), tuple(operation_names.tolist()),
        )  # fmt: skip
        if not self.lines:
            return spans, None
        times, of, severities, span, bodies = zip(*sorted(self.lines), strict=True)
        return spans, log_lines(times, of, severities, bodies, [int(place[one]) for one in span])


def log_lines(
    times: Sequence[float],
    services: Sequence[str],
    severities: Sequence[str],
    bodies: Sequence[str],
    spans: Sequence[int] | None = None,
) -> LogLines:
    names, service = np.unique(services, return_inverse=True)
    words, severity = np.unique(severities, return_inverse=True)
    return LogLines(
        np.array(times, dtype=np.float64), service, severity,
        np.full(len(bodies), -1) if spans is None else np.array(spans, dtype=np.intp),
        tuple(bodies), tuple(names.tolist()), tuple(words.tolist()),
    )  # fmt: skip


def traced(before: Call, now: Call | Callable[[int], Call], *, traces: int = 40, **fields: Any) -> Case:
    """As many traces of one request before and during the incident."""
    telemetry = Telemetry()
    for index in range(traces):
        telemetry.trace(before, START + index * 20.0)
    for index in range(traces):
        telemetry.trace(now(index) if callable(now) else now, ONSET + index * 20.0)
    spans, logs = telemetry.columns()
    return replace(case(**fields), spans=spans, logs=logs)
