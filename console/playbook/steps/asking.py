"""Whom to ask: which source of the estate has a signal or a table, and what it means that none has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from console.analysis.frames import aggregate, beside
from console.errors import AndonError, NoData, SourceError, StoreError, UsageError
from console.model import Frame, Query, Span, Window, WindowKind
from console.playbook.step import StepContext
from console.signals.catalogue import find_signal
from console.sources.estate import Estate
from console.sources.types import Covering
from console.words import nearest

T = TypeVar("T")


async def told_by(estate: Estate, query: Query) -> Frame:
    """What the sources tell of a query: the first that knows about whom it asks or, where it asks about everybody, all.

    A source that could not be asked might have known: where no other does, its SourceError is raised. Where nobody has
    the signal, NoData.
    """
    frames: list[Frame] = []
    silent: list[AndonError] = list(estate.failed.values())
    for reader in estate.readers:
        try:
            if query.signal in await reader.signals():
                frames.append(await reader.read(query))
        except (SourceError, StoreError) as error:
            silent.append(error)
        if frames and frames[-1].series and (query.where or not query.by):
            break
    if silent and not any(frame.series for frame in frames):
        raise silent[-1]
    if not frames:
        raise NoData(f"absent: no source has {query.signal}", "see: andon source list")
    across = find_signal(query.signal).across
    return beside([aggregate(frame, query.by, across) for frame in frames])


async def coverage(estate: Estate, signal: str, span: Span, step: float) -> float:
    """In which share of a span the sources of a signal were collecting; 1 where one of them cannot say."""
    share = 0.0
    for reader in estate.readers:
        if signal in await reader.signals():
            share = max(share, await reader.coverage(span, step) if isinstance(reader, Covering) else 1.0)
    return share


def only_one(items: Mapping[str, T], name: str | None, what: str, context: StepContext) -> T:
    """The source of that name, or the only one that can be about the run's model.

    Raises NoData where there is none at all, and UsageError where the name fits none or it is not clear which is meant.
    """
    if name is not None and name in items:
        return items[name]
    if not items:
        raise NoData(f"absent: no source is a {what}", "see: andon source list")
    if name is not None:
        raise UsageError(f"there is no {what} {name!r}", nearest(name, items))
    model = str(context.inputs.get("model", ""))
    fitting = {each for each in items if not model or context.estate.models.get(each, model) == model}
    if not fitting:
        raise NoData(f"absent: no {what} is about {model}", f"there is {', '.join(sorted(items))}")
    if len(fitting) > 1:
        names = ", ".join(sorted(fitting))
        raise UsageError(
            f"{names} could each be the {what} meant", "give each source its own model in the configuration"
        )
    return items[fitting.pop()]


def chosen(readers: Mapping[str, T], name: str | None, what: str, context: StepContext) -> Mapping[str, T]:
    """The source of that name, or all of them.

    Raises NoData where there is none at all, UsageError for a name that fits none, and why that one did not open.
    """
    if name is not None and name not in readers:
        if name in context.estate.failed:
            raise context.estate.failed[name]
        raise UsageError(f"there is no source of {what} {name!r}", nearest(name, readers))
    if not readers:
        raise NoData(f"absent: no source has {what}", "see: andon source list")
    return readers if name is None else {name: readers[name]}


async def all_that_answer(questions: Mapping[str, Awaitable[T]]) -> tuple[list[T], list[str]]:
    """The answers of several sources, and the names of those that gave none. Raises where none answers."""
    answers = await asyncio.gather(*questions.values(), return_exceptions=True)
    silent = {
        name: answer for name, answer in zip(questions, answers, strict=True) if isinstance(answer, BaseException)
    }
    for error in silent.values():
        if not isinstance(error, SourceError | StoreError) or len(silent) == len(answers):
            raise error
    return [answer for answer in answers if not isinstance(answer, BaseException)], list(silent)


def check_baseline(baseline: Window, *takes: WindowKind) -> None:
    """Raises NoData for a baseline of which nothing is left, and for one of a kind that says nothing of this."""
    if baseline.kind in takes:
        return
    if baseline.kind == "peers":
        raise NoData("absent: only a signal has siblings to be compared with", "give this step `windows` of its own")
    if not baseline.spans:
        raise NoData(f"absent: {baseline.note}", "")
