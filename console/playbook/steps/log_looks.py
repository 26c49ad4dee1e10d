"""The lines of both windows from every source of logs, and what changed in them; how much was read is counted.

Where a source holds more lines than are read, a second look is for lines of trouble alone: those are few, and thinning
would lose them first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from console.analysis.log_changes import LogChange, LogChanges, log_changes
from console.errors import SourceError
from console.model import Labels, LogLine, Span, Verdict, Window
from console.playbook.step import StepContext
from console.playbook.steps.asking import all_that_answer, chosen
from console.sources.log_lines import is_trouble
from console.sources.types import LogReader, LogRequest

SOURCE_SECONDS = 40.0  # for all questions to one source
THINNED = 1.01  # lines that a line stands for, from which on it is said
ORDER = (Verdict.DEGRADED, Verdict.INCONCLUSIVE, Verdict.OK)


@dataclass(frozen=True, slots=True)
class Amount:
    """How many lines of a window were read, of about how many."""

    lines: int = 0
    of: float = 0.0
    is_cut: bool = False  # the newest ones only

    @property
    def said(self) -> str:
        """In words."""
        if self.is_cut:
            return f"the newest {count_of(self.lines, 'line')} were read"
        if self.of > self.lines * THINNED:
            return f"of {count_of(self.of, 'line')} {self.lines:,} were read"
        return count_of(self.lines, "line")

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.lines + other.lines, self.of + other.of, self.is_cut or other.is_cut)


@dataclass(frozen=True, slots=True)
class Looked:
    """What all sources together say."""

    changes: tuple[LogChange, ...]  # gravest first
    templates: int
    current: Amount
    baseline: Amount
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()  # sources that did not answer, and what else is to be known

    @property
    def is_thinned(self) -> bool:
        """Whether there are more lines than were read."""
        return any(side.is_cut or side.of > side.lines * THINNED for side in (self.current, self.baseline))


@dataclass(frozen=True, slots=True)
class _Side:
    """The lines of one window, and the window that they cover."""

    lines: Sequence[LogLine]
    window: Window
    amount: Amount

    @property
    def share(self) -> float:
        """Of the lines that there are, those that are here."""
        return self.amount.lines / self.amount.of if self.amount.of else 1.0

    @property
    def is_thinned(self) -> bool:
        return self.amount.is_cut or self.share < 1 / THINNED


async def look(context: StepContext, where: Labels, words: str, source: str | None, most: int) -> Looked:
    """What changed in the lines of every source that answers.

    Raises NoData where there is no source of logs, UsageError for one that is not there, SourceError where none
    answers.
    """
    readers = chosen(context.estate.logs, source, "logs", context)
    told, silent = await all_that_answer(
        {name: _one(reader, name, context, where, words, most) for name, reader in readers.items()}
    )
    changes = sorted((change for one in told for change in one.changes), key=_gravity)
    return Looked(
        tuple(changes),
        sum(one.templates for one in told),
        sum((one.current for one in told), Amount()),
        sum((one.baseline for one in told), Amount()),
        tuple(readers),
        (*(note for one in told for note in one.notes), *(f"{name} did not answer" for name in silent)),
    )


async def _one(reader: LogReader, name: str, context: StepContext, where: Labels, words: str, most: int) -> Looked:
    try:
        async with asyncio.timeout(SOURCE_SECONDS):
            current, baseline = await _both(reader, context, LogRequest(Span(0, 0), where, words, most=most))
            found = await asyncio.to_thread(_compared, current, baseline)
            changes, notes = found.changes, tuple[str, ...]()
            if current.is_thinned or baseline.is_thinned:
                graver = LogRequest(Span(0, 0), where, words, grave=True, most=most)
                trouble = await _both(reader, context, graver)
                notes = (f"lines of trouble: {trouble[0].amount.said}, {trouble[1].amount.said} in the baseline",)
                traffic = found.exposure / _portion(current, baseline)
                changes = await asyncio.to_thread(_with_trouble, changes, trouble, traffic)
    except TimeoutError:
        raise SourceError(
            f"source {name} took more than {SOURCE_SECONDS:g} s to find its lines", "ask for less"
        ) from None
    return Looked(changes, found.templates, current.amount, baseline.amount, (name,), notes)


def _compared(current: _Side, baseline: _Side) -> LogChanges:
    """What changed, where both sides have something to say."""
    portion = _portion(current, baseline)
    if not current.lines or not baseline.lines:
        return LogChanges((), 0, portion)
    before = _apart(current, baseline)
    kept = current.share / baseline.share
    return log_changes([*before.lines, *current.lines], current.window, before.window, kept=kept)


def _with_trouble(changes: Sequence[LogChange], sides: tuple[_Side, _Side], traffic: float) -> tuple[LogChange, ...]:
    """The changes of the first look, those of trouble replaced by what the second one found.

    `traffic` says how much more is written now than before, all lines considered. Without a line of trouble the
    baseline is all the better known: its window says for how long nothing was said.
    """
    current, before = sides[0], _apart(*sides)
    lines = [line for side in (before, current) for line in side.lines if is_trouble(line.severity, line.body)]
    found = log_changes(lines, current.window, before.window, exposure=traffic * _portion(current, before))
    quiet = (change for change in changes if not change.is_trouble)
    return (*(change for change in found.changes if change.is_trouble), *quiet)


def _portion(current: _Side, baseline: _Side) -> float:
    """Lines to expect of the current side for each one of the baseline's, were as much written now as before."""
    seconds = [max(sum(span.seconds for span in side.window.spans), 1e-3) for side in (current, baseline)]
    return seconds[0] / seconds[1] * current.share / baseline.share


