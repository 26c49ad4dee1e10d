"""Windows of a growing table as sums of minutes, so that each row is counted once, when it comes.

The minutes of an hour are counted when a window first reaches into that hour; from then on, only rows that arrive are
counted, and land in their minute however late they come. What a window says is what a fresh count in the same bins
would say, but for what needs all rows at once: duplicates are told apart among rows that arrived together, and what a
sample says (how columns go together, facets of texts) is the sum of the minutes' samples.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from console.errors import NoData
from console.model import Profile
from console.sources.minutes import HOUR, MINUTE, MOST_WHOLE_HOURS, Minutes
from console.sources.types import ProfileGroup, ProfileRequest, Progress

WORK_SECONDS = 4.0  # of one answer: who asks waits twice as long
MOST_KEPT = 4  # sets of bins
IDLE_LOOKS = 5  # at which nobody asked for a set of bins, before it is let go


class Arrival(Protocol):
    """Rows that came, or, where `is_gone`, that are no more."""

    @property
    def is_gone(self) -> bool: ...

    @property
    def hours(self) -> frozenset[int] | None: ...  # since 1970, in which the rows lie; None: nobody knows


A = TypeVar("A", bound=Arrival)


class Growing(Protocol[A]):
    """A table whose new rows can be told: a file that grows, a store with new objects, rows of a database with a time
    beyond that of the newest one read.
    """

    def news(self, look: float) -> Iterator[A]:
        """What came and what went since this was last asked. What is handed over counts as read."""
        ...

    def counted(self, request: ProfileRequest, arrival: A | None) -> Iterator[Sequence[ProfileGroup]]:
        """The rows of an arrival, or all that were read by now, counted as `Table.profiles` does, in parts."""
        ...

    def columns(self) -> Sequence[str]:
        """Those that are counted where a request names none."""
        ...

    def progress(self) -> Progress: ...


class Following(Generic[A]):
    """What is known of a growing table, for several sets of bins."""

    def __init__(self, growing: Growing[A], *, seconds: float = WORK_SECONDS) -> None:
        self._growing = growing
        self._seconds = seconds
        self._kept: OrderedDict[object, Minutes[A]] = OrderedDict()  # the one asked for longest ago first
        self._look: float | None = None

    def keep_up(self, look: float) -> None:
        """Read what is new at a look, once. Raises NoData where that takes longer than an answer may; the next look
        goes on from there.
        """
        if look == self._look:
            return
        patience = Patience(self._seconds, self._growing)
        for arrival in self._growing.news(look):
            self._take(arrival)
            patience.check()
        self._look = look
        for key, minutes in [*self._kept.items()]:
            minutes.idle += 1
            if minutes.idle > IDLE_LOOKS:
                del self._kept[key]

    def _take(self, arrival: A) -> None:
        try:
            for minutes in self._kept.values():
                minutes.take(arrival)
        except Exception:
            self._kept.clear()  # it counts as read, and some may not have taken it: all is counted anew
            raise

    def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup] | None:
        """As `Table.profiles`; None where the request is not one for whole minutes in known bins.

        Raises NoData where the rows are too many to be counted at one look; the next one goes on from there.
        """
        if request.like is None or not is_of_minutes(request):
            return None
        key = (_bins(request.like), request.where, request.columns, request.sampled)
        if key not in self._kept:
            self._kept[key] = Minutes(self._growing, request)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key].profiles(request, Patience(self._seconds, self._growing))


def is_of_minutes(request: ProfileRequest) -> bool:
    """Whether its windows and steps begin and end with a minute."""
    bounds = [bound for span in request.spans for bound in (span.start, span.end)]
    lengths = [] if request.every is None else [request.every]
    are_whole = all(number % MINUTE == 0 for number in (*bounds, *lengths))
    return bool(bounds) and are_whole and request.by is None and max(bounds) - min(bounds) <= MOST_WHOLE_HOURS * HOUR


class Patience:
    """How long one answer may take."""

    def __init__(self, seconds: float, growing: Growing[A]) -> None:
        self._until = time.monotonic() + seconds
        self._growing = growing

    def check(self) -> None:
        """Raises NoData once that is over."""
        if time.monotonic() > self._until:
            told = self._growing.progress()
            read, whole = told.bytes / 1e6, (told.bytes + told.left) / 1e6
            raise NoData(f"partial: its rows are being counted, {read:,.0f} of {whole:,.0f} MB were read so far",
                         "the next look goes on from there")  # fmt: skip


def _bins(like: Profile) -> object:
    """What tells one set of bins from another."""
    return tuple((one.name, one.kind, one.of, one.edges, one.categories, one.basis) for one in like.columns)
