"""The past of a served model as OpenMetrics text: eight days that are all alike, and then, where wanted, a regression.

The model calls something that it depends on; a regression is that one answering later, from an onset on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

DAY = 86_400.0
SCRAPE = 15.0
SPARSE = 300.0  # between scrapes where no window will look
NEAR = 1_500.0  # seconds before the present, and before the same time of earlier days, that are scraped densely
EDGES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, float("inf"))
RATE = 20.0  # requests a second


@dataclass(slots=True)
class _Histogram:
    name: str
    labels: str
    counts: np.ndarray = field(default_factory=lambda: np.zeros(len(EDGES)))
    total: float = 0.0

    def observe(self, values: np.ndarray) -> None:
        self.counts += (values[:, None] <= np.asarray(EDGES)).sum(axis=0)
        self.total += float(values.sum())

    def samples(self) -> Iterator[tuple[str, float]]:
        for edge, count in zip(EDGES, self.counts, strict=True):
            yield f'{self.name}_bucket{{{self.labels},le="{"+Inf" if np.isinf(edge) else edge}"}}', count
        yield f"{self.name}_sum{{{self.labels}}}", self.total
        yield f"{self.name}_count{{{self.labels}}}", self.counts[-1]


def served_past(now: float, *, onset: float | None = None, ahead: float = 120.0, seed: int = 5) -> str:
    """What was scraped until `ahead` seconds after now; from the onset on the dependency takes 60 ms longer."""
    rng = np.random.default_rng(seed)
    base = 'instance="10.0.0.7:8000",job="press",model="glove"'
    latency = _Histogram("station_request_seconds", base)
    inference = _Histogram("station_inference_seconds", base)
    dependency = _Histogram("station_dependency_seconds", f'{base},dependency="calibration"')
    totals = {"station_requests_total": 0.0, "station_errors_total": 0.0, "station_cpu_wait_seconds_total": 0.0}
    series: dict[str, list[str]] = {}
    before = None
    for moment in _scrapes(now, ahead):
        seconds = SCRAPE if before is None else min(moment - before, SPARSE)
        before = moment
        requests = int(rng.poisson(RATE * min(seconds, SCRAPE)))  # sparse scrapes need no more to tell the time
        computing = rng.lognormal(np.log(0.012), 0.2, requests)
        waiting = rng.lognormal(np.log(0.020), 0.3, requests)
        if onset is not None and moment > onset:
            waiting = waiting + 0.060
        latency.observe(computing + waiting)
        inference.observe(computing)
        dependency.observe(waiting)
        totals["station_requests_total"] += requests
        totals["station_errors_total"] += rng.binomial(requests, 0.01)
        totals["station_cpu_wait_seconds_total"] += 0.002 * requests * rng.lognormal(0, 0.05)
        gathered = [*latency.samples(), *inference.samples(), *dependency.samples()]
        gathered += [(f"{name}{{{base}}}", value) for name, value in totals.items()]
        gathered += [(f'station_info{{{base},version="7"}}', 1.0), (f"station_up{{{base}}}", 1.0)]
        for text, value in gathered:
            series.setdefault(text, []).append(f"{text} {value:.9g} {moment:.3f}")
    return "\n".join([*(line for lines in series.values() for line in lines), "# EOF", ""])


def _scrapes(now: float, ahead: float) -> Iterator[float]:
    """The times of scrapes, oldest first."""
    moment = now - 8 * DAY - NEAR
    while moment <= now + ahead:
        yield moment
        since = (moment - (now - NEAR)) % DAY  # since the dense part of this day began
        is_dense = since < NEAR + ahead
        moment += SCRAPE if is_dense else min(SPARSE, DAY - since)
