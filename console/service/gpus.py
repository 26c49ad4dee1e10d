"""GPUs as the board shows them: the newest value of every series of each one, and what those numbers say is wrong.

They come as readings, totals of counters among them, or as the answers of sources that were asked for the last minute,
in which a counter is what it gained. Neither is made up from the other: both give a rate.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.model import Frame, Kind, Reading, SeriesKey
from console.service.gpu_faults import LEAST_GRAVE, Books, Fault, faults, last_code
from console.service.sparks import levels

MOST_GPUS = 20_000
MOST_PLACES = 250_000  # series whose GPU is remembered
MOST_KEYS = 20_000  # ways to tell the series of one GPU apart
MOST_VALUES = 1000  # of one GPU
KEPT = 120  # values of each series that has a history
SPARK = 60
VANISHED_SECONDS = 120.0  # a value that comes no more while others do is none
FORGOTTEN_SECONDS = 3600.0  # after that a GPU that gives nothing any more is no row
OWN_SECONDS = 60.0  # for so long what a source told of a GPU is not written over by another that was asked

HISTORY = ("gpu.utilization", "gpu.memory.utilization", "gpu.power", "gpu.temperature")
NAMES = ("xid", "code")  # labels whose values are codes
TELLING = ("kind", "cause", "link", "mig", *NAMES)  # labels that tell series of one signal and GPU apart
WHOSE = ("host", "instance", "gpu", "uuid", "device_model", "gpu_job")  # labels that say which GPU it is
WATCHED = ("gpu.xid",)  # of which it is remembered when they became what they are
GRAVITY = {"degraded": 0, "stale": 1, "inconclusive": 2, "ok": 3}
Late = Callable[[str], float]  # source -> from which age on its samples are stale


@dataclass(slots=True)
class SeenGpu:
    """One GPU, as its series say."""

    source: str
    host: str
    gpu: str
    uuid: str
    name: str
    newest: float = 0.0
    job: str = ""  # whose work is on it, where that is told
    values: dict[str, float] = field(default_factory=dict)  # a gauge's newest value, a counter's newest total
    times: dict[str, float] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)  # a second, of counters
    changed: dict[str, tuple[float, float]] = field(default_factory=dict)  # key: when it did, and what it was before
    grew: dict[str, float] = field(default_factory=dict)  # key: when a counter gained something last
    sources: set[str] = field(default_factory=set)  # all that tell of it
    history: dict[str, array[float]] = field(default_factory=lambda: {name: array("f") for name in HISTORY})
    unlike: tuple[Fault, ...] = ()  # in what it differs from its siblings
    faults: tuple[Fault, ...] = ()
    order: tuple[Any, ...] = ()

    def put(self, key: str, time: float, value: float) -> None:
        """Take a gauge's newest value."""
        if key not in self.values and len(self.values) >= MOST_VALUES:
            return
        before = self.values.get(key, value)
        if before != value and key in WATCHED:
            self.changed[key] = (time, before)
        self.values[key] = value
        self._told(key, time)

    def count(self, key: str, time: float, total: float) -> None:
        """Take a counter's newest total. One that fell was reset: what it has reached since is new."""
        if key not in self.values and len(self.values) >= MOST_VALUES:
            return
        before = self.values.get(key)
        if before is not None and (seconds := time - self.times[key]) > 0:
            self._gained(key, time, seconds, total - before if total >= before else total)
        self.values[key] = total
        self._told(key, time)

    def gain(self, key: str, time: float, seconds: float, gained: float) -> None:
        """Take what a counter gained within so many seconds; its total is not known."""
        if key not in self.times and len(self.times) >= MOST_VALUES:
            return
        self._gained(key, time, seconds, gained)
        self._told(key, time)

    def settle(self, now: float, books: Books, gone: Iterable[str] = ()) -> None:
        """Having taken what came at once: forget what comes no more, remember the rest, and judge it."""
        for key in (*gone, *[key for key, time in self.times.items() if self.newest - time > VANISHED_SECONDS]):
            for kept in (self.times, self.values, self.rates):
                kept.pop(key, None)
        self._fill_in()
        for name, past in self.history.items():
            if name in self.values:
                past.append(self.values[name])
                if len(past) > KEPT:
                    del past[0]
        self.judge(now, books)

    def judge(self, now: float, books: Books) -> None:
        """Say what is wrong with it."""
        self.faults = faults(self, now, books)

    def state(self, now: float, late: float) -> str:
        """degraded, inconclusive (worth a look), ok; or stale."""
        if now - self.newest > late:
            return "stale"
        return min((fault.state for fault in self.faults), key=GRAVITY.__getitem__, default="ok")

    @property
    def rank(self) -> float:
        """How grave the worst of it is: the lower the graver."""
        return self.faults[0].rank if self.faults else LEAST_GRAVE + 1

    def _told(self, key: str, time: float) -> None:
        self.times[key] = time
        self.newest = max(self.newest, time)

    def _gained(self, key: str, time: float, seconds: float, gained: float) -> None:
        self.rates[key] = gained / seconds
        if gained > 0:
            self.grew[key] = time

    def _fill_in(self) -> None:
        """The share of the memory in use, for those who tell only how much that is."""
        used = self.values.get("gpu.memory.used")
        total = self.values.get("gpu.memory.total") or (used or 0.0) + self.values.get("gpu.memory.free", 0.0)
        if used is not None and total > used:
            self.values["gpu.memory.utilization"] = used / total


