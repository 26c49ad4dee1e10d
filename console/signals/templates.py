"""How the numbers of a page's lines become readings, scrape after scrape.

A leaf knows the slots of one series: one for a gauge or a counter, two for a gauge that goes with another, one per
bucket and one for the sum of a histogram. A folded template makes one series of several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, nan

from console.model import Across, Kind, Labels, Reading, SeriesKey
from console.signals.native import Blanks, Native

Get = Callable[[int], float | None]  # the number in a slot, None where the page had no such line
Numbers = tuple[float, ...]  # a reading's value and, of a histogram, its counts
Carried = tuple[Numbers, tuple[float, ...]]  # what was added up of series that are gone, and the edges of its buckets
NO_SLOT = -1


@dataclass(slots=True, eq=False)
class Scalar:
    """A gauge or a counter: one line."""

    key: SeriesKey
    scale: float
    blanks: Blanks
    slot: int = NO_SLOT

    @property
    def name(self) -> str:
        """The signal's."""
        return self.key.signal

    def take(self, slot: int) -> bool:
        """Its line; False where it has one."""
        is_free = self.slot == NO_SLOT
        self.slot = slot if is_free else self.slot
        return is_free

    def reading(self, get: Get, time: float) -> Reading | None:
        """The sample of this page, None where there is none; ValueError where it cannot be."""
        value = get(self.slot)
        if value is None or not isfinite(value):
            return None
        if self.blanks and any(low <= value <= high for low, high in self.blanks):
            return None
        if value < 0 and self.key.kind is Kind.COUNTER:
            raise ValueError("a counter is below zero")
        return Reading(self.key, time, value * self.scale)


@dataclass(slots=True, eq=False)
class Formed:
    """A gauge made of another, of two, or of one and the time."""

    key: SeriesKey
    native: Native
    blanks: Blanks
    slot: int = NO_SLOT
    other: int = NO_SLOT

    @property
    def name(self) -> str:
        """The signal's."""
        return self.key.signal

    def take(self, slot: int) -> bool:
        """Its own line; False where it has one."""
        is_free = self.slot == NO_SLOT
        self.slot = slot if is_free else self.slot
        return is_free

    def go_with(self, slot: int) -> bool:
        """The line that it goes with; False where it has one."""
        is_free = self.other == NO_SLOT
        self.other = slot if is_free else self.other
        return is_free

    def reading(self, get: Get, time: float) -> Reading | None:
        """The sample of this page, None where one of its numbers is not there or would be divided by 0."""
        x = self._number(get, self.slot)
        y = self.native.of if isinstance(self.native.of, float | int) else self._number(get, self.other)
        value = _formed(self.native, x, time if self.native.form == "age" else y)
        return None if value is None else Reading(self.key, time, value * self.native.scale)

    def _number(self, get: Get, slot: int) -> float | None:
        value = None if slot == NO_SLOT else get(slot)
        if value is None or not isfinite(value) or any(low <= value <= high for low, high in self.blanks):
            return None
        return value


@dataclass(slots=True, eq=False)
class Bars:
    """A histogram: a line per bucket and one for the sum; edges as `le` gives them."""

    name: str  # the signal's
    labels: Labels
    scale: float
    buckets: dict[float, int] = field(default_factory=dict)  # native edge -> slot
    sum_slot: int | None = None
    _key: SeriesKey | None = None  # of the buckets so far
    _slots: tuple[int, ...] = ()

    def add(self, edge: float, slot: int) -> bool:
        """One more bucket; False where it has one with this edge."""
        if edge in self.buckets:
            return False
        self.buckets[edge] = slot
        self._key = None
        return True

    def add_sum(self, slot: int) -> bool:
        """The line of its sum; False where it has one."""
        is_free = self.sum_slot is None
        self.sum_slot = slot if is_free else self.sum_slot
        return is_free

    def reading(self, get: Get, time: float) -> Reading | None:
        """The sample of this page, None where there is none; ValueError where it is incomplete or cannot be."""
        if self._key is None:
            edges = sorted(self.buckets)
            self._slots = tuple(self.buckets[edge] for edge in edges)
            scaled = tuple(edge * self.scale for edge in edges)
            self._key = SeriesKey(self.name, self.labels, Kind.HISTOGRAM, scaled)
        counts = tuple(map(get, self._slots))
        if None in counts or not counts or self._key.edges[-1] != inf:
            if all(count is None for count in counts):
                return None
            raise ValueError("a histogram lacks some of its buckets")
        numbers: tuple[float, ...] = counts  # type: ignore[assignment]
        if not (numbers[0] >= 0 and isfinite(numbers[-1]) and list(numbers) == sorted(numbers)):
            raise ValueError("the buckets of a histogram do not add up")
        total = get(self.sum_slot) if self.sum_slot is not None else None
        return Reading(self._key, time, nan if total is None else total * self.scale, numbers)


