"""The questions that `drift` asks of one table: counts now, then and in the past, since when, which slice, examples."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from console.analysis.slices import counts_onset, explaining_slice
from console.errors import UsageError
from console.model import ColumnDrift, ColumnProfile, Exemplar, Labels, Profile, SliceShare, Span, Verdict, Window
from console.playbook.step import StepContext
from console.sources.types import ExemplarRequest, ProfileRequest, TableReader

DAY = 86400.0
PAST_WINDOWS = 7  # how many windows of the same hour teach a column's usual wobble
MOST_SLICING = 4  # columns that a drift is split by
MOST_VALUES = 32  # of a column that may be sliced by
NO_SLICE: Mapping[str, str] = {}
ONSET_STEPS = 240  # the current window is cut into at most so many


@dataclass(frozen=True, slots=True)
class Look:
    """One step's questions to one table."""

    table: TableReader
    context: StepContext
    columns: tuple[str, ...]  # all input columns when empty
    chosen: Mapping[str, str]  # only rows with these values; an empty value selects all
    slices: tuple[str, ...]

    def where(self, window: Window) -> Labels:
        """Which rows of a window are meant."""
        return Labels.of({column: value for column, value in self.chosen.items() if value} | dict(window.where))

    async def profile(
        self,
        spans: tuple[Span, ...],
        window: Window,
        like: Profile | None = None,
        only: Mapping[str, str] = NO_SLICE,
    ) -> Profile:
        """The rows of these spans as counts, selected as in `window` and further to `only` these values."""
        request = ProfileRequest(spans, Labels.of(self.where(window), **only), self.columns, like=like)
        groups = await self.table.profiles(request)
        return groups[0].profile if groups else Profile((), 0)

    async def history(self, baseline: Profile) -> list[Profile]:
        """Past windows of the same phase that have rows: what this table's usual wobble is learned from."""
        windows = past_windows(self.context.current, self.context.baseline, self.context.excluded)
        profiles = await asyncio.gather(
            *(self.profile(spans, self.context.current, like=baseline) for spans in windows)
        )
        return [profile for profile in profiles if profile.rows]

    async def explained(self, columns: list[ColumnDrift], baseline: Profile) -> list[ColumnDrift]:
        """The same columns with their onset and the slice that explains most of each."""
        asked = [column for column in columns if column.verdict is Verdict.DEGRADED]
        if not asked:
            return columns
        timed = await self._timed(baseline)
        shares = await self._slices([column.name for column in asked], baseline)
        return [
            column
            if column.verdict is not Verdict.DEGRADED
            else replace(column, onset=counts_onset(column.name, baseline, timed), slice=shares.get(column.name))
            for column in columns
        ]

    async def _timed(self, baseline: Profile) -> list[tuple[float, Profile]]:
        """The current window in short steps; nothing where the table's rows have no time."""
        current = self.context.current
        length = sum(span.seconds for span in current.spans)
        request = ProfileRequest(
            current.spans,
            self.where(current),
            self.columns,
            like=baseline,
            every=max(self.context.interval, length / ONSET_STEPS),
        )
        try:
            groups = await self.table.profiles(request)
        except UsageError:
            return []
        return [(group.start, group.profile) for group in groups if group.start is not None]

    async def _slices(self, columns: list[str], baseline: Profile) -> dict[str, SliceShare]:
        best: dict[str, SliceShare] = {}
        asked = self.slices or await self.table.slices() or slicing_columns(baseline, await self.table.outputs())
        for slicing in asked[:MOST_SLICING]:
            sides = []
            for window in (self.context.baseline, self.context.current):
                groups = await self.table.profiles(
                    ProfileRequest(window.spans, self.where(window), tuple(columns), like=baseline, by=slicing)
                )
                sides.append({group.value: group.profile for group in groups if group.value is not None})
            for column in columns:
                share = explaining_slice(column, sides[0], sides[1]) if column != slicing else None
                if share is not None and (column not in best or share.share > best[column].share):
                    best[column] = replace(share, column=slicing)
        return best

    async def pair(self, column: ColumnDrift, baseline: Profile) -> tuple[Exemplar, ...]:
        """One typical row of each side, of the slice that explains the drift; nothing where there is none to show."""
        now, then = self.context.current, self.context.baseline
        only = {column.slice.column: column.slice.value} if column.slice else {}
        since = now.start if column.onset is None else column.onset
        spans = tuple(Span(max(span.start, since), span.end) for span in now.spans if span.end > since)
        # Typical of what came after the onset: the whole window's mean may lie where no row is.
        after = await self.profile(spans, now, like=baseline, only=only)
        before = await self.profile(then.spans, then, like=baseline, only=only)
        shown = [
            *await self._exemplar("baseline", then.spans, then, only, before.column(column.name)),
            *await self._exemplar("current", spans, now, only, after.column(column.name)),
        ]
        return tuple(shown) if len(shown) == 2 else ()

    async def _exemplar(
        self,
        side: Literal["current", "baseline"],
        spans: tuple[Span, ...],
        window: Window,
        only: Mapping[str, str],
        column: ColumnProfile | None,
    ) -> Sequence[Exemplar]:
        name, mean = (None, None) if column is None else (column.name, column.mean)
        where = Labels.of(self.where(window), **only)
        return await self.table.exemplars(ExemplarRequest(side, spans, where, column=name, near=mean))


def past_windows(current: Window, baseline: Window, excluded: Sequence[Span] = ()) -> list[tuple[Span, ...]]:
    """Earlier windows of the current one's length and hour: the pooled seasons, or the same hour of the days before."""
    if baseline.kind == "seasonal" and len(baseline.spans) > 1:
        return [(span,) for span in baseline.spans]
    shifted = [
        tuple(Span(span.start - day * DAY, span.end - day * DAY) for span in current.spans)
        for day in range(1, PAST_WINDOWS + 1)
    ]
    return [
        spans
        for spans in shifted
        if spans != baseline.spans and not any(_overlap(span, hole) for span in spans for hole in excluded)
    ]


def slicing_columns(profile: Profile, outputs: Sequence[str] = ()) -> list[str]:
    """Categorical inputs with few enough values to split by, the coarsest first."""
    fitting = [
        column
        for column in profile.columns
        if column.kind == "categorical" and column.name not in outputs and 2 <= len(column.categories) <= MOST_VALUES
    ]
    return [column.name for column in sorted(fitting, key=lambda column: len(column.categories))][:MOST_SLICING]


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
