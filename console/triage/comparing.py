"""Samples or series of both sides, judged as one family: which metrics got worse, and how sure is that?"""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from console.analysis import compare as frames
from console.analysis import samples as plain
from console.analysis.samples import Samples, usual_stats
from console.analysis.series.shape import Shape, shape
from console.analysis.series.timed import framed
from console.analysis.series.verdicts import Limits, Measured, judged
from console.errors import NoData
from console.model import (
    Comparison,
    Diagnosis,
    Direction,
    Finding,
    Frame,
    Labels,
    Run,
    Stat,
    State,
    StepResult,
    Verdict,
)
from console.playbook.steps.compare import finding_of
from console.signals.catalogue import catalogue
from console.triage.diagnose import VERDICTS, diagnose
from console.words import labelled

Key = tuple[str, Labels]  # a metric and a label set


@dataclass(frozen=True, slots=True)
class Asked:
    """What to compare, and what counts as worse."""

    columns: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    time: str | None = None
    stats: tuple[Stat, ...] = ()
    tolerance: float = 0.2
    bad: Direction | None = None  # None: what the catalogue says of the signal, else either
    floor: float | None = None
    min_samples: int | None = None

    def limits(self, metric: str) -> Limits:
        """What is tolerated of a metric."""
        signal = catalogue().get(metric)
        bad = self.bad or (signal.bad if signal else Direction.EITHER)
        floor = self.floor if self.floor is not None else signal.floor if signal else 0.0
        return Limits(self.tolerance, bad, floor)


@dataclass(frozen=True, slots=True)
class Compared:
    """What `andon compare` answers. The published shape of DESIGN §12."""

    verdict: Verdict
    comparisons: tuple[Finding, ...]  # worst first


@dataclass(frozen=True, slots=True)
class Judged:
    """The comparisons, worst first, as a diagnosis; a picture of each metric, and what was left out."""

    diagnosis: Diagnosis
    shapes: Mapping[Key, Shape]
    limits: Mapping[str, Limits]
    notes: tuple[str, ...] = ()

    @property
    def report(self) -> Compared:
        return Compared(self.diagnosis.verdict, self.diagnosis.findings)


def judge(
    title: str,
    current: Mapping[Key, Samples],
    baseline: Mapping[Key, Samples],
    asked: Asked,
    notes: tuple[str, ...] = (),
    *,
    timed: bool,
) -> Judged:
    """Samples of both sides, judged as one family."""
    family: list[Measured] = []
    for metric in _metric_names(current, baseline):
        mine, its = ({k: one for k, one in side.items() if k[0] == metric} for side in (current, baseline))
        measure = _timed if timed else _plain
        family += measure(mine, its, asked, asked.limits(metric))
    return _judged(title, family, current, baseline, asked, notes)


def judge_frames(
    title: str,
    current: Frame,
    baseline: Frame,
    mine: Mapping[Key, Samples],
    its: Mapping[Key, Samples],
    asked: Asked,
    notes: tuple[str, ...] = (),
) -> Judged:
    """Series of both sides, judged as one family; `mine` and `its` are their values as samples."""
    family: list[Measured] = []
    for stats, keys in _asks(mine, its, asked).items():
        for metric in dict.fromkeys(metric for metric, _labels in keys):
            wanted = {key for key in keys if key[0] == metric}
            now, then = _only(current, wanted), _only(baseline, wanted)
            for stat in stats:
                limits = asked.limits(metric)
                family += frames.measured(now, then, stat, limits, asked.min_samples, baseline_kind="span")
    return _judged(title, family, mine, its, asked, notes)


def _judged(
    title: str,
    family: Sequence[Measured],
    current: Mapping[Key, Samples],
    baseline: Mapping[Key, Samples],
    asked: Asked,
    notes: tuple[str, ...],
) -> Judged:
    if not family:
        raise NoData("there is nothing to compare: no column of numbers has a value", "name one with --column")
    shapes = {key: shape(current.get(key), baseline.get(key)) for key in {*current, *baseline}}
    return Judged(
        _diagnosis(title, judged(family)),
        {key: one for key, one in shapes.items() if one is not None},
        {metric: asked.limits(metric) for metric in _metric_names(current, baseline)},
        notes,
    )


def _metric_names(current: Mapping[Key, Samples], baseline: Mapping[Key, Samples]) -> list[str]:
    return list(dict.fromkeys(metric for metric, _labels in (*baseline, *current)))


def _plain(
    current: Mapping[Key, Samples], baseline: Mapping[Key, Samples], asked: Asked, limits: Limits
) -> Iterable[Measured]:
    for stats, keys in _asks(current, baseline, asked).items():
        for key in keys:
            for stat in stats:
                yield plain.measured(current.get(key), baseline.get(key), stat, limits, asked.min_samples)


def _timed(
    current: Mapping[Key, Samples], baseline: Mapping[Key, Samples], asked: Asked, limits: Limits
) -> Iterable[Measured]:
    for stats, keys in _asks(current, baseline, asked).items():
        mine, its = ([side[key] for key in keys if key in side and side[key].n] for side in (current, baseline))
        both = framed(mine, its)
        for stat in stats:
            yield from frames.measured(*both, stat, limits, asked.min_samples, baseline_kind="span")


def _asks(
    current: Mapping[Key, Samples], baseline: Mapping[Key, Samples], asked: Asked
) -> dict[tuple[Stat, ...], list[Key]]:
    """The statistics to ask for, and of what: those that were asked for, or the usual ones for as many samples."""
    asks: dict[tuple[Stat, ...], list[Key]] = {}
    for key in sorted({*current, *baseline}):
        stats = asked.stats or tuple(usual_stats(current.get(key), baseline.get(key)))
        asks.setdefault(stats, []).append(key)
    return asks


def _only(frame: Frame, keys: Container[Key]) -> Frame:
    return replace(frame, series=tuple(one for one in frame.series if (one.key.signal, one.key.labels) in keys))


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _diagnosis(title: str, found: Sequence[Comparison]) -> Diagnosis:
    """A run whose steps are metrics with a label set, the worst first, so that every report can show it."""
    groups: dict[Key, list[Comparison]] = {}
    for one in found:
        groups.setdefault((one.signal, one.labels), []).append(one)
    steps = [_step(key, sorted(members, key=_gravity)) for key, members in groups.items()]
    ranked = sorted(steps, key=lambda pair: pair[0])
    verdict = min((one.verdict for one in found), key=VERDICTS.index)
    now = time.time()
    run = Run("compare", "compare", title, now, now, verdict, tuple(step for _rank, step in ranked), ())
    return diagnose([run])


def _step(key: Key, members: Sequence[Comparison]) -> tuple[tuple[int, float], StepResult]:
    metric, labels = key
    name = f"{metric}{labelled(labels)}"
    findings = tuple(_finding(one, f"{place}") for place, one in enumerate(members))
    worst = members[0]
    result = StepResult(name, name, "compare", State(worst.verdict), worst.reason, findings)
    return _gravity(worst), result


def _gravity(comparison: Comparison) -> tuple[int, float]:
    """Sorts the worst first, and of equal verdicts the surest."""
    return VERDICTS.index(comparison.verdict), comparison.p if comparison.p is not None else 0.0


def _finding(comparison: Comparison, place: str) -> Finding:
    name = f"{comparison.signal}{labelled(comparison.labels)}"
    return finding_of(name, comparison, id_=f"{name} {place}")
