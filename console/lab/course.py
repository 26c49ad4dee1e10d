"""The course of one series: a function of time alone, so that any window of any length shows the same numbers.

What simulated estates are made of. A gauge wobbles around its level, a counter counts what comes by chance (or grows
evenly, where it counts seconds or bytes), a histogram holds log-normal observations; each may swing with the hour of
the day and be turned from an instant on.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from console.lab.chance import key_of, normal, poisson
from console.model import Kind, SeriesKey
from console.signals.catalogue import find_signal

if TYPE_CHECKING:
    from console.lab.chance import Places
    from console.model import Array

DAY = 86400.0
PEAK = 14 * 3600.0  # seconds into the day (UTC) at which the swing of a day is highest
DIGITS = 6  # that gauges are told with

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 7.5,
           10.0, 20.0, 40.0, 80.0, math.inf)  # fmt: skip
SHARES = (*(number / 20 for number in range(1, 21)), math.inf)
AMOUNTS = (*(2.0**power for power in range(18)), math.inf)


def usual_edges(signal: str) -> tuple[float, ...]:
    """The buckets of a histogram of this signal: of seconds, of shares or of amounts."""
    return {"s": SECONDS, "1": SHARES}.get(find_signal(signal).unit, AMOUNTS)


@dataclass(frozen=True, slots=True)
class Turn:
    """From `start` until `end` the level is another; it gets there within `over` seconds."""

    start: float
    end: float = math.inf
    to: float | None = None
    times: float = 1.0
    rate: float = 1.0  # histograms: how much more often something is observed
    over: float = 0.0
    stays: bool = False  # whether it outlives what brought it: what only a restart would clear

    def share(self, times: Array) -> Array:
        """How much of it holds at the end of each step, 0..1."""
        inside = (times > self.start + 1e-6) & (times <= self.end + 1e-6)
        risen = np.clip((times - self.start) / self.over, 0.0, 1.0) if self.over > 0 else 1.0
        return np.where(inside, risen, 0.0)


@dataclass(frozen=True, slots=True)
class Course:
    """One series at every instant from `born` until `gone`."""

    key: SeriesKey
    level: float  # of a gauge; of a counter, what it grows by a second; of a histogram, the median
    spread: float = (
        0.03  # relative noise (counted things come by chance anyway); of a histogram: sigma of the logarithm
    )
    season: float = 0.0  # relative swing of a day: of the level, of a histogram how often something is observed
    rate: float = 10.0  # histograms: observations a second
    turns: tuple[Turn, ...] = ()
    born: float = -math.inf
    gone: float = math.inf

    def values(self, seed: int, times: Array, interval: float) -> tuple[Array, Array | None]:
        """What a frame holds of the steps of `interval` seconds that end at `times`, and a histogram's sums.

        Gauges and increases have shape (steps,), observations (steps, buckets). NaN where the series does not exist.
        """
        places = np.rint(times / interval).astype(np.uint64)
        key = key_of(seed, self.key.signal, *self.key.labels)
        there = (times > self.born + 1e-6) & (times <= self.gone + 1e-6)
        swing = 1.0 + self.season * np.cos(2.0 * np.pi * (times - PEAK) / DAY)
        level = self._turned(times)
        match self.key.kind:
            case Kind.GAUGE:
                values = level * swing * (1.0 + self.spread * normal(key, places))
                return np.where(there, rounded(self._possible(values, level)), np.nan), None
            case Kind.COUNTER:
                expected = level * swing * interval
                if self._is_counted:
                    return np.where(there, poisson(key, places, expected), np.nan), None
                grown = rounded(np.maximum(expected * (1.0 + self.spread * normal(key, places)), 0.0))
                return np.where(there, grown, np.nan), None
            case Kind.HISTOGRAM:
                expected = self._rates(times) * swing * interval
                counts, sums = self._observed(key, places, expected, level)
                return np.where(there[:, None], counts, np.nan), np.where(there, sums, np.nan)

    @property
    def _is_counted(self) -> bool:
        """Whether it grows by one at a time, as requests do; seconds and bytes do not."""
        return find_signal(self.key.signal).unit.startswith("{")

    def _turned(self, times: Array) -> Array:
        level = np.full(times.shape, self.level)
        for turn in self.turns:
            then = turn.to if turn.to is not None else level * turn.times
            level = level + (then - level) * turn.share(times)
        return level

    def _rates(self, times: Array) -> Array:
        rate = np.full(times.shape, self.rate)
        for turn in self.turns:
            rate = rate * (1.0 + (turn.rate - 1.0) * turn.share(times))
        return rate

    def _possible(self, values: Array, level: Array) -> Array:
        """Noise makes nothing negative that is not, and no share larger than the whole."""
        values = np.where(level >= 0, np.maximum(values, 0.0), values)
        is_share = find_signal(self.key.signal).unit == "1"
        return np.where((level <= 1.0) & is_share, np.minimum(values, 1.0), values)

    def _observed(self, key: int, places: Places, expected: Array, medians: Array) -> tuple[Array, Array]:
        edges, buckets = self.key.edges, len(self.key.edges)
        distinct, which = np.unique(rounded(medians), return_inverse=True)
        shares, means = (
            np.array(part)[which]
            for part in zip(*(_log_normal(median, self.spread, edges) for median in distinct.tolist()), strict=True)
        )
        apart = (places[:, None] * np.uint64(buckets) + np.arange(buckets, dtype=np.uint64)).astype(np.uint64)
        counts = poisson(key, apart, expected[:, None] * shares)
        return counts, rounded((counts * means).sum(axis=1))


def rounded(values: Array) -> Array:
    """To as many digits as are told: what the last bits of a logarithm are depends on the processor."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(values))))
        short = np.round(values * scale) / scale
    return np.where(np.isfinite(scale), short, values)


@lru_cache(maxsize=4096)
def _log_normal(median: float, sigma: float, edges: tuple[float, ...]) -> tuple[list[float], list[float]]:
    """The share of observations in each bucket, and the mean of those there; the last two of shares are one."""
    if median <= 0:
        return [1.0, *(0.0 for _ in edges[1:])], [0.0 for _ in edges]
    mean = median * math.exp(sigma**2 / 2)
    cuts = [math.log(edge / median) / sigma if math.isfinite(edge) else math.inf for edge in edges]
    if edges == SHARES:
        cuts[-2] = math.inf
    below = [0.0, *(_below(cut) for cut in cuts)]
    mass = [0.0, *(_below(cut - sigma) for cut in cuts)]
    shares = [high - low for low, high in itertools.pairwise(below)]
    parts = [mean * (high - low) for low, high in itertools.pairwise(mass)]
    means = [part / share if share > 1e-12 else 0.0 for part, share in zip(parts, shares, strict=True)]
    return shares, [min(each, edge) for each, edge in zip(means, edges, strict=True)]


def _below(cut: float) -> float:
    return 0.5 * (1.0 + math.erf(cut / math.sqrt(2.0)))