class Gpus:
    """Every GPU that any source gave samples of. Written by the loop as samples arrive, read by the board.

    `books` say what the drivers' error codes mean, by signal.
    """

    def __init__(self, books: Books | None = None) -> None:
        self.books: Books = books or {}
        self._seen: dict[tuple[str, str], SeenGpu] = {}  # by host and UUID, and by host and number
        self._places: dict[SeriesKey, tuple[SeenGpu, str]] = {}
        self._keys: dict[tuple[str, ...], str] = {}
        self._count = 0
        self._ordered: list[SeenGpu] | None = None  # all of them, by host and number; None: to be sorted anew

    def note(self, source: str, readings: Iterable[Reading]) -> None:
        """Take notice of the samples of one source."""
        touched: dict[int, SeenGpu] = {}
        for reading in readings:
            series = reading.series
            place = self._places.get(series) or self._place(source, series, reading.time)
            if place is not None:
                gpu, key = place
                (gpu.count if series.kind is Kind.COUNTER else gpu.put)(key, reading.time, reading.value)
                touched[id(gpu)] = gpu
        for gpu in touched.values():
            gpu.settle(gpu.newest, self.books)

    def take(self, source: str, signal: str, frame: Frame) -> None:
        """Take what a source that was asked says of one signal: the last step of each series. `settle` comes after."""
        if not frame.times.size:
            return
        time, seconds = float(frame.times[-1]), frame.step
        for series in frame.series:
            value = float(series.values[-1])
            labels = dict(series.key.labels)
            gpu = self._whose(source, labels, time) if value == value else None
            if gpu is None:
                continue
            key = self._key(signal, labels)
            if gpu.source != source and time - gpu.times.get(key, 0.0) < OWN_SECONDS:
                continue  # the one that it was seen by first tells this, too
            if series.key.kind is Kind.COUNTER:
                gpu.gain(key, time, seconds, value)
            else:
                gpu.put(key, time, value)

    def settle(self, source: str, signals: Collection[str], since: float) -> Iterator[SeenGpu]:
        """After a source has been asked for these signals: each GPU that it told of, once it is judged anew.

        What the source told earlier and does not any more is gone.
        """
        for gpu in self.all():
            if source not in gpu.sources or gpu.newest < since:
                continue
            gone = [
                key
                for key, time in gpu.times.items()
                if time < since and gpu.source == source and key.partition(":")[0] in signals
            ]
            gpu.settle(gpu.newest, self.books, gone)
            yield gpu

    def rows(self, now: float, late: Late, most: int | None = None) -> list[dict[str, Any]]:
        """One row per GPU, by host and then by number; of more than `most` the worst, and then the first.

        `late` says from which age on a source's samples are stale.
        """
        found = self.all(now)
        if most is not None and len(found) > most:
            found = self.worst_first(now, late)[:most]
        return [row(gpu, now, late(gpu.source), self.books) for gpu in found]

    def worst_first(self, now: float, late: Late) -> list[SeenGpu]:
        """All of them, by how much is wrong with them."""
        found = self.all(now)
        allowed = _allowed(found, late)
        return sorted(  # which leaves those that are alike by host and number
            found, key=lambda gpu: (GRAVITY[gpu.state(now, allowed[gpu.source])], gpu.rank)
        )

    def states(self, now: float, late: Late) -> Counter[tuple[str, str]]:
        """How many there are, by host and state."""
        found = self.all(now)
        allowed = _allowed(found, late)
        return Counter((gpu.host, gpu.state(now, allowed[gpu.source])) for gpu in found)

    def find(self, host: str, gpu: str) -> SeenGpu | None:
        """One GPU by its number or its UUID."""
        return self._seen.get((host, gpu))

    def __len__(self) -> int:
        return self._count

    def all(self, now: float = 0.0) -> Sequence[SeenGpu]:
        """All of them, by host and then by number, without those that were last seen too long ago."""
        if self._ordered is None or any(now - gpu.newest > FORGOTTEN_SECONDS for gpu in self._ordered):
            gone = {name for name, gpu in self._seen.items() if now - gpu.newest > FORGOTTEN_SECONDS}
            if gone:
                self._seen = {name: gpu for name, gpu in self._seen.items() if name not in gone}
                self._places.clear()
            ones = {id(gpu): gpu for gpu in self._seen.values()}
            self._ordered = sorted(ones.values(), key=lambda gpu: gpu.order)
            self._count = len(ones)
        return self._ordered

    def _place(self, source: str, series: SeriesKey, time: float) -> tuple[SeenGpu, str] | None:
        labels = dict(series.labels)
        gpu = self._whose(source, labels, time)
        if gpu is None:
            return None
        if len(self._places) >= MOST_PLACES:  # labels that come and go, such as pods
            self._places.clear()
        place = self._places[series] = (gpu, self._key(series.signal, labels))
        return place

    def _whose(self, source: str, labels: Mapping[str, str], time: float) -> SeenGpu | None:
        """The GPU that these labels belong to; None for nobody's, and for one too many."""
        number, uuid = labels.get("gpu", ""), labels.get("uuid", "")
        host = labels.get("host") or labels.get("instance", "").rpartition(":")[0]
        gpu = self._seen.get((host, uuid or number))  # one that is lost tells its number alone
        if gpu is None or source not in gpu.sources or (number and (host, number) not in self._seen):
            gpu = gpu or (self._seen.get((host, number)) if number else None)
            if not (number or uuid) or (gpu is None and self._count >= MOST_GPUS):
                return None
            if gpu is None:
                gpu = SeenGpu(
                    source, host, number or uuid, uuid, "", time, order=(_in_order(host), _in_order(number or uuid))
                )
                self._count, self._ordered = self._count + 1, None
            self._seen |= dict.fromkeys([(host, name) for name in (uuid, number) if name], gpu)
            gpu.sources.add(source)
            gpu.uuid = uuid or gpu.uuid
        gpu.name = gpu.name or labels.get("device_model", "")
        gpu.job = labels.get("gpu_job", "") or gpu.job
        return gpu

    def _key(self, signal: str, labels: Mapping[str, str]) -> str:
        """What tells the series of one GPU apart, the same text each time: thousands of GPUs have the same ones."""
        parts = (signal, *(labels[label] for label in TELLING if label in labels))
        if parts not in self._keys:
            if len(self._keys) >= MOST_KEYS:
                self._keys.clear()
            more = ":".join(parts[1:])
            self._keys[parts] = f"{signal}:{more}" if more else signal
        return self._keys[parts]


