"""The station's /metrics page, and pages of its past: Prometheus text whose every sample carries its time.

The same counters write both, so a back-filled week cannot look unlike a live one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from console.lab.registry import MODEL
from console.lab.traffic import CAMERAS, NUMBERS

if TYPE_CHECKING:
    import numpy.typing as npt

DEPENDENCY = "calibration"
FEEDER = "feeder"  # the client that sends the feed
SERVER = "2.3"  # the release of the station's own code
MISSING = "station_missing_share"
MOST_VALUES = 64  # of a counter's labels: clients are strangers and may call themselves anything


def _edges(low: float, high: float, factor: float) -> tuple[float, ...]:
    steps = int(np.ceil(np.log(high / low) / np.log(factor)))
    return tuple(float(f"{low * factor**i:.4g}") for i in range(steps + 1))


REQUEST_EDGES = _edges(0.004, 4.0, 1.25)  # seconds
INFERENCE_EDGES = _edges(0.0001, 0.5, 1.35)
CONFIDENCE_EDGES = tuple(round(0.5 + 0.05 * i, 2) for i in range(1, 11))


@dataclass(slots=True)
class Histogram:
    """Observations so far, by bucket, kept apart by at most one label."""

    name: str
    title: str
    edges: tuple[float, ...]
    label: str = ""
    values: tuple[str, ...] = ("",)  # of that label
    kind: ClassVar[str] = "histogram"
    counts: dict[str, npt.NDArray[np.int64]] = field(init=False)
    totals: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = {value: np.zeros(len(self.edges) + 1, np.int64) for value in self.values}
        self.totals = dict.fromkeys(self.values, 0.0)

    def observe(self, seen: npt.NDArray[np.floating] | float, value: str = "") -> None:
        """Count one number or many."""
        many = np.atleast_1d(np.asarray(seen, dtype=np.float64))
        self.counts[value] += np.bincount(np.searchsorted(self.edges, many), minlength=len(self.edges) + 1)
        self.totals[value] += float(many.sum())

    def lines(self, stamp: str) -> list[str]:
        """The samples of this instant."""
        return [line for value in self.values for line in self._lines(value, stamp)]

    def _lines(self, value: str, stamp: str) -> list[str]:
        below = np.cumsum(self.counts[value]).tolist()
        own = f',{self.label}="{value}"' if self.label else ""
        body = f'{self.name}_bucket{{model="{MODEL}"{own},le="'
        tail = f'{{model="{MODEL}"{own}}}'
        lines = [f'{body}{edge:g}"}} {count}{stamp}' for edge, count in zip(self.edges, below, strict=False)]
        lines += [f'{body}+Inf"}} {below[-1]}{stamp}', f"{self.name}_sum{tail} {self.totals[value]:.9g}{stamp}"]
        return [*lines, f"{self.name}_count{tail} {below[-1]}{stamp}"]


@dataclass(slots=True)
class Counter:
    """A total so far, kept apart by labels."""

    name: str
    title: str
    labels: tuple[str, ...] = ()
    values: dict[tuple[str, ...], float] = field(default_factory=dict)
    kind: ClassVar[str] = "counter"

    def __post_init__(self) -> None:
        if not self.labels:
            self.values[()] = 0.0

    def add(self, amount: float = 1.0, *values: str) -> None:
        """Count; what has too many values of its labels already is counted no further."""
        if values in self.values or len(self.values) < MOST_VALUES:
            self.values[values] = self.values.get(values, 0.0) + amount

    def lines(self, stamp: str) -> list[str]:
        """The samples of this instant."""
        return [
            f'{self.name}{{model="{MODEL}"{self._own(values)}}} {amount:.9g}{stamp}'
            for values, amount in self.values.items()
        ]

    def _own(self, values: tuple[str, ...]) -> str:
        return "".join(f',{label}="{value}"' for label, value in zip(self.labels, values, strict=True))


@dataclass(slots=True)
class Gauge:
    """A number that is what it is now."""

    name: str
    title: str
    value: float = 0.0
    kind: ClassVar[str] = "gauge"

    def lines(self, stamp: str) -> list[str]:
        """The sample of this instant."""
        return [f'{self.name}{{model="{MODEL}"}} {self.value:.9g}{stamp}']


@dataclass(slots=True)
class StationMetrics:
    """Everything the station exports."""

    version: str
    weights: str = ""  # a hash of them
    server: str = SERVER
    requests: Counter = field(default_factory=lambda: _counter("requests", "Requests answered", client=(FEEDER,)))
    errors: Counter = field(
        default_factory=lambda: _counter("errors", "Requests refused", reason=tuple(REASONS), client=(FEEDER,))
    )
    rows: Counter = field(default_factory=lambda: _counter("feed_rows", "Rows of the feed that arrived"))
    feedback: Counter = field(
        default_factory=lambda: _counter("feedback", "Answers an inspector looked at", camera=CAMERAS)
    )
    correct: Counter = field(default_factory=lambda: _counter("feedback_correct", "… and found right", camera=CAMERAS))
    dependency_errors: Counter = field(
        default_factory=lambda: _counter("dependency_errors", "Calls that failed", dependency=(DEPENDENCY,))
    )
    cpu: Counter = field(default_factory=lambda: _counter("cpu_seconds", "Time on a core"))
    cpu_wait: Counter = field(default_factory=lambda: _counter("cpu_wait_seconds", "Time runnable without a core"))
    latency: Histogram = field(
        default_factory=lambda: Histogram("station_request_seconds", "From request to answer", REQUEST_EDGES)
    )
    inference: Histogram = field(
        default_factory=lambda: Histogram("station_inference_seconds", "The network alone", INFERENCE_EDGES)
    )
    dependency: Histogram = field(
        default_factory=lambda: Histogram(
            "station_dependency_seconds",
            "Calls to what the model needs, as the called service timed them",
            REQUEST_EDGES,
            "dependency",
            (DEPENDENCY,),
        )
    )
    confidence: Histogram = field(
        default_factory=lambda: Histogram(
            "station_confidence", "Chance of the given answer", CONFIDENCE_EDGES, "camera", CAMERAS
        )
    )
    freshness: Gauge = field(default_factory=lambda: Gauge("station_feed_age_seconds", "Age of the last row"))
    memory: Gauge = field(default_factory=lambda: Gauge("station_memory_bytes", "Memory the process holds"))

    empty: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NUMBERS, 0))  # rows since the last page
    seen: int = 0  # rows since then
    missing: dict[str, float] = field(default_factory=lambda: dict.fromkeys(NUMBERS, 0.0))
    told: float | None = None  # the instant of the last page: whoever asks at the same one is told the same

    def row(self, fields: Mapping[str, object]) -> None:
        """Count a row of the feed, and what it lacks."""
        self.rows.add()
        self.seen += 1
        for name in NUMBERS:
            self.empty[name] += fields.get(name) is None

    def page(self, now: float, *, documented: bool = True) -> str:
        """The page at an instant of lab time; without documentation where many pages follow each other."""
        stamp = f" {round(now * 1000)}"
        lines = []
        for metric in self._metrics():
            if documented:
                lines += [f"# HELP {metric.name} {metric.title}", f"# TYPE {metric.name} {metric.kind}"]
            lines += metric.lines(stamp)
        if documented:
            lines += [f"# HELP {MISSING} Share of the rows since the last look without it", f"# TYPE {MISSING} gauge"]
        if now != self.told:
            self.missing = {name: count / max(self.seen, 1) for name, count in self.empty.items()}
            self.empty, self.seen, self.told = dict.fromkeys(NUMBERS, 0), 0, now
        for name, share in self.missing.items():
            lines.append(f'{MISSING}{{model="{MODEL}",column="{name}"}} {share:.4g}{stamp}')
        own = f'version="{self.version}",weights="{self.weights}",server="{self.server}"'
        lines.append(f'station_info{{model="{MODEL}",{own}}} 1{stamp}')
        lines.append(f'station_up{{model="{MODEL}"}} 1{stamp}\n')
        return "\n".join(lines)

    def _metrics(self) -> tuple[Counter | Histogram | Gauge, ...]:
        return (
            self.requests,
            self.errors,
            self.rows,
            self.feedback,
            self.correct,
            self.dependency_errors,
            self.cpu,
            self.cpu_wait,
            self.latency,
            self.inference,
            self.dependency,
            self.confidence,
            self.freshness,
            self.memory,
        )


def _counter(name: str, title: str, **labels: tuple[str, ...]) -> Counter:
    """One that starts at 0 for every value of its labels that is usual."""
    return Counter(
        f"station_{name}_total", title, tuple(labels), dict.fromkeys(product(*labels.values()), 0.0) if labels else {}
    )


REASONS: Mapping[str, str] = {
    "bad_shape": "the picture is not 24 x 24",
    "bad_type": "a field holds text where a number belongs",
    "unknown_input": "the model has no such input",
    "malformed": "not a request of the Open Inference Protocol",
}
