"""How long requests took within the last minute, by model and signal: out of totals as they arrive, or out of what a
source that was asked says of that minute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from console.analysis.series.quantiles import histogram_quantile
from console.model import Finding, Frame, Kind, Reading, SeriesKey
from console.service.sparks import levels
from console.signals.catalogue import find_signal
from console.store.increase import Increase, Total, increase

if TYPE_CHECKING:
    from console.model import Array

MINUTE = 60.0
SLOT_SECONDS = 5.0  # the minute moves on by so much
MOST_SERIES = 50_000
MOST_PLACES = 5_000
MOST_REPLICAS = 1_000  # of one model, whose gauges are added up
FORGOTTEN_SECONDS = 3600.0  # after that a series that gives nothing any more is none
SWEEP_SECONDS = 600.0
OWN_SECONDS = 60.0  # for so long what one source told of a model is not written over by another that was asked
COLLECTED = ""  # in place of the source: readings add up, whoever brings them
SPARK = 60
QUANTILES = np.array([0.5, 0.95, 0.99])

DURATIONS = ("model.latency", "model.ttft", "model.itl", "model.tpot")  # what a user of a model feels
REQUESTS, ERRORS, TOKENS = "model.requests", "model.errors", "model.tokens.generation"
QUEUE, KV = "model.queue.depth", "model.kv.usage"
WANTED = {*DURATIONS, REQUESTS, ERRORS, TOKENS, QUEUE, KV}

WORST_FIRST = ("degraded", "inconclusive", "improved", "ok", "no_data")

Place = tuple[str, str]
"""(model, signal)"""


@dataclass(slots=True)
class _Slot:
    """What came within a few seconds. A slow exporter's increase may have begun long before them."""

    began: float
    value: float = 0.0
    counts: Array | None = None


