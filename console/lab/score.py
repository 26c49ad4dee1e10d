"""How often andon is right: many episodes of every fault, of two at once, and of none, with Wilson's intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from console.lab.clock import TICK
from console.lab.episode import EpisodeResult

RIGHT_SHARE = 0.95  # of the runs with one fault: its cause first
COMPOUND_SHARE = 0.9  # of the runs with two: a true cause among the first two


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with a 95 % interval (Wilson, JASA 22, 1927)."""

    count: int
    of: int
    low: float
    high: float

    def is_at_least(self, share: float) -> bool:
        """Whether the interval reaches so large a share: few runs can only refute it when they are far off."""
        return self.high >= share


@dataclass(frozen=True, slots=True)
class FaultScore:
    """One fault's episodes. Rates count every episode; medians those that were diagnosed right."""

    fault: str
    runs: int
    first: Rate
    top3: Rate
    onset_error_seconds: float | None  # median of the absolute errors
    onset_error_intervals: float | None  # the same, in scrape intervals
    triage_seconds: float | None  # median of what the examination took
    seconds: float  # median of wall time


@dataclass(frozen=True, slots=True)
class CompoundScore:
    """Episodes with two faults of one place."""

    runs: int
    first: Rate  # a true cause first
    top2: Rate  # a true cause among the first two: what must hold
    both_in_top3: Rate  # stricter: both true causes among the first three


@dataclass(frozen=True, slots=True)
class HealthyScore:
    """Episodes in which nothing was wrong."""

    runs: int
    false_alarms: Rate


@dataclass(frozen=True, slots=True)
class Score:
    """The published shape of `andon lab score`."""

    faults: tuple[FaultScore, ...]
    first: Rate  # over all runs with one fault
    compound: CompoundScore
    healthy: HealthyScore
    broken: int  # episodes that ended without a result; those with a fault are counted as wrong
    triage_seconds: float | None  # median over all examinations
    seconds_p95: float  # of wall time of an episode
    redrawn: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # ranges, by fault.parameter

    @property
    def passes(self) -> bool:
        """Whether the diagnosis was right often enough, and nothing healthy raised an alarm."""
        is_right = self.first.is_at_least(RIGHT_SHARE) and self.compound.top2.is_at_least(COMPOUND_SHARE)
        return is_right and not self.healthy.false_alarms.count and not self.broken


def wilson(count: int, of: int, z: float = 1.96) -> Rate:
    """A rate with its interval.

    >>> rate = wilson(9, 10)
    >>> round(rate.low, 3), round(rate.high, 3)
    (0.596, 0.982)
    """
    if of == 0:
        return Rate(0, 0, 0.0, 1.0)
    share = count / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return Rate(count, of, max(middle - half, 0.0), min(middle + half, 1.0))


def summarise(
    faults: Sequence[str],
    results: Sequence[EpisodeResult],
    redrawn: Mapping[str, Mapping[str, Any]] | None = None,
) -> Score:
    """The rates of these results."""
    quiet = [result for result in results if not result.faults and not result.trouble]
    single = [result for result in results if len(result.faults) == 1]
    compound = [result for result in results if len(result.faults) > 1]
    return Score(
        tuple(_fault_score(fault, [result for result in single if result.faults == (fault,)]) for fault in faults),
        _share(result.first for result in single),
        CompoundScore(
            len(compound),
            _share(result.first for result in compound),
            _share(result.top2 for result in compound),
            _share(result.both for result in compound),
        ),
        HealthyScore(len(quiet), _share(result.alarm for result in quiet)),
        sum(bool(result.trouble) for result in results),
        _median([each.diagnosis.seconds for each in (*single, *compound) if each.diagnosis is not None]),
        _quantile([result.seconds for result in results], 0.95) or 0.0,
        redrawn or {},
    )


def _fault_score(fault: str, results: Sequence[EpisodeResult]) -> FaultScore:
    error = _median([abs(each.onset_error) for each in results if each.first and each.onset_error is not None])
    return FaultScore(
        fault,
        len(results),
        _share(result.first for result in results),
        _share(result.top3 for result in results),
        error,
        None if error is None else error / TICK,
        _median([result.diagnosis.seconds for result in results if result.diagnosis is not None]),
        _median([result.seconds for result in results]) or 0.0,
    )


def _share(outcomes: Iterable[bool]) -> Rate:
    counted = list(outcomes)
    return wilson(sum(counted), len(counted))


def _median(values: Sequence[float]) -> float | None:
    return _quantile(values, 0.5)


def _quantile(values: Sequence[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None
