"""Station one: a model server that answers "is a hand in the danger zone?", with real inference, on loopback.

    POST /v2/models/glove/infer      GET /v2/models/glove      GET /v2/health/ready      (Open Inference Protocol v2)
    POST /v2/repository/models/glove/load                      take up the version that is in production
    POST /feedback                                             what inspectors found, [{"id", "hand_in_zone"}]
    GET  /metrics

A request with a capture time is part of the feed: it is counted and logged. One of a client that says who it is
(X-Client) is counted. Any other is answered and leaves no trace.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psutil
from aiohttp import ClientError, ClientSession, ClientTimeout, web

from console.lab import cores
from console.lab.calibration import serve
from console.lab.clock import LabClock
from console.lab.features import measure
from console.lab.images import EXPOSURE_MS
from console.lab.metrics import DEPENDENCY, FEEDER, REASONS, StationMetrics
from console.lab.network import Network, prepare
from console.lab.predictions import PredictionLog
from console.lab.reading import Refused, Seen, read_request
from console.lab.registry import MODEL, Registry
from console.lab.sending import CLIENT_HEADER
from console.lab.serving import Serving
from console.lab.traffic import CAMERAS

MOST_REMEMBERED = 20_000  # answers that an inspector may still speak about
CALL_SECONDS = 2.0
MEGABYTE = 1_000_000
MOST_LEAKED = 150 * MEGABYTE
NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
DEFAULT_DISTANCE_MM, DEFAULT_EXPOSURE_MS = 600.0, EXPOSURE_MS  # where the feeder leaves a field out


@dataclass(slots=True)
class Station:
    """The server's state."""

    registry: Registry
    clock: LabClock
    log: PredictionLog
    calibration: str  # URL
    folder: Path  # of the lab
    version: str = ""
    serving: Serving = field(default_factory=Serving)
    network: Network | None = None
    metrics: StationMetrics = field(init=False)
    answers: OrderedDict[str, tuple[bool, str]] = field(default_factory=OrderedDict)
    session: ClientSession | None = None
    _cpu: float = 0.0
    _waited: float = 0.0
    _newest: float | None = None  # the latest capture time of the rows of a tick, of the last one that had any
    _newest_told: bool = True  # on a page: what comes now is of a new tick
    _kept: list[bytes] = field(default_factory=list)  # what a leak never gives back

    def __post_init__(self) -> None:
        self.metrics = StationMetrics(self.registry.production())
        self.load()

    def load(self) -> None:
        """Take up the version that is in production, and the release of the server that is installed."""
        self.version = self.metrics.version = self.registry.production()
        self.metrics.weights = self.registry.fingerprint(self.version)
        self.serving = Serving.read(self.folder)
        self.metrics.server = self.serving.server
        self.network = self.registry.load(self.version)

    async def infer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        began = time.perf_counter()
        body = await request.read()
        client = _client(request)
        try:
            seen = read_request(body)
        except Refused as refused:
            self._note_refused(refused, client)
            return web.json_response({"error": f"{refused.reason}: {REASONS[refused.reason]}"}, status=422)
        gain, called = await self._gain(str(seen.fields.get("camera")))
        inferring = time.perf_counter()
        chance = self._chance(seen, gain)
        inferred = time.perf_counter() - inferring
        answer = chance > 0.5
        response = {
            "model_name": MODEL,
            "model_version": self.version,
            "id": seen.id,
            "outputs": [{"name": "hand_in_zone", "shape": [1], "datatype": "FP32", "data": [round(chance, 6)]}],
        }
        if seen.captured is not None:
            self._note_answer(seen, answer, max(chance, 1 - chance), client)
        total = time.perf_counter() - began
        if seen.captured is not None:
            self.metrics.latency.observe(total)
            self.metrics.inference.observe(inferred)
            if called is not None:
                self.metrics.dependency.observe(called, DEPENDENCY)
        spans = {"total": total, "inference": inferred, DEPENDENCY: called or 0.0}
        timing = ", ".join(f"{name};dur={1000 * seconds:.3f}" for name, seconds in spans.items())
        headers = {"Server-Timing": timing}
        return web.Response(body=orjson.dumps(response), content_type="application/json", headers=headers)

    async def feedback(self, request: web.Request) -> web.Response:
        """Hear from the inspectors."""
        for found in orjson.loads(await request.read()):
            answer = self.answers.pop(found["id"], None)
            if answer is not None:
                said, camera = answer
                self.metrics.feedback.add(1, camera)
                self.metrics.correct.add(float(said == found["hand_in_zone"]), camera)
        self.log.flush()
        return web.json_response({})

    async def page(self, _request: web.Request) -> web.Response:
        """The /metrics page of this instant of lab time."""
        cpu, waited = cores.cpu_seconds(), cores.waited_seconds()
        self.metrics.cpu.add(cpu - self._cpu)
        self._cpu = cpu
        if waited is not None:
            self.metrics.cpu_wait.add(waited - self._waited)
            self._waited = waited
        now = self.clock.now()
        if now != self.metrics.told:
            self._leak()
        self.metrics.memory.value = psutil.Process().memory_info().rss
        if self._newest is not None:
            self.metrics.freshness.value = now - self._newest
        self._newest_told = True
        self.log.flush()
        return web.Response(text=self.metrics.page(now), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def take_up(self, _request: web.Request) -> web.Response:
        """Load the production version."""
        self.load()
        return web.json_response({})

    async def ready(self, _request: web.Request) -> web.Response:
        """Whether the station would answer."""
        return web.json_response({"ready": True})

    async def describe(self, _request: web.Request) -> web.Response:
        """The model's name, versions, inputs and outputs."""
        inputs = [("image", "UINT8", [1, 24, 24]), ("distance_mm", "FP32", [1]), ("exposure_ms", "FP32", [1])]
        inputs += [("line", "BYTES", [1]), ("camera", "BYTES", [1])]
        return web.json_response(
            {
                "name": MODEL,
                "versions": [self.version],
                "platform": "numpy",
                "inputs": [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape in inputs],
                "outputs": [{"name": "hand_in_zone", "datatype": "FP32", "shape": [1]}],
            }
        )

    def _chance(self, seen: Seen, gain: float) -> float:
        fields = seen.fields
        distance = _number(fields.get("distance_mm"), DEFAULT_DISTANCE_MM)
        exposure = _number(fields.get("exposure_ms"), DEFAULT_EXPOSURE_MS)
        picture, distance = self.serving.prepared(seen.picture, distance)
        assert self.network is not None
        sent = np.array([distance], np.float32), np.array([exposure], np.float32), np.array([gain], np.float32)
        began = time.thread_time()  # not by how often: cores differ in speed
        while True:
            chance = float(self.network.chance(prepare(picture[None], *sent))[0])
            if time.thread_time() - began >= self.serving.busy:
                return chance

    def _leak(self) -> None:
        """A fault's doing: memory that is taken with every tick and given back when it is mended."""
        try:
            taken = round(float((self.folder / "leak").read_text()) * MEGABYTE)
        except FileNotFoundError:
            self._kept.clear()
            return
        if sum(map(len, self._kept)) + taken <= MOST_LEAKED:
            self._kept.append(b"\x01" * taken)

    async def _gain(self, camera: str) -> tuple[float, float | None]:
        """The camera's gain, and how long the service says it took; 1 where it does not answer."""
        assert self.session is not None
        try:
            async with self.session.get(f"{self.calibration}/gain/{camera}") as response:
                response.raise_for_status()
                timing = response.headers.get("Server-Timing", "")
                gain = float((await response.json())["gain"])
        except (ClientError, TimeoutError):
            self.metrics.dependency_errors.add(1, DEPENDENCY)
            return 1.0, None
        return gain, float(timing.rpartition("dur=")[2]) / 1000

    def _note_answer(self, seen: Seen, answer: bool, confidence: float, client: str | None) -> None:
        camera = str(seen.fields.get("camera"))
        camera = camera if camera in CAMERAS else CAMERAS[0]
        self.metrics.requests.add(1, client or FEEDER)
        self.metrics.confidence.observe(confidence, camera)
        self.answers[seen.id] = answer, camera
        while len(self.answers) > MOST_REMEMBERED:
            self.answers.popitem(last=False)
        self._log(seen, int(answer))

    def _note_refused(self, refused: Refused, client: str | None) -> None:
        if refused.seen.captured is None and client in (None, FEEDER):
            return
        self.metrics.requests.add(1, client or FEEDER)
        self.metrics.errors.add(1, refused.reason, client or FEEDER)
        if refused.seen.captured is not None:
            self._log(refused.seen, None)

    def _log(self, seen: Seen, prediction: int | None) -> None:
        assert seen.captured is not None
        # Rows of one tick come in any order; those of a feed that is late are all old.
        self._newest = seen.captured if self._newest_told else max(self._newest or seen.captured, seen.captured)
        self._newest_told = False
        self.metrics.row(seen.fields)
        row: dict[str, Any] = {"time": seen.captured, **seen.fields}
        if seen.picture.size:
            row |= {name: round(float(values[0]), 3) for name, values in measure(seen.picture[None]).columns()}
            row["image"] = self.log.keep(seen.captured, str(seen.fields.get("line")), seen.picture)
        self.log.add(row | {"prediction": prediction})


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


def _client(request: web.Request) -> str | None:
    """Who says to be asking; a name that could not stand in a label is nobody's."""
    name = request.headers.get(CLIENT_HEADER)
    return name if name is None or NAME.fullmatch(name) else "unnamed"


def application(station: Station) -> web.Application:
    """The server."""
    app = web.Application()
    app.router.add_post(f"/v2/models/{MODEL}/infer", station.infer)
    app.router.add_get(f"/v2/models/{MODEL}", station.describe)
    app.router.add_get("/v2/health/ready", station.ready)
    app.router.add_get("/v2/health/live", station.ready)
    app.router.add_post(f"/v2/repository/models/{MODEL}/load", station.take_up)
    app.router.add_post("/feedback", station.feedback)
    app.router.add_get("/metrics", station.page)

    async def call_out(_app: web.Application) -> Any:
        station.session = ClientSession(timeout=ClientTimeout(total=CALL_SECONDS))
        yield
        await station.session.close()

    app.cleanup_ctx.append(call_out)
    return app


def main() -> None:
    """Run the station until the lab ends."""
    parser = argparse.ArgumentParser(description="station one of the practice line")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calibration", required=True, help="URL of the calibration service")
    parser.add_argument("--core", type=int, default=None)
    options = parser.parse_args()
    cores.settle(None if options.core is None else {options.core})
    folder: Path = options.folder
    station = Station(
        Registry(folder / "models"),
        LabClock(folder / "clock"),
        PredictionLog(folder / "predictions"),
        options.calibration,
        folder,
    )
    asyncio.run(serve(application(station), folder / "station.port"))


if __name__ == "__main__":
    main()
