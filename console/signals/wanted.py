"""Which series of a page the dialects want, and where the numbers of their lines go.

Each wanted line of a page has a slot. What makes a reading of the slots' numbers is a template (templates.py); one
series of a signal may be made of several of a page: those that differ by labels that are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import nan
from types import MappingProxyType

from console.model import Kind, Labels, SeriesKey
from console.signals.catalogue import find_signal
from console.signals.dialect import Dialect, Native
from console.signals.templates import Bars, Carried, Folded, Formed, Leaf, Scalar, Template

BUCKET, SUM = "_bucket", "_sum"


@dataclass(frozen=True, slots=True)
class _Want:
    dialect: Dialect
    signal: str
    place: int  # of the native among those that make up the signal
    native: Native
    name: str  # as spelled, without the suffix
    suffix: str  # histograms: which of its lines
    said: frozenset[str]  # native labels that say nothing more of it
    is_folded: bool  # whether several series may become one
    is_other: bool = False  # the metric that a gauge goes with


@dataclass(slots=True)
class _Claim:
    dialect: Dialect
    key: SeriesKey
    folded: Folded | None  # where several series may become one
    names: dict[int, str] = field(default_factory=dict)  # place of a native -> the name that it goes by
    leaves: dict[tuple[object, ...], Leaf] = field(default_factory=dict)  # by what tells them apart


class Wanted:
    """The series that these dialects want, found by metric name.

    `carried` is what an earlier one leaves behind, so that what was added up does not fall.
    """

    def __init__(
        self, dialects: Iterable[Dialect], labels: Labels, carried: Mapping[object, Carried] = MappingProxyType({})
    ) -> None:
        self.templates: list[Template] = []
        self._labels = labels
        self._carried = carried
        self._claims: dict[tuple[str, Labels], _Claim] = {}
        self._commons: dict[tuple[object, ...], Labels] = {}  # labels as a page writes them -> common ones
        self._by_name: dict[str, list[_Want]] = {}
        for dialect in dialects:
            for signal in dialect.signals:
                for place, native in enumerate(dialect.natives(signal)):
                    self._want(dialect, signal, place, native)

    def has(self, name: str) -> bool:
        """Whether any series of this metric may be wanted."""
        return name in self._by_name

    def claim(self, name: str, text: bytes, labels: Mapping[str, str], slot: int) -> list[tuple[Template, Leaf]]:
        """Give a series' slot to the templates that want it, each with the part of it that the series is; ValueError
        where a bucket's edge is no number. `text` is the labels as written: most series share theirs with others.
        """
        claims = [self._claim(want, text, labels, slot) for want in self._by_name[name] if want.native.takes(labels)]
        return [claim for claim in claims if claim is not None]

    def forget_texts(self) -> None:
        """The page has been learned: how it writes its labels is not asked for again."""
        self._commons.clear()

    def carried(self) -> dict[object, Carried]:
        """What was added up of series that are gone, by signal and labels."""
        left = {key: claim.folded.carry() for key, claim in self._claims.items() if claim.folded is not None}
        return {key: carried for key, carried in left.items() if carried is not None}

    def _want(self, dialect: Dialect, signal: str, place: int, native: Native) -> None:
        suffixes = (BUCKET, SUM) if native.kind is Kind.HISTOGRAM else ("",)
        folded = bool(dialect.dropped or dialect.repeated or len(dialect.natives(signal)) > 1)
        said = frozenset(("le", *(label for label, _pattern in native.where if native.says(label))))
        for name in dialect.spellings(*native.names):
            for suffix in suffixes:
                want = _Want(dialect, signal, place, native, name, suffix, said, folded)
                self._by_name.setdefault(name + suffix, []).append(want)
        if isinstance(native.of, str) and native.of:
            want = _Want(dialect, signal, place, native, native.names[0], "", said, folded, is_other=True)
            self._by_name.setdefault(native.of, []).append(want)

    def _claim(self, want: _Want, text: bytes, labels: Mapping[str, str], slot: int) -> tuple[Template, Leaf] | None:
        edge = edge_of(labels.get("le", "")) if want.suffix == BUCKET else None
        common = self._common(want, text, labels)
        claim = self._claims.get((want.signal, common))
        if claim is None:
            key = SeriesKey(want.signal, common, want.native.kind)
            claim = self._claims[want.signal, common] = self._new(want, key)
        if claim.dialect is not want.dialect or claim.names.setdefault(want.place, want.name) != want.name:
            return None  # the same quantity under its old and its new name, or of two exporters: the first will do
        dialect = want.dialect
        one = tuple(labels.get(label, "") for label in dialect.dropped) if dialect.dropped else ()
        rank = tuple(labels.get(label, "") for label in dialect.repeated) if dialect.repeated else ()
        apart = (want.place, one, rank)
        leaf = claim.leaves.get(apart)
        if leaf is None:
            leaf = claim.leaves[apart] = _leaf(want, claim.key)
            if claim.folded is None:
                self.templates.append(leaf)
            else:
                claim.folded.members.setdefault((want.place, one), []).append(leaf)
        return (claim.folded or leaf, leaf) if _fill(leaf, want, edge, slot) else None

    def _new(self, want: _Want, key: SeriesKey) -> _Claim:
        dialect = want.dialect
        if not want.is_folded:
            return _Claim(dialect, key, None)
        across = find_signal(key.signal).across if key.kind is Kind.GAUGE else None
        folded = Folded(key, across, carried=self._carried.get((key.signal, key.labels)))
        self.templates.append(folded)
        return _Claim(dialect, key, folded)

    def _common(self, want: _Want, text: bytes, labels: Mapping[str, str]) -> Labels:
        place = text, want.dialect.name, want.said, want.native.labels
        common = self._commons.get(place)
        if common is None:
            left = {label: value for label, value in labels.items() if label not in want.said}
            common = Labels.of(dict(self._labels) | want.dialect.named(left) | dict(want.native.labels))
            self._commons[place] = common
        return common


def _leaf(want: _Want, key: SeriesKey) -> Leaf:
    native, blanks = want.native, (*want.dialect.blanks, *want.native.blanks)
    if native.kind is Kind.HISTOGRAM:
        return Bars(key.signal, key.labels, native.scale)
    return Scalar(key, native.scale, blanks) if native.form == "value" else Formed(key, native, blanks)


def _fill(leaf: Leaf, want: _Want, edge: float | None, slot: int) -> bool:
    """Put a slot where it belongs; False where another line has that place already."""
    match leaf:
        case Bars() if edge is not None:
            return leaf.add(edge, slot)
        case Bars():
            return leaf.add_sum(slot)
        case Formed() if want.is_other:
            return leaf.go_with(slot)
        case _:
            return leaf.take(slot)


def edge_of(text: str | bytes) -> float:
    """A bucket's edge; ValueError where it is no number."""
    try:
        edge = float(text)
    except ValueError:
        edge = nan
    if edge != edge:
        raise ValueError("a bucket has no edge")
    return edge
