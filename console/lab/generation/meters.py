"""Counters, gauges and histograms of one process as Prometheus text whose every sample carries its lab time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

PREFIX = "station2:"
CONTENT_TYPE = "text/plain; version=0.0.4"


def edges(low: float, high: float, factor: float) -> tuple[float, ...]:
    """Bounds from low to high, each so many times the one before."""
    steps = int(np.ceil(np.log(high / low) / np.log(factor)))
    return tuple(float(f"{low * factor**place:.4g}") for place in range(steps + 1))


@dataclass(slots=True)
class _Histogram:
    bounds: tuple[float, ...]
    counts: npt.NDArray[np.int64]
    total: float = 0.0


@dataclass(slots=True)
class Meters:
    """What one process exports; every sample has `labels` beside its own, such as `code="429"`."""

    labels: str
    _families: dict[str, str] = field(default_factory=dict)  # name -> kind
    _values: dict[tuple[str, str], float] = field(default_factory=dict)
    _histograms: dict[str, _Histogram] = field(default_factory=dict)

    def counter(self, name: str, *own: str) -> None:
        """A counter there is, from 0, with each of these labels of its own or with none."""
        self._families[name] = "counter"
        self._values |= {(name, label): 0.0 for label in own or ("",)}

    def histogram(self, name: str, bounds: tuple[float, ...]) -> None:
        """A histogram there is."""
        self._families[name] = "histogram"
        self._histograms[name] = _Histogram(bounds, np.zeros(len(bounds) + 1, np.int64))

    def add(self, name: str, amount: float = 1.0, own: str = "") -> None:
        """Count."""
        self._values[name, own] = self._values.get((name, own), 0.0) + amount

    def set(self, name: str, value: float, own: str = "") -> None:
        """A gauge is this now."""
        self._families[name] = "gauge"
        self._values[name, own] = value

    def forget(self, name: str) -> None:
        """A gauge is not there until it is set anew."""
        self._values = {key: value for key, value in self._values.items() if key[0] != name}

    def observe(self, name: str, values: Iterable[float], times: Iterable[int] | None = None) -> None:
        """Count values in a histogram, each once or so many times."""
        histogram = self._histograms[name]
        many = np.fromiter(values, np.float64)
        if not many.size:
            return
        if times is not None:
            many = np.repeat(many, np.fromiter(times, np.intp))
        places = np.searchsorted(histogram.bounds, many)
        histogram.counts += np.bincount(places, minlength=len(histogram.counts))
        histogram.total += float(many.sum())

    def reset(self) -> None:
        """Counters begin anew, as after a release."""
        self._values = {
            key: 0.0 if self._families[key[0]] == "counter" else value for key, value in self._values.items()
        }
        for histogram in self._histograms.values():
            histogram.counts[:] = 0
            histogram.total = 0.0

    def page(self, now: float) -> str:
        """Every sample, each metric with its type before it."""
        stamp = f" {round(now * 1000)}"
        lines = []
        for name, kind in self._families.items():
            lines.append(f"# TYPE {PREFIX}{name} {kind}")
            if kind == "histogram":
                lines += self._buckets(name, stamp)
                continue
            for (of, own), value in self._values.items():
                if of == name:
                    lines.append(f"{PREFIX}{name}{{{_joined(self.labels, own)}}} {value:.9g}{stamp}")
        return "\n".join(lines) + "\n"

    def _buckets(self, name: str, stamp: str) -> list[str]:
        histogram = self._histograms[name]
        below = np.cumsum(histogram.counts).tolist()
        bounds = [f'le="{bound:g}"' for bound in histogram.bounds] + ['le="+Inf"']
        full = f"{PREFIX}{name}"
        lines = [
            f"{full}_bucket{{{self.labels},{bound}}} {count}{stamp}" for bound, count in zip(bounds, below, strict=True)
        ]
        lines.append(f"{full}_sum{{{self.labels}}} {histogram.total:.9g}{stamp}")
        return [*lines, f"{full}_count{{{self.labels}}} {below[-1]}{stamp}"]


def merged(pages: Iterable[str]) -> str:
    """Several pages as one: all samples of a metric stand together under its type."""
    families: dict[str, list[str]] = {}
    for page in pages:
        for part in page.split("# TYPE ")[1:]:
            head, _, body = part.partition("\n")
            families.setdefault(head, []).append(body)
    return "".join(f"# TYPE {head}\n{''.join(bodies)}" for head, bodies in families.items())


def _joined(*labels: str) -> str:
    return ",".join(filter(None, labels))
