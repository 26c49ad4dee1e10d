"""The station's /metrics page, and pages of its past: Prometheus text whose every sample carries its time.

The same counters write both, so a back-filled week cannot look unlike a live one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from console.lab.registry import MODEL

if TYPE_CHECKING:
    import numpy.typing as npt

DEPENDENCY = "calibration"


def _edges(low: float, high: float, factor: float) -> tuple[float, ...]:
    steps = int(np.ceil(np.log(high / low) / np.log(factor)))
    return tuple(float(f"{low * factor**i:.4g}") for i in range(steps + 1))


REQUEST_EDGES = _edges(0.004, 4.0, 1.25)  # seconds
INFERENCE_EDGES = _edges(0.0001, 0.5, 1.35)
CONFIDENCE_EDGES = tuple(round(0.5 + 0.05 * i, 2) for i in range(1, 11))


@dataclass(slots=True)
class Histogram:
    """Observations so far, by bucket."""

    name: str
    title: str
    edges: tuple[float, ...]
    labels: str = ""
    counts: npt.NDArray[np.int64] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = np.zeros(len(self.edges) + 1, np.int64)

    def observe(self, values: npt.NDArray[np.floating] | float) -> None:
        """Count one value or many."""
        many = np.atleast_1d(np.asarray(values, dtype=np.float64))
        self.counts += np.bincount(np.searchsorted(self.edges, many), minlength=len(self.counts))
        self.total += float(many.sum())

    def lines(self, stamp: str) -> list[str]:
        """The samples of this instant."""
        below = np.cumsum(self.counts).tolist()
        bounds = [*(f"{edge:g}" for edge in self.edges), "+Inf"]
        body = f'{self.name}_bucket{{model="{MODEL}"{self.labels},le="'
        tail = f'{{model="{MODEL}"{self.labels}}}'
        lines = [f'{body}{bound}"}} {count}{stamp}' for bound, count in zip(bounds, below, strict=True)]
        return [*lines, f"{self.name}_sum{tail} {self.total:.9g}{stamp}", f"{self.name}_count{tail} {below[-1]}{stamp}"]


@dataclass(slots=True)
class Counter:
    """A total so far, kept per value of at most one label."""

    name: str
    title: str
    label: str = ""
    values: dict[str, float] = field(default_factory=dict)

    def add(self, amount: float = 1.0, value: str = "") -> None:
        """Count."""
        self.values[value] = self.values.get(value, 0.0) + amount

    def lines(self, stamp: str) -> list[str]:
        """The samples of this instant."""
        own = [f',{self.label}="{value}"' if self.label else "" for value in self.values]
        return [
            f'{self.name}{{model="{MODEL}"{labels}}} {amount:.9g}{stamp}'
            for labels, amount in zip(own, self.values.values(), strict=True)
        ]


@dataclass(slots=True)
class StationMetrics:
    """Everything the station exports."""

    version: str
    requests: Counter = field(
        default_factory=lambda: Counter("station_requests_total", "Requests answered", values={"": 0})
    )
    errors: Counter = field(
        default_factory=lambda: Counter(
            "station_errors_total", "Requests refused", "reason", dict.fromkeys(REASONS, 0.0)
        )
    )
    feedback: Counter = field(
        default_factory=lambda: Counter("station_feedback_total", "Answers an inspector looked at", values={"": 0})
    )
    correct: Counter = field(
        default_factory=lambda: Counter("station_feedback_correct_total", "… and found right", values={"": 0})
    )
    dependency_errors: Counter = field(
        default_factory=lambda: Counter(
            "station_dependency_errors_total", "Calls that failed", "dependency", {DEPENDENCY: 0.0}
        )
    )
    cpu: Counter = field(default_factory=lambda: Counter("station_cpu_seconds_total", "Time on a core", values={"": 0}))
    cpu_wait: Counter = field(
        default_factory=lambda: Counter(
            "station_cpu_wait_seconds_total", "Time runnable without a core", values={"": 0}
        )
    )
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
            f',dependency="{DEPENDENCY}"',
        )
    )
    confidence: Histogram = field(
        default_factory=lambda: Histogram("station_confidence", "Chance of the given answer", CONFIDENCE_EDGES)
    )

    def page(self, now: float, *, documented: bool = True) -> str:
        """The page at an instant of lab time; without documentation where many pages follow each other."""
        stamp = f" {round(now * 1000)}"
        lines = []
        for metric in self._metrics():
            if documented:
                kind = "counter" if isinstance(metric, Counter) else "histogram"
                lines += [f"# HELP {metric.name} {metric.title}", f"# TYPE {metric.name} {kind}"]
            lines += metric.lines(stamp)
        lines.append(f'station_info{{model="{MODEL}",version="{self.version}"}} 1{stamp}')
        lines.append(f'station_up{{model="{MODEL}"}} 1{stamp}\n')
        return "\n".join(lines)

    def _metrics(self) -> tuple[Counter | Histogram, ...]:
        return (
            self.requests,
            self.errors,
            self.feedback,
            self.correct,
            self.dependency_errors,
            self.cpu,
            self.cpu_wait,
            self.latency,
            self.inference,
            self.dependency,
            self.confidence,
        )


REASONS: Mapping[str, str] = {
    "bad_shape": "the picture is not 24 x 24",
    "bad_type": "a field holds text where a number belongs",
    "unknown_input": "the model has no such input",
    "malformed": "not a request of the Open Inference Protocol",
}