async def _both(reader: LogReader, context: StepContext, request: LogRequest) -> tuple[_Side, _Side]:
    current, baseline = await asyncio.gather(
        *(_side(reader, window, request) for window in (context.current, context.baseline))
    )
    return current, baseline


async def _side(reader: LogReader, window: Window, request: LogRequest) -> _Side:
    """The lines of a window; where a source gave the newest only, the window that those cover."""
    where = Labels.of(dict(request.where) | dict(window.where))
    most = max(request.most // len(window.spans), 1)
    answers = await asyncio.gather(
        *(reader.logs(replace(request, span=span, where=where, most=most)) for span in window.spans)
    )
    lines: list[LogLine] = []
    spans: list[Span] = []
    is_cut = False
    for span, answer in zip(window.spans, answers, strict=True):
        told = [line for line in answer[-most:] if span.start <= line.time < span.end]
        newest_only = len(told) >= most and all(line.stands_for <= THINNED for line in told)
        spans.append(Span(told[0].time, span.end) if newest_only else span)
        is_cut |= newest_only
        lines += told
    amount = Amount(len(lines), sum(max(line.stands_for, 1.0) for line in lines), is_cut)
    return _Side(lines, replace(window, spans=tuple(spans)), amount)


def _apart(current: _Side, baseline: _Side) -> _Side:
    """The baseline as if it lay before: what is compared at the same time (a canary with its siblings) overlaps."""
    if not any(one.overlaps(other) for one in current.window.spans for other in baseline.window.spans):
        return baseline
    shift = baseline.window.end - current.window.start + 1.0
    return _Side(
        [replace(line, time=line.time - shift) for line in baseline.lines],
        replace(
            baseline.window, spans=tuple(Span(one.start - shift, one.end - shift) for one in baseline.window.spans)
        ),
        baseline.amount,
    )


def _gravity(change: LogChange) -> tuple[int, float]:
    return ORDER.index(change.verdict), -change.news.score


def count_of(count: float, word: str) -> str:
    """How many of a thing; what was reckoned from a part of it is rounded.

    >>> count_of(1, "line"), count_of(51_234.7, "line")
    ('1 line', 'about 51,000 lines')
    """
    if abs(count - round(count)) < 1e-6:
        return f"{count:,.0f} {word}{'' if round(count) == 1 else 's'}"
    return f"about {int(round(count, 2 - len(str(int(count))))):,} {word}s"
