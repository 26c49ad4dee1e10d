"""The same simulated models seen on two paths: scraped by ourselves into the store, and asked of a Prometheus.

Each model has a baseline and a current window of half an hour, scraped every 15 s: a latency histogram, a counter of
requests and of errors, and a gauge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pages import plugin

from console.analysis.compare import compare
from console.model import Comparison, Frame, Query, Span, Stat, Verdict, Window
from console.signals.catalogue import find_signal
from console.signals.dialect import Dialect, counter, gauge, histogram
from console.signals.page import PageReader
from console.store.reader import StoreReader
from console.store.store import Store

SCRAPE = 15.0
STEP = 60.0
SCRAPES = 120  # of a window
EDGES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, float("inf"))
CHANGES = ("none", "slower", "tail", "few", "gaps", "restart", "wobble", "errors")
HALF_AT_THE_EDGE = tuple(kind for change in CHANGES for kind in ("edge", change))
TOLERANCE = 0.1
NEAR = 0.1  # how far from the edge of what is tolerated, either way, those at the edge are

TOY = Dialect(
    "toy",
    detect="toy_requests_total",
    model_label="toy_model",
    labels={"pod": "replica"},
    signals={
        "model.requests": counter("toy_requests_total"),
        "model.errors": counter("toy_errors_total"),
        "model.latency": histogram("toy_latency_seconds"),
        "model.queue.depth": gauge("toy_queue"),
    },
)

Asked = tuple[str, Stat, str | None]
QUESTIONS: tuple[Asked, ...] = (
    ("model.latency", "p50", None),
    ("model.latency", "p95", None),
    ("model.latency", "mean", None),
    ("model.requests", "rate", None),
    ("model.errors", "ratio", "model.requests"),
    ("model.queue.depth", "mean", None),
)


@dataclass(slots=True)
class Simulation:
    """What every model exported at every scrape."""

    baseline: Window
    current: Window
    pages: dict[float, list[str]] = field(default_factory=dict)  # time -> lines
    series: dict[str, list[str]] = field(default_factory=dict)  # series text -> "value time"

    def scrape(self, time: float, series: str, value: float) -> None:
        self.pages.setdefault(time, []).append(f"{series} {value:.9g}")
        self.series.setdefault(series, []).append(f"{series} {value:.9g} {time:.0f}")

    def page(self, time: float) -> bytes:
        return "\n".join([*self.pages[time], ""]).encode()

    def openmetrics(self) -> str:
        return "\n".join([*(line for lines in self.series.values() for line in lines), "# EOF", ""])


def change(model: str) -> str:
    """What happened to a model: its name says it."""
    return model.rpartition("-")[2]


def simulate(models: int, *, end: float, seed: int, kinds: tuple[str, ...] = CHANGES) -> Simulation:
    """Models whose kinds of change take turns; what does not change is drawn from one law in both windows.

    Of those at the edge everything (latency, rate, errors, queue) grows by what is tolerated, give or take a tenth.
    """
    end = end // STEP * STEP
    half = SCRAPES * SCRAPE
    windows = [Window((Span(end - 3 * half, end - 2 * half),), "offset"), Window((Span(end - half, end),))]
    simulation = Simulation(*windows)
    rng = np.random.default_rng(seed)
    for number in range(models):
        model = f"m{number}-{kinds[number % len(kinds)]}"
        factor = (1 + TOLERANCE) * rng.uniform(1 - NEAR, 1 + NEAR) if change(model) == "edge" else 1.0
        for pod in ("a", "b"):
            labels = f'pod="{pod}",toy_model="{model}"'
            for window in windows:
                is_current = window.kind == "current"
                grown = factor if is_current else 1.0
                _one_pod(simulation, window.spans[0], labels, change(model), is_current, rng, grown)
    return simulation


def _one_pod(
    simulation: Simulation,
    span: Span,
    labels: str,
    what: str,
    is_current: bool,
    rng: np.random.Generator,
    grown: float,
) -> None:
    rate = 0.2 if what == "few" else 20.0 * grown
    changed = what if is_current else "none"
    totals, total, spent, errors = np.zeros(len(EDGES)), 0, 0.0, 0
    level = 0.0
    for scrape in range(-4, SCRAPES + 1):  # a little before the window, so that its first step has a total before it
        time = span.start + scrape * SCRAPE
        level = 0.9 * level + rng.normal(0, 0.3 if what == "wobble" else 0.05)
        requests = int(rng.poisson(rate))
        latency = grown * rng.lognormal(np.log(0.06) + level * (what == "wobble"), 0.5, requests)
        if changed == "slower":
            latency *= 1.5
        if changed == "tail":
            latency = np.where(rng.random(requests) < 0.1, 4 * latency, latency)
        if what == "restart" and scrape == 60:
            totals, total, spent, errors = np.zeros(len(EDGES)), 0, 0.0, 0
        totals = totals + (latency[:, None] <= np.asarray(EDGES)).sum(axis=0)
        total, spent = total + requests, spent + float(latency.sum())
        errors += int(rng.binomial(requests, 0.08 if changed == "errors" else 0.02 * grown))
        if what == "gaps" and scrape % 40 in range(20, 28):
            continue
        for edge, count in zip(EDGES, totals, strict=True):
            le = "+Inf" if np.isinf(edge) else f"{edge:g}"
            simulation.scrape(time, f'toy_latency_seconds_bucket{{{labels},le="{le}"}}', count)
        simulation.scrape(time, f"toy_latency_seconds_sum{{{labels}}}", spent)
        simulation.scrape(time, f"toy_requests_total{{{labels}}}", total)
        simulation.scrape(time, f"toy_errors_total{{{labels}}}", errors)
        simulation.scrape(time, f"toy_queue{{{labels}}}", grown * max(0.0, 5 + 10 * level + rng.normal()))


Frames = Mapping[tuple[str, str], Frame]  # (signal, window kind)


async def read_scraped(simulation: Simulation, folder: Path) -> Frames:
    """Page by page through the page reader into the store, and out of it."""
    reader = PageReader([TOY])
    with Store.open(folder / "store" / "andon.db") as store:
        for time in sorted(simulation.pages):
            store.add(reader.read(simulation.page(time), time), time)
        store.commit()
        store_reader = StoreReader(store.path)
        try:
            return {key: await store_reader.read(query) for key, query in _queries(simulation).items()}
        finally:
            store_reader.close()


async def read_asked(simulation: Simulation, url: str) -> Frames:
    """The same questions put to a Prometheus that holds the same samples."""
    module = plugin("prometheus")
    source = module.Prometheus("prom", module.PrometheusOptions(url=url, timeout=30))
    source.speak({"toy": TOY})
    try:
        return {key: await source.read(query) for key, query in _queries(simulation).items()}
    finally:
        await source.close()


def _queries(simulation: Simulation) -> dict[tuple[str, str], Query]:
    return {
        (signal, window.kind): Query(signal, window, STEP, by=("model",))
        for signal in TOY.signals
        for window in (simulation.baseline, simulation.current)
    }


def judge(frames: Frames, asked: Asked) -> dict[str, Comparison]:
    """The verdict for each model."""
    signal, stat, of = asked
    known = find_signal(signal)
    comparisons = compare(
        frames[signal, "current"],
        frames[signal, "offset"],
        stat=stat,
        tolerance=TOLERANCE,
        bad=known.bad,
        floor=known.floor,
        of=(frames[of, "current"], frames[of, "offset"]) if of else None,
    )
    return {str(comparison.labels.value("model")): comparison for comparison in comparisons}


def flips(one: Mapping[str, Comparison], other: Mapping[str, Comparison]) -> list[str]:
    """The models that one path calls ok and the other degraded."""
    opposite = {Verdict.OK, Verdict.DEGRADED}
    return [model for model in one if {one[model].verdict, other[model].verdict} == opposite]


def apart(one: Frame, other: Frame) -> float:
    """The largest difference between two frames of the same question, as a share of the series' own mean step."""
    by_labels = {series.key.labels: series for series in other.series}
    largest = 0.0
    for series in one.series:
        twin = by_labels[series.key.labels]
        known = ~(np.isnan(series.values) | np.isnan(twin.values))
        size = np.abs(series.values[known]).mean() if known.any() else 1.0
        if known.any() and size:
            largest = max(largest, float(np.abs(series.values[known] - twin.values[known]).max() / size))
    return largest


def shared_steps(one: Frame, other: Frame) -> float:
    """The share of (series, step) pairs on which both paths agree whether there is data."""
    by_labels = {series.key.labels: series for series in other.series}
    agree = [np.isnan(series.values) == np.isnan(by_labels[series.key.labels].values) for series in one.series]
    return float(np.mean(np.concatenate([each.ravel() for each in agree])))
