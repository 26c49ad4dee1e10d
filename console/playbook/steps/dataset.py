"""Rows of a file or an object as a baseline: what a model was trained on, or what was kept of a good day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from console.model import Exemplar, Profile
from console.sources.types import ExemplarRequest, ProfileGroup, ProfileRequest

if TYPE_CHECKING:
    from console.sources.at_hand import AtHand

T = TypeVar("T")

LABELS = frozenset({"label", "target", "y"})  # what was learned is no input, and the live rows have it late or never


class Dataset:
    """A TableReader of a path, a URL or a glob: opened when first asked, and read in a thread, one ask at a time."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._rows: AtHand | None = None
        self._alone = asyncio.Lock()

    async def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup]:
        """As any table; all its rows, for it has no window, and without labels where no column is asked for by name."""
        groups = await self._told(lambda rows: rows.profiles(replace(request, spans=())))
        if request.columns or request.like is not None:
            return groups
        return [replace(group, profile=_inputs(group.profile)) for group in groups]

    async def exemplars(self, request: ExemplarRequest) -> Sequence[Exemplar]:
        return await self._told(lambda rows: rows.exemplars(replace(request, spans=())))

    async def slices(self) -> Sequence[str]:
        return await self._told(lambda rows: rows.slices())

    async def outputs(self) -> Sequence[str]:
        return await self._told(lambda rows: rows.outputs())

    async def _told(self, ask: Callable[[AtHand], Awaitable[T]]) -> T:
        async with self._alone:
            return await asyncio.to_thread(lambda: asyncio.run(_whole(ask(self._open()))))

    def _open(self) -> AtHand:
        from console.sources.at_hand import AtHand, usual_time  # rows cost a second to import

        if self._rows is None:
            self._rows = AtHand([self.path], time=usual_time([self.path]))
        return self._rows


async def _whole(told: Awaitable[T]) -> T:
    return await told


def _inputs(profile: Profile) -> Profile:
    return replace(profile, columns=tuple(each for each in profile.columns if each.name.casefold() not in LABELS))
