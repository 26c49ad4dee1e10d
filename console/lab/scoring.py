"""Playing the episodes of a score: each in a process of its own, some at a time, and none of them ends the others."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from subprocess import Popen

import numpy as np
import orjson

from console.lab.episode import EpisodeResult
from console.lab.leash import Leash
from console.lab.ranges import redrawn
from console.lab.registry import CURRENT, Registry, trained
from console.lab.score import Score, summarise
from console.plugins import LabFault
from console.wire import load

EPISODE_SECONDS = 180.0
LOOK_SECONDS = 0.05
TAIL = 600  # characters of a broken episode's log that are told
Report = Callable[[EpisodeResult], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to play."""

    faults: tuple[str, ...]
    place: str
    seed: int
    is_alone: bool = False

    @property
    def name(self) -> str:
        """Of its folder and its bundle."""
        return f"{'+'.join(self.faults) or f'healthy-{self.place}'}-{self.seed}"


def draw_seed() -> int:
    """A seed nobody chose, so that each score plays other parameters; printed, so that it can be played again."""
    return secrets.randbelow(1_000_000)


def score(
    faults: Mapping[str, LabFault],
    *,
    seeds: int,
    first_seed: int,
    healthy: int,
    compound: int = 0,
    jobs: int | None = None,
    bundles: Path | None = None,
    on_result: Report = lambda _result: None,
) -> Score:
    """Play every fault with so many `seeds` from `first_seed` on, `compound` pairs and `healthy` episodes.

    `jobs` at a time. A third of the faults' ranges is drawn anew by `first_seed`. Incidents are exported to `bundles`.
    """
    asked = planned(faults, seeds=seeds, first_seed=first_seed, healthy=healthy, compound=compound)
    together = [job for job in asked if not job.is_alone]
    alone = [job for job in asked if job.is_alone]
    results: list[EpisodeResult] = []
    with tempfile.TemporaryDirectory(prefix="andon-score-") as temporary:
        models = Registry(Path(temporary) / "models")
        for version, network in trained().items():
            models.publish(version, network)
        models.put_in_production(CURRENT)
        stage = _Stage(Path(temporary), models, first_seed, bundles)
        for queue, width in ((together, jobs or os.cpu_count() or 1), (alone, 1)):
            for result in stage.play(queue, width):
                on_result(result)
                results.append(result)
    ranges = {
        f"{fault.name}.{name}": span for fault in faults.values() for name, span in redrawn(fault, first_seed).items()
    }
    return summarise(tuple(faults), results, ranges)


def planned(faults: Mapping[str, LabFault], *, seeds: int, first_seed: int, healthy: int, compound: int) -> list[Job]:
    """The episodes of a score: faults in turn, pairs drawn at random, healthy ones going round the faults' places."""
    single = [
        Job((fault.name,), fault.place, first_seed + turn, fault.is_alone)
        for turn in range(seeds)
        for fault in faults.values()
    ]
    pairs = list(pairs_of(faults))
    order = np.random.default_rng([first_seed, 6]).permutation(len(pairs))
    chosen = [pairs[order[turn % len(pairs)]] for turn in range(compound)] if pairs else []
    seed = first_seed + seeds
    compounds = [
        Job((one.name, two.name), one.place, seed + turn, one.is_alone or two.is_alone)
        for turn, (one, two) in enumerate(chosen)
    ]
    places = sorted({fault.place for fault in faults.values()})
    seed += len(compounds)
    quiet = [Job((), places[turn % len(places)], seed + turn) for turn in range(healthy)]
    return [*quiet, *compounds, *single]  # the longest first, so that the last slots end together


def pairs_of(faults: Mapping[str, LabFault]) -> Iterator[tuple[LabFault, LabFault]]:
    """Two faults of one place, where the one can be told from the other when both are there."""
    for one, two in combinations(faults.values(), 2):
        if one.place == two.place and one.name not in two.excludes and two.name not in one.excludes:
            yield one, two


@dataclass(slots=True)
class _Playing:
    job: Job
    leash: Leash
    process: Popen[bytes]
    folder: Path
    deadline: float


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where episodes are played, each in a folder of its own."""

    folder: Path
    models: Registry
    redraw: int
    bundles: Path | None

    def play(self, queue: Sequence[Job], width: int) -> Iterator[EpisodeResult]:
        """Results as they come, so many episodes at once."""
        waiting = list(queue)
        slots: dict[int, _Playing] = {}
        try:
            while waiting or slots:
                for slot in range(width):
                    if waiting and slot not in slots:
                        slots[slot] = self._start(waiting.pop(0), slot)
                for slot, playing in list(slots.items()):
                    if playing.process.poll() is None and time.monotonic() < playing.deadline:
                        continue
                    del slots[slot]
                    playing.leash.__exit__(None, None, None)
                    yield _result(playing)
                time.sleep(LOOK_SECONDS)
        finally:
            for playing in slots.values():
                playing.leash.__exit__(None, None, None)

    def _start(self, job: Job, slot: int) -> _Playing:
        folder = self.folder / job.name
        folder.mkdir()
        leash = Leash(folder / "log")
        options = [f"--seed={job.seed}", f"--slot={slot}", f"--place={job.place}", f"--redraw={self.redraw}"]
        options += [f"--models={self.models.path}", *(f"--fault={fault}" for fault in job.faults)]
        if self.bundles is not None and job.faults:
            options.append(f"--bundle={self.bundles.absolute() / f'{job.name}.andon'}")
        process = leash.start("console.lab.episode", str(folder), *options)
        return _Playing(job, leash, process, folder, time.monotonic() + EPISODE_SECONDS)


def _result(playing: _Playing) -> EpisodeResult:
    """What the episode wrote; where it wrote nothing, that it broke, and what its log said last."""
    try:
        return load(EpisodeResult, orjson.loads((playing.folder / "result.json").read_bytes()))
    except FileNotFoundError:
        logs = [playing.leash.log, playing.folder / "line" / "lab.log"]
        said = "".join(log.read_text("utf-8", errors="replace") for log in logs if log.exists()).strip()
        why = f"it took more than {EPISODE_SECONDS:g} s; " if time.monotonic() >= playing.deadline else ""
        job = playing.job
        return EpisodeResult(job.seed, job.faults, job.place, trouble=f"{why}its log ends: {said[-TAIL:] or '(empty)'}")
