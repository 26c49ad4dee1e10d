"""A table whose files grow, here or in an object store: counted anew for who asks once, followed for who looks on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from console.model import Exemplar, Record, Span
from console.sources.duck import Duck
from console.sources.following import WORK_SECONDS, Following
from console.sources.minutes import HOUR
from console.sources.pieces import Arrival, Pieces
from console.sources.tables import Table
from console.sources.types import (
    ExemplarRequest,
    OutcomesRequest,
    ProfileGroup,
    ProfileRequest,
    Progress,
    SourceStatus,
)

if TYPE_CHECKING:
    from console.sources.options import TableOptions


LISTED_SECONDS = 5.0  # that a list of objects serves those who ask without a look


def open_table(name: str, **options: Any) -> Growing:
    """The table out of options that were checked before: what checks them is more than the child needs to load."""
    return Growing(name, cast("TableOptions", SimpleNamespace(**options)))


class Growing:
    """A table of files or objects. Requests with a `look` are answered from what earlier looks counted."""

    def __init__(self, name: str, options: TableOptions, *, seconds: float = WORK_SECONDS) -> None:
        self.name = name
        self.options = options
        self._seconds = seconds  # that one answer may take
        is_here = "://" not in "".join(options.path)
        self._whole = Table(name, options) if is_here else None
        if not is_here:
            self._in_pieces  # noqa: B018 - what is missing for that is said at once

    def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup]:
        """As `Table.profiles`. With a `look`, raises NoData while there is more to read than one answer may take."""
        table = self._kept_up(request.look)
        if not self._is_followed(request.look) or not self._in_pieces.pieces.has_times:
            return table.profiles(request)
        try:
            answer = self._following.profiles(request)
            return table.profiles(request) if answer is None else answer
        finally:
            self._in_pieces.pieces.tidy()

    def exemplars(self, request: ExemplarRequest) -> Sequence[Exemplar]:
        """As `Table.exemplars`, and raises as `profiles` does."""
        return self._kept_up(request.look).exemplars(request)

    def outcomes(self, request: OutcomesRequest) -> Record:
        """As `Table.outcomes`."""
        return self._kept_up(None).outcomes(request)

    def slices(self) -> Sequence[str]:
        return tuple(self.options.slices)

    def outputs(self) -> Sequence[str]:
        return () if self.options.prediction is None else (self.options.prediction,)

    def columns(self) -> Sequence[str]:
        """As `Table.columns`."""
        return self._kept_up(None).columns()

    def extent(self) -> Span | None:
        """As `Table.extent`."""
        return self._kept_up(None).extent()

    def unread(self) -> int:
        """As `Table.unread`."""
        return self._kept_up(None).unread()

    def progress(self) -> Progress:
        """How far the rows were read at the looks so far."""
        return self._in_pieces.progress() if "_in_pieces" in vars(self) else Progress(0, 0, 0, None)

    def check(self) -> SourceStatus:
        """As `Table.check`."""
        return self._kept_up(None).check()

    @cached_property
    def _in_pieces(self) -> InPieces:
        return InPieces(self.name, self.options)

    @cached_property
    def _following(self) -> Following[Arrival]:
        return Following(self._in_pieces, seconds=self._seconds)

    def _is_followed(self, look: float | None) -> bool:
        """Whether minutes are kept: not of rows without a time, which lie in every window."""
        return look is not None and self.options.time is not None

    def _kept_up(self, look: float | None) -> Table:
        """What counts all there is by now: the files as they lie, or what was read of them at this look."""
        if self._whole is not None and not self._is_followed(look):
            return self._whole
        self._following.keep_up(time.time() // LISTED_SECONDS * LISTED_SECONDS if look is None else look)
        return self._in_pieces.table


class InPieces:
    """The rows of files, counted in the pieces that they came in."""

    def __init__(self, name: str, options: TableOptions) -> None:
        paths = [options.path] if isinstance(options.path, str) else options.path
        self.pieces = Pieces(name, paths, options.time)
        self.table = Table(name, options, self.pieces)
        self._duck = Duck(name, self.pieces.folders())
        self._left_out = {options.time, options.image, options.label}

    def news(self, look: float) -> Iterator[Arrival]:
        """The pieces that went and those that came."""
        return self.pieces.news(self._duck, look)

    def counted(self, request: ProfileRequest, arrival: Arrival | None) -> Iterator[Sequence[ProfileGroup]]:
        """The rows of some pieces, a few at a time."""
        hours = {int(span.start // HOUR) for span in request.spans}
        every = self.pieces.all_columns()
        columns = [name for name, _value in request.where if name in every]
        for pieces in self.pieces.batches(hours, columns, None if arrival is None else arrival.pieces):
            with self.pieces.only(pieces):
                yield self.table.profiles(request)

    def columns(self) -> Sequence[str]:
        """Those that any row has but the time, the picture and the label."""
        return [name for name in self.pieces.all_columns() if name not in self._left_out]

    def progress(self) -> Progress:
        """How far the files were read."""
        pieces = self.pieces
        return Progress(pieces.rows_read, pieces.bytes_read, pieces.left, pieces.newest, pieces.ahead)
