"""Two files of samples against each other: which metrics got worse, and how sure that is. What `andon compare` does."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from console.analysis import compare as frames
from console.analysis import samples as plain
from console.analysis.samples import Samples, usual_stats
from console.analysis.shape import Shape, shape
from console.analysis.timed import framed
from console.analysis.verdicts import Limits, Measured, judged
from console.errors import NoData, UsageError
from console.model import Comparison, Diagnosis, Direction, Finding, Frame, Labels, Run, Stat, State, StepResult
from console.playbook.steps.wording import compared
from console.signals.catalogue import catalogue
from console.sources.samples import TIME_NAMES, Look, SampleFiles
from console.triage.diagnose import VERDICTS, diagnose
from console.words import labelled, nearest

MOST_SETS = 100  # label sets; those with the most rows are compared
MOST_METRICS = 500
LONG_FORM = ("metric", "value")  # a file with these two columns names its metrics in rows

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
class Judged:
    """The comparisons, worst first, as a diagnosis; a picture of each metric, and what was left out."""

    diagnosis: Diagnosis
    shapes: Mapping[Key, Shape]
    limits: Mapping[str, Limits]
    notes: tuple[str, ...] = ()


def compare_files(baseline: str, current: str, asked: Asked) -> Judged:
    """Every metric and label set that either file (or glob of files) has.

    Raises UsageError for a column that neither has, NoData for a file without rows, and what sources raise.
    """
    sides = SampleFiles("current", current), SampleFiles("baseline", baseline)
    by, time, named = _roles(sides, asked)
    looks = _looks(sides, asked, by, time, named)
    metrics = _metrics(sides, looks, asked, named)
    notes = _odd_cells(looks, metrics)
    keys, left_out = _label_sets(sides, by)
    notes += [f"{left_out} label sets with fewer rows were left out"] if left_out else []
    spans = [side.times(time) if time is not None else None for side in sides]
    if time is not None and None in spans:
        notes.append(f"column {time} holds no times on one side: rows were taken as they come, without order")
        time, spans = None, [None, None]
    mine, its = (
        {(one.metric, one.labels): one for one in side.read(metrics, by, keys, time, look.rows, span)}
        for side, look, span in zip(sides, looks, spans, strict=True)
    )
    if named:
        mine, its = ({_long(key, named): _renamed(one, named) for key, one in side.items()} for side in (mine, its))
    mine, its = (_but_empty_sets(side, by) for side in (mine, its))
    return judge(f"{current} against {baseline}", mine, its, asked, tuple(notes), timed=time is not None)


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


# ── what a file holds ────────────────────────────────────────────────────────────────────────────────────────────────


def _roles(sides: Sequence[SampleFiles], asked: Asked) -> tuple[tuple[str, ...], str | None, str]:
    """(label columns, time column, the column that names the metric of each row or nothing)."""
    columns = list(dict.fromkeys(column for side in sides for column in side.columns))
    shared = [column for column in columns if all(column in side.columns for side in sides)]
    for name in (*asked.by, *([asked.time] if asked.time else [])):
        for side in sides:
            if name not in side.columns:
                raise UsageError(f"{side.side} has no column {name!r}", nearest(name, side.columns))
    for name in asked.columns:
        if name not in columns:
            raise UsageError(f"neither file has a column {name!r}", nearest(name, columns))
    time = asked.time or next((column for column in shared if column.casefold() in TIME_NAMES), None)
    time = None if time in (*asked.columns, *asked.by) else time
    is_long = not asked.columns and all(name in shared for name in LONG_FORM)
    named = LONG_FORM[0] if is_long and LONG_FORM[0] not in asked.by else ""
    return (*((named,) if named else ()), *asked.by), time, named


def _looks(sides: Sequence[SampleFiles], asked: Asked, by: Sequence[str], time: str | None, named: str) -> list[Look]:
    found = []
    for side in sides:
        wanted = asked.columns or ((LONG_FORM[1],) if named else side.columns)
        columns = [column for column in wanted if column in side.columns and column not in (*by, time)]
        look = side.look(columns)
        if not look.rows:
            raise NoData(f"{side.side} holds no row", "check what wrote the file")
        found.append(look)
    return found


def _metrics(sides: Sequence[SampleFiles], looks: Sequence[Look], asked: Asked, named: str) -> list[str]:
    """The columns that hold numbers on either side, in the order of the baseline's file."""
    current, baseline = looks
    numbers = [
        column
        for column in dict.fromkeys((*baseline.columns, *current.columns))
        if "number" in (current.columns.get(column), baseline.columns.get(column))
    ]
    for column in asked.columns:
        if column not in numbers:
            holds = baseline.columns.get(column) or current.columns.get(column)
            if holds == "text":
                raise UsageError(f"column {column!r} holds text", "split by it with --by, or use `andon drift`")
            raise NoData(f"column {column!r} holds no value on either side", "")
    if not numbers:
        what = "no values" if named else "no column of numbers"
        raise NoData(f"there is nothing to compare: {what}", "`andon drift` compares columns of every kind")
    if len(numbers) > MOST_METRICS:
        raise UsageError(f"{len(numbers)} columns of numbers are too many", "choose some with --column")
    return numbers


