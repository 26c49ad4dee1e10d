"""Place `vision`: a station, its calibration service, cameras and inspectors, moved by the lab's clock."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
import orjson

from console.lab import cores, history
from console.lab.changes import ChangeLog
from console.lab.clock import TICK, LabClock
from console.lab.golden import golden
from console.lab.leash import Leash
from console.lab.metrics import StationMetrics
from console.lab.network import Network
from console.lab.predictions import PredictionLog
from console.lab.registry import CURRENT, MODEL, Registry, retrained, trained
from console.lab.sending import Sender, Tick
from console.lab.serving import PROGRAM, Serving
from console.lab.traffic import INSPECTOR_ERRS, REVIEW_SECONDS, REVIEWED, SPOILED, Feed, request_body

REHEARSED = 16  # ticks served before the past is handed over: what its requests took is drawn from theirs
WARM_REQUESTS = 40  # before the first tick: caches and connections, as in a station that has run for weeks


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody else who asks the station."""

    name: str
    per_tick: float  # requests, on average
    body: bytes  # of each


@dataclass(slots=True)
class Plant:
    """A context manager: inside it the station serves; after it nothing of it is left running."""

    folder: Path
    seed: int
    start: float  # lab time at which it opens
    slot: int = 0  # labs that run side by side take different cores
    models: Mapping[str, Network] | None = None  # trained anew where not given
    feed: Feed = field(init=False)
    rng: np.random.Generator = field(init=False)
    clock: LabClock = field(init=False)
    registry: Registry = field(init=False)
    changes: ChangeLog = field(init=False)
    leash: Leash = field(init=False)
    core: int | None = field(init=False)
    neighbours: list[subprocess.Popen[bytes]] = field(default_factory=list)  # that a fault has started
    stranger: Stranger | None = None
    calibration: subprocess.Popen[bytes] = field(init=False)
    url: str = ""
    _runner: asyncio.Runner = field(init=False)
    _sender: Sender = field(init=False)
    _reviews: list[tuple[float, str, bool]] = field(default_factory=list)
    _sent: int = 0
    _cpu: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        self.feed = Feed(self.seed)
        self.rng = np.random.default_rng([self.seed, 2])
        self.clock = LabClock(self.folder / "clock")
        self.registry = Registry(self.folder / "models")
        self.changes = ChangeLog(self.folder / "events.jsonl")
        self.core = cores.core_for(self.slot)

    def __enter__(self) -> Plant:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.clock.set(self.start)
        for version, network in (self.models or trained()).items():
            self.registry.publish(version, network)
        self.registry.put_in_production(CURRENT)
        self.leash = Leash(self.folder / "lab.log")
        self._runner = asyncio.Runner()
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def prepare(self) -> None:
        """Four usual weeks of changes, and golden inputs."""
        released = f"{MODEL} {CURRENT} put in production"
        self.changes.past(self.rng, self.start, "model_version", MODEL, released)
        (self.folder / "golden.jsonl").write_bytes(golden(self.registry.load(CURRENT), self.seed, self.start))

    def config(self) -> str:
        """The station's page, its prediction log, the change log and its golden inputs."""

        def quoted(value: object) -> str:
            return json.dumps(str(value))  # a JSON string is a TOML string

        return f"""[sources.station]
kind = "metrics"
url = {quoted(self.url + "/metrics")}

[sources.predictions]
kind = "table"
path = {quoted(self.folder / "predictions" / "*.jsonl")}
model = "{MODEL}"
prediction = "prediction"
image = "image"
slices = ["line", "camera"]

[sources.changes]
kind = "events"
path = {quoted(self.changes.path)}

[sources.golden]
kind = "open_inference"
url = {quoted(self.url)}
model = "{MODEL}"
golden = {quoted(self.folder / "golden.jsonl")}
"""

    def past(self, lasts: float) -> Iterator[tuple[str, str]]:
        """Real inference over past traffic, at once; then, as it is read, some ticks served and all their pages."""
        network = self.registry.load(CURRENT)
        log = PredictionLog(self.folder / "predictions")
        pasts = []
        for span in history.spans(self.start, lasts):
            pasts.append(history.live_through(self.feed, network, span, self.rng))
            history.write_log(pasts[-1], log)
        return self._pages(pasts)

    def _pages(self, pasts: list[history.Past]) -> Iterator[tuple[str, str]]:
        rehearsal = [self.tick() for _ in range(REHEARSED)]
        metrics = StationMetrics(CURRENT, self.registry.fingerprint(CURRENT))
        for page in history.pages(pasts, rehearsal, metrics, self.rng):
            yield "station", page
        for tick in rehearsal:
            yield "station", tick.page

    def tick(self) -> Tick:
        """Send what the cameras see in the next 15 s of lab time, hear the inspectors, move the clock."""
        return self._runner.run(self._tick())

    def load_production(self) -> None:
        """Have the station take up the version that is in production."""
        self._runner.run(self._sender.post(f"/v2/repository/models/{MODEL}/load", {}))

    def retrain(self) -> None:
        """Train the model on what comes now, and put it in production."""
        version = str(max(map(int, self.registry.versions())) + 1)
        self.registry.publish(version, retrained(self.feed, version))
        self.registry.put_in_production(version)
        self.load_production()
        self.changes.add(self.clock.now(), "model_version", MODEL, f"{MODEL} {version} put in production", "retrained")

    def release(self, serving: Serving, detail: str = "") -> None:
        """Install a release of the server, have it taken up, and note the deploy."""
        serving.install(self.folder)
        self.load_production()
        self.changes.add(self.clock.now(), "deploy", PROGRAM, f"{PROGRAM} {serving.server} released", detail)

    def start_calibration(self) -> None:
        """Start the calibration service, on the port that it had if it ran before."""
        where = () if self.core is None else ("--beside", str(self.core))
        told = self.folder / "calibration.port"
        port = ("--port", told.read_text()) if told.exists() else ()
        told.unlink(missing_ok=True)
        self.calibration = self.leash.start("console.lab.calibration", str(self.folder), *where, *port)
        self.leash.wait_for(self.calibration, told, "calibration service")

    def _open(self) -> None:
        self.start_calibration()
        core = () if self.core is None else ("--core", str(self.core))
        calibration = f"http://127.0.0.1:{(self.folder / 'calibration.port').read_text()}"
        station = self.leash.start("console.lab.station", str(self.folder), "--calibration", calibration, *core)
        self.url = f"http://127.0.0.1:{self.leash.wait_for(station, self.folder / 'station.port', 'station')}"
        self._sender = self._runner.run(Sender.open(self.url))
        self._runner.run(self._warm())

    async def _warm(self) -> None:
        batch = self.feed.at(self.rng, np.full(WARM_REQUESTS, self.start))
        bodies = [
            orjson.dumps(request_body(batch, index, self.feed.fields(self.rng, batch, index)))
            for index in range(WARM_REQUESTS)
        ]
        await self._sender.send(bodies, (np.arange(WARM_REQUESTS) / WARM_REQUESTS).tolist())
        self._cpu = _cpu(await self._sender.page())

    def _close(self) -> None:
        try:
            if self.url:
                self._runner.run(self._sender.close())
            self._runner.close()
        finally:
            self.leash.__exit__(None, None, None)

    async def _tick(self) -> Tick:
        start = self.clock.now()
        end = start + TICK
        batch = self.feed.batch(self.rng, start, end)
        bodies, spoiled = [], self.rng.random(len(batch.times)) < SPOILED
        for index, time in enumerate(batch.times):
            self._sent += 1
            name = f"f{self._sent}"
            sent = self.feed.fields(self.rng, batch, index)
            bodies.append(orjson.dumps(request_body(batch, index, sent, id=name, spoiled=bool(spoiled[index]))))
            if self.rng.random() < REVIEWED:
                found = bool(batch.truth[index]) != (self.rng.random() < INSPECTOR_ERRS)
                self._reviews.append((time + self.rng.uniform(*REVIEW_SECONDS), name, found))
        offsets = (batch.times + self.feed.conditions.lag - start) / TICK
        timings, _ = await asyncio.gather(self._sender.send(bodies, offsets.tolist()), self._visit())
        due = [{"id": name, "hand_in_zone": found} for at, name, found in self._reviews if at <= end]
        self._reviews = [review for review in self._reviews if review[0] > end]
        await self._sender.post("/feedback", due)
        self.clock.set(end)
        page = await self._sender.page()
        before, self._cpu = self._cpu, _cpu(page)
        memory = _value(page, "station_memory_bytes")
        return Tick(end, tuple(timings), self._cpu[0] - before[0], self._cpu[1] - before[1], page, memory)

    async def _visit(self) -> None:
        if (stranger := self.stranger) is not None:
            offsets = np.sort(self.rng.random(int(self.rng.poisson(stranger.per_tick))))
            await self._sender.send([stranger.body] * len(offsets), offsets.tolist(), stranger.name)


def _cpu(page: str) -> tuple[float, float]:
    return (_value(page, "station_cpu_seconds_total"), _value(page, "station_cpu_wait_seconds_total"))


def _value(page: str, name: str) -> float:
    found = re.search(rf"^{name}\{{[^}}]*\}} (\S+)", page, re.MULTILINE)
    return float(found[1]) if found else 0.0
