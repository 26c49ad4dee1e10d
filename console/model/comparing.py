"""Verdicts, and one series compared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from console.model.samples import Labels


class Verdict(StrEnum):
    """What a comparison concludes."""

    OK = "ok"
    DEGRADED = "degraded"
    IMPROVED = "improved"
    INCONCLUSIVE = "inconclusive"
    NO_DATA = "no_data"


class State(StrEnum):
    """How a step ended: its verdict, or one of three that are none."""

    OK = "ok"
    DEGRADED = "degraded"
    IMPROVED = "improved"
    INCONCLUSIVE = "inconclusive"
    NO_DATA = "no_data"
    SKIPPED = "skipped"
    ERROR = "error"
    WAITING = "waiting"  # for a person; the run is paused


Stat = Literal["p50", "p90", "p95", "p99", "mean", "rate", "ratio", "sum", "max"]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison."""

    value: float | None
    n: float  # observations for histograms and counters, samples for gauges, rows for tables
    start: float
    end: float
    kind: str = "current"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Current against baseline for one series."""

    signal: str
    labels: Labels
    stat: Stat
    verdict: Verdict
    reason: str  # for a person; no_data: absent | stale | too few | partial | denied, then detail
    current: Side
    baseline: Side
    ratio: float | None = None  # current / baseline; None where a difference was compared instead (baseline near 0)
    difference: float | None = None  # current - baseline, in the signal's unit
    interval: tuple[float, float] | None = None  # of the ratio, or of the difference where ratio is None
    p: float | None = None  # against "no worse than the tolerance", after Benjamini-Hochberg over the family
    onset: float | None = None
    dispersion: float = 1.0  # how much more the data wobbles than independent observations would