def _odd_cells(looks: Sequence[Look], metrics: Sequence[str]) -> list[str]:
    notes = []
    for name, look in zip(("current", "baseline"), looks, strict=True):
        odd = [f"{column} ({look.odd[column]})" for column in metrics if look.odd.get(column)]
        text = [column for column in metrics if look.columns.get(column) == "text"]
        notes += [f"{name}: cells that are no numbers were left out of {', '.join(odd[:10])}"] if odd else []
        notes += [f"{name}: {', '.join(text[:10])} hold text, where the other side has numbers"] if text else []
    return notes


def _label_sets(sides: Sequence[SampleFiles], by: Sequence[str]) -> tuple[list[str], int]:
    """The label sets with the most rows on both sides together, and how many others there are."""
    counted = sides[0].label_sets(by)
    for side in sides[1:]:
        counted = counted + side.label_sets(by)
    return [key for key, _rows in counted.most_common(MOST_SETS)], max(0, len(counted) - MOST_SETS)


def _long(key: Key, named: str) -> Key:
    metric, labels = key
    return labels.value(named) or metric, Labels.of(pair for pair in labels if pair[0] != named)


def _renamed(one: Samples, named: str) -> Samples:
    metric, labels = _long((one.metric, one.labels), named)
    return replace(one, metric=metric, labels=labels)


def _but_empty_sets(side: Mapping[Key, Samples], by: Sequence[str]) -> dict[Key, Samples]:
    """Without the label sets that this side has no row of."""
    return {key: one for key, one in side.items() if one.rows or not by}


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _diagnosis(title: str, found: Sequence[Comparison]) -> Diagnosis:
    """A run whose steps are metrics with a label set, the worst first, so that every report can show it."""
    groups: dict[Key, list[Comparison]] = {}
    for one in found:
        groups.setdefault((one.signal, one.labels), []).append(one)
    steps = [_step(key, sorted(members, key=_gravity)) for key, members in groups.items()]
    ranked = sorted(steps, key=lambda pair: pair[0])
    verdict = min((one.verdict for one in found), key=VERDICTS.index)
    run = Run("compare", "compare", title, 0.0, 0.0, verdict, tuple(step for _rank, step in ranked), ())
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
    return Finding(
        id=f"{name} {place}",
        kind="comparison",
        step=name,
        text=compared(comparison, None),
        verdict=comparison.verdict,
        signal=comparison.signal,
        labels=comparison.labels,
        reason=comparison.reason,
        stat=comparison.stat,
        current=comparison.current,
        baseline=comparison.baseline,
        ratio=comparison.ratio,
        interval=comparison.interval,
        p=comparison.p,
        onset=comparison.onset,
    )
