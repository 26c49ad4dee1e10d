"""How often andon is right: many episodes of every fault, and of none, with Wilson's intervals."""

from __future__ import annotations

import math
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import orjson

from console.errors import AndonError
from console.lab.episode import EpisodeResult
from console.lab.leash import Leash
from console.lab.registry import CURRENT, Registry, trained
from console.wire import load

ALONE = ("cpu_hog",)  # faults that load the machine: nothing else is measured beside them
EPISODE_SECONDS = 180.0
RIGHT_SHARE = 0.9
LOOK_SECONDS = 0.05
Report = Callable[[EpisodeResult], None]


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with a 95 % interval (Wilson, JASA 22, 1927)."""

    count: int
    of: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FaultScore:
    """One fault's episodes. Rates count every episode; medians those that were diagnosed right."""

    fault: str
    runs: int
    first: Rate
    top3: Rate
    onset_error_seconds: float | None  # median of the absolute errors
    seconds: float  # median of wall time


@dataclass(frozen=True, slots=True)
class HealthyScore:
    """Episodes in which nothing was wrong."""

    runs: int
    false_alarms: Rate


@dataclass(frozen=True, slots=True)
class Score:
    """The published shape of `andon lab score`."""

    faults: tuple[FaultScore, ...]
    healthy: HealthyScore

    @property
    def passes(self) -> bool:
        """Whether every fault was right in nine of ten, and nothing healthy raised an alarm."""
        return self.healthy.false_alarms.count == 0 and all(
            each.first.count >= RIGHT_SHARE * each.runs for each in self.faults
        )


@dataclass(frozen=True, slots=True)
class _Job:
    fault: str | None
    seed: int


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


def draw_seed() -> int:
    """A seed nobody chose, so that each score plays other parameters; printed, so that it can be played again."""
    return secrets.randbelow(1_000_000)


def score(
    faults: Sequence[str],
    *,
    seeds: int,
    first_seed: int,
    healthy: int,
    jobs: int | None = None,
    on_result: Report = lambda _result: None,
) -> Score:
    """Play every fault with so many `seeds` from `first_seed` on, and `healthy` episodes of none, `jobs` at a time."""
    jobs = jobs or os.cpu_count() or 1
    asked = [_Job(fault, first_seed + place) for place in range(seeds) for fault in faults]
    together = [job for job in asked if job.fault not in ALONE]
    together += [_Job(None, first_seed + seeds + place) for place in range(healthy)]
    alone = [job for job in asked if job.fault in ALONE]
    results: list[EpisodeResult] = []
    with tempfile.TemporaryDirectory(prefix="andon-score-") as temporary, Leash(Path(temporary) / "log") as leash:
        models = Registry(Path(temporary) / "models")
        for version, network in trained().items():
            models.publish(version, network)
        models.put_in_production(CURRENT)
        for queue, width in ((together, jobs), (alone, 1)):
            for result in _play(queue, width, leash, models, Path(temporary)):
                on_result(result)
                results.append(result)
    return summarise(faults, results)


def summarise(faults: Sequence[str], results: Sequence[EpisodeResult]) -> Score:
    """The rates of these results."""
    quiet = [result for result in results if result.fault is None]
    alarms = sum(result.alarm for result in quiet)
    return Score(
        tuple(_fault_score(fault, [result for result in results if result.fault == fault]) for fault in faults),
        HealthyScore(len(quiet), wilson(alarms, len(quiet))),
    )


def _fault_score(fault: str, results: Sequence[EpisodeResult]) -> FaultScore:
    errors = [abs(result.onset_error) for result in results if result.first and result.onset_error is not None]
    return FaultScore(
        fault,
        len(results),
        wilson(sum(result.first for result in results), len(results)),
        wilson(sum(result.top3 for result in results), len(results)),
        _median(errors),
        _median([result.seconds for result in results]) or 0.0,
    )


def _median(values: Sequence[float]) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _play(queue: Sequence[_Job], width: int, leash: Leash, models: Registry, folder: Path) -> Iterator[EpisodeResult]:
    """Each job in a process of its own, so many at once; results as they come."""
    waiting = list(queue)
    slots: dict[int, tuple[_Job, Popen[bytes], Path, float]] = {}
    while waiting or slots:
        for slot in range(width):
            if waiting and slot not in slots:
                job = waiting.pop(0)
                place = folder / f"{job.fault or 'healthy'}-{job.seed}"
                place.mkdir()
                named = () if job.fault is None else ("--fault", job.fault)
                options: tuple[Any, ...] = ("--seed", job.seed, "--slot", slot, "--models", models.path, *named)
                process = leash.start("console.lab.episode", str(place), *map(str, options))
                slots[slot] = (job, process, place, time.monotonic() + EPISODE_SECONDS)
        for slot, (job, process, place, deadline) in list(slots.items()):
            if process.poll() is None and time.monotonic() < deadline:
                continue
            leash.end([process])
            del slots[slot]
            yield _result(job, place, leash)
        time.sleep(LOOK_SECONDS)


def _result(job: _Job, place: Path, leash: Leash) -> EpisodeResult:
    file = place / "result.json"
    if not file.exists():
        tail = leash.log.read_text("utf-8", errors="replace")[-2000:]
        raise AndonError(f"the episode {place.name} ended without a result: {tail}", "play it alone to see why")
    return load(EpisodeResult, orjson.loads(file.read_bytes()))
