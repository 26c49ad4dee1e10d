"""The rows of one table against those of another: all that `andon drift` says, with no daemon and no playbook.

It looks as a playbook's `drift` step looks. What differs is where the past is: in the baseline's own rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from console.analysis.columns.bins import aligned
from console.analysis.performance import performance
from console.errors import PluginError
from console.model import ColumnDrift, Exemplar, IntegrityIssue, Performance, Profile, Record, Span, Verdict
from console.playbook.steps.drift import Found, look_at, outcome
from console.playbook.steps.rows import DAY, Look, Rows, with_neighbours
from console.plugins import Plugins, guard
from console.sources.types import OutcomesRequest, TableReader
from console.triage.diagnose import VERDICTS
from console.triage.world_or_model import WorldOrModel, signs_of, world_or_model

FEWEST_PLACES = 3  # days that hold the current hour, for the same hour to be what teaches the usual wobble
MOST_PLACES = 28
MOST_WINDOWS = 60  # that teach where days are no help
ANSWER_STEPS = 40  # of the current window: enough to see since when, and rows enough in each
MOST_ANSWER_STEPS = 480  # of the baseline
TRAILING = 7  # of the newest past windows: what a step is a step from


class AnsweredRows(TableReader, Protocol):
    """Rows that say how they were answered, too."""

    async def outcomes(self, request: OutcomesRequest) -> Record: ...


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What changed between two sets of rows (`andon schema drift`)."""

    verdict: Verdict
    world_or_model: WorldOrModel
    columns: tuple[ColumnDrift, ...]  # the gravest first
    integrity: tuple[IntegrityIssue, ...]
    performance: Performance | None  # None where no answers were asked about
    rows: tuple[int, int]  # baseline, current
    windows: tuple[Span | None, Span | None]  # of the rows' times: baseline, current
    exemplars: tuple[Exemplar, ...] = ()  # one row of each side, of the gravest column


@dataclass(frozen=True, slots=True)
class Examined:
    """The report, and the counts that it was made from, for whoever draws them."""

    report: DriftReport
    baseline: Profile
    current: Profile
    outputs: frozenset[str] = frozenset()  # columns that are known to be the model's answers


async def examine(
    baseline: AnsweredRows,
    current: AnsweredRows,
    extents: tuple[Span | None, Span | None],
    slices: Sequence[str],
    plugins: Plugins,
    answers: OutcomesRequest | None = None,
) -> Examined:
    """All rows of two tables, one against the other; `extents` are the times they span, where they have times.

    `answers` says which columns are the model's answers and their labels. Raises NoData for a baseline without rows,
    and whatever the tables raise.
    """
    look = look_between(baseline, current, extents, slices)
    found = await look_at(look)
    said = outcome("drift", found).values
    answered = None if answers is None else await how_well(baseline, current, answers, extents)
    report = DriftReport(
        verdict=_gravest([found.drift.verdict, *(() if answered is None else (answered.verdict,))]),
        world_or_model=world_or_model(signs_of(said, labels=None if answered is None else answered.is_worse)),
        columns=tuple(measured(column, found, plugins) for column in found.columns),
        integrity=found.drift.integrity,
        performance=answered,
        rows=found.drift.rows,
        windows=extents,
        exemplars=found.pair,
    )
    return Examined(report, found.baseline, found.current, found.outputs)


async def how_well(
    baseline: AnsweredRows, current: AnsweredRows, answers: OutcomesRequest, extents: tuple[Span | None, Span | None]
) -> Performance:
    """The current answers against the baseline's, in steps of time where rows have times."""
    then, now = extents
    if then is not None and now is not None and now.seconds > 0:
        answers = replace(answers, every=max(now.seconds / ANSWER_STEPS, then.seconds / MOST_ANSWER_STEPS))
    before = await baseline.outcomes(answers)
    return performance(await current.outcomes(replace(answers, like=before)), before)


def measured(column: ColumnDrift, found: Found, plugins: Plugins) -> ColumnDrift:
    """The column with what plugins measure of it, where it is not well; a measure that fails is named and left out."""
    before, now = found.baseline.column(column.name), found.current.column(column.name)
    if column.verdict is Verdict.OK or before is None or now is None or before.kind != now.kind or not before.counts:
        return column
    sides = [one.counts for one in aligned(before, now)]
    values = []
    for plugin, offer in plugins.offers("andon_drift_measures"):
        try:
            values.append((offer.title, guard(plugin, offer.name, lambda: float(offer.measure(*sides)))))  # noqa: B023
        except PluginError as problem:
            plugins.note(problem)
    return replace(column, measures=tuple(values))


def look_between(
    baseline: TableReader, current: TableReader, extents: tuple[Span | None, Span | None], slices: Sequence[str]
) -> Look:
    """The questions to two tables: the current one is one window, the baseline holds its past."""
    then, now = extents
    places = past_places(now, then) if now is not None and then is not None else ()
    return Look(
        current=Rows(current, () if now is None else (now,)),
        baseline=Rows(baseline, () if then is None else (then,)),
        past=Rows(baseline, places),
        slices=tuple(slices),
        interval=0.0,
        trailing=TRAILING,
    )


def past_places(current: Span, baseline: Span) -> tuple[Span, ...]:
    """Where the baseline holds windows as long as the current one: at the same hour of its days, else one by one.

    Each span is to be cut into windows of the current one's length.
    """
    length = current.seconds
    if length <= 0:
        return ()
    first = math.ceil((current.end - baseline.end) / DAY)
    days = (Span(current.start - day * DAY, current.end - day * DAY) for day in range(first, first + MOST_PLACES))
    held = [day for day in days if day.start >= baseline.start and not day.overlaps(current)]
    if len(held) >= FEWEST_PLACES and length <= DAY / 2:
        return tuple(with_neighbours(day) for day in reversed(held))
    windows = min(int(baseline.seconds / length), MOST_WINDOWS)
    return (Span(baseline.end - windows * length, baseline.end),) if windows >= FEWEST_PLACES else ()


def _gravest(verdicts: Sequence[Verdict]) -> Verdict:
    return min(verdicts, key=VERDICTS.index)
