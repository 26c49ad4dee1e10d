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
from console.sources.types import ExemplarRequest, ProfileGroup, ProfileRequest, TableReader

DAY = 86400.0
PAST_DAYS = 7  # whose windows of the same hour teach a column's usual wobble, where no seasons are pooled
NEIGHBOURS = 1  # windows on each side of a past one that teach too
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
        current, compared = self.context.current, self.context.baseline.spans
        length = current.end - current.start
        places = past_places(current, self.context.baseline)
        found = await asyncio.gather(*(self._around(place, length, baseline) for place in places))
        return [
            group.profile
            for group in (group for groups in found for group in groups)
            if group.profile.rows and self._is_quiet(group.start, length) and not _is_alone(group.start, compared)
        ]

    async def _around(self, place: Span, length: float, baseline: Profile) -> Sequence[ProfileGroup]:
        """A past window and its neighbours: the same phase, and as many times more to learn from."""
        wide = Span(place.start - NEIGHBOURS * length, place.end + NEIGHBOURS * length)
        where = self.where(self.context.current)
        return await self._cut(ProfileRequest((wide,), where, self.columns, like=baseline, every=length))

    async def _cut(self, request: ProfileRequest) -> Sequence[ProfileGroup]:
        """Steps of time; none where the table's rows have no time."""
        try:
            return await self.table.profiles(request)
        except UsageError:
            return ()

    def _is_quiet(self, start: float | None, length: float) -> bool:
        return start is not None and not any(
            _overlap(Span(start, start + length), hole) for hole in self.context.excluded
        )

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

    async def slots(self, spans: tuple[Span, ...], every: float, baseline: Profile) -> list[tuple[float, Profile]]:
        """(start, counts) of each `every` seconds of these spans; nothing where the table's rows have no time."""
        where = self.where(self.context.current)
        groups = await self._cut(ProfileRequest(spans, where, self.columns, like=baseline, every=every))
        return [(group.start, group.profile) for group in groups if group.start is not None]

    async def _timed(self, baseline: Profile) -> list[tuple[float, Profile]]:
        """The current window in short steps."""
        spans = self.context.current.spans
        length = sum(span.seconds for span in spans)
        return await self.slots(spans, max(self.context.interval, length / ONSET_STEPS), baseline)

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
                if share is not None and (column not in best or share.excess > best[column].excess):
                    best[column] = replace(share, column=slicing)
        return best

    async def pair(self, column: ColumnDrift, baseline: Profile) -> tuple[Exemplar, ...]:
        """One typical row of each side, of the slice that explains the drift; nothing where there is none to show."""
        now, then = self.context.current, self.context.baseline
        only = {column.slice.column: column.slice.value} if column.slice else {}
        since = now.start if column.onset is None else column.onset
        spans = tuple(Span(max(span.start, since), span.end) for span in now.spans if span.end > since)
        after = (await self.profile(spans, now, like=baseline, only=only)).column(column.name)
        before = (await self.profile(then.spans, then, like=baseline, only=only)).column(column.name)
        shown = [
            *await self._exemplar("baseline", then.spans, then, only, column.name, before.mean if before else None),
            *await self._exemplar("current", spans, now, only, column.name, gained(after, before) if after else None),
        ]
        return tuple(shown) if len(shown) == 2 else ()

    async def _exemplar(
        self,
        side: Literal["current", "baseline"],
        spans: tuple[Span, ...],
        window: Window,
        only: Mapping[str, str],
        column: str,
        near: float | None,
    ) -> Sequence[Exemplar]:
        where = Labels.of(self.where(window), **only)
        return await self.table.exemplars(ExemplarRequest(side, spans, where, column=column, near=near))


def gained(current: ColumnProfile, baseline: ColumnProfile | None) -> float | None:
    """The value that tells the current rows: the middle of the bin that holds most more of them than it did.

    Their mean would not do: where a part of the rows moved, it may lie where no row is. None for what has no order.
    """
    if baseline is None or not current.edges or current.edges != baseline.edges:
        return current.mean
    ends = [current.minimum, *current.edges, current.maximum]
    now, then = max(sum(current.counts), 1), max(sum(baseline.counts), 1)
    more = [a / now - b / then for a, b in zip(current.counts, baseline.counts, strict=True)]
    at = more.index(max(more))
    low = current.edges[0] if ends[at] is None else ends[at]
    high = current.edges[-1] if ends[at + 1] is None else ends[at + 1]
    return None if low is None or high is None else (low + high) / 2


def past_places(current: Window, baseline: Window) -> list[Span]:
    """The current window's place in each pooled season, or at the same hour of the days before."""
    length = current.end - current.start
    if baseline.kind == "seasonal":
        return [span for span in baseline.spans if abs(span.seconds - length) < 1]
    return [Span(current.start - day * DAY, current.end - day * DAY) for day in range(1, PAST_DAYS + 1)]


def _is_alone(start: float | None, compared: Sequence[Span]) -> bool:
    """Whether this past window is the whole baseline: against itself it would teach that nothing ever wobbles."""
    return len(compared) == 1 and start is not None and abs(start - compared[0].start) < 1


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
