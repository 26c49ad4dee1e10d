"""A table opened in this very process, for a command that looks once: it may block, and nothing else waits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from console.errors import SourceMalformed, UsageError
from console.model import Exemplar, Profile, Record, Span
from console.sources.databases import Database
from console.sources.engines import named_in
from console.sources.growing import Growing
from console.sources.late import LateLabels
from console.sources.redact import shown_url
from console.sources.samples import TIME_NAMES
from console.sources.shards import format_of, matching
from console.sources.tables import Table
from console.sources.types import ExemplarRequest, OutcomesRequest, ProfileGroup, ProfileRequest
from console.words import nearest

if TYPE_CHECKING:
    from console.sources.options import DatabaseOptions, TableOptions


STATEMENT_SECONDS = 600.0  # of a database: nobody but who asked waits


class AtHand:
    """Some files, objects of a store by their URLs, or one table of a database as URL::TABLE, as a TableReader."""

    def __init__(
        self,
        paths: Sequence[str],
        *,
        time: str | None = None,
        label: str | None = None,
        prediction: str | None = None,
        text: Sequence[str] = (),
        embedding: Sequence[str] = (),
        labels: LateLabels | None = None,
    ) -> None:
        """`labels` are in files beside files, and in a table of the same database beside a table."""
        said = SimpleNamespace(
            time=time, model=None, label=label, prediction=prediction, image=None, slices=[], text=list(text),
            embedding=list(embedding),
        )  # fmt: skip
        self.time = time
        self._table: Table | Database | Growing
        if len(paths) == 1 and (found := named_in(paths[0])) is not None:
            said.url, said.table, said.url_env = *found, None
            self.name = f"{shown_url(said.url)}::{said.table}"
            said.labels = None if labels is None else _as_options("table", labels, labels.where.rpartition("::")[2])
            self._table = Database(self.name, cast("DatabaseOptions", said), seconds=STATEMENT_SECONDS)
            return
        said.labels = None if labels is None else _as_options("path", labels, str(Path(labels.where).absolute()))
        self.name = ", ".join(shown_url(path) if "://" in path else path for path in paths)
        if paths and all("://" in path and format_of(path) for path in paths):
            said.path = [*paths]
            self._table = Growing(self.name, cast("TableOptions", said), seconds=math.inf)
            return
        for path in paths:
            if not any(matching(Path(path).absolute())):
                hint = "name a .csv, .parquet or .jsonl file, a glob in quotes, or a table of a database as URL::TABLE"
                raise UsageError(f"there is no file {shown_url(path) if '://' in path else path}", hint)
        said.path = [str(Path(path).absolute()) for path in paths]
        self._table = Table(self.name, cast("TableOptions", said))

    def must_have(self, names: Iterable[str]) -> None:
        """Raises UsageError where one of these columns is not there, and SourceError for what cannot be read."""
        columns = self._table.columns()
        for name in names:
            if name not in columns:
                raise UsageError(f"{self.name} has no column {name!r}", nearest(name, columns))

    def profile(self, like: Profile | None = None) -> Profile:
        """All rows as counts."""
        [group] = self._table.profiles(ProfileRequest((), like=like))
        return group.profile

    def record(self, request: OutcomesRequest) -> Record:
        """How the rows were answered, as counts."""
        return self._table.outcomes(request)

    def columns(self) -> Sequence[str]:
        """The columns that there are."""
        return self._table.columns()

    def unread(self) -> int:
        """How many lines of CSV are left out, for they are not UTF-8."""
        return 0 if isinstance(self._table, Database) else self._table.unread()

    def extent(self) -> Span | None:
        """From the oldest row to just after the newest; None where no column is their time."""
        return None if self.time is None else self._table.extent()

    async def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup]:
        return self._table.profiles(request)

    async def exemplars(self, request: ExemplarRequest) -> Sequence[Exemplar]:
        return self._table.exemplars(request)

    async def outcomes(self, request: OutcomesRequest) -> Record:
        return self.record(request)

    async def slices(self) -> Sequence[str]:
        return self._table.slices()

    async def outputs(self) -> Sequence[str]:
        return self._table.outputs()


def _as_options(name: str, labels: LateLabels, where: str) -> dict[str, str | None]:
    return {name: where, "key": labels.key, "label": labels.label, "time": labels.time}


def usual_time(paths: Sequence[str]) -> str | None:
    """The column that all of these files call as times are usually called, and that holds times; None without one."""
    known = [AtHand([path]).columns() for path in paths]
    for column in known[0]:
        if column.casefold() in TIME_NAMES and all(column in columns for columns in known):
            try:
                if all(AtHand([path], time=column).extent() is not None for path in paths):
                    return column
            except SourceMalformed:
                continue  # it is called so and is none
    return None
