"""A model's table as the looks at its drift see it: one look's questions belong together, and its bins are the last
look's, so that what was counted then need not be counted again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from console.model import ColumnDrift, Exemplar, Profile, Span, Verdict
from console.playbook.steps.drift import Found, explained
from console.playbook.steps.rows import Look
from console.sources.estate import Situation
from console.sources.types import ExemplarRequest, ProfileGroup, ProfileRequest, Progress, TableReader

MINUTE = 60.0
FITTED_SECONDS = 3600.0  # that bins serve; another hour has another baseline
EXPLAINED_SECONDS = 300.0  # that an explanation serves, where the same columns drift


def whole_minutes(situation: Situation) -> Situation:
    """The same on whole minutes, of which followed counts are made: now a little earlier, incidents a little longer."""
    return replace(
        situation,
        now=situation.now // MINUTE * MINUTE,
        excluded=[_around(span) for span in situation.excluded],
        pins={name: tuple(_around(span) for span in spans) for name, spans in situation.pins.items()},
    )


def _around(span: Span) -> Span:
    return Span(span.start // MINUTE * MINUTE, -(-span.end // MINUTE) * MINUTE)


@dataclass(slots=True)
class Memory:
    """What one look leaves to the next."""

    bins: Profile | None = None  # the baseline that they were fitted to
    fitted: float = float("-inf")
    found: Found | None = None  # with onsets, slices and a pair of rows
    explained: float = float("-inf")


@dataclass(slots=True)
class FollowedTable:
    """A TableReader for the questions of one look."""

    table: TableReader
    memory: Memory
    look: float

    async def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup]:
        """As the table's. What asks for fresh bins, or for those of the baseline, gets the memory's."""
        memory = self.memory
        if memory.bins is not None and self.look - memory.fitted >= FITTED_SECONDS:
            memory.bins = None
        request = replace(request, look=self.look)
        if request.like is None and memory.bins is None:
            groups = await self.table.profiles(request)
            if len(groups) != 1 or not groups[0].profile.rows:
                return groups
            memory.bins, memory.fitted = groups[0].profile, self.look
        return await self.table.profiles(replace(request, like=memory.bins or request.like))

    async def exemplars(self, request: ExemplarRequest) -> Sequence[Exemplar]:
        return await self.table.exemplars(replace(request, look=self.look))

    async def slices(self) -> Sequence[str]:
        return await self.table.slices()

    async def outputs(self) -> Sequence[str]:
        return await self.table.outputs()

    async def explain(self, look: Look, found: Found) -> Found:
        """What explains the columns that drifted; what did a while ago, where no other column does."""
        before, memory = self.memory.found, self.memory
        is_new = before is None or _drifted(before.worst) != _drifted(found.worst)
        if before is None or is_new or self.look - memory.explained >= EXPLAINED_SECONDS:
            memory.found, memory.explained = await explained(look, found), self.look
            return memory.found
        known = {column.name: column for column in before.worst}
        worst = tuple(
            replace(column, onset=known[column.name].onset, slice=known[column.name].slice)
            if column.name in known else column
            for column in found.worst
        )  # fmt: skip
        return replace(found, worst=worst, pair=before.pair)

    async def how_far(self) -> Progress | None:
        """How far its rows were read; None where the table does not say."""
        ask: Callable[[], Awaitable[Progress]] | None = getattr(self.table, "progress", None)
        return None if ask is None else await ask()


def _drifted(columns: Sequence[ColumnDrift]) -> set[str]:
    return {column.name for column in columns if column.verdict is Verdict.DEGRADED}
