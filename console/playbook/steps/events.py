"""`events`: what changed, and when. A change is a suspect, not a culprit: the latest deploy is usually innocent."""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from console.config import duration
from console.errors import NoData, SourceError, StoreError
from console.model import Event, Finding, Span, State, Verdict
from console.playbook.schema import Duration, Entry, Id
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType
from console.sources.estate import KEPT
from console.sources.one_look import patiently
from console.sources.retold import told_once
from console.words import instant, lapse

MOST_FINDINGS = 10
KINDS = (  # that andon's own sources tell; a source of somebody's own may tell others
    "alert", "annotation", "commit", "config", "crash", "data_version", "deploy", "deployment", "flag", "merge",
    "model_version", "node", "oom", "pipeline", "promotion", "release", "restart", "rollback", "rollout", "scale",
    "schema", "stalled", "unschedulable", "warning", "xid",
)  # fmt: skip
ALL_BUT = 0.8  # so much of a known kind's letters, and it is that one mistyped

RESULT = {
    "count": "int",
    "ids": "list(string)",
    "kinds": "list(string)",
    "nearest.kind": "string",
    "nearest.target": "string",
    "nearest.title": "string",
    "nearest.seconds": "double",  # before the onset; negative after it
}


def _not_mistyped(kind: str) -> str:
    close = get_close_matches(kind, KINDS, n=1, cutoff=ALL_BUT)
    if kind not in KINDS and close:
        told = {"kind": repr(kind), "hint": f"did you mean {close[0]!r}?"}
        raise PydanticCustomError("kind", "there is no kind of event {kind}", told)
    return kind


EventKind = Annotated[str, AfterValidator(_not_mistyped), WithJsonSchema({"type": "string", "examples": list(KINDS)})]


class AroundEntry(Entry):
    """The stretch of time around a step's onset."""

    called = "`around`"
    onset_of: Id | None = Field(
        None, description="the step whose onset it is; the current window where nothing is said"
    )
    before: Duration = Field("30m", description="so long before it")
    after: Duration = Field("5m", description="so long after it")


class EventsOptions(Entry):
    """Which events to look for, and when."""

    called = "`events`"
    kinds: list[EventKind] = Field([], description="deploy, config, model_version …; all of them when empty")
    target: str | None = Field(None, description="only events of this target; an empty one selects all")
    around: AroundEntry = Field(AroundEntry(), description="when to look")
    most: Annotated[int, Field(ge=1, le=MOST_FINDINGS)] = Field(
        MOST_FINDINGS, description="events to show: those nearest to the onset, or the latest; all are counted"
    )


async def _run(context: StepContext, options: EventsOptions) -> StepOutcome:
    around = options.around
    onset = context.results[around.onset_of].values.get("onset") if around.onset_of else None
    if onset is None:
        # Without an onset the change may lie anywhere in the current window.
        span = Span(context.current.start - duration(around.before), context.current.end)
    else:
        span = Span(onset - duration(around.before), onset + duration(around.after))
    found = await _events(context, span, options)
    near = min(found, key=lambda event: abs(event.time - (onset if onset is not None else context.now)), default=None)
    values = {
        "count": len(found),
        "ids": [event.id for event in found],
        "kinds": sorted({event.kind for event in found}),
    }
    if near is not None:
        values |= {"nearest.kind": near.kind, "nearest.target": near.target, "nearest.title": near.title,
                   "nearest.seconds": None if onset is None else onset - near.time}  # fmt: skip
    return StepOutcome(
        state=State.OK,
        reason=_none(options, span) if not found else f"{len(found)} found",
        findings=_findings(context.step, found, onset, options.most) or (_quiet(context.step, options, span),),
        values=values,
    )


STEP = StepType(
    name="events",
    title="What changed around the onset",
    options=EventsOptions,
    result=RESULT,
    run=_run,
    tied=("around.onset_of",),
)


async def _events(context: StepContext, span: Span, options: EventsOptions) -> list[Event]:
    """The events of every source that answers, each change once, in time order.

    Raises SourceError where none answers, and NoData where there is no such source.
    """
    readers = {name: reader for name, reader in context.estate.events.items() if name != KEPT}
    if not readers:
        raise NoData("absent: no source knows of events", "see: andon source list")
    kept = [context.estate.events[KEPT]] if KEPT in context.estate.events else []
    answers = await asyncio.gather(
        *(patiently(partial(reader.events, span, options.kinds)) for reader in (*readers.values(), *kept)),
        return_exceptions=True,
    )
    silent = [answer for answer in answers[: len(readers)] if isinstance(answer, BaseException)]
    for error in silent:
        if not isinstance(error, SourceError | StoreError) or len(silent) == len(readers):
            raise error
    told = [event for answer in answers if not isinstance(answer, BaseException) for event in answer]
    return told_once(event for event in told if not options.target or event.target == options.target)


def _findings(step: str, events: list[Event], onset: float | None, most: int) -> tuple[Finding, ...]:
    """The events nearest to the onset (or the latest) first, as `nearest` in an expression means it."""
    nearest = sorted(events, key=lambda event: abs(event.time - onset) if onset is not None else -event.time)
    return tuple(
        Finding(id="", kind="event", step=step, text=_told(event, onset), verdict=Verdict.OK, event=event)
        for event in nearest[:most]
    )


def _told(event: Event, onset: float | None) -> str:
    when = instant(event.time)
    if onset is not None:
        apart = onset - event.time
        when += f", {lapse(abs(apart))} {'before' if apart >= 0 else 'after'} the onset"
    return f"{event.kind} of {event.target}: {event.title} ({when})"


def _quiet(step: str, options: EventsOptions, span: Span) -> Finding:
    return Finding(id="", kind="event", step=step, text=_none(options, span), verdict=Verdict.OK)


def _none(options: EventsOptions, span: Span) -> str:
    return f"no {' or '.join(options.kinds) or 'event'} between {instant(span.start)} and {instant(span.end)}"
