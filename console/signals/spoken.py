"""What an exporter that was met says of the signals its dialect knows: those it has, and why it has not the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from console.signals.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Spoken:
    """One dialect that was seen."""

    dialect: str
    title: str
    signals: tuple[str, ...]  # that it has here
    missing: tuple[tuple[str, str], ...] = ()  # (signal, why): it could have them
    lacks: tuple[tuple[str, str], ...] = ()  # (signal, why): no such exporter has them

    @classmethod
    def of(cls, dialect: Dialect, has: Callable[[str], bool]) -> Spoken:
        """What it says where `has` tells whether a signal is there."""
        return cls(
            dialect.name,
            dialect.title or dialect.name,
            tuple(signal for signal in dialect.signals if has(signal)),
            tuple((signal, dialect.why_missing(signal)) for signal in dialect.signals if not has(signal)),
            tuple(dialect.lacks.items()),
        )
