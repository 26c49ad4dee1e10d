"""Rows counted by minute in one set of bins, and windows as their sums."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from sys import intern
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from console.analysis.columns.relations import added
from console.analysis.profiles import merged
from console.model import ColumnProfile, Profile, Relations, Span
from console.sources.types import ProfileGroup, ProfileRequest

if TYPE_CHECKING:
    from console.sources.following import Arrival, Growing, Patience

MINUTE, HOUR = 60, 3600
MOST_HOURS_BY_MINUTE = 48
MOST_WHOLE_HOURS = 2500  # fourteen weeks
MOST_RELATED = 40  # columns: what is kept of how they go together grows with their square
MOST_PRODUCTS = 8000  # of scores of columns, in each minute: 64 kB

A = TypeVar("A", bound="Arrival")


class Minutes(Generic[A]):
    """Counts by minute, or by hour where whole hours are asked for, in one set of bins."""

    def __init__(self, growing: Growing[A], request: ProfileRequest) -> None:
        """For requests that differ from this one in nothing but their windows."""
        assert request.like is not None, "minutes are counted in known bins"
        self.idle = 0
        self._growing = growing
        self._request = request
        self._like = _empty(request.like)
        self._by_minute: OrderedDict[int, dict[int, Small]] = OrderedDict()  # hour -> minute -> counts
        self._whole: OrderedDict[int, Small] = OrderedDict()  # hour -> counts

    def take(self, arrival: A) -> None:
        """Count rows that came where they are known by minutes; forget what is known of hours whose rows went."""
        for hour in _touched(self._by_minute, arrival):
            if arrival.is_gone:
                del self._by_minute[hour]
            else:
                minutes = self._by_minute[hour]
                for minute, counts in self._count(hour, arrival).items():
                    known = [minutes[minute].profile] if minute in minutes else []
                    minutes[minute] = Small.of(self._sum([*known, counts]))
        for hour in _touched(self._whole, arrival):
            if arrival.is_gone:
                del self._whole[hour]
            else:
                counted = self._count(hour, arrival).values()
                self._whole[hour] = Small.of(self._sum([self._whole[hour].profile, *counted]))

    def profiles(self, request: ProfileRequest, patience: Patience) -> Sequence[ProfileGroup]:
        """The windows asked for, as sums."""
        self.idle = 0
        start, end = min(span.start for span in request.spans), max(span.end for span in request.spans)
        steps: dict[int, list[Small]] = {} if request.every is not None else {0: []}
        for at, counts in self._parts(request.spans, request.every, patience):
            steps.setdefault(0 if request.every is None else int((at - start) // request.every), []).append(counts)
        groups = []
        for step, parts in sorted(steps.items()):
            whole = self._sum([part.profile for part in parts])
            if request.every is None:
                groups.append(ProfileGroup(None, None, replace(whole, start=start, end=end)))
            else:
                at = start + step * request.every
                groups.append(ProfileGroup(None, at, replace(whole, start=at, end=at + request.every)))
        return groups

    def _parts(self, spans: Sequence[Span], every: float | None, patience: Patience) -> Iterator[tuple[float, Small]]:
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

    def _hour(self, hour: int, patience: Patience) -> Small:
        if hour not in self._whole:
            patience.check()
            self._whole[hour] = Small.of(self._sum([*self._count(hour, None).values()]))
            _bound(self._whole, MOST_WHOLE_HOURS)
        self._whole.move_to_end(hour)
        return self._whole[hour]

    def _minutes(self, hour: int, patience: Patience) -> Mapping[int, Small]:
        if hour not in self._by_minute:
            patience.check()
            counted = self._count(hour, None)
            self._by_minute[hour] = {minute: Small.of(counts) for minute, counts in counted.items()}
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


@dataclass(frozen=True, slots=True)
class Small:
    """Counts in a fifth of the memory: numbers by the thousand as arrays, texts that minutes share but once."""

    counts: Profile  # without relations
    together: Relations | None  # without their numbers
    products: array[float]
    sums: array[float]
    missing: array[int]

    @classmethod
    def of(cls, profile: Profile) -> Small:
        """A profile made small."""
        columns = tuple(
            replace(one, heavy=tuple((intern(value), rows) for value, rows in one.heavy)) if one.heavy else one
            for one in profile.columns
        )
        counts = replace(profile, columns=columns, relations=None)
        known = profile.relations
        if known is None or len(known.products) > MOST_PRODUCTS:
            return cls(counts, None, array("d"), array("d"), array("q"))
        names = tuple(map(intern, known.columns))
        together = replace(known, columns=names, products=(), sums=(), missing=())
        return cls(counts, together, array("d", known.products), array("d", known.sums), array("q", known.missing))

    @property
    def profile(self) -> Profile:
        """As it was."""
        if self.together is None:
            return self.counts
        together = replace(
            self.together, products=tuple(self.products), sums=tuple(self.sums), missing=tuple(self.missing)
        )
        return replace(self.counts, relations=together)


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