Leaf = Scalar | Formed | Bars


@dataclass(slots=True, eq=False)
class Folded:
    """One series made of several, which differ by labels that are left out.

    Leaves of one member say the same thing: the largest counts. Members are folded as gauges are, or added up; a member
    that is reset or goes away must not make the total fall, for that would read as a reset of all of them.
    """

    key: SeriesKey
    across: Across | None  # gauges; None: totals, which add up
    members: dict[tuple[object, ...], list[Leaf]] = field(default_factory=dict)
    carried: Carried | None = None
    _last: dict[tuple[object, ...], Numbers] = field(default_factory=dict)
    _here: set[tuple[object, ...]] = field(default_factory=set)  # the members of the last page
    _edges: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """The signal's."""
        return self.key.signal

    def reading(self, get: Get, time: float) -> Reading | None:
        """The sample of this page, None where no member has one; ValueError where one cannot be."""
        found = {
            one: max(readings, key=_size)
            for one, leaves in self.members.items()
            if (readings := [each for leaf in leaves if (each := leaf.reading(get, time)) is not None])
        }
        if not found:
            return None
        if len(self.members) == 1 and self.carried is None:  # alone it speaks for itself, and a reset is a reset
            return next(iter(found.values()))
        if self.across is not None:
            return Reading(self.key, time, _fold([reading.value for reading in found.values()], self.across))
        [edges, *others] = {reading.series.edges for reading in found.values()}
        if others:
            raise ValueError("the buckets of series that are one differ")
        value, *counts = self._total({one: (each.value, *each.counts) for one, each in found.items()}, edges)
        key = self.key if not edges else SeriesKey(self.key.signal, self.key.labels, self.key.kind, edges)
        return Reading(key, time, value, tuple(counts))

    def carry(self) -> Carried | None:
        """What is to be added where the members of the last page are learned anew."""
        gone = [numbers for one, numbers in self._last.items() if one not in self._here]
        kept = [*gone, *self._before()]
        return (_add(kept), self._edges) if kept else None

    def _total(self, numbers: dict[tuple[object, ...], Numbers], edges: tuple[float, ...]) -> Numbers:
        if edges != self._edges:
            self._last.clear()
            if self.carried is not None and self.carried[1] != edges:
                self.carried = None
            self._edges = edges
        for one, now in numbers.items():
            last = self._last.get(one)
            if last is not None and now[-1] < last[-1]:  # it began anew: what it had reached stays
                self.carried = _add([last, *self._before()]), edges
            self._last[one] = now
        self._here = set(numbers)
        return _add([*self._last.values(), *self._before()])

    def _before(self) -> list[Numbers]:
        return [] if self.carried is None else [self.carried[0]]


Template = Scalar | Formed | Bars | Folded


def _formed(native: Native, x: float | None, y: float | None) -> float | None:
    if x is None or y is None or (native.form in ("share", "used") and y <= 0):
        return None
    match native.form:
        case "share":
            return x / y
        case "used":
            return (y - x) / y
    return y - x  # the rest of y, or the time since x


def _size(reading: Reading) -> float:
    return reading.counts[-1] if reading.counts else reading.value


def _fold(values: Sequence[float], across: Across) -> float:
    return max(values) if across == "max" else sum(values) / (len(values) if across == "mean" else 1)


def _add(parts: Sequence[Numbers]) -> Numbers:
    return tuple(map(sum, zip(*parts, strict=True)))
