"""GPUs as the board shows them: the newest value of every series of each one, and what those numbers say is wrong."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from console.model import Reading, SeriesKey
from console.service.sparks import levels

MOST_GPUS = 4096
MOST_PLACES = 250_000  # series whose GPU is remembered
MOST_VALUES = 1000  # of one GPU
KEPT = 120  # values of each series that has a history
SPARK = 60
RECENT_SECONDS = 900.0  # for so long a new error is what is wrong with a GPU
VANISHED_SECONDS = 120.0  # a value that comes no more while others do is none
FORGOTTEN_SECONDS = 3600.0  # after that a GPU that gives nothing any more is no row

HISTORY = ("gpu.utilization", "gpu.memory.utilization", "gpu.power", "gpu.temperature")
TELLING = ("kind", "cause", "link", "mig", "xid", "code")  # labels that tell series of one signal and GPU apart


@dataclass(slots=True)
class SeenGpu:
    """One GPU, as its series say."""

    source: str
    host: str
    gpu: str
    uuid: str
    name: str
    newest: float = 0.0
    values: dict[str, float] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    changed: dict[str, tuple[float, float]] = field(default_factory=dict)  # key: when it did, and what it was before
    sources: set[str] = field(default_factory=set)  # all that tell of it
    history: dict[str, deque[float]] = field(default_factory=lambda: {name: deque(maxlen=KEPT) for name in HISTORY})

    def put(self, key: str, time: float, value: float) -> None:
        """Take the newest value of one series."""
        if key not in self.values and len(self.values) >= MOST_VALUES:
            return
        before = self.values.get(key, value)
        if before != value and key.partition(":")[0] in WATCHED:
            self.changed[key] = (time, before)
        self.values[key] = value
        self.times[key] = time
        self.newest = max(self.newest, time)

    def remember(self) -> None:
        """Add what the newest values say to the history."""
        for key in [key for key, time in self.times.items() if self.newest - time > VANISHED_SECONDS]:
            del self.times[key], self.values[key]
        self._fill_in()
        for name, kept in self.history.items():
            if name in self.values:
                kept.append(self.values[name])

    def _fill_in(self) -> None:
        """The share of the memory in use, for those who tell only how much that is."""
        used = self.values.get("gpu.memory.used")
        total = self.values.get("gpu.memory.total") or (used or 0.0) + self.values.get("gpu.memory.free", 0.0)
        if used is not None and total > used:
            self.values["gpu.memory.utilization"] = used / total


class Gpus:
    """Every GPU that any source gave samples of. Written by the loop as samples arrive, read by the board."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], SeenGpu] = {}  # by host and UUID, and by host and number
        self._places: dict[SeriesKey, tuple[SeenGpu, str]] = {}

    def note(self, source: str, readings: Iterable[Reading]) -> None:
        """Take notice of the samples of one source."""
        touched: dict[int, SeenGpu] = {}
        for reading in readings:
            place = self._places.get(reading.series) or self._place(source, reading.series, reading.time)
            if place is not None:
                gpu, key = place
                gpu.put(key, reading.time, reading.value)
                touched[id(gpu)] = gpu
        for gpu in touched.values():
            gpu.remember()

    def rows(self, now: float, late: Callable[[str], float]) -> list[dict[str, Any]]:
        """One row per GPU, by host and then by number. `late` says from which age on a source's samples are stale."""
        return [row(gpu, now, late(gpu.source)) for gpu in self._all(now)]

    def find(self, host: str, gpu: str) -> SeenGpu | None:
        """One GPU by its number or its UUID."""
        return self._seen.get((host, gpu))

    def __len__(self) -> int:
        return len({id(gpu) for gpu in self._seen.values()})

    def _all(self, now: float) -> Sequence[SeenGpu]:
        gone = {name for name, gpu in self._seen.items() if now - gpu.newest > FORGOTTEN_SECONDS}
        if gone:
            self._seen = {name: gpu for name, gpu in self._seen.items() if name not in gone}
            self._places.clear()
        return sorted(
            {id(gpu): gpu for gpu in self._seen.values()}.values(),
            key=lambda gpu: (_in_order(gpu.host), _in_order(gpu.gpu)),
        )

    def _place(self, source: str, series: SeriesKey, time: float) -> tuple[SeenGpu, str] | None:
        labels = dict(series.labels)
        number, uuid = labels.get("gpu", ""), labels.get("uuid", "")
        host = labels.get("host") or labels.get("instance", "").rpartition(":")[0]
        if not (number or uuid):
            return None
        if len(self._places) >= MOST_PLACES:  # labels that come and go, such as pods
            self._places.clear()
        names = [(host, name) for name in (uuid, number) if name]  # one that is lost tells its number alone
        gpu = next((self._seen[name] for name in names if name in self._seen), None)
        if gpu is None:
            if len(self) >= MOST_GPUS:
                return None
            gpu = SeenGpu(source, host, number or uuid, uuid, "", time)
        self._seen |= dict.fromkeys(names, gpu)
        gpu.sources.add(source)
        gpu.uuid = uuid or gpu.uuid
        gpu.name = gpu.name or labels.get("device_model", "")
        more = ":".join(labels[label] for label in TELLING if label in labels)
        place = self._places[series] = (gpu, f"{series.signal}:{more}" if more else series.signal)
        return place


