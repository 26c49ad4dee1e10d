"""Tables of a scene: real rows in real files, counted by the real source of tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from console.lab.chance import key_of
from console.lab.course import DAY
from console.model import Exemplar, Profile
from console.sources.options import TableOptions
from console.sources.tables import Table
from console.sources.types import ExemplarRequest, ProfileGroup, ProfileRequest

RowMaker = Callable[[np.random.Generator, Any], Mapping[str, Any]]
"""(chance, times) -> the columns of rows at these times: arrays or lists of their length."""


@dataclass(frozen=True, slots=True)
class TableScene:
    """A table: how its rows are made, how many there are, and what its source is told of it."""

    name: str
    model: str
    rows: RowMaker
    per_minute: float
    days: int
    hours: float
    cuts: tuple[float, ...]
    options: Mapping[str, Any]

    def opened(self, folder: Path, seed: int, now: float) -> OpenTable:
        """Its files, written there, and the source that reads them."""
        folder.mkdir(parents=True)
        for number, (start, end) in enumerate(self._pieces(now)):
            random = np.random.default_rng(key_of(seed, self.name, number))
            times = np.sort(random.uniform(start, end, round((end - start) / 60.0 * self.per_minute))).round(3)
            columns = {name: np.asarray(values).tolist() for name, values in self.rows(random, times).items()}
            if not columns:
                continue
            columns["time"] = times.tolist()
            made = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
            path = folder / f"rows-{number:03}.jsonl"
            path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in made))
        given = {"path": str(folder / "rows-*.jsonl"), "model": self.model, **self.options}
        return OpenTable(Table(self.name, TableOptions.model_validate(given)))

    def _pieces(self, now: float) -> Iterator[tuple[float, float]]:
        """(start, end) of each file, oldest first."""
        length = self.hours * 3600.0
        for day in range(self.days, 0, -1):
            yield now - day * DAY - length, now - day * DAY + length
        edges = sorted({length, 0.0, *(cut for cut in self.cuts if 0 < cut < length)}, reverse=True)
        for first, last in itertools.pairwise(edges):
            yield now - first, now - last


class OpenTable:
    """The source of tables, in this process, with the coroutines that its child would have."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup]:
        return [replace(group, profile=_steady(group.profile)) for group in self._table.profiles(request)]

    async def exemplars(self, request: ExemplarRequest) -> Sequence[Exemplar]:
        return self._table.exemplars(request)

    async def slices(self) -> Sequence[str]:
        return self._table.slices()

    async def outputs(self) -> Sequence[str]:
        return self._table.outputs()


def _steady(profile: Profile) -> Profile:
    """Without the last digits of its sums: they depend on which thread was first."""
    columns = tuple(
        column if column.mean is None else replace(column, mean=_short(column.mean)) for column in profile.columns
    )
    if (found := profile.relations) is not None:
        found = replace(found, products=tuple(map(_short, found.products)), sums=tuple(map(_short, found.sums)))
    return replace(profile, columns=columns, relations=found)


def _short(number: float) -> float:
    return float(f"{number:.9g}")
