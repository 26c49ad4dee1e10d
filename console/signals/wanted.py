"""Which series of a page the dialects want, and how the numbers of their lines become readings.

Each wanted line of a page has a slot; a template knows the slots that make up one series of a signal: one for a gauge
or a counter, one per bucket and one for the sum of a histogram.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite, nan

from console.model import Kind, Labels, Reading, SeriesKey
from console.signals.dialect import Dialect, Native

BUCKET, SUM = "_bucket", "_sum"
Get = Callable[[int], float | None]  # the number in a slot, None where the page had no such line


@dataclass(slots=True, eq=False)
class Scalar:
    """A gauge or a counter: one line."""

    key: SeriesKey
    scale: float
    blanks: tuple[tuple[float, float], ...]
    slot: int

    @property
    def name(self) -> str:
        """The signal's."""
        return self.key.signal

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
class Bars:
    """A histogram: a line per bucket and one for the sum; edges as `le` gives them."""

    name: str  # the signal's
    labels: Labels
    scale: float
    buckets: dict[float, int] = field(default_factory=dict)  # native edge -> slot
    sum_slot: int | None = None
    _key: SeriesKey | None = None  # of the buckets so far
    _slots: tuple[int, ...] = ()

    def add(self, edge: float, slot: int) -> None:
        """One more bucket."""
        self.buckets[edge] = slot
        self._key = None

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


Template = Scalar | Bars


@dataclass(frozen=True, slots=True)
class _Want:
    dialect: Dialect
    signal: str
    native: Native
    name: str  # as spelled, without the suffix
    suffix: str  # histograms: which of its lines


class Wanted:
    """The series that these dialects want, found by metric name."""

    def __init__(self, dialects: Iterable[Dialect], labels: Labels) -> None:
        self.templates: list[Template] = []
        self._labels = labels
        self._claims: dict[tuple[str, Labels], tuple[str, Template]] = {}  # and the metric that made it
        self._by_name: dict[str, list[_Want]] = {}
        for dialect in dialects:
            for signal in dialect.signals:
                for native in dialect.natives(signal):
                    suffixes = (BUCKET, SUM) if native.kind is Kind.HISTOGRAM else ("",)
                    for name in dialect.spellings(*native.names):
                        for suffix in suffixes:
                            want = _Want(dialect, signal, native, name, suffix)
                            self._by_name.setdefault(name + suffix, []).append(want)

    def has(self, name: str) -> bool:
        """Whether any series of this metric may be wanted."""
        return name in self._by_name

    def claim(self, name: str, labels: Mapping[str, str], slot: int) -> list[Template]:
        """Give a series' slot to the templates that want it; ValueError where a bucket's edge is no number."""
        owners = [self._claim(want, labels, slot) for want in self._by_name[name] if _selects(want.native, labels)]
        return [owner for owner in owners if owner is not None]

    def _claim(self, want: _Want, labels: Mapping[str, str], slot: int) -> Template | None:
        common = self._common(want, labels)
        edge = _edge(common.pop("le", "")) if want.suffix == BUCKET else None
        key = SeriesKey(want.signal, Labels.of(common), want.native.kind)
        name, template = self._claims.get((key.signal, key.labels), ("", None))
        if template is None:
            scale = want.native.scale
            template = (
                Bars(key.signal, key.labels, scale) if want.suffix else Scalar(key, scale, want.dialect.blanks, slot)
            )
            self._claims[key.signal, key.labels] = (want.name, template)
            self.templates.append(template)
        elif name != want.name or isinstance(template, Scalar):
            return None  # the same quantity under its old and its new name: the first will do
        if isinstance(template, Bars):
            if edge is None:
                template.sum_slot = slot
            else:
                template.add(edge, slot)
        return template

    def _common(self, want: _Want, labels: Mapping[str, str]) -> dict[str, str]:
        selecting = {label for label, _value in want.native.where}
        common = {want.dialect.common(label): value for label, value in labels.items() if label not in selecting}
        return dict(self._labels) | common | dict(want.native.labels)


def _selects(native: Native, labels: Mapping[str, str]) -> bool:
    return all(labels.get(label) == value for label, value in native.where)


def _edge(text: str) -> float:
    try:
        edge = float(text)
    except ValueError:
        edge = nan
    if edge != edge:
        raise ValueError("a bucket has no edge")
    return edge
