"""`compare`: a signal's statistic now against its baseline, for every label set asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from console.analysis.compare import compare
from console.analysis.frames import coarsen
from console.errors import NoData, SourceError, StoreError, UsageError
from console.model import Comparison, Finding, Frame, Kind, Labels, Query, Span, Stat, State, Verdict, Window
from console.playbook.schema import Entry, Share, SignalName
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps.asking import check_baseline, coverage, told_by
from console.playbook.steps.peers import Beside, beside_siblings
from console.playbook.steps.since import sharpened
from console.playbook.steps.wording import compared
from console.plugins import StepType
from console.signals.catalogue import find_signal
from console.sources.estate import Estate

RAW_SECONDS = 3600.0  # samples older than this are kept as minutes
MINUTE = 60.0
MOST_FINDINGS = 20
LOOKED_AT = 0.5  # of the current window in which a source must have collected, for what is missing there to be gone
DEFAULT_STATS: dict[Kind, Stat] = {Kind.HISTOGRAM: "p95", Kind.COUNTER: "rate", Kind.GAUGE: "p50"}
GRAVEST_FIRST = (Verdict.DEGRADED, Verdict.INCONCLUSIVE, Verdict.OK, Verdict.IMPROVED, Verdict.NO_DATA)

RESULT = {
    "verdict": "string",
    "reason": "string",
    "ratio": "double",
    "difference": "double",
    "p": "double",
    "onset": "double",
    "current.stat": "double",
    "current.n": "double",
    "baseline.stat": "double",
    "baseline.n": "double",
    "labels": "map(string, string)",  # of the label set that all of the above is about: the gravest
    "series": "int",
    "degraded": "int",  # how many of them are
}


class CompareOptions(Entry):
    """What to compare, and what counts as worse."""

    called = "`compare`"
    signal: SignalName = Field(description="what is compared")
    stat: Stat | None = Field(
        None, description="p95 of a histogram, rate of a counter, p50 of a gauge, ratio with `of`"
    )
    of: SignalName | None = Field(None, description="the signal that `signal` is a share of")
    where: dict[str, str] = Field({}, description="only series with these labels; an empty value selects all")
    by: list[str] = Field([], description="labels to keep apart")
    tolerance: Share = Field(0.2, description="how much worse is still well")
    min_samples: Annotated[int, Field(ge=1)] | None = Field(
        None, description="fewer say nothing; what the statistic needs where nothing is said"
    )

    @model_validator(mode="after")
    def _stat_means_something(self) -> Self:
        kind = find_signal(self.signal).kind
        if (self.stat == "ratio" and self.of is None) or (self.of is not None and self.stat not in (None, "ratio")):
            raise PydanticCustomError("stat", "`stat: ratio` and `of: SIGNAL` go together")
        if kind is Kind.GAUGE and self.stat in ("rate", "sum"):
            raise PydanticCustomError("stat", "{signal} is a gauge: it has no {stat}",
                                      {"signal": self.signal, "stat": self.stat})  # fmt: skip
        return self

    @property
    def statistic(self) -> Stat:
        """The statistic asked for, or the one that suits the signal."""
        return self.stat or ("ratio" if self.of else DEFAULT_STATS[find_signal(self.signal).kind])


async def comparisons(context: StepContext, options: CompareOptions) -> tuple[Comparison, ...]:
    """One comparison per label set that either side has, the gravest first.

    Raises NoData where nobody has the signal or neither side a sample, SourceError where its source does not answer.
    """
    check_baseline(context.baseline, "peers")
    if context.baseline.kind == "peers":
        return await _among_siblings(context, options)
    signal = find_signal(options.signal)
    current, baseline = await _both(context, options.signal, options)
    if not current.series and not baseline.series:
        raise NoData(f"absent: {options.signal} has no sample in either window", "")
    if (
        not current.series and context.baseline.kind == "where"
    ):  # others are there, which says nothing of a past of its own
        raise NoData(f"absent: {options.signal} has no sample with the labels of the current window", "")
    of = await _both(context, options.of, options) if options.of else None
    if of is not None:
        step = max(current.step, of[0].step)
        current, baseline = coarsen(current, step), coarsen(baseline, step)
        of = coarsen(of[0], step), coarsen(of[1], step)
    found = compare(
        current,
        baseline,
        stat=options.statistic,
        tolerance=options.tolerance,
        bad=signal.bad,
        floor=0.0 if of else signal.floor,
        min_samples=options.min_samples,
        of=of,
        baseline_kind=context.baseline.kind,
        now=context.now,
        is_glance=context.is_glance,
    )
    if any(_is_vanished(one) for one in found):
        found = await _unless_nobody_looked(context, options.signal, found, current.step)
    if any(one.onset is not None for one in found):
        found = await _to_the_sample(context, options, found, current.step)
    return tuple(sorted(found, key=_gravity))


async def _among_siblings(context: StepContext, options: CompareOptions) -> tuple[Comparison, ...]:
    """Each label set against those that differ from it in the labels of `by` alone, and are well."""
    if not options.by:
        raise UsageError("siblings are told apart by the labels of `by`, and none are given", "write by: [replica]")
    asked = {label: value for label, value in options.where.items() if value and label in options.by}
    group = options.model_copy(update={"where": {k: v for k, v in options.where.items() if k not in asked}})
    step = MINUTE if context.now - context.current.start > RAW_SECONDS else context.interval
    names = [name for name in (options.signal, options.of) if name is not None]
    frames = await asyncio.gather(*(_read(context, name, group, context.current, step) for name in names))
    coarsest = max(step, *(frame.step for frame in frames))
    members, *of = (coarsen(frame, coarsest) for frame in frames)
    signal = find_signal(options.signal)
    floor = 0.0 if of else signal.floor
    beside = beside_siblings(
        members, of[0] if of else None, asked,
        stat=options.statistic, bad=signal.bad, tolerance=options.tolerance, floor=floor,
    )  # fmt: skip
    found = compare(
        beside.current,
        beside.baseline,
        stat=options.statistic,
        tolerance=options.tolerance,
        bad=signal.bad,
        floor=floor,
        min_samples=options.min_samples,
        of=beside.of,
        baseline_kind="peers",
        now=context.now,
        is_glance=context.is_glance,
    )
    return tuple(sorted((_among(one, beside, context) for one in found), key=_gravity))


def _among(one: Comparison, beside: Beside, context: StepContext) -> Comparison:
    """The comparison, saying with how many siblings, at the time that all of them were looked at."""
    count = beside.siblings.get(one.labels, 0)
    told = f"against {count} healthy sibling{'s' * (count != 1)}"
    told += f", {beside.left_out} left out" if beside.left_out else ""
    side = replace(one.baseline, start=context.current.start, end=context.current.end)
    return replace(one, baseline=side, reason=f"{one.reason}; {told}" if one.reason else told)


def _is_vanished(one: Comparison) -> bool:
    return one.verdict is Verdict.DEGRADED and one.current.value is None


async def _unless_nobody_looked(
    context: StepContext, signal: str, found: tuple[Comparison, ...], step: float
) -> tuple[Comparison, ...]:
    """What vanished while its source was down did not vanish: nobody looked."""
    span = Span(context.current.start, context.current.end)
    try:
        share = await coverage(context.estate, signal, span, step)
    except (SourceError, StoreError):
        share = 0.0
    if share >= LOOKED_AT:
        return found
    reason = f"stale: its source was collecting in {share:.0%} of the current window"
    return tuple(replace(one, verdict=Verdict.NO_DATA, reason=reason) if _is_vanished(one) else one for one in found)


async def _to_the_sample(
    context: StepContext, options: CompareOptions, found: tuple[Comparison, ...], coarse: float
) -> tuple[Comparison, ...]:
    """The onsets at the sampling interval, where the current window is still held raw."""
    if coarse <= context.interval or context.now - context.current.start > RAW_SECONDS:
        return found
    fine, *of = await asyncio.gather(
        *(
            _read(context, name, options, context.current, context.interval)
            for name in (options.signal, options.of)
            if name is not None
        )
    )
    if any(frame.step > context.interval for frame in (fine, *of)):
        return found
    return sharpened(
        found,
        fine,
        of[0] if of else None,
        coarse=coarse,
        stat=options.statistic,
        tolerance=options.tolerance,
        bad=find_signal(options.signal).bad,
    )


async def _run(context: StepContext, options: CompareOptions) -> StepOutcome:
    found = await comparisons(context, options)
    if not found:
        raise NoData(f"absent: {options.signal} has no sample in either window", "")
    worst = found[0]
    return StepOutcome(
        state=State(worst.verdict),
        reason=worst.reason,
        findings=tuple(finding_of(context.step, each, options.of) for each in found[:MOST_FINDINGS]),
        values={
            "verdict": worst.verdict,
            "reason": worst.reason,
            "ratio": worst.ratio,
            "difference": worst.difference,
            "p": worst.p,
            "onset": worst.onset,
            "current.stat": worst.current.value,
            "current.n": worst.current.n,
            "baseline.stat": worst.baseline.value,
            "baseline.n": worst.baseline.n,
            "labels": dict(worst.labels),
            "series": len(found),
            "degraded": sum(each.verdict is Verdict.DEGRADED for each in found),
        },
    )


STEP = StepType(
    name="compare",
    title="A signal now against its baseline",
    options=CompareOptions,
    result=RESULT,
    run=_run,
)


async def _both(context: StepContext, name: str, options: CompareOptions) -> tuple[Frame, Frame]:
    """Both sides of a signal at one resolution: that of the side that is known less finely."""
    oldest = min(context.current.start, context.baseline.start)
    step = MINUTE if context.now - oldest > RAW_SECONDS else context.interval
    sides = await asyncio.gather(
        *(_read(context, name, options, window, step) for window in (context.current, context.baseline))
    )
    coarsest = max(step, *(side.step for side in sides))
    current, baseline = (coarsen(side, coarsest) for side in sides)
    return current, baseline


async def _read(context: StepContext, name: str, options: CompareOptions, window: Window, step: float) -> Frame:
    return await read_side(context.estate, name, options, window, step)


async def read_side(estate: Estate, name: str, options: CompareOptions, window: Window, step: float) -> Frame:
    """One side of a signal, one series per label set asked for."""
    chosen = {label: value for label, value in options.where.items() if value} | dict(window.where)
    return await told_by(estate, Query(name, window, step, Labels.of(chosen), tuple(options.by)))


def _gravity(comparison: Comparison) -> tuple[int, float]:
    """Sorts the gravest first, and of equal verdicts the one that moved most."""
    moved = abs(comparison.ratio - 1) if comparison.ratio is not None else abs(comparison.difference or 0.0)
    return GRAVEST_FIRST.index(comparison.verdict), -moved


def finding_of(step: str, comparison: Comparison, of: str | None = None, *, id_: str = "") -> Finding:
    """A comparison as a finding of a step."""
    return Finding(
        id=id_,
        kind="comparison",
        step=step,
        text=compared(comparison, of),
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