def row(gpu: SeenGpu, now: float, late: float) -> dict[str, Any]:
    """One GPU in plain JSON types."""
    age = now - gpu.newest
    reason = "; ".join(faults(gpu, now))
    state = "degraded" if reason else "ok"
    if age > late:
        state, reason = "stale", "no new samples" + (f"; before that: {reason}" if reason else "")
    spark = gpu.history["gpu.utilization"]
    return {
        "source": gpu.source,
        "host": gpu.host,
        "gpu": gpu.gpu,
        "uuid": gpu.uuid,
        "name": gpu.name,
        "state": state,
        "reason": reason,
        "age": age,
        "values": dict(gpu.values),
        "spark": levels([*islice(spark, max(0, len(spark) - SPARK), None)], low=0.0, high=1.0),
    }


# ── what the numbers say is wrong ────────────────────────────────────────────────────────────────────────────────────

Shows = Callable[[SeenGpu, str, float], bool]
"""(GPU, signal, now) -> whether it shows a fault"""


def faults(gpu: SeenGpu, now: float) -> list[str]:
    """What is bad in itself, whatever the baseline: in words, the gravest first."""
    return [words for signal, shows, words in FAULTS if shows(gpu, signal, now)]


def _is(value: float) -> Shows:
    return lambda gpu, signal, _now: gpu.values.get(signal) == value


def _has(bits: int, *, without: int = 0) -> Shows:
    def shows(gpu: SeenGpu, signal: str, _now: float) -> bool:
        reasons = int(gpu.values.get(signal, 0.0))
        return bool(reasons & bits) and not reasons & without

    return shows


def _any(gpu: SeenGpu, signal: str, _now: float) -> bool:
    return any(value > 0 for key, value in gpu.values.items() if key.partition(":")[0] == signal)


def _grew(gpu: SeenGpu, key: str, now: float) -> bool:
    when, before = gpu.changed.get(key, (-RECENT_SECONDS, 0.0))
    return now - when <= RECENT_SECONDS and gpu.values.get(key, before) > before


def _changed(gpu: SeenGpu, key: str, now: float) -> bool:
    when, _before = gpu.changed.get(key, (-RECENT_SECONDS, 0.0))
    return now - when <= RECENT_SECONDS and gpu.values.get(key, 0.0) != 0


def _below(most: str) -> Shows:
    def shows(gpu: SeenGpu, signal: str, _now: float) -> bool:
        return signal in gpu.values and gpu.values[signal] < gpu.values.get(most, 0.0)

    return shows


FAULTS: tuple[tuple[str, Shows, str], ...] = (
    ("gpu.up", _is(0), "it does not answer"),
    ("gpu.recovery.action", _is(3), "its driver asks to drain it"),
    ("gpu.recovery.action", _is(2), "its driver asks for a reboot of the node"),
    ("gpu.recovery.action", _is(1), "its driver asks for a reset"),
    ("gpu.ecc.errors:uncorrected", _grew, "new uncorrected memory errors"),
    ("gpu.rows.failed", _any, "a bad memory row could not be taken out of use"),
    ("gpu.rows.pending", _any, "memory rows wait for a reset to be taken out of use"),
    ("gpu.xid.recent", _any, "its driver reported an error"),
    ("gpu.xid", _changed, "its driver reported an error"),
    ("gpu.throttle.reasons", _has(0x40), "too hot: the hardware slows it down"),
    ("gpu.throttle.reasons", _has(0x80), "the power supply slows it down"),
    ("gpu.throttle.reasons", _has(0x20), "too hot: the driver slows it down"),
    ("gpu.throttle.reasons", _has(0x08, without=0xC0), "the hardware slows it down"),
    ("gpu.pcie.link.width", _below("gpu.pcie.link.width.max"), "fewer PCIe lanes than it could use"),
    ("gpu.nvlink.up", _below("gpu.nvlink.links"), "links to other GPUs are down"),
)
WATCHED = {signal.partition(":")[0] for signal, shows, _words in FAULTS if shows in (_grew, _changed)}


def _in_order(number: str) -> tuple[tuple[int, str], ...]:
    """Text with numbers in it, sorted as people count: 2 before 10."""
    return tuple((int(part), "") if part.isdigit() else (0, part) for part in re.findall(r"\d+|\D+", number))
