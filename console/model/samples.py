"""Labels, signals and samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from console.model.arrays import Array


class Labels(tuple[tuple[str, str], ...]):
    """Label pairs sorted by name: hashable, so a label set can be a key; an object in JSON."""

    __slots__ = ()

    @classmethod
    def of(cls, pairs: Mapping[str, str] | Iterable[tuple[str, str]] = (), **more: str) -> Labels:
        """The one spelling of a label set.

        >>> Labels.of(model="glove", az="b")
        (('az', 'b'), ('model', 'glove'))
        """
        told = dict(pairs, **more) if more else dict(pairs)
        if not _is_plain(told):
            told = {_text(name): _text(value) for name, value in told.items()}
        return cls(sorted(told.items()))

    def value(self, name: str) -> str | None:
        """The value of one label, or None."""
        return next((value for key, value in self if key == name), None)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> Any:
        from pydantic_core import core_schema as schema

        return schema.no_info_after_validator_function(
            lambda pairs: _interned(tuple(pairs.items())),
            schema.dict_schema(schema.str_schema(), schema.str_schema()),
            serialization=schema.plain_serializer_function_ser_schema(
                dict, return_schema=schema.dict_schema(schema.str_schema(), schema.str_schema())
            ),
        )


@lru_cache(maxsize=50_000)
def _interned(pairs: tuple[tuple[str, str], ...]) -> Labels:
    """A label set that was read: sources say the same ones over and over."""
    return Labels.of(pairs)


def _is_plain(told: Mapping[str, str]) -> bool:
    """Whether any encoder takes it as it is: nearly always, so it is asked at once."""
    try:
        return "".join((*told, *told.values())).isascii()
    except TypeError:  # something is no text yet
        return False


def _text(value: object) -> str:
    """What any encoder takes: half a character, which none does, becomes a question mark."""
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


NO_LABELS = Labels()


class Kind(StrEnum):
    """How a signal's values are to be read."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Direction(StrEnum):
    """Which way is bad."""

    UP = "up"
    DOWN = "down"
    EITHER = "either"


Scope = Literal["gpu", "model", "host", "workload", "data"]


Across = Literal["sum", "mean", "max"]


@dataclass(frozen=True, slots=True)
class Signal:
    """A quantity with one meaning, whatever exports it."""

    name: str
    title: str
    unit: str  # UCUM-like: s, By, 1 (a ratio), {request}, Cel, W, Hz …
    kind: Kind
    bad: Direction
    scope: Scope
    across: Across = "sum"  # how gauges of several label sets become one, counters and histograms always add; with
    # "max" a step has its largest value too: a code or a bit mask has no mean
    floor: float = 0.0  # differences below this, in the signal's unit, are never news
    otel: str | None = None  # OpenTelemetry's name where one exists


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """One signal with one label set."""

    signal: str
    labels: Labels
    kind: Kind
    edges: tuple[float, ...] = ()  # histograms only: upper bounds `le`, the last one inf


@dataclass(frozen=True, slots=True)
class Reading:
    """One sample as an exporter gave it: a gauge's value, or a counter's or histogram's total so far."""

    series: SeriesKey
    time: float
    value: float  # histograms: the sum of observations so far
    counts: tuple[float, ...] = ()  # histograms only: cumulative counts, one per edge


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series over a frame's steps. NaN means no data; it is never 0."""

    key: SeriesKey
    values: (
        Array  # gauge: mean of each step (steps,); counter: increase (steps,); histogram: observations (steps, buckets)
    )
    sums: Array | None = None  # histogram only: sum of the observations of each step (steps,)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Many series on one time axis. Steps may have gaps between them: pooled windows lie weeks apart."""

    times: Array  # (steps,) the end of each step
    step: float  # seconds, the same for every step
    series: tuple[Series, ...] = ()
