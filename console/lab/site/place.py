"""Place `site`: simulated exporters that live by the lab's clock, served over HTTP to the daemon that watches them."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from console.errors import UsageError
from console.lab.changes import ChangeLog
from console.lab.clock import TICK, LabClock
from console.lab.course import Course, Turn
from console.lab.leash import Leash, ready
from console.lab.site.estate import MODEL, chosen, groups, planned
from console.lab.site.exporter import Exporter
from console.lab.traffic import DAY
from console.model import Kind, Labels, SeriesKey, Span
from console.plugins import load_plugins
from console.signals.catalogue import find_signal

DAYS = 3  # before, of which the same hour is known
BEFORE = 1200.0  # seconds of those days before the hour at which the site opens
LAST = 3600.0  # seconds right before it opens
MINUTE = 4  # ticks between two pages of the days before: the daemon keeps no finer past than that


@dataclass(slots=True)
class Site:
    """A context manager: inside it the exporters answer; after it nothing of it is left running.

    A fault turns series (`turn`, `vanish`, `appear`), has things happen (`happens`), and is healed by `mend`.
    """

    folder: Path
    seed: int
    start: float  # lab time at which it opens
    slot: int = 0  # it needs no core
    models: Mapping[str, Any] | None = None  # nor a model
    rng: np.random.Generator = field(init=False)
    clock: LabClock = field(init=False)
    changes: ChangeLog = field(init=False)
    leash: Leash = field(init=False)
    url: str = ""
    exporters: dict[str, Exporter] = field(init=False)
    _courses: dict[str, list[Course]] = field(init=False)  # by source
    _daily: dict[str, list[Course]] = field(init=False)  # those of which the days before are known
    _coming: list[tuple[float, tuple[str, str, str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 6])
        self.clock = LabClock(self.folder / "clock")
        self.changes = ChangeLog(self.folder / "events.jsonl")
        dialects = load_plugins().by_name("andon_dialects")
        self.exporters = {
            each.name: Exporter(self.seed, [dialects[name] for name in each.dialects]) for each in _GROUPS
        }
        self._courses = {each.name: [] for each in _GROUPS}
        self._daily = {each.name: [] for each in _GROUPS}
        for one in planned(self.seed):
            self._courses[one.source].append(one.course)
            if one.days:
                self._daily[one.source].append(one.course)

    def __enter__(self) -> Site:
        (self.folder / "pages").mkdir(mode=0o700, parents=True, exist_ok=True)
        self.clock.set(self.start)
        self.leash = Leash(self.folder / "lab.log")
        try:
            server = self.leash.start("console.lab.site.serving", str(self.folder))
            self.url = f"http://127.0.0.1:{self.leash.wait_for(server, self.folder / 'site.port', 'exporters')}"
        except BaseException:
            self.leash.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leash.__exit__(None, None, None)

    # ── what a line needs of it ──────────────────────────────────────────────────────────────────────────────────

    def prepare(self) -> None:
        """Some weeks of changes: most elsewhere, and a release of the model long ago."""
        self.changes.past(self.rng, self.start, "deploy", MODEL, f"{MODEL} 2.3 rolled out")

    def config(self) -> str:
        """Its pages and its change log, which has what kernel logs and the cluster told, too."""
        tables = [f'[sources.changes]\nkind = "events"\npath = {json.dumps(str(self.changes.path))}\n']
        for group in _GROUPS:
            labels = "".join(f"{name} = {json.dumps(value)}, " for name, value in group.labels.items()).rstrip(", ")
            tables.append(
                f'[sources.{group.name}]\nkind = "metrics"\nurl = "{self.url}/{group.name}/metrics"\n'
                f"labels = {{{labels}}}\n"
            )
        return "\n".join(tables)

    def past(self, lasts: float) -> Iterator[tuple[str, str]]:
        """The same hour of some days, by the minute, and all of the last hour, by the tick."""
        days = [Span(self.start - day * DAY - BEFORE, self.start - day * DAY + lasts) for day in range(DAYS, 0, -1)]
        hour = Span(self.start - LAST, self.start)
        for source, exporter in self.exporters.items():
            for span in days if self._daily[source] else ():
                for page in exporter.past(self._daily[source], _ends(span), MINUTE):
                    yield source, page
            for page in exporter.past(self._courses[source], _ends(hour)):
                yield source, page
            self._write(source, self.start)

    def tick(self) -> None:
        """15 s of lab time: what is due happens, and every page is another."""
        end = self.clock.now() + TICK
        due = sorted(one for one in self._coming if one[0] <= end)
        self._coming = [one for one in self._coming if one[0] > end]
        for time, told in due:
            self.changes.add(time, *told)
        for source in self.exporters:
            self._write(source, end)
        self.clock.set(end)

    # ── what a fault does to it ──────────────────────────────────────────────────────────────────────────────────

    def turn(
        self,
        signal: str,
        *,
        after: float = 0.0,
        lasts: float = math.inf,
        to: float | None = None,
        times: float = 1.0,
        rate: float = 1.0,
        over: float = 0.0,
        stays: bool = False,
        **labels: str,
    ) -> None:
        """So many seconds from now, the series of a signal with these labels are at another level: `to`, or `times`
        what they were, reached within `over` seconds. A turn that `stays` outlives the fault.
        """
        start = self.clock.now() + after
        turn = Turn(start, start + lasts, to, times, rate, over, stays)
        self._each(signal, labels, lambda course: dataclasses.replace(course, turns=(*course.turns, turn)))

    def vanish(self, signal: str, **labels: str) -> None:
        """From now on these series are on no page; a signal that ends with a dot means all that begin with it."""
        self._each(signal, labels, lambda course: dataclasses.replace(course, gone=self.clock.now()))

    def appear(self, source: str, signal: str, level: float, **labels: str) -> None:
        """From now on a gauge more is on a page."""
        key = SeriesKey(signal, Labels.of(labels), Kind.GAUGE)
        if find_signal(signal).kind is not Kind.GAUGE:
            raise UsageError(f"{signal} is no gauge", "what only grows is on a page from the beginning")
        self._courses[source] = [course for course in self._courses[source] if course.key != key]
        self._courses[source].append(Course(key, level, spread=0.0, born=self.clock.now()))

    def happens(self, kind: str, target: str, title: str, detail: str = "", *, after: float = 0.0) -> None:
        """An event, now or later."""
        self._coming.append((self.clock.now() + max(after, 1.0), (kind, target, title, detail)))

    def mend(self) -> None:
        """All is as it was before: what was turned turns back, what vanished is there again, what appeared is not."""
        now = self.clock.now()
        self._coming = []
        for source, courses in self._courses.items():
            self._courses[source] = [_mended(course, now) for course in courses if math.isinf(course.born)]

    def _each(self, signal: str, labels: Mapping[str, str], turned: Callable[[Course], Course]) -> None:
        found = 0
        for courses in self._courses.values():
            for place in chosen(courses, signal, labels):
                courses[place] = turned(courses[place])
                found += 1
        if not found:
            raise UsageError(f"the site has no series of {signal} with {labels}", "see console/lab/site/estate.toml")

    def _write(self, source: str, end: float) -> None:
        page = self.exporters[source].page(self._courses[source], end)
        ready(self.folder / "pages" / f"{source}.prom", page)


def _mended(course: Course, now: float) -> Course:
    turns = tuple(
        turn if turn.stays else dataclasses.replace(turn, end=min(turn.end, now))
        for turn in course.turns
        if turn.start <= now
    )
    return dataclasses.replace(course, turns=turns, gone=math.inf)


def _ends(span: Span) -> Any:
    """When the ticks of a span end."""
    return np.arange(round(span.start / TICK) + 1, round(span.end / TICK) + 1) * TICK


_GROUPS = groups()
