"""The questions that `drift` asks of some rows: counts now, then and in the past, since when, which slice, examples."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from console.analysis.profiles import merged
from console.analysis.slices import counts_onset, explaining_slice
from console.errors import UsageError
from console.model import (
    NO_LABELS,
    ColumnDrift,
    ColumnProfile,
    Exemplar,
    Labels,
    Profile,
    SliceShare,
    Span,
    Verdict,
    Window,
)
from console.sources.types import ExemplarRequest, ProfileGroup, ProfileRequest, TableReader

DAY = 86400.0
PAST_DAYS = 7  # whose windows of the same hour teach a column's usual wobble, where no seasons are pooled
NEIGHBOURS = 1  # windows on each side of a past one that teach too
MOST_SLICING = 4  # columns that a drift is split by
MOST_VALUES = 32  # of a column that may be sliced by
NO_SLICE: Mapping[str, str] = {}
ONSET_STEPS = 240  # the current window is cut into at most so many


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table: those within the spans (all of them where there are none) with these values."""

    table: TableReader
    spans: tuple[Span, ...] = ()
    where: Labels = NO_LABELS
    columns: tuple[str, ...] = ()  # all that are inputs or outputs when empty

    async def profile(self, like: Profile | None = None, only: Mapping[str, str] = NO_SLICE) -> Profile:
        """These rows as counts, `only` those with some further values."""
        where = Labels.of(self.where, **only)
        groups = await self.table.profiles(ProfileRequest(self.spans, where, self.columns, like=like))
        return groups[0].profile if groups else Profile((), 0)

    async def by(self, slicing: str, columns: Sequence[str], like: Profile) -> dict[str, Profile]:
        """The counts of some columns for each value of another one."""
        request = ProfileRequest(self.spans, self.where, tuple(columns), like=like, by=slicing, sampled=False)
        groups = await self.table.profiles(request)
        return {group.value: group.profile for group in groups if group.value is not None}

    async def steps(self, every: float, like: Profile, *, sampled: bool = False) -> list[tuple[float, Profile]]:
        """(start, counts) of each `every` seconds; nothing where the table's rows have no time.

        With `sampled`, also what a sample says of each: how columns go together, values that many rows share.
        """
        request = ProfileRequest(self.spans, self.where, self.columns, like=like, every=every, sampled=sampled)
        try:
            groups: Sequence[ProfileGroup] = await self.table.profiles(request)
        except UsageError:
            return []
        return [(group.start, group.profile) for group in groups if group.start is not None]

    async def exemplar(
        self, side: Literal["current", "baseline"], column: str, near: float | None, only: Mapping[str, str]
    ) -> Sequence[Exemplar]:
        """The row nearest to a value of a column, in words."""
        where = Labels.of(self.where, **only)
        return await self.table.exemplars(ExemplarRequest(side, self.spans, where, column=column, near=near))


