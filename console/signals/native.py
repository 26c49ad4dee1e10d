"""One metric of an exporter, and what it says of a signal: the words that a dialect's mappings are written in.

A `where` or `unless` compares a label's whole value with a regular expression; a label that a series does not have is
empty there, as it is to Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from console.model import NO_LABELS, Kind, Labels

Pairs = Mapping[str, str]
NO_PAIRS: Pairs = MappingProxyType({})
Blanks = tuple[tuple[float, float], ...]
LITERAL = re.compile(r"[\w :/,%-]*", re.ASCII)  # a pattern that matches itself alone

Form = Literal["value", "share", "rest", "used", "age"]


@dataclass(frozen=True, slots=True)
class Native:
    """One metric of an exporter that holds (a part of) a signal."""

    kind: Kind
    names: tuple[str, ...]  # as exposed, the current name first, then names it had before
    scale: float = 1.0  # native value × scale = the signal's unit; a histogram's edges and sum too
    where: Labels = NO_LABELS  # patterns of native labels that select the series
    unless: Labels = NO_LABELS  # and that leave series out
    labels: Labels = NO_LABELS  # labels to add, where several metrics make one signal
    blanks: Blanks = ()  # values that are none, beside the dialect's
    form: Form = "value"  # gauges: what becomes of the metric x and of the metric (or number) y that it goes with
    of: str | float = ""  # y

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these native labels is one of it."""
        for label, pattern in self.where:
            if not _matches(pattern, labels.get(label, "")):
                return False
        for label, pattern in self.unless:  # noqa: SIM110 - this is asked for every line of a page
            if _matches(pattern, labels.get(label, "")):
                return False
        return True

    def says(self, label: str) -> bool:
        """Whether every series of it has the same value of a native label: then the label says nothing more."""
        pattern = self.where.value(label)
        return pattern is not None and is_literal(pattern)


def gauge(
    native: str,
    *aliases: str,
    scale: float = 1.0,
    where: Pairs = NO_PAIRS,
    unless: Pairs = NO_PAIRS,
    labels: Pairs = NO_PAIRS,
    blanks: Blanks = (),
) -> Native:
    """A value of this instant.

    >>> gauge("gpu_busy_percent", scale=0.01).names
    ('gpu_busy_percent',)
    """
    return Native(Kind.GAUGE, (native, *aliases), scale, Labels.of(where), Labels.of(unless), Labels.of(labels), blanks)


def counter(
    native: str,
    *aliases: str,
    scale: float = 1.0,
    where: Pairs = NO_PAIRS,
    unless: Pairs = NO_PAIRS,
    labels: Pairs = NO_PAIRS,
) -> Native:
    """A total that only grows, but for restarts; named as exposed, with `_total` where the exporter has it.

    A histogram's or a summary's `_count` and `_sum` are counters too.
    """
    return Native(Kind.COUNTER, (native, *aliases), scale, Labels.of(where), Labels.of(unless), Labels.of(labels))


def histogram(
    native: str,
    *aliases: str,
    scale: float = 1.0,
    where: Pairs = NO_PAIRS,
    unless: Pairs = NO_PAIRS,
    labels: Pairs = NO_PAIRS,
) -> Native:
    """Cumulative buckets; named without `_bucket` and `_sum`. Edges are read from `le`, never assumed."""
    return Native(Kind.HISTOGRAM, (native, *aliases), scale, Labels.of(where), Labels.of(unless), Labels.of(labels))


def share(native: str, of: str, *, unless: Pairs = NO_PAIRS) -> Native:
    """x / y of two gauges with the same labels."""
    return Native(Kind.GAUGE, (native,), unless=Labels.of(unless), form="share", of=of)


def rest(native: str, of: str | float, *, scale: float = 1.0, unless: Pairs = NO_PAIRS) -> Native:
    """y − x: what is left of y, a gauge with the same labels or a number."""
    return Native(Kind.GAUGE, (native,), scale, unless=Labels.of(unless), form="rest", of=of)


def used(native: str, of: str, *, unless: Pairs = NO_PAIRS) -> Native:
    """(y − x) / y: the share in use where x says what is free.

    >>> used("node_memory_MemAvailable_bytes", of="node_memory_MemTotal_bytes").form
    'used'
    """
    return Native(Kind.GAUGE, (native,), unless=Labels.of(unless), form="used", of=of)


def age(native: str) -> Native:
    """The seconds since the epoch time that a gauge tells."""
    return Native(Kind.GAUGE, (native,), form="age")


def is_literal(pattern: str) -> bool:
    """Whether a pattern matches itself alone.

    >>> is_literal("error"), is_literal("5..")
    (True, False)
    """
    return LITERAL.fullmatch(pattern) is not None


def _matches(pattern: str, value: str) -> bool:
    return pattern == value if is_literal(pattern) else _compiled(pattern).fullmatch(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)
