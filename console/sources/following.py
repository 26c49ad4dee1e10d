"""Windows of a growing table as sums of minutes, so that each row is counted once, when it comes.

The minutes of an hour are counted when a window first reaches into that hour; from then on, only rows that arrive are
counted, and land in their minute however late they come. What a window says is what a fresh count in the same bins
would say, but for what needs all rows at once: duplicates are told apart among rows that arrived together, and what a
sample says (how columns go together, facets of texts) is the sum of the minutes' samples.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

from console.analysis.profiles import merged
from console.analysis.relations import added
from console.errors import NoData
from console.model import ColumnProfile, Profile, Span
from console.sources.types import ProfileGroup, ProfileRequest, Progress

MINUTE, HOUR = 60, 3600
WORK_SECONDS = 4.0  # of one answer: who asks waits twice as long
MOST_KEPT = 4  # sets of bins
IDLE_LOOKS = 5  # at which nobody asked for a set of bins, before it is let go
MOST_HOURS_BY_MINUTE = 48
MOST_WHOLE_HOURS = 2500  # fourteen weeks
MOST_RELATED = 40  # columns: what is kept of how they go together grows with their square


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
        try:
            for arrival in self._growing.news(look):
                for minutes in self._kept.values():
                    minutes.take(arrival)
                patience.check()
        except NoData:
            raise
        except Exception:
            self._kept.clear()  # some may have taken what others have not
            raise
        self._look = look
        for key, minutes in [*self._kept.items()]:
            minutes.idle += 1
            if minutes.idle > IDLE_LOOKS:
                del self._kept[key]

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


class Minutes(Generic[A]):
    """Counts by minute, or by hour where whole hours are asked for, in one set of bins."""

    def __init__(self, growing: Growing[A], request: ProfileRequest) -> None:
        """For requests that differ from this one in nothing but their windows."""
        assert request.like is not None, "minutes are counted in known bins"
        self.idle = 0
        self._growing = growing
        self._request = request
        self._like = _empty(request.like)
        self._by_minute: OrderedDict[int, dict[int, Profile]] = OrderedDict()  # hour -> minute -> counts
        self._whole: OrderedDict[int, Profile] = OrderedDict()  # hour -> counts

    def take(self, arrival: A) -> None:
        """Count rows that came where they are known by minutes; forget what is known of hours whose rows went."""
        for hour in _touched(self._by_minute, arrival):
            if arrival.is_gone:
                del self._by_minute[hour]
            else:
                minutes = self._by_minute[hour]
                for minute, counts in self._count(hour, arrival).items():
                    minutes[minute] = self._sum([minutes[minute], counts] if minute in minutes else [counts])
        for hour in _touched(self._whole, arrival):
            if arrival.is_gone:
                del self._whole[hour]
            else:
                self._whole[hour] = self._sum([self._whole[hour], *self._count(hour, arrival).values()])

    def profiles(self, request: ProfileRequest, patience: Patience) -> Sequence[ProfileGroup]:
        """The windows asked for, as sums."""
        self.idle = 0
        start, end = min(span.start for span in request.spans), max(span.end for span in request.spans)
        steps: dict[int, list[Profile]] = {} if request.every is not None else {0: []}
        for at, counts in self._parts(request.spans, request.every, patience):
            steps.setdefault(0 if request.every is None else int((at - start) // request.every), []).append(counts)
        groups = []
        for step, parts in sorted(steps.items()):
            if request.every is None:
                groups.append(ProfileGroup(None, None, replace(self._sum(parts), start=start, end=end)))
            else:
                at = start + step * request.every
                groups.append(ProfileGroup(None, at, replace(self._sum(parts), start=at, end=at + request.every)))
        return groups

    def _parts(self, spans: Sequence[Span], every: float | None, patience: Patience) -> Iterator[tuple[float, Profile]]:
        """(time, counts) of the minutes and the whole hours that these spans are made of, once each."""
        for hour, first, last in sorted(_hours(spans)):
            is_whole = last - first == HOUR // MINUTE and every is None
            if is_whole and hour not in self._by_minute:
                yield hour * HOUR, self._hour(hour, patience)
                continue
            minutes = self._minutes(hour, patience)
            yield from (
                (hour * HOUR + minute * MINUTE, minutes[minute])
                for minute in range(first, last) if minute in minutes
            )  # fmt: skip

    def _hour(self, hour: int, patience: Patience) -> Profile:
        if hour not in self._whole:
            patience.check()
            self._whole[hour] = self._sum([*self._count(hour, None).values()])
            _bound(self._whole, MOST_WHOLE_HOURS)
        self._whole.move_to_end(hour)
        return self._whole[hour]

    def _minutes(self, hour: int, patience: Patience) -> Mapping[int, Profile]:
        if hour not in self._by_minute:
            patience.check()
            self._by_minute[hour] = self._count(hour, None)
            _bound(self._by_minute, MOST_HOURS_BY_MINUTE)
        self._by_minute.move_to_end(hour)
        return self._by_minute[hour]

    def _count(self, hour: int, arrival: A | None) -> dict[int, Profile]:
        """The minutes of an hour: of the rows that arrived, or of all."""
        names = self._request.columns
        if not names:
            self._like = _with(self._like, self._growing.columns())
            names = tuple(column.name for column in self._like.columns)
        span = Span(hour * HOUR, (hour + 1) * HOUR)
        sampled = self._request.sampled and len(names) <= MOST_RELATED
        request = replace(
            self._request, spans=(span,), columns=names, like=self._like, every=MINUTE, sampled=sampled, look=None
        )
        parts: dict[int, list[Profile]] = {}
        for groups in self._growing.counted(request, arrival):
            for group in groups:
                assert group.start is not None, "every minute has one"
                parts.setdefault(int(group.start - span.start) // MINUTE, []).append(group.profile)
        return {minute: self._sum(counts) for minute, counts in parts.items()}

    def _sum(self, parts: Sequence[Profile]) -> Profile:
        """Counts added up."""
        found = [part for part in parts if part.rows]
        if not found:
            return self._like
        counts = merged(replace(part, relations=None) for part in found)
        return replace(counts, relations=added(part.relations for part in found))  # all at once, which costs less


def _touched(known: Iterable[int], arrival: Arrival) -> list[int]:
    hours = arrival.hours
    return [hour for hour in known if hours is None or hour in hours]


def _hours(spans: Sequence[Span]) -> set[tuple[int, int, int]]:
    """(hour, first minute, after the last minute) of what these spans are made of; no minute twice."""
    minutes: dict[int, set[int]] = {}
    for span in spans:
        for at in range(int(span.start) // MINUTE, int(span.end) // MINUTE):
            minutes.setdefault(at // 60, set()).add(at % 60)
    found = set()
    for hour, wanted in minutes.items():
        for first in [minute for minute in wanted if minute - 1 not in wanted]:
            last = next(minute for minute in range(first + 1, 61) if minute not in wanted)
            found.add((hour, first, last))
    return found


def _bound(known: OrderedDict[int, Any], most: int) -> None:
    while len(known) > most:
        known.popitem(last=False)


def _bins(like: Profile) -> object:
    """What tells one set of bins from another."""
    return tuple((one.name, one.kind, one.of, one.edges, one.categories) for one in like.columns)


def _empty(like: Profile) -> Profile:
    """The bins without counts."""
    return Profile(
        tuple(
            ColumnProfile(
                column.name, column.kind, column.dtype, 0, edges=column.edges, categories=column.categories,
                counts=(0,) * len(column.counts), of=column.of, basis=column.basis,
            )
            for column in like.columns
        ),
        0,
    )  # fmt: skip


def _with(like: Profile, names: Iterable[str]) -> Profile:
    """With the columns that came since: in no bins, but counted."""
    known = {column.name for column in like.columns}
    new = [ColumnProfile(name, "categorical", "NULL", 0, counts=(0,)) for name in names if name not in known]
    return replace(like, columns=(*like.columns, *new)) if new else like
