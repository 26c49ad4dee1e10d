"""A whole practice line: the plant, its four weeks of past, and a real daemon that watches it.

with Line(folder, seed=7) as line:
    fault.inject(line.plant, fault.draw(line.plant.rng))
    while not (opened := line.tick()):
        ...
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import orjson

from console.errors import AndonError, DaemonUnreachable
from console.lab import history
from console.lab.clock import TICK
from console.lab.network import Network, prepare
from console.lab.plant import Plant, Tick
from console.lab.predictions import PredictionLog
from console.lab.registry import CURRENT, MODEL
from console.lab.traffic import DAY, Feed, request_body
from console.model import Diagnosis
from console.service.client import Client
from console.wire import load

FIRST_DAY = 1_772_409_600.0  # Monday 2026-03-02: labs open on some day of the half year after it
DAYS, FIRST_HOUR, LAST_HOUR = 180, 6, 20
REHEARSED = 16  # ticks served before the daemon looks, whose timings the past is drawn from
GOLDEN = 32  # pinned inputs
PAGE_BYTES = 4_000_000  # of the past, handed over at once
DAEMON_SECONDS = 30.0
COLLECT_SECONDS = 60.0
Progress = Callable[[str], None]


@dataclass(slots=True)
class Line:
    """A context manager: inside it everything runs; after it nothing of it is left running."""

    folder: Path
    seed: int
    slot: int = 0
    models: Mapping[str, Network] | None = None
    on_progress: Progress = lambda _text: None
    lasts: float = history.AFTER  # seconds of lab time for which there are past days to compare with
    plant: Plant = field(init=False)
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.plant = Plant(self.folder, self.seed, opening(self.seed), self.slot, self.models)
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
        self.on_progress("starting the station, its calibration service and the daemon")
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
        self.plant.tick()
        self.plant.changes.distract(self.plant.rng, self.plant.clock.now())
        return self._collect()

    def diagnosis(self, incident: str) -> Diagnosis:
        """What andon says about an incident."""
        return load(Diagnosis, self.client.request("diagnosis", incident=incident))

    def _open(self) -> None:
        network = self.plant.registry.load(CURRENT)
        self.plant.changes.past(self.plant.rng, self.plant.start)
        (self.folder / "golden.jsonl").write_bytes(golden(network, self.seed))
        self.config.write_text(config(self.folder, self.plant.url), "utf-8")
        daemon = self.plant.leash.start("console.cli", "--config", str(self.config), "--data", str(self.data), "daemon")
        self.on_progress(f"living through {history.WEEKS} weeks of traffic")
        log = PredictionLog(self.folder / "predictions")
        pasts = []
        for span in history.spans(self.plant.start, self.lasts):
            pasts.append(history.live_through(self.plant.feed, network, span, self.plant.rng))
            history.write_log(pasts[-1], log)
        deadline = time.monotonic() + DAEMON_SECONDS
        while not self._daemon_answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise AndonError("the lab's daemon did not start", f"see {self.plant.leash.log}")
            time.sleep(0.02)
        self.on_progress("serving the first minutes")
        rehearsal = [self.plant.tick() for _ in range(REHEARSED)]
        self.on_progress("handing the past to the daemon")
        self._ingest(pasts, rehearsal)
        self._collect()

    def _ingest(self, pasts: list[history.Past], rehearsal: list[Tick]) -> None:
        pages = [*history.pages(pasts, rehearsal, CURRENT, self.plant.rng), *(tick.page for tick in rehearsal)]
        part: list[str] = []
        for page in pages:
            part.append(page)
            if sum(map(len, part)) > PAGE_BYTES:
                self.client.request("ingest", timeout=COLLECT_SECONDS, source="station", page="".join(part))
                part = []
        self.client.request("ingest", timeout=COLLECT_SECONDS, source="station", page="".join(part))

    def _collect(self) -> tuple[str, ...]:
        answer: dict[str, Any] = self.client.request("collect", timeout=COLLECT_SECONDS, wait=True)
        return tuple(answer["incidents"])

    def _daemon_answers(self) -> bool:
        try:
            self.client.request("status")
        except DaemonUnreachable:
            return False
        return True


def opening(seed: int) -> float:
    """When a lab of this seed opens: some working hour of some day, on the clock of collections."""
    rng = np.random.default_rng([seed, 3])
    seconds = FIRST_DAY + rng.integers(DAYS) * DAY + rng.uniform(FIRST_HOUR, LAST_HOUR) * 3600
    return float(seconds // TICK * TICK)


def golden(network: Network, seed: int) -> bytes:
    """Pinned inputs and what the healthy model answers, one JSON object a line."""
    rng = np.random.default_rng([seed, 4])
    feed = Feed(seed)
    batch = feed.at(rng, opening(seed) - rng.uniform(0, 7 * DAY, GOLDEN))
    lines = []
    for index in range(GOLDEN):
        fields = feed.fields(rng, batch, index)
        sent = np.array([fields["distance_mm"]]), np.array([fields["exposure_ms"]])
        chance = network.chance(prepare(batch.pictures[index : index + 1], *sent, batch.gain[index : index + 1]))
        answer = {"name": "hand_in_zone", "shape": [1], "datatype": "FP32", "data": [round(float(chance[0]), 6)]}
        lines.append(orjson.dumps(request_body(batch, index, fields) | {"outputs": [answer]}))
    return b"\n".join(lines) + b"\n"


def config(folder: Path, url: str) -> str:
    """The configuration of the daemon that watches the line."""

    def quoted(value: object) -> str:
        return json.dumps(str(value))  # a JSON string is a TOML string

    return f"""[daemon]
data = {quoted(folder / "data")}
interval = "0s"
clock = {quoted(folder / "clock")}

[sources.station]
kind = "metrics"
url = {quoted(url + "/metrics")}

[sources.predictions]
kind = "table"
path = {quoted(folder / "predictions" / "*.jsonl")}
model = "{MODEL}"
prediction = "prediction"
image = "image"
slices = ["line", "camera"]

[sources.changes]
kind = "events"
path = {quoted(folder / "events.jsonl")}

[sources.golden]
kind = "open_inference"
url = {quoted(url)}
model = "{MODEL}"
golden = {quoted(folder / "golden.jsonl")}
"""