@dataclass(frozen=True, slots=True)
class Look:
    """Current rows against those of a baseline, and what is asked of both."""

    current: Rows
    baseline: Rows
    past: Rows  # each of its spans holds whole windows as long as the current one, and of its phase
    slices: tuple[str, ...] = ()
    excluded: Sequence[Span] = ()  # known incidents: nothing is learned from them
    interval: float = 15.0  # seconds: no onset is told more finely
    trailing: int = 0  # so many of the newest past windows are what a step is a step from; 0: the baseline is

    @property
    def length(self) -> float:
        """Seconds of the current window; 0 where its rows have no time."""
        return self.current.spans[-1].end - self.current.spans[0].start if self.current.spans else 0.0

    def newest(self, history: Sequence[Profile]) -> Profile | None:
        """The newest past windows as one, where there are others before them: what a step is a step from."""
        return merged(history[-self.trailing :]) if 0 < self.trailing < len(history) else None

    async def history(self, baseline: Profile) -> list[Profile]:
        """Past windows that have rows, the oldest first: what this table's usual wobble is learned from."""
        if not self.length:
            return []
        cut = (replace(self.past, spans=(span,)).steps(self.length, baseline, sampled=True) for span in self.past.spans)
        found = sorted((pair for steps in await asyncio.gather(*cut) for pair in steps), key=lambda pair: pair[0])
        return [
            profile
            for start, profile in found
            if profile.rows and self._is_quiet(start) and not _is_alone(start, self.baseline.spans)
        ]

    def _is_quiet(self, start: float) -> bool:
        return not any(Span(start, start + self.length).overlaps(hole) for hole in self.excluded)

    async def explained(self, columns: list[ColumnDrift], baseline: Profile, current: Profile) -> list[ColumnDrift]:
        """The same columns with their onset and the slice that explains most of each."""
        asked = [column for column in columns if column.verdict is Verdict.DEGRADED]
        if not asked:
            return columns
        timed = await self._timed(baseline)
        shares = await self._slices([column.name for column in asked], baseline, current)
        return [
            column
            if column.verdict is not Verdict.DEGRADED
            else replace(column, onset=counts_onset(column.name, baseline, timed), slice=shares.get(column.name))
            for column in columns
        ]

    async def _timed(self, baseline: Profile) -> list[tuple[float, Profile]]:
        """The current window in short steps."""
        length = sum(span.seconds for span in self.current.spans)
        return await self.current.steps(max(self.interval, length / ONSET_STEPS), baseline) if length else []

    async def _slices(self, columns: list[str], baseline: Profile, current: Profile) -> dict[str, SliceShare]:
        best: dict[str, SliceShare] = {}
        table = self.current.table
        asked = self.slices or await table.slices() or slicing_columns(baseline, current, await table.outputs())
        for slicing in asked[:MOST_SLICING]:
            then, now = await asyncio.gather(
                self.baseline.by(slicing, columns, baseline), self.current.by(slicing, columns, baseline)
            )
            for column in columns if then and now else ():
                share = explaining_slice(column, then, now) if column != slicing else None
                if share is not None and (column not in best or share.excess > best[column].excess):
                    best[column] = replace(share, column=slicing)
        return best

    async def pair(self, column: ColumnDrift, baseline: Profile) -> tuple[Exemplar, ...]:
        """One typical row of each side, of the slice that explains the drift; nothing where there is none to show."""
        only = {column.slice.column: column.slice.value} if column.slice else {}
        now, then = self._since(column.onset), self.baseline
        after = (await now.profile(baseline, only)).column(column.name)
        before = (await then.profile(baseline, only)).column(column.name)
        shown = [
            *await then.exemplar("baseline", column.name, before.mean if before else None, only),
            *await now.exemplar("current", column.name, gained(after, before) if after else None, only),
        ]
        return tuple(shown) if len(shown) == 2 else ()

    def _since(self, onset: float | None) -> Rows:
        """The current rows from an onset on."""
        if onset is None:
            return self.current
        kept = tuple(Span(max(span.start, onset), span.end) for span in self.current.spans if span.end > onset)
        return replace(self.current, spans=kept)


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


def with_neighbours(place: Span) -> Span:
    """A past window and those beside it: the same phase, and as many times more to learn from."""
    return Span(place.start - NEIGHBOURS * place.seconds, place.end + NEIGHBOURS * place.seconds)


def _is_alone(start: float, compared: Sequence[Span]) -> bool:
    """Whether this past window is the whole baseline: against itself it would teach that nothing ever wobbles."""
    return len(compared) == 1 and abs(start - compared[0].start) < 1


def slicing_columns(baseline: Profile, current: Profile, outputs: Sequence[str] = ()) -> list[str]:
    """Categorical inputs of both sides with few enough values to split by, the coarsest first."""
    fitting = [
        column
        for column in baseline.columns
        if column.kind in ("categorical", "boolean")
        and current.column(column.name) is not None
        and not column.of
        and column.name not in outputs
        and 2 <= len(column.categories) <= MOST_VALUES
    ]
    return [column.name for column in sorted(fitting, key=lambda column: len(column.categories))][:MOST_SLICING]
