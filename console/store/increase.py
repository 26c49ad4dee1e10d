"""From totals to increases: what a counter or histogram gained between two readings."""

from __future__ import annotations

from dataclasses import dataclass

from console.model import Reading

LONGEST_GAP = 300.0
"""Seconds. An increase over a longer gap belongs to no interval that could be named, so it is dropped."""


@dataclass(frozen=True, slots=True)
class Total:
    """A counter's or histogram's total at one instant."""

    time: float
    value: float
    counts: tuple[float, ...] = ()  # histograms: cumulative over le, as exported


@dataclass(frozen=True, slots=True)
class Increase:
    """What was gained since the total before. `counts` is by bucket, not cumulative."""

    value: float  # counter: the increase; histogram: the sum of the observations
    counts: tuple[float, ...] = ()


def increase(before: Total | Reading | None, reading: Reading) -> Increase | None:
    """What was gained; None for a first reading and after a gap of more than `LONGEST_GAP`.

    A total that went down was reset, so all of it is new. The increase belongs to the interval that ends at the
    reading: missed scrapes show as steps without data and then one larger increase, never as invented ones.
    """
    if before is None or reading.time - before.time > LONGEST_GAP:
        return None
    if not reading.counts:
        gained = reading.value - before.value
        return Increase(gained if gained >= 0 else reading.value)
    gains = [now - then for now, then in zip(reading.counts, before.counts, strict=True)]
    if min(gains) < 0:
        return Increase(reading.value, _by_bucket(reading.counts))
    return Increase(reading.value - before.value, _by_bucket(gains))


def _by_bucket(cumulative: tuple[float, ...] | list[float]) -> tuple[float, ...]:
    """Counts of each bucket alone. A page written while it changes may dip between buckets; a dip counts as nothing."""
    counts, reached = [], 0.0
    for total in cumulative:
        counts.append(max(total - reached, 0.0))
        reached = max(reached, total)
    return tuple(counts)
