"""One minute of one series, as it is gathered between two commits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from console.model import Kind
from console.store.increase import Increase
from console.store.sketch import pack_counts, pack_values

MINUTE = 60.0


def minute_of(time: float) -> int:
    """The minute a reading belongs to, which is (60 * (minute - 1), 60 * minute]: an increase belongs to its end.

    >>> minute_of(60.0), minute_of(60.1)
    (1, 2)
    """
    return math.ceil(time / MINUTE)


@dataclass(slots=True)
class Minute:
    """What was seen in (a part of) one minute."""

    kind: Kind
    count: float = 0.0  # gauge and counter: readings; histogram: observations
    sum: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    values: list[float] = field(default_factory=list)  # gauge: every value; histogram: observations by bucket

    def add(self, gained: Increase) -> None:
        """Count one reading in."""
        self.sum += gained.value
        if self.kind is Kind.HISTOGRAM:
            self.count += sum(gained.counts)
            counts = self.values or [0.0] * len(gained.counts)
            self.values = [a + b for a, b in zip(counts, gained.counts, strict=True)]
            return
        self.count += 1
        self.low = min(self.low, gained.value)
        self.high = max(self.high, gained.value)
        if self.kind is Kind.GAUGE:
            self.values.append(gained.value)

    def row(self) -> tuple[float, float, float | None, float | None, bytes | None]:
        """count, sum, low, high and sketch, as the table has them."""
        match self.kind:
            case Kind.GAUGE:
                return self.count, self.sum, self.low, self.high, pack_values(self.values)
            case Kind.COUNTER:
                return self.count, self.sum, self.low, self.high, None
            case Kind.HISTOGRAM:
                return self.count, self.sum, None, None, pack_counts(self.values)
