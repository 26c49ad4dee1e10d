"""How one exporter spells signals: a page of mappings with no control flow, written once and read by two interpreters.

page.py reads a scraped page with it, promql.py writes queries with it.

    press = Dialect("press", detect="press:cycles_total", model_label="cell", signals={
        "model.latency": histogram("press:answer_seconds"),
        "model.errors": counter("press:answers_total", where={"outcome": "error"}),
    })
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from console.errors import UsageError
from console.model import NO_LABELS, Kind, Labels
from console.signals.catalogue import find_signal

Pairs = Mapping[str, str]
NO_PAIRS: Pairs = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Native:
    """One metric of an exporter that holds (a part of) a signal."""

    kind: Kind
    names: tuple[str, ...]  # as exposed, the current name first, then names it had before
    scale: float = 1.0  # native value × scale = the signal's unit; a histogram's edges and sum too
    where: Labels = NO_LABELS  # native labels that select the series
    labels: Labels = NO_LABELS  # labels to add, where several metrics make one signal


def gauge(native: str, *aliases: str, scale: float = 1.0, where: Pairs = NO_PAIRS, labels: Pairs = NO_PAIRS) -> Native:
    """A value of this instant.

    >>> gauge("gpu_busy_percent", scale=0.01).names
    ('gpu_busy_percent',)
    """
    return Native(Kind.GAUGE, (native, *aliases), scale, Labels.of(where), Labels.of(labels))


def counter(
    native: str, *aliases: str, scale: float = 1.0, where: Pairs = NO_PAIRS, labels: Pairs = NO_PAIRS
) -> Native:
    """A total that only grows, but for restarts; named as exposed, with `_total` where the exporter has it."""
    return Native(Kind.COUNTER, (native, *aliases), scale, Labels.of(where), Labels.of(labels))


def histogram(
    native: str, *aliases: str, scale: float = 1.0, where: Pairs = NO_PAIRS, labels: Pairs = NO_PAIRS
) -> Native:
    """Cumulative buckets; named without `_bucket` and `_sum`. Edges are read from `le`, never assumed."""
    return Native(Kind.HISTOGRAM, (native, *aliases), scale, Labels.of(where), Labels.of(labels))


@dataclass(frozen=True, slots=True)
class Dialect:
    """An exporter's spelling of signals.

    `detect` names metrics of which at least one is on every page of that exporter. `model_label` becomes `model`, the
    pairs of `labels` (native -> common: gpu, host, replica …) are renamed and every other label stays as it is.
    `respelled` are prefixes that stand for others: with {"press:": ("press_",)} the metric `press:x` is also
    known as `press_x`. Values within one of `blanks` (low, high) are an exporter's way to say "not supported": no data.

    Raises UsageError where it maps to a signal that the catalogue lacks, or has as another kind.
    """

    name: str
    detect: str | tuple[str, ...]
    model_label: str | None = None
    signals: Mapping[str, Native | tuple[Native, ...]] = field(default_factory=dict)
    title: str = ""
    labels: Pairs = field(default_factory=dict)
    respelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blanks: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        for signal in self.signals:
            for native in self.natives(signal):
                if native.kind is not find_signal(signal).kind:
                    raise UsageError(
                        f"dialect {self.name} maps {native.names[0]} as a {native.kind} to {signal}",
                        f"{signal} is a {find_signal(signal).kind}",
                    )

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
        """The metric names that give this exporter away."""
        return self.spellings(*((self.detect,) if isinstance(self.detect, str) else self.detect))

    def common(self, native_label: str) -> str:
        """The common name of a native label."""
        return "model" if native_label == self.model_label else self.labels.get(native_label, native_label)

    def native_labels(self, label: str) -> tuple[str, ...]:
        """The native labels that a common one may have come from."""
        renamed = tuple(native for native, common in self._renamed() if common == label)
        return renamed or (label,)

    def is_blank(self, value: float) -> bool:
        """Whether a native value says that there is none."""
        return any(low <= value <= high for low, high in self.blanks)

    def _renamed(self) -> Iterator[tuple[str, str]]:
        if self.model_label:
            yield self.model_label, "model"
        yield from self.labels.items()

    def _respell(self, name: str) -> Iterator[str]:
        yield name
        for prefix, others in self.respelled.items():
            if name.startswith(prefix):
                for other in others:
                    yield other + name.removeprefix(prefix)