@dataclass(slots=True)
class Gains:
    """What one signal of one model gained within the last minute, all its series together."""

    edges: tuple[float, ...] = ()
    newest: float = 0.0
    slots: dict[int, _Slot] = field(default_factory=dict)
    source: str = COLLECTED
    found: list[float | None] | None = None  # the quantiles, once they are asked for

    def add(self, began: float, time: float, gain: Increase) -> None:
        """Take one increase."""
        self.newest = max(self.newest, time)
        self.found = None
        slot = self.slots.setdefault(int(time // SLOT_SECONDS), _Slot(began))
        slot.began = min(slot.began, began)
        slot.value += gain.value
        if gain.counts:
            slot.counts = np.array(gain.counts) if slot.counts is None else slot.counts + gain.counts
        first = int((self.newest - MINUTE) // SLOT_SECONDS)
        self.slots = {number: slot for number, slot in self.slots.items() if number > first}

    @property
    def value(self) -> float:
        return sum(slot.value for slot in self.slots.values())

    @property
    def counts(self) -> Array:
        seen = [slot.counts for slot in self.slots.values() if slot.counts is not None]
        return np.sum(seen, axis=0) if seen else np.zeros(len(self.edges))

    @property
    def seconds(self) -> float:
        return self.newest - min(slot.began for slot in self.slots.values())

    def quantiles(self) -> list[float | None]:
        """p50, p95 and p99; None where nothing was observed."""
        if self.found is None:
            bars = self.counts
            found = histogram_quantile(bars, np.array(self.edges), QUANTILES) if self.edges else QUANTILES * np.nan
            self.found = [None if np.isnan(value) else float(value) for value in found]
        return self.found


@dataclass(slots=True)
class Gauges:
    """The newest values of one signal of one model, by series."""

    source: str = COLLECTED
    newest: dict[SeriesKey, Total] = field(default_factory=dict)


class Latency:
    """The last minute of every model. Written by the loop as samples arrive, read by the board.

    Series of one model whose buckets differ cannot be added: the ones that came first are shown.
    """

    def __init__(self) -> None:
        self._totals: dict[SeriesKey, Total] = {}
        self._gains: dict[Place, Gains] = {}
        self._gauges: dict[Place, Gauges] = {}
        self._sparks: dict[Place, deque[float]] = {}
        self._swept = 0.0

    def note(self, readings: Iterable[Reading]) -> None:
        """Take notice of samples."""
        touched: dict[Place, None] = {}
        for reading in readings:
            signal, model = reading.series.signal, reading.series.labels.value("model")
            if signal in WANTED and model:
                self._take((model, signal), reading)
                touched[model, signal] = None
                self._sweep(reading.time)
        for place in touched:
            self._remember(place)

    def take(self, source: str, signal: str, frame: Frame) -> None:
        """Take what a source that was asked says of one signal: its last step, which is a minute, by model.

        Where others tell of the same model it is not added to what they say: the one that told first goes on.
        """
        if not frame.times.size:
            return
        time = float(frame.times[-1])
        self._sweep(time)
        for series in frame.series:
            place = (series.key.labels.value("model") or "", signal)
            last = series.values[-1]
            if not place[0] or np.isnan(last).any():
                continue
            if series.key.kind is Kind.GAUGE:
                gauges = self._gauges.get(place)
                newest = max((total.time for total in gauges.newest.values()), default=0.0) if gauges else 0.0
                if self._may_tell(place in self._gauges, gauges.source if gauges else source, newest, source, time):
                    self._gauges[place] = Gauges(source, {series.key: Total(time, float(last))})
                continue
            held = self._gains.get(place)
            if not self._may_tell(held is not None, held.source if held else source, held.newest if held else 0.0,
                                  source, time):  # fmt: skip
                continue
            slot = _Slot(time - frame.step)
            if series.key.kind is Kind.HISTOGRAM:
                slot.counts, slot.value = last, 0.0 if series.sums is None else float(series.sums[-1])
            else:
                slot.value = float(last)
            self._gains[place] = Gains(series.key.edges, time, {0: slot}, source)
            self._remember(place)

    def rows(self, now: float, late: Callable[[str], float], findings: Sequence[Finding]) -> list[dict[str, Any]]:
        """One row per model and duration, or one per model that only counts its requests; by model.

        `late` says from which age on what a source told is stale; of `COLLECTED`, of all that was brought.
        """
        places = [
            (model, signal)
            for model in sorted({model for model, _signal in self._gains})
            for signal in self._durations(model)
        ]
        found: dict[Place, list[Finding]] = {}
        for finding in findings:
            found.setdefault((finding.labels.value("model") or "", finding.signal or ""), []).append(finding)
        return [self._row(place, now, late) | judged(found.get(place, ())) for place in places]

    def _durations(self, model: str) -> Sequence[str]:
        return [signal for signal in DURATIONS if (model, signal) in self._gains] or DURATIONS[:1]

    def _may_tell(self, is_known: bool, teller: str, newest: float, source: str, time: float) -> bool:
        """Whether a source that was asked may say something of a place: it is new, its own, or nobody's any more."""
        return len(self._gains) < MOST_PLACES if not is_known else teller == source or time - newest > OWN_SECONDS

    def _remember(self, place: Place) -> None:
        gains = self._gains.get(place)
        if gains and gains.edges and (p95 := gains.quantiles()[1]) is not None:
            self._sparks.setdefault(place, deque(maxlen=SPARK)).append(p95)

    def _take(self, place: Place, reading: Reading) -> None:
        series, total = reading.series, Total(reading.time, reading.value, reading.counts)
        if series.kind == Kind.GAUGE:
            gauges = self._gauges.get(place)
            if gauges is None or gauges.source != COLLECTED:
                if gauges is None and len(self._gauges) >= MOST_PLACES:
                    return
                gauges = self._gauges[place] = Gauges()
            _put(gauges.newest, series, total, MOST_REPLICAS)
            return
        before = self._totals.get(series)
        if not _put(self._totals, series, total, MOST_SERIES):
            return
        gains = self._gains.get(place)
        if gains is None or gains.source != COLLECTED:
            if gains is None and len(self._gains) >= MOST_PLACES:
                return
            gains = self._gains[place] = Gains(series.edges, reading.time)
        gain = increase(before, reading)
        if before is not None and gain is not None and gains.edges == series.edges:
            gains.add(before.time, reading.time, gain)

    def _row(self, place: Place, now: float, late: Callable[[str], float]) -> dict[str, Any]:
        model, signal = place
        gains = self._gains.get(place) or self._gains.get((model, REQUESTS)) or Gains()
        is_new = now - gains.newest <= late(gains.source)
        p50, p95, p99 = gains.quantiles() if is_new and gains.slots else (None, None, None)
        requests = self._gained(model, REQUESTS, now, late)
        observed = float(gains.counts.sum()) / gains.seconds if is_new and gains.slots and gains.edges else None
        errors = self._gained(model, ERRORS, now, late)
        return {
            "model": model,
            "signal": signal,
            "p50": p50,
            "p95": p95,
            "p99": p99,
            "rate": observed if requests is None else requests,
            "errors": min(errors / requests, 1.0) if errors is not None and requests else None,
            "queue": self._gauge(model, QUEUE, now, late),
            "kv": self._gauge(model, KV, now, late),
            "tokens": self._gained(model, TOKENS, now, late),
            "age": now - gains.newest,
            "spark": levels([*self._sparks.get(place, ())]),
        }

    def _gained(self, model: str, signal: str, now: float, late: Callable[[str], float]) -> float | None:
        """What a counter gained a second; None where it says nothing."""
        gains = self._gains.get((model, signal))
        if gains is None or not gains.slots or now - gains.newest > late(gains.source):
            return None
        return gains.value / gains.seconds

    def _gauge(self, model: str, signal: str, now: float, late: Callable[[str], float]) -> float | None:
        """A gauge over all of the model's series that still come."""
        gauges = self._gauges.get((model, signal), Gauges())
        allowed = late(gauges.source)
        values = [last.value for last in gauges.newest.values() if now - last.time <= allowed]
        match find_signal(signal).across:
            case _ if not values:
                return None
            case "mean":
                return sum(values) / len(values)
            case "max":
                return max(values)
        return sum(values)

    def _sweep(self, now: float) -> None:
        """Forget what comes no more."""
        if 0 <= now - self._swept < SWEEP_SECONDS:
            return
        self._swept = now
        last = now - FORGOTTEN_SECONDS
        self._totals = {series: total for series, total in self._totals.items() if total.time >= last}
        for place, gauges in list(self._gauges.items()):
            gauges.newest = {series: total for series, total in gauges.newest.items() if total.time >= last}
            if not gauges.newest:
                del self._gauges[place]
        self._gains = {place: gains for place, gains in self._gains.items() if gains.newest >= last}
        self._sparks = {place: spark for place, spark in self._sparks.items() if place in self._gains}


def _put(kept: dict[SeriesKey, Total], series: SeriesKey, total: Total, most: int) -> bool:
    """Whether a series' newest total was taken: not where it is no news, or one series too many."""
    before = kept.get(series)
    if len(kept) >= most if before is None else total.time <= before.time:
        return False
    kept[series] = total
    return True


def judged(found: Sequence[Finding]) -> dict[str, Any]:
    """What the newest evaluation of the triggers found about a model's signal: the worst of it."""
    if not found:
        return {"verdict": "no_data", "reason": "no playbook has compared it yet", "ratio": None, "baseline": None}
    worst = min(found, key=lambda finding: WORST_FIRST.index(finding.verdict))
    return {
        "verdict": str(worst.verdict),
        "reason": worst.reason or worst.text,
        "ratio": worst.ratio,
        "baseline": _baseline(worst),
    }


def _baseline(finding: Finding) -> dict[str, float | None] | None:
    """The baseline's p95, and between which values the comparison leaves it: current over the ends of the ratio's
    interval.
    """
    current, baseline = finding.current, finding.baseline
    if finding.stat != "p95" or baseline is None or baseline.value is None:
        return None
    low = high = None
    if current is not None and current.value is not None and finding.ratio is not None and finding.interval:
        low, high = (current.value / end if end > 0 else None for end in reversed(finding.interval))
    return {"value": baseline.value, "low": low, "high": high}
