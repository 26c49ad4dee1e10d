"""What an exporter that was met says of the signals its dialect knows: those it has, and why it has not the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from console.signals.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Way:
    """What to turn on, or to wait for, and the signals that it gives."""

    what: str
    signals: tuple[tuple[str, str], ...]  # (signal, its metrics)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One dialect that was seen."""

    dialect: str
    title: str
    signals: tuple[str, ...]  # that it has here
    ways: tuple[Way, ...] = ()  # to those that are missing
    lacks: tuple[tuple[str, str], ...] = ()  # (signal, why): no such exporter has them

    @classmethod
    def of(cls, dialect: Dialect, has: Callable[[str], bool]) -> Spoken:
        """What it says where `has` tells whether a signal is there."""
        return cls(
            dialect.name,
            dialect.title or dialect.name,
            tuple(signal for signal in dialect.signals if has(signal)),
            tuple(_ways(dialect, [signal for signal in dialect.signals if not has(signal)])),
            tuple(dialect.lacks.items()),
        )

    @property
    def missing(self) -> tuple[tuple[str, str], ...]:
        """(signal, why) for every signal that it could have and has not."""
        return tuple((signal, f"{metrics}: {way.what}") for way in self.ways for signal, metrics in way.signals)


def _ways(dialect: Dialect, missing: Sequence[str]) -> Iterator[Way]:
    by_way: dict[str, list[tuple[str, str]]] = {}
    for signal in missing:
        by_way.setdefault(dialect.way_to(signal), []).append((signal, dialect.metrics(signal)))
    return (Way(what, tuple(signals)) for what, signals in by_way.items())
