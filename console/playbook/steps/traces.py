"""`traces`: where the time of requests goes now and before: each service's own work, and the gaps between them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import Field

from console.analysis.trace_changes import LEAST_TRACES, TraceChange, TraceChanges, trace_changes
from console.errors import NoData, SourceError
from console.model import Finding, Labels, Stat, State, TraceSpan, Verdict, Window
from console.playbook.schema import Entry, Share
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps.asking import all_that_answer, check_baseline, chosen
from console.playbook.steps.wording import since
from console.plugins import StepType
from console.sources.types import TraceReader, TraceRequest
from console.words import quantity

MOST_FINDINGS = 12
SOURCE_SECONDS = 45.0  # for all questions to one source
TIMEOUT = 60.0
SAMPLE = "a sample of the requests: tail sampling, which keeps slow and failed ones, makes it look worse than it is"

RESULT = {
    "verdict": "string",
    "reason": "string",
    "onset": "double",
    "count": "int",  # traces of the current window
    "spans": "int",
    "services": "int",
    "slowest.service": "string",  # whose own work takes longer, the one that costs most
    "slowest.ratio": "double",
    "slowest.edge": "string",  # `caller → callee`: whose calls take longer
    "slowest.caller": "string",
    "slowest.callee": "string",
    "gap.edge": "string",  # between whose spans time is lost that neither's own work explains
    "gap.caller": "string",
    "gap.callee": "string",
    "gap.ratio": "double",
    "often.edge": "string",  # along which a request makes more calls
    "often.callee": "string",
    "often.ratio": "double",
    "errors.service": "string",  # in which more calls begin to fail
    "errors.share": "double",
}
WORDS = {
    "own": "own time",
    "gap": "gap between their spans",
    "calls": "calls",
    "often": "calls a request",
    "errors": "share that fails",
}


class TracesOptions(Entry):
    """Which traces to look at, and what counts as worse."""

    called = "`traces`"
    where: dict[str, str] = Field({}, description="only traces with these labels; an empty value selects all")
    source: str | None = Field(None, description="the source of traces to ask; all of them by default")
    stat: Stat = Field("p90", description="of the seconds that spans take: p50, p90, p95, p99 or mean")
    tolerance: Share = Field(0.25, description="how much worse is still well")
    most: Annotated[int, Field(ge=100, le=50_000)] = Field(10_000, description="spans to read of each window")


async def _run(context: StepContext, options: TracesOptions) -> StepOutcome:
    check_baseline(context.baseline)
    where = Labels.of({label: value for label, value in options.where.items() if value})
    readers = chosen(context.estate.traces, options.source, "traces", context)
    answers, silent = await all_that_answer(
        {name: _one(reader, name, context, where, options.most) for name, reader in readers.items()}
    )
    current, baseline = ([span for answer in answers for span in answer[side]] for side in (0, 1))
    about = f" with {', '.join(f'{name}={value}' for name, value in where)}" if where else ""
    for side, spans in (("current window", current), ("baseline", baseline)):
        if not spans:
            raise NoData(f"absent: no trace{about} in the {side}", f"sources of traces: {', '.join(readers)}")
    compared = partial(trace_changes, current, baseline, stat=options.stat, tolerance=options.tolerance)
    found = await asyncio.to_thread(compared)
    told = [change for change in found.changes if change.comparison.verdict is not Verdict.NO_DATA]
    notes = "".join(f"; {name} did not answer" for name in silent)
    if not told:
        raise NoData(f"too few: {_amount(found)}, {LEAST_TRACES} of each are needed{notes}", "")
    verdict = told[0].comparison.verdict
    verdict = Verdict.OK if verdict is Verdict.IMPROVED else verdict
    reason = f"{_summary(told)}; {_amount(found)}: {SAMPLE}{notes}"
    return StepOutcome(
        state=State(verdict),
        reason=reason,
        findings=(
            *(_finding(context.step, change) for change in told[:MOST_FINDINGS]),
            Finding(id="", kind="trace", step=context.step, text=reason, verdict=Verdict.OK),
        ),
        values=_values(told, found, verdict, reason),
    )


STEP = StepType(
    name="traces",
    title="Where the time of requests goes",
    options=TracesOptions,
    result=RESULT,
    run=_run,
    timeout=TIMEOUT,
)


async def _one(
    reader: TraceReader, name: str, context: StepContext, where: Labels, most: int
) -> tuple[list[TraceSpan], list[TraceSpan]]:
    async def of(window: Window) -> list[TraceSpan]:
        labels = Labels.of(dict(where) | dict(window.where))
        share = max(most // len(window.spans), 1)
        answers = await asyncio.gather(*(reader.spans(TraceRequest(span, labels, share)) for span in window.spans))
        return [span for answer in answers for span in answer]

    try:
        async with asyncio.timeout(SOURCE_SECONDS):
            current, baseline = await asyncio.gather(of(context.current), of(context.baseline))
    except TimeoutError:
        raise SourceError(
            f"source {name} took more than {SOURCE_SECONDS:g} s to find its traces", "ask for fewer: `most`"
        ) from None
    return current, baseline


def _values(told: Sequence[TraceChange], found: TraceChanges, verdict: Verdict, reason: str) -> dict[str, object]:
    worse = [change for change in told if change.comparison.verdict is Verdict.DEGRADED]
    first = {what: next((change for change in worse if change.what == what), None) for what in WORDS}
    onsets = [change.comparison.onset for change in worse if change.comparison.onset is not None]
    values: dict[str, object] = {
        "verdict": verdict, "reason": reason, "onset": min(onsets, default=None), "count": found.traces[0],
        "spans": found.spans[0], "services": found.services,
    }  # fmt: skip
    if own := first["own"]:
        values |= {"slowest.service": own.service, "slowest.ratio": own.comparison.ratio}
    if calls := _lowest(worse, "calls"):
        values |= {"slowest.edge": calls.name, "slowest.caller": calls.service, "slowest.callee": calls.callee}
    if gap := first["gap"]:
        values |= {"gap.edge": gap.name, "gap.caller": gap.service, "gap.callee": gap.callee,
                   "gap.ratio": gap.comparison.ratio}  # fmt: skip
    if often := first["often"]:
        values |= {"often.edge": often.name, "often.callee": often.callee, "often.ratio": often.comparison.ratio}
    if errors := first["errors"]:
        values |= {"errors.service": errors.service, "errors.share": errors.comparison.current.value}
    return values


def _lowest(worse: Sequence[TraceChange], what: str) -> TraceChange | None:
    """The edge that is slower while no edge below it is: who only waits for the slow one is not to blame."""
    slow = [change for change in worse if change.what == what]
    callers = {change.service for change in slow}
    return next((change for change in slow if change.callee not in callers), slow[0] if slow else None)


def _finding(step: str, change: TraceChange) -> Finding:
    one = change.comparison
    return Finding(
        id="",
        kind="trace",
        step=step,
        text=_told(change),
        verdict=one.verdict,
        signal=one.signal,
        labels=one.labels,
        reason=one.reason,
        stat=one.stat,
        current=one.current,
        baseline=one.baseline,
        ratio=one.ratio,
        interval=one.interval,
        p=one.p,
        onset=one.onset,
    )


def _told(change: TraceChange) -> str:
    one = change.comparison
    in_seconds = change.what not in ("often", "errors")
    what = f"{change.name}: {WORDS[change.what]}" + (f" {one.stat}" if in_seconds else "")
    if one.current.value is None or one.baseline.value is None:
        return f"{what}: {one.reason}"
    unit = "s" if in_seconds else "1"
    now, before = (quantity(round(value, 6), unit) for value in (one.current.value, one.baseline.value))
    text = f"{what} is {now}, was {before}"
    if one.ratio is not None:
        text += f" (×{one.ratio:.3g})"
    if one.onset is not None and one.verdict is Verdict.DEGRADED:
        text += f", {since(one.onset, one.current.start)}"
    return text


def _summary(told: Sequence[TraceChange]) -> str:
    worse = [change for change in told if change.comparison.verdict is Verdict.DEGRADED]
    if not worse:
        return "no service or call is slower, or fails more, beyond chance"
    return f"worse: {', '.join(dict.fromkeys(f'{change.name} ({WORDS[change.what]})' for change in worse[:4]))}"


def _amount(found: TraceChanges) -> str:
    return f"{found.traces[0]:,} traces now, {found.traces[1]:,} before"
