"""A scene: what every source would answer about an estate in which something happened, for any window, the same always.

@scene("kv-exhausted", playbooks=("kv_cache_exhaustion",), model="chat")
def kv_exhausted(seed: int) -> Scene:
    '''More users than the KV cache has room for.'''
    return (
        Scene(seed)
        .gauge("model.kv.usage", 0.55, season=0.2, model="chat", replica="chat-0")
        .histogram("model.ttft", 0.35, model="chat", replica="chat-0")
        .change("model.kv.usage", 600, to=0.99)
        .change("model.ttft", 600, times=4.0, model="chat")
    )
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from console.analysis.frames import aggregate
from console.errors import UsageError
from console.lab.course import Course, Turn, usual_edges
from console.lab.scenes.table import RowMaker, TableScene
from console.lab.scenes.talk import Line, Talk
from console.lab.scenes.traces import Call, Traces
from console.model import Event, Frame, Kind, Labels, Query, Series, SeriesKey, Span
from console.signals.catalogue import find_signal
from console.sources.estate import Estate, Situation
from console.sources.types import ProbeAnswer
from console.store.windows import ROUNDING, Axis, joined
from console.words import nearest

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

NOW = 1_795_348_800.0  # 2026-11-22T12:00:00Z: when every scene is looked at
INTERVAL = 15.0  # seconds between samples
NOISE = 0.03  # relative
SOURCE = "scene"


class Scene:
    """An estate as a SignalReader, EventReader, LogReader, TraceReader and what else was put in; see `situation`.

    Times are given as seconds ago, seen from `now`. What does not exist yet, or no more, has no data then.
    """

    def __init__(self, seed: int = 0, now: float = NOW, interval: float = INTERVAL) -> None:
        self.seed, self.now, self.interval = seed, now, interval
        self._courses: list[Course] = []
        self._events: list[Event] = []
        self._talk = Talk(seed, now)
        self._traces = Traces(seed, now)
        self._tables: list[TableScene] = []
        self._golden: ProbeAnswer | None = None

    # ── what is there ────────────────────────────────────────────────────────────────────────────────────────────

    def gauge(self, signal: str, mean: float, *, noise: float = NOISE, season: float = 0.0, **labels: str) -> Self:
        """A level with relative `noise`, swinging by the share `season` with the hour of the day."""
        return self._add(signal, Kind.GAUGE, Course(_key(signal, labels), mean, noise, season))

    def counter(self, signal: str, per_second: float, *, season: float = 0.0, **labels: str) -> Self:
        """So many a second: requests and errors come by chance, seconds and bytes evenly; 0 stands still."""
        return self._add(signal, Kind.COUNTER, Course(_key(signal, labels), per_second, NOISE, season))

    def histogram(
        self,
        signal: str,
        median: float,
        *,
        sigma: float = 0.4,
        per_second: float = 10.0,
        edges: tuple[float, ...] = (),
        season: float = 0.0,
        **labels: str,
    ) -> Self:
        """Log-normal observations; `season` swings how many there are. The usual edges of the unit where none given."""
        key = _key(signal, labels, edges or usual_edges(signal))
        return self._add(signal, Kind.HISTOGRAM, Course(key, median, sigma, season, per_second))

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

    def change(
        self,
        signal: str,
        ago: float,
        *,
        until: float = 0.0,
        to: float | None = None,
        times: float = 1.0,
        rate: float = 1.0,
        over: float = 0.0,
        **labels: str,
    ) -> Self:
        """From `ago` seconds before now (until `until` seconds before it) each series of the signal with these labels
        is at another level: `to`, or its own `times` so much, reached within `over` seconds; of a histogram, that is
        its median, and `rate` is how many times as often something is observed. Later changes come on top of earlier.
        """
        end = self.now - until if until else math.inf
        turn = Turn(self.now - ago, end, to, times, rate, over)
        return self._each(signal, labels, lambda course: dataclasses.replace(course, turns=(*course.turns, turn)))

    def appears(self, signal: str, ago: float, **labels: str) -> Self:
        """Before that, these series were not there."""
        return self._each(signal, labels, lambda course: dataclasses.replace(course, born=self.now - ago))

    def vanishes(self, signal: str, ago: float, **labels: str) -> Self:
        """From then on, these series are not there."""
        return self._each(signal, labels, lambda course: dataclasses.replace(course, gone=self.now - ago))

    def event(self, ago: float, kind: str, target: str, title: str, detail: str = "") -> Self:
        """Something happened so many seconds ago."""
        number = f"{len(self._events) + 1}"
        self._events.append(Event(self.now - ago, kind, target, title, number, detail, SOURCE))
        return self

    def log(
        self,
        ago: float,
        service: str,
        severity: str,
        body: str,
        every: float | None = None,
        until: float = 0.0,
        **labels: str,
    ) -> Self:
        """A line of a service, once or every so many seconds from then until `until` seconds ago; `{n}` counts."""
        self._talk.lines.append(Line(ago, service, severity, body, every, until, Labels.of(labels)))
        return self

    def call(self, caller: str, callee: str, seconds: float, *, sigma: float = 0.3, every: float = 5.0) -> Self:
        """Requests as traces: the service `callee` works `seconds` (median) on each call by `caller`, beside what it
        calls itself. A caller "" begins a trace, one every so many seconds.
        """
        self._traces.calls.append(Call(caller, callee, seconds, sigma, every))
        return self

    def slower(self, service: str, ago: float, *, times: float, until: float = 0.0, failing: float = 0.0) -> Self:
        """From then on a service works longer on each call of a trace, and a share of its calls fails."""
        self._traces.slow(service, Turn(self.now - ago, self.now - until if until else math.inf, times=times), failing)
        return self

    def table(
        self,
        name: str,
        model: str,
        rows: RowMaker,
        *,
        per_minute: float = 30.0,
        days: int = 8,
        hours: float = 2.0,
        cuts: Sequence[float] = (),
        **options: Any,
    ) -> Self:
        """Rows of a model in real files, read by the real source of tables: of the last `hours`, and of the same hours
        of each of `days` before. `rows(random, times)` gives the columns of rows at these times, once for every file;
        one begins at each of `cuts` (seconds ago), so that from there on there may be other columns, or, with none, no
        rows. `options` are those of the source: prediction, label, slices …
        """
        self._tables.append(TableScene(name, model, rows, per_minute, days, hours, tuple(cuts), options))
        return self

    def golden(self, answer: ProbeAnswer) -> Self:
        """What the live model answers to its golden inputs."""
        self._golden = answer
        return self

    # ── what a source answers ────────────────────────────────────────────────────────────────────────────────────

    async def signals(self) -> Sequence[str]:
        """The names of all signals that have series, sorted."""
        return sorted({course.key.signal for course in self._courses})

    async def read(self, query: Query) -> Frame:
        """Any window of any signal, in steps that end where their span ends; a step without data is NaN."""
        wanted = {*query.where, *query.window.where}
        chosen = [one for one in self._courses if one.key.signal == query.signal and wanted <= set(one.key.labels)]
        axis = Axis(joined(query.window.spans), max(query.step, self.interval))
        looks = [_looks(axis, span, self.interval) for span in axis.spans]
        offsets = np.cumsum([0, *(axis.steps(span) for span in axis.spans)])
        times = np.concatenate([at for at, _place in looks]) if looks else np.empty(0)
        places = np.concatenate([place + offset for (_at, place), offset in zip(looks, offsets, strict=False)] or [[]])
        series = (self._series(course, times, places.astype(np.intp), axis.length) for course in chosen)
        told = tuple(one for one in series if not np.isnan(one.values).all())
        return aggregate(Frame(axis.times(), axis.step, told), query.by, find_signal(query.signal).across)

    async def coverage(self, span: Span, step: float) -> float:
        """It was looking all the time: what is missing is not there."""
        return 1.0

    async def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        """What happened in a span, in order of time."""
        found = [one for one in self._events if span.start <= one.time < span.end and (not kinds or one.kind in kinds)]
        return sorted(found, key=lambda event: event.time)

    async def probe(self) -> ProbeAnswer:
        """What the golden inputs are answered with; there is one only where `golden` was given."""
        if self._golden is None:
            raise UsageError("this scene has no golden inputs", "give it some: golden(ProbeAnswer(…))")
        return self._golden

    @contextmanager
    def situation(self) -> Iterator[Situation]:
        """What a run stands on. Its tables lie in a temporary folder for as long as the block runs."""
        estate = Estate(readers=[self], events={SOURCE: self})
        if self._talk.lines:
            estate.logs[SOURCE] = self._talk
        if self._traces.calls:
            estate.traces[SOURCE] = self._traces
        if self._golden is not None:
            estate.probers[SOURCE] = self
        with TemporaryDirectory(prefix="andon-scene-") as folder:
            for table in self._tables:
                estate.tables[table.name] = table.opened(Path(folder) / table.name, self.seed, self.now)
                estate.models[table.name] = table.model
            yield Situation(estate, self.now, interval=self.interval)

    # ── how ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _add(self, signal: str, kind: Kind, course: Course) -> Self:
        if find_signal(signal).kind is not kind:
            raise UsageError(f"{signal} is no {kind}", f"it is a {find_signal(signal).kind}")
        if any(one.key == course.key for one in self._courses):
            raise UsageError(f"the scene has {signal} {dict(course.key.labels)} twice", "")
        self._courses.append(course)
        return self

    def _each(self, signal: str, labels: Mapping[str, str], turned: Callable[[Course], Course]) -> Self:
        wanted = set(labels.items())
        found = [n for n, one in enumerate(self._courses) if one.key.signal == signal and wanted <= set(one.key.labels)]
        if not found:
            known = {course.key.signal for course in self._courses}
            raise UsageError(f"the scene has no series of {signal} with {dict(labels)}", nearest(signal, known))
        for place in found:
            self._courses[place] = turned(self._courses[place])
        return self

    def _series(self, course: Course, times: Array, places: npt.NDArray[np.intp], steps: int) -> Series:
        """A course gathered into steps, as the store gathers samples."""
        values, sums = course.values(self.seed, times, self.interval)
        there = ~np.isnan(values if values.ndim == 1 else values[:, 0])
        values, places = values[there], places[there]
        seen = np.bincount(places, minlength=steps)
        if course.key.kind is Kind.HISTOGRAM and sums is not None:
            counts = np.zeros((steps, values.shape[1]))
            np.add.at(counts, places, values)
            counts[seen == 0] = np.nan
            total = np.bincount(places, weights=sums[there], minlength=steps)
            return Series(course.key, counts, np.where(seen > 0, total, np.nan))
        if course.key.kind is Kind.GAUGE and find_signal(course.key.signal).across == "max":
            largest = np.full(steps, -np.inf)
            np.maximum.at(largest, places, values)
            return Series(course.key, np.where(seen > 0, largest, np.nan))
        total = np.bincount(places, weights=values, minlength=steps)
        many = np.maximum(seen, 1) if course.key.kind is Kind.GAUGE else 1
        return Series(course.key, np.where(seen > 0, total / many, np.nan))


def _key(signal: str, labels: Mapping[str, str], edges: tuple[float, ...] = ()) -> SeriesKey:
    return SeriesKey(signal, Labels.of(labels), find_signal(signal).kind, edges)


def _looks(axis: Axis, span: Span, interval: float) -> tuple[Array, Array]:
    """When samples were taken within the whole steps of a span, and which of its steps each falls into."""
    steps = axis.steps(span)
    first = span.end - steps * axis.step
    lowest, highest = (math.floor(edge / interval + ROUNDING) for edge in (max(span.start, first), span.end))
    times: Array = (np.arange(lowest + 1, highest + 1) * interval).astype(np.float64)
    places: Array = np.clip(np.ceil((times - first) / axis.step - ROUNDING) - 1, 0, steps - 1)
    return times, places


# ── the scenes there are ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SceneCase:
    """A scene under its name: how to make it, which playbooks read it, and what the symptom's labels are."""

    name: str
    title: str
    build: Callable[[int], Scene]
    playbooks: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


SCENES: dict[str, SceneCase] = {}


def scene(name: str, playbooks: Sequence[str] = (), **labels: str) -> Callable[[Callable[[int], Scene]], SceneCase]:
    """Registers a function that makes a scene of a seed; its docstring says what happens in it.

    The labels are those of the symptom: the inputs of the playbooks come from them. Raises UsageError for a name twice.
    """

    def kept(build: Callable[[int], Scene]) -> SceneCase:
        if name in SCENES:
            raise UsageError(f"there are two scenes {name!r}", "")
        title = (build.__doc__ or name).strip().splitlines()[0]
        SCENES[name] = case = SceneCase(name, title, build, tuple(playbooks), labels)
        return case

    return kept
