"""A baseline of rows that was counted once and is kept as counts: a file of a few hundred kilobytes, however many rows.

Files of later days are counted into the same bins and added.
"""

from __future__ import annotations

import fcntl
import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import orjson
from pydantic import ValidationError

from console.analysis.answers.outcomes import merged as added
from console.analysis.profiles import merged
from console.errors import NoData, UsageError
from console.model import ColumnProfile, Exemplar, Profile, Record
from console.sources.at_hand import AtHand
from console.sources.types import ExemplarRequest, OutcomesRequest, ProfileGroup, ProfileRequest
from console.wire import dump, load

PREFIX = "pinned:"
SUFFIX = ".json"
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class PinnedRows:
    """Rows as counts, how they were answered, and which column was their time."""

    profile: Profile
    record: Record | None = None  # how they were answered
    time: str | None = None
    schema: Literal["andon/rows/v1"] = "andon/rows/v1"

    def save(self, path: Path) -> None:
        """The whole file or none of it, for this user's eyes: categories are what people wrote."""
        partial = path.with_name(path.name + ".partial")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.touch(mode=0o600)
            partial.write_bytes(orjson.dumps(dump(self)))
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise UsageError(
                f"{path} cannot be written: {error.strerror}", "free some space, or use another --data"
            ) from None


def folder_of(data: Path) -> Path:
    """Where the data folder keeps pinned rows."""
    return data / "baselines"


def path_of(data: Path, name: str) -> Path:
    """The file of a name; UsageError for what is no name."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a baseline", "use letters, digits, dots, dashes and underscores")
    return folder_of(data) / f"{name}{SUFFIX}"


def pinned_names(data: Path) -> list[str]:
    """The rows that are pinned, sorted."""
    names = (path.name.removesuffix(SUFFIX) for path in folder_of(data).glob(f"*{SUFFIX}"))
    return sorted(name for name in names if NAME.fullmatch(name))


def pinned_at(data: Path, text: str) -> PinnedRows | None:
    """The pinned rows that `pinned:NAME`, or the path of such a file, means; None for any other path."""
    if text.startswith(PREFIX):
        return read_pinned(path_of(data, text.removeprefix(PREFIX)))
    return read_pinned(Path(text)) if text.endswith(SUFFIX) else None


def read_pinned(path: Path) -> PinnedRows:
    """Pinned rows out of their file; UsageError where it is no such file."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path} is too large for pinned rows", "pin them anew")
        pinned = load(PinnedRows, orjson.loads(path.read_bytes()))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "see: andon baseline list") from None
    except (orjson.JSONDecodeError, ValidationError):
        raise UsageError(f"{path} holds no pinned rows", "pin some: andon baseline pin NAME --rows FILE") from None
    if not _is_sound(pinned.profile):
        raise UsageError(f"{path} holds counts that no rows have", "pin them anew")
    return pinned


def _is_sound(profile: Profile) -> bool:
    """Whether rows may have been counted so: a file that people edit, or that lost a part, is not trusted."""
    names = {column.name for column in profile.columns}
    return profile.rows >= 0 and len(names) == len(profile.columns) and all(map(_may_be, profile.columns))


def _may_be(column: ColumnProfile) -> bool:
    bins = len(column.edges or column.categories) + 1
    numbers = (column.rows, column.missing, column.infinite, column.unparsable, *column.counts)
    return (
        min(numbers) >= 0
        and (not column.counts or len(column.counts) == bins)
        and (bool(column.counts) or bins == 1)
        and all(map(math.isfinite, column.edges))
        and all(low < high for low, high in pairwise(column.edges))
        and (column.minimum is None or column.maximum is None or column.minimum <= column.maximum)
    )


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """While rows are read, added to and written: of two who add at once, none is lost. UsageError as `save`."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "use another --data") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def pin_rows(
    path: Path, rows: AtHand, answers: OutcomesRequest | None = None, known: PinnedRows | None = None
) -> Profile:
    """Count rows and keep the counts; into the bins of those that are `known` and added to them, where there are any.

    Raises what counting raises, and UsageError where nothing can be written.
    """
    counted = rows.profile(like=None if known is None else known.profile)
    record = None
    if answers is not None:
        record = rows.record(replace(answers, like=None if known is None else known.record))
    if known is not None:
        counted = merged([known.profile, counted])
        record = record and (record if known.record is None else added([known.record, record]))
    PinnedRows(counted, record, rows.time).save(path)
    return counted


class Kept:
    """Pinned rows as a TableReader: what was not counted then cannot be asked now."""

    def __init__(self, pinned: PinnedRows) -> None:
        self._profile = pinned.profile
        self._record = pinned.record

    def extent(self) -> None:
        """When the rows were is not kept."""

    async def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup]:
        if request.by is not None or request.every is not None:
            return ()
        columns = tuple(one for one in self._profile.columns if not request.columns or one.name in request.columns)
        return (ProfileGroup(None, None, replace(self._profile, columns=columns)),)

    async def exemplars(self, _request: ExemplarRequest) -> Sequence[Exemplar]:
        return ()

    async def outcomes(self, _request: OutcomesRequest) -> Record:
        if self._record is None:
            raise NoData("absent: the pinned rows hold no answers", "pin them with --target and --prediction")
        return self._record

    async def slices(self) -> Sequence[str]:
        return ()

    async def outputs(self) -> Sequence[str]:
        return ()
