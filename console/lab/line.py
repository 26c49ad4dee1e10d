"""A whole practice line: one place of it, its four weeks of past, and a real daemon that watches it.

with Line(folder, seed=7) as line:
    line.mending.inject(fault, fault.draw(line.plant.rng))
    while not (opened := line.tick()):
        ...
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from console.errors import AndonError, DaemonUnreachable, UsageError
from console.lab.clock import TICK
from console.lab.desk import Desk
from console.lab.mending import Mending
from console.lab.network import Network
from console.lab.place import Place
from console.lab.traffic import DAY
from console.model import Diagnosis
from console.service.client import Client
from console.wire import load

PLACES: Mapping[str, str] = {  # imported when one is used: each has its own libraries and processes
    "vision": "console.lab.plant:Plant",
    "generation": "console.lab.generation.place:Generation",
    "site": "console.lab.site.place:Site",
}
FIRST_DAY = 1_772_409_600.0  # Monday 2026-03-02: labs open on some day of the half year after it
DAYS, FIRST_HOUR, LAST_HOUR = 180, 6, 20
LASTS = 1500.0  # seconds of lab time for which there are past days to compare with: the longest episode ends before
PAGE_BYTES = 4_000_000  # of the past, handed over at once
DAEMON_SECONDS = 30.0
COLLECT_SECONDS = 60.0
POLICY = """[[allow]]
name = "anything, on the practice line"
risk = "high"
"""
Progress = Callable[[str], None]


@dataclass(slots=True)
class Line:
    """A context manager: inside it everything runs; after it nothing of it is left running."""

    folder: Path
    seed: int
    slot: int = 0
    models: Mapping[str, Network] | None = None
    on_progress: Progress = lambda _text: None
    lasts: float = LASTS
    place: str = "vision"  # its name
    tables: str = ""  # more of its daemon's configuration, as TOML
    plant: Place = field(init=False)
    mending: Mending = field(init=False)
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.plant = place_of(self.place)(self.folder, self.seed, opening(self.seed), self.slot, self.models)
        self.mending = Mending(self.plant, Desk(self.folder))
        self.client = Client(self.data)

    @property
    def data(self) -> Path:
        """The daemon's data folder."""
        return self.folder / "data"

    @property
    def config(self) -> Path:
        """The daemon's configuration."""
        return self.folder / "config.toml"

    def __enter__(self) -> Line:
        self.on_progress(f"starting place {self.place} and the daemon that watches it")
        self.plant.__enter__()
        try:
            self._open()
        except BaseException:
            self.plant.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.plant.__exit__(kind, error, trace)

    def tick(self) -> tuple[str, ...]:
        """15 s of lab time, then one collection; the incidents it opened, examined."""
        self.mending.look()
        self.plant.tick()
        self.plant.changes.distract(self.plant.rng, self.plant.clock.now())
        return self._collect()

    def diagnosis(self, incident: str) -> Diagnosis:
        """What andon says about an incident."""
        return load(Diagnosis, self.client.request("diagnosis", incident=incident))

    def _open(self) -> None:
        self.plant.prepare()
        self.config.write_text(config(self.folder, self.plant.config() + self.tables), "utf-8")
        policy = self.folder / "policy.toml"
        policy.write_text(POLICY, "utf-8")
        policy.chmod(0o600)
        leash = self.plant.leash
        daemon = leash.start("console.cli", "--config", str(self.config), "--data", str(self.data), "daemon")
        self.on_progress("living through weeks of its past")
        past = self.plant.past(self.lasts)
        deadline = time.monotonic() + DAEMON_SECONDS
        while not self._daemon_answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise AndonError("the lab's daemon did not start", f"see {leash.log}")
            time.sleep(0.02)
        self.on_progress("handing the past to the daemon")
        for source, text in _in_parts(past):
            self.client.request("ingest", timeout=COLLECT_SECONDS, source=source, page=text)
        self._collect()

    def _collect(self) -> tuple[str, ...]:
        answer: dict[str, Any] = self.client.request("collect", timeout=COLLECT_SECONDS, wait=True)
        return tuple(answer["incidents"])

    def _daemon_answers(self) -> bool:
        try:
            self.client.request("status")
        except DaemonUnreachable:
            return False
        return True


def place_of(name: str) -> Callable[..., Place]:
    """What makes the place of this name: `(folder, seed, start, slot, models)`. UsageError with the names there are."""
    if name not in PLACES:
        raise UsageError(f"the line has no place {name!r}", f"there are: {', '.join(PLACES)}")
    module, _, kind = PLACES[name].partition(":")
    made: Callable[..., Place] = getattr(import_module(module), kind)
    return made


def opening(seed: int) -> float:
    """When a lab of this seed opens: some working hour of some day, on the clock of collections."""
    rng = np.random.default_rng([seed, 3])
    seconds = FIRST_DAY + rng.integers(DAYS) * DAY + rng.uniform(FIRST_HOUR, LAST_HOUR) * 3600
    return float(seconds // TICK * TICK)


def config(folder: Path, sources: str) -> str:
    """The configuration of the daemon that watches these sources."""
    return f"""[daemon]
data = {json.dumps(str(folder / "data"))}
interval = "0s"
clock = {json.dumps(str(folder / "clock"))}

[actuators.line]
kind = "practice_line"
folder = {json.dumps(str(folder))}

{sources}"""


def _in_parts(past: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The same pages, those of one source that follow each other put together up to a size."""
    for source, pages in groupby(past, key=lambda page: page[0]):
        part: list[str] = []
        size = 0
        for _source, page in pages:
            part.append(page)
            size += len(page)
            if size > PAGE_BYTES:
                yield source, "".join(part)
                part, size = [], 0
        if part:
            yield source, "".join(part)
