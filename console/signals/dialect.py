"""How one exporter spells signals: a page of mappings with no control flow, written once and read by two interpreters.

page.py reads a scraped page with it, promql.py writes queries with it. What one metric needs is in native.py.

    press = Dialect("press", detect="press:cycles_total", model_label="cell", signals={
        "model.latency": histogram("press:answer_seconds"),
        "model.errors": counter("press:answers_total", where={"outcome": "error"}),
    })
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

from console.errors import UsageError
from console.signals.catalogue import find_signal
from console.signals.native import Blanks, Native, Pairs, age, counter, gauge, histogram, rest, share, used

__all__ = ["Blanks", "Dialect", "Native", "age", "counter", "gauge", "histogram", "rest", "share", "used"]

NOT_THERE = "it is not there, or says that it is not supported"


@dataclass(frozen=True, slots=True)
class Dialect:
    """An exporter's spelling of signals.

    `detect` names metrics of which at least one is on every page of that exporter; where no name is its own, an entry
    is a tuple of names that only its pages have together. `model_label` becomes `model`, the pairs of `labels`
    (native -> common: gpu, host, replica …) are renamed and every other label stays as it is; where two of a series
    become one, the first that is not empty counts. `respelled` are prefixes that stand for others: with
    {"press:": ("press_",)} the metric `press:x` is also known as `press_x`. Values within one of `blanks` (low, high)
    are an exporter's way to say "not supported": no data. One without an upper end is held against the means of steps
    as well: its low end lies a thousand times below what the exporter says, and above all that it measures.

    `dropped` labels are left out, because they say who asked or are too many: series that become one are added up, and
    gauges folded as the catalogue says. Series that differ by a `repeated` label say the same thing several times, as
    the ranks of one engine do: one of them counts, the largest.

    `opt_in` says what to turn on, or when it comes of itself, for which signals; `lacks` says why a signal that one
    would look for is not to be had; `note` warns of what reads otherwise than one thinks.

    Raises UsageError where it maps to a signal that the catalogue lacks, or has as another kind.
    """

    name: str
    detect: str | tuple[str | tuple[str, ...], ...]
    model_label: str | None = None
    signals: Mapping[str, Native | tuple[Native, ...]] = field(default_factory=dict)
    title: str = ""
    labels: Pairs = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    respelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blanks: Blanks = ()
    opt_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    _renames: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    _settled: frozenset[str] = field(init=False, repr=False, compare=False)  # native labels renamed or left out

    def __post_init__(self) -> None:
        model = ((self.model_label, "model"),) if self.model_label else ()
        renames = tuple(pair for pair in (*model, *self.labels.items()) if not self.is_left_out(pair[0]))
        object.__setattr__(self, "_renames", renames)
        object.__setattr__(self, "_settled", frozenset((*dict(renames), *self.dropped, *self.repeated)))
        for signal in self.signals:
            for native in self.natives(signal):
                if native.kind is not find_signal(signal).kind:
                    raise UsageError(
                        f"dialect {self.name} maps {native.names[0]} as a {native.kind} to {signal}",
                        f"{signal} is a {find_signal(signal).kind}",
                    )
        for signal in (*self.lacks, *(signal for signals in self.opt_in.values() for signal in signals)):
            find_signal(signal)

    def natives(self, signal: str) -> tuple[Native, ...]:
        """What makes up one signal; empty where this exporter does not have it."""
        natives = self.signals.get(signal, ())
        return natives if isinstance(natives, tuple) else (natives,)

    def spellings(self, *names: str) -> tuple[str, ...]:
        """Every way to write these metric names, the preferred one first.

        >>> Dialect("d", "a:x", respelled={"a:": ("a_", "ray_a_")}).spellings("a:x")
        ('a:x', 'a_x', 'ray_a_x')
        """
        return tuple(dict.fromkeys(spelling for name in names for spelling in self._respell(name)))

    def detectors(self) -> tuple[str, ...]:
        """The metric names that give this exporter away, alone or together."""
        return self.spellings(*(name for together in self._detected() for name in together))

    def is_seen(self, names: Container[str]) -> bool:
        """Whether these metric names are (among) this exporter's."""
        return any(
            all(any(spelling in names for spelling in self.spellings(name)) for name in together)
            for together in self._detected()
        )

    def common(self, native_label: str) -> str:
        """The common name of a native label."""
        return "model" if native_label == self.model_label else self.labels.get(native_label, native_label)

    def named(self, native: Mapping[str, str]) -> dict[str, str]:
        """Native labels under their common names, without those that are empty or dropped.

        >>> Dialect("d", "x", labels={"UUID": "uuid"}, dropped=("user",)).named({"UUID": "GPU-1", "user": "a@b.c"})
        {'uuid': 'GPU-1'}
        """
        pairs: dict[str, str] = {}
        for label, common in self._renames:
            if native.get(label):
                pairs.setdefault(common, native[label])
        for label, value in native.items():
            if value and label not in self._settled:
                pairs.setdefault(label, value)
        return pairs

    def native_labels(self, label: str) -> tuple[str, ...]:
        """The native labels that a common one may have come from, the first that counts first."""
        renamed = tuple(native for native, common in self._renames if common == label)
        return renamed or (() if self.is_left_out(label) else (label,))

    def is_left_out(self, native_label: str) -> bool:
        """Whether a native label is never shown."""
        return native_label in self.dropped or native_label in self.repeated

    def metrics(self, signal: str) -> str:
        """The names of the metrics that make up a signal, the preferred ones."""
        return ", ".join(dict.fromkeys(native.names[0] for native in self.natives(signal)))

    def way_to(self, signal: str) -> str:
        """What to do, or to wait for, where a page of this exporter does not have a signal."""
        return next((way for way, signals in self.opt_in.items() if signal in signals), NOT_THERE)

    def _detected(self) -> Iterator[tuple[str, ...]]:
        for entry in (self.detect,) if isinstance(self.detect, str) else self.detect:
            yield (entry,) if isinstance(entry, str) else entry

    def _respell(self, name: str) -> Iterator[str]:
        yield name
        for prefix, others in self.respelled.items():
            if name.startswith(prefix):
                for other in others:
                    yield other + name.removeprefix(prefix)