def row(gpu: SeenGpu, now: float, late: float, books: Books | None = None) -> dict[str, Any]:
    """One GPU in plain JSON types."""
    state = gpu.state(now, late)
    reason = "; ".join(fault.text for fault in gpu.faults)
    if state == "stale":
        reason = "no new samples" + (f"; before that: {reason}" if reason else "")
    told = {
        "source": gpu.source,
        "host": gpu.host,
        "gpu": gpu.gpu,
        "uuid": gpu.uuid,
        "name": gpu.name,
        "job": gpu.job,
        "state": state,
        "reason": reason,
        "age": now - gpu.newest,
        "values": dict(gpu.values),
        "rates": dict(gpu.rates),
        "spark": levels(gpu.history["gpu.utilization"][-SPARK:], low=0.0, high=1.0),
    }
    code, book = last_code(gpu), (books or {}).get("gpu.xid")
    if code is not None and book is not None:
        told["code"] = {
            "words": book.words(code),
            "action": book.look_up(code).action,
            "state": book.look_up(code).state,
        }
    if gpu.faults:
        told["faults"] = [fault.text for fault in gpu.faults]
    if gpu.unlike:
        told["unlike"] = [[fault.words, fault.action] for fault in gpu.unlike]
    return told


def _allowed(gpus: Iterable[SeenGpu], late: Late) -> Mapping[str, float]:
    """Each source's answer, asked once: there are thousands of GPUs."""
    return {source: late(source) for source in {gpu.source for gpu in gpus}}


def _in_order(number: str) -> tuple[tuple[int, str], ...]:
    """Text with numbers in it, sorted as people count: 2 before 10."""
    return tuple((int(part), "") if part.isdigit() else (0, part) for part in re.findall(r"\d+|\D+", number))
