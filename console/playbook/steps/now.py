"""`now`: what a gauge is at this moment, or how much a counter grew within the current window, against a limit.

For what has a right value that everybody knows, so that no baseline and no history is needed: containers that do not
start, and memory errors that nothing mended, are too many from the first one on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from console.analysis.frames import aggregate
from console.config import duration
from console.errors import AndonError, NoData, SourceError, StoreError
from console.model import Finding, Frame, Kind, Labels, Query, Series, Side, State, Verdict
from console.playbook.schema import Duration, Entry, SignalName
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps.wording import unit_of
from console.plugins import StepType
from console.signals.catalogue import find_signal
from console.words import instant, labelled, lapse, quantity

if TYPE_CHECKING:
    from console.model import Array

STALE_STEPS = 5
MOST_FINDINGS = 20
GRAVEST_FIRST = (Verdict.DEGRADED, Verdict.INCONCLUSIVE, Verdict.OK)

RESULT = {
    "verdict": "string",
    "reason": "string",
    "value": "double",  # of the label set that is furthest beyond the limit
    "labels": "map(string, string)",  # of that one
    "onset": "double",  # since when it is; unknown where that lies before the window, or only one look was taken
    "series": "int",
    "beyond": "int",  # how many of them are, for as long as asked
}


class NowOptions(Entry):
    """Which gauge or counter, and what it may not be."""

    called = "`now`"
    signal: SignalName = Field(description="a gauge")
    where: dict[str, str] = Field({}, description="only series with these labels; an empty value selects all")
    by: list[str] = Field([], description="labels to keep apart")
    above: float | None = Field(None, description="more than this is degraded")
    below: float | None = Field(None, description="less than this is degraded")
    lasting: Duration = Field(
        "1s", description="for so long it must have been beyond the limit; until then: inconclusive"
    )
    news: bool = Field(
        False,
        description="a value that has not changed within the current window is old news, and well: of codes that stay",
    )

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        kind = find_signal(self.signal).kind
        if kind is Kind.HISTOGRAM:
            raise PydanticCustomError("now", "{signal} is a histogram: it has no value now", {"signal": self.signal})
        if kind is Kind.COUNTER and (self.news or "lasting" in self.model_fields_set):
            raise PydanticCustomError("now", "{signal} is a counter: `lasting` and `news` are about gauges",
                                      {"signal": self.signal})  # fmt: skip
        if self.above is not None and self.below is not None:
            raise PydanticCustomError("now", "give `above` or `below`, not both")
        return self

    @property
    def is_counted(self) -> bool:
        """Whether it is asked how much it grew."""
        return find_signal(self.signal).kind is Kind.COUNTER

    def excess(self, value: float) -> float:
        """How far a value lies beyond the limit; not above 0 where it does not."""
        if self.above is not None:
            return value - self.above
        return self.below - value if self.below is not None else -1.0


@dataclass(frozen=True, slots=True)
class _Level:
    """One label set as it is."""

    labels: Labels
    value: float
    verdict: Verdict
    reason: str
    samples: int
    onset: float | None


async def _run(context: StepContext, options: NowOptions) -> StepOutcome:
    frame = await _newest(context, options)
    found = [_level(one, frame, options) for one in frame.series if _has_news(one, frame, context)]
    found.sort(key=lambda level: (GRAVEST_FIRST.index(level.verdict), -options.excess(level.value)))
    worst = found[0]
    return StepOutcome(
        state=State(worst.verdict),
        reason=worst.reason,
        findings=tuple(_finding(context, options, level, frame) for level in found[:MOST_FINDINGS]),
        values={
            "verdict": worst.verdict,
            "reason": worst.reason,
            "value": worst.value,
            "labels": dict(worst.labels),
            "onset": worst.onset,
            "series": len(found),
            "beyond": sum(level.verdict is Verdict.DEGRADED for level in found),
        },
    )


STEP = StepType(
    name="now",
    title="A gauge at this moment, or how much a counter grew, against a limit",
    options=NowOptions,
    result=RESULT,
    run=_run,
)


async def _newest(context: StepContext, options: NowOptions) -> Frame:
    """The current window of the first reader that has a sample of this moment.

    Raises NoData where none has, and SourceError where one that might have did not answer.
    """
    where = Labels.of({label: value for label, value in options.where.items() if value})
    query = Query(options.signal, context.current, context.interval, where, tuple(options.by))
    silent: list[AndonError] = list(context.estate.failed.values())
    known, why = False, f"absent: no source has {options.signal}"
    for reader in context.estate.readers:
        try:
            if options.signal not in await reader.signals():
                continue
            known = True
            frame = await reader.read(query)
        except (SourceError, StoreError) as error:
            silent.append(error)
            continue
        frame = aggregate(frame, query.by, find_signal(options.signal).across)
        if any(_has_news(one, frame, context) for one in frame.series):
            return frame
        why = f"stale: {options.signal} has no sample of the last {lapse(STALE_STEPS * frame.step)}"
    if silent and not known:
        raise silent[-1]
    raise NoData(why, "see: andon source list")


def _has_news(one: Series, frame: Frame, context: StepContext) -> bool:
    filled = np.flatnonzero(~np.isnan(one.values))
    return bool(filled.size) and context.current.end - float(frame.times[filled[-1]]) <= STALE_STEPS * frame.step


def _level(one: Series, frame: Frame, options: NowOptions) -> _Level:
    filled = ~np.isnan(one.values)
    times, values = frame.times[filled], one.values[filled]
    if options.is_counted:
        return _grown(one.key.labels, times, values, frame.step, options)
    value = float(values[-1])
    if options.excess(value) <= 0:
        return _Level(one.key.labels, value, Verdict.OK, "", values.size, None)
    if options.news and not np.any(values != value) and not _is_newborn(one, frame):
        return _Level(one.key.labels, value, Verdict.OK, "as it was before the current window", values.size, None)
    is_well = [options.excess(each) <= 0 or (options.news and each != value) for each in values.tolist()]
    within = np.flatnonzero(is_well)
    began = float(times[within[-1]]) if within.size else None
    if values.size == 1:
        return _Level(one.key.labels, value, Verdict.DEGRADED, "one look: nobody knows since when", 1, None)
    lasts = float(times[-1]) - (began if began is not None else float(times[0]) - frame.step)
    if lasts < duration(options.lasting):
        why = f"for {lapse(lasts)} so far, {options.lasting} needed"
        return _Level(one.key.labels, value, Verdict.INCONCLUSIVE, why, values.size, began)
    return _Level(one.key.labels, value, Verdict.DEGRADED, f"for {lapse(lasts)}", values.size, began)


def _grown(labels: Labels, times: Array, increases: Array, step: float, options: NowOptions) -> _Level:
    """How much a counter gained in all; since when is its first gain."""
    value = float(increases.sum())
    if options.excess(value) <= 0:
        return _Level(labels, value, Verdict.OK, "", increases.size, None)
    gains = np.flatnonzero(increases > 0)
    onset = float(times[gains[0]]) - step if gains.size else None
    return _Level(labels, value, Verdict.DEGRADED, f"within {lapse(step * times.size)}", increases.size, onset)


def _is_newborn(one: Series, frame: Frame) -> bool:
    """Whether it came within the window while others were there before: some codes are first told when there is one."""
    began = min(int(np.flatnonzero(~np.isnan(each.values))[0]) for each in frame.series if not _is_empty(each))
    return int(np.flatnonzero(~np.isnan(one.values))[0]) > began + STALE_STEPS


def _is_empty(one: Series) -> bool:
    return bool(np.isnan(one.values).all())


def _finding(context: StepContext, options: NowOptions, level: _Level, frame: Frame) -> Finding:
    unit = unit_of(options.signal, None)
    verb = "grew by" if options.is_counted else "is"
    text = f"{options.signal}{labelled(level.labels)} {verb} {quantity(level.value, unit)}"
    limit, side = (options.above, "above") if options.above is not None else (options.below, "below")
    if level.verdict is not Verdict.OK and limit is not None:
        text += f", {side} {quantity(limit, unit)}"
        text += f" since {instant(level.onset)}" if level.onset is not None else ""
    current = Side(level.value, level.samples, float(frame.times[0]) - frame.step, float(frame.times[-1]))
    return Finding(
        id="", kind="comparison", step=context.step, text=text, verdict=level.verdict, signal=options.signal,
        labels=level.labels, reason=level.reason, stat="sum" if options.is_counted else "mean", current=current,
        onset=level.onset if level.verdict is Verdict.DEGRADED else None,
    )  # fmt: skip
