"""The gateway before station two: which replica answers, what goes to the cloud, and one metrics page of them all.

It lives in the lab's own process and speaks HTTP to every other one. A replica that is gone or still loads gets
nothing; what it had not answered is sent again elsewhere.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import numpy as np
import orjson

from console.lab.clock import LabClock
from console.lab.generation.meters import CONTENT_TYPE, Meters, edges, merged
from console.lab.generation.provider import KEY
from console.lab.generation.release import MODEL, Release
from console.lab.generation.traffic import Request, Traffic

CLOUD = "cloud"
ANSWER_SECONDS = 30.0
MOST_HOMES = 2000  # conversations whose replica is remembered
CANARY_SHARE = 1 / 3
REASONS = {401: "refused_key", 402: "out_of_credit", 429: "rate_limited", 0: "unreachable"}
FAILURES = tuple(f'code="{code}",reason="{reason}"' for code, reason in REASONS.items())
CLOUD_ANSWER = (40.0, 0.5)  # tokens: median, and sigma of the logarithm
LATENCIES = edges(0.3, 20.0, 1.4)


@dataclass(slots=True)
class Peer:
    """A process that is spoken to: one connection at a time, opened again where it broke."""

    port: int
    _connection: HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._connection = HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """(status, body, headers); OSError where it is gone."""
        try:
            content = None if body is None else orjson.dumps(body)
            self._connection.request(method, path, content, headers)
            response = self._connection.getresponse()
            return response.status, response.read(), dict(response.headers)
        except HTTPException as error:
            self._connection.close()
            raise ConnectionError(str(error)) from error
        except OSError:
            self._connection.close()
            raise

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@dataclass(slots=True)
class Backend:
    """One replica as the gateway knows it."""

    peer: Peer
    release: Release
    is_ready: bool = False
    pending: dict[str, Request] = field(default_factory=dict)  # sent and not answered yet


@dataclass(slots=True)
class Gateway:
    """A context manager: inside it the metrics page is served."""

    clock: LabClock
    traffic: Traffic
    seed: int
    backends: dict[str, Backend] = field(default_factory=dict)
    provider: Peer | None = None
    key: str = KEY
    url: str = ""
    _chances: np.random.Generator = field(init=False)
    _homes: OrderedDict[int, str] = field(default_factory=OrderedDict)
    _again: list[Request] = field(default_factory=list)  # to send once more
    _turn: int = 0
    _own: Meters = field(init=False)
    _cloud: Meters = field(init=False)
    _upstream: Meters = field(init=False)
    _threads: ThreadPoolExecutor = field(init=False)
    _server: ThreadingHTTPServer = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._chances = np.random.default_rng([self.seed, 36])
        self._own = Meters(f'model_name="{MODEL}"')
        self._own.counter("gateway_retries_total")
        self._cloud = Meters(f'model_name="{CLOUD}"')
        self._cloud.counter("cloud_requests_total")
        self._cloud.counter("cloud_request_failures_total", *FAILURES)
        self._cloud.histogram("cloud_request_seconds", LATENCIES)
        self._upstream = Meters(f'model_name="{CLOUD}",dependency="{CLOUD}"')
        self._upstream.counter("upstream_errors_total", *FAILURES)
        self._upstream.histogram("upstream_seconds", LATENCIES)

    def __enter__(self) -> Gateway:
        self._threads = ThreadPoolExecutor(4, "gateway")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="gateway's page", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._threads.shutdown()
        for backend in self.backends.values():
            backend.peer.close()
        if self.provider:
            self.provider.close()

    def serve(self, requests: list[Request], cloud: int, until: float) -> None:
        """Have everything answered that can be until an instant of lab time."""
        with self._lock:
            names = [name for name, backend in self.backends.items() if self._is_ready(backend)]
            lots: dict[str, list[Request]] = {name: [] for name in names}
            asked, self._again = [*self._again, *requests], []
            for request in asked:
                if names:
                    lots[self._route(request, names)].append(request)
                else:
                    self._again.append(request)
            overflow = self._threads.submit(self._ask_cloud, cloud)
            answering = [self._threads.submit(self._send, name, lots[name], until) for name in names]
            for name, answers in zip(names, [each.result() for each in answering], strict=True):
                self._hear(name, answers)
            overflow.result()

    def lost(self, name: str) -> None:
        """A replica is gone: what it had not answered is sent again."""
        backend = self.backends[name]
        backend.is_ready = False
        self._own.add("gateway_retries_total", len(backend.pending))
        self._again += backend.pending.values()
        backend.pending.clear()

    def reset(self) -> None:
        """Every counter begins anew."""
        for meters in (self._own, self._cloud, self._upstream):
            meters.reset()
        for backend in self.backends.values():
            backend.peer.ask("POST", "/reset", {})

    def page(self) -> str:
        """The metrics of every replica and of the gateway, one page."""
        now = self.clock.now()
        with self._lock:
            pages = [*self._threads.map(lambda each: self._page(each[0], each[1], now), self.backends.items())]
        return merged([*pages, *(meters.page(now) for meters in (self._own, self._cloud, self._upstream))])

    def _page(self, name: str, backend: Backend, now: float) -> str:
        try:
            return backend.peer.ask("GET", "/metrics")[1].decode()
        except OSError:
            release = backend.release
            labels = f'model_name="{MODEL}",replica="{name}",track="{release.track}",version="{release.version}"'
            down = Meters(labels)
            down.set("engine_up", 0.0)
            return down.page(now)

    def _is_ready(self, backend: Backend) -> bool:
        if not backend.is_ready:
            try:
                backend.is_ready = backend.peer.ask("GET", "/health")[0] == 200
            except OSError:
                return False
        return backend.is_ready

    def _route(self, request: Request, names: list[str]) -> str:
        home = self._homes.get(request.conversation) if request.conversation else None
        if home not in names:
            canary = [name for name in names if self.backends[name].release.track == "canary"]
            stable = [name for name in names if name not in canary] or canary
            if canary and self._chances.random() < CANARY_SHARE:
                stable = canary
            self._turn += 1
            home = stable[self._turn % len(stable)]
        self._homes[int(request.id[1:])] = home
        if request.conversation:
            self._homes[request.conversation] = home
        while len(self._homes) > MOST_HOMES:
            self._homes.popitem(last=False)
        return home

    def _send(self, name: str, lot: list[Request], until: float) -> list[dict[str, Any]] | None:
        """What a replica answered; None where it is gone."""
        backend = self.backends[name]
        backend.pending |= {request.id: request for request in lot}
        body = {
            "until": until,
            "requests": [
                {"id": r.id, "arrived": r.arrived, "prompt": r.prompt, "count": r.count, "tenant": r.tenant}
                for r in sorted(lot, key=lambda request: request.arrived)
            ],
        }
        try:
            status, content, _headers = backend.peer.ask("POST", "/v1/batches", body)
        except OSError:
            return None
        answers: list[dict[str, Any]] | None = orjson.loads(content)["answers"] if status == 200 else None
        return answers

    def _hear(self, name: str, answers: list[dict[str, Any]] | None) -> None:
        backend = self.backends[name]
        if answers is None:
            self.lost(name)
            return
        for answer in answers:
            request = backend.pending.pop(answer["id"], None)
            if request is not None and not answer["failed"]:
                self.traffic.answered(request, answer["tokens"])

    def _ask_cloud(self, count: int) -> None:
        median, sigma = CLOUD_ANSWER
        for _ in range(count):
            tokens = max(round(float(median * np.exp(sigma * self._chances.standard_normal()))), 1)
            body = {"prompt": self._chances.integers(0, 128, 20).tolist(), "max_tokens": tokens}
            self._cloud.add("cloud_requests_total")
            try:
                assert self.provider is not None
                status, _content, headers = self.provider.ask(
                    "POST", "/v1/messages", body, Authorization=f"Bearer {self.key}"
                )
            except OSError:
                status, headers = 0, {}
            if status == 200:
                seconds = float(headers["Server-Timing"].rpartition("dur=")[2]) / 1000
                self._cloud.observe("cloud_request_seconds", [seconds])
                self._upstream.observe("upstream_seconds", [seconds])
            else:
                why = f'code="{status}",reason="{REASONS.get(status, "other")}"'
                self._cloud.add("cloud_request_failures_total", 1, why)
                self._upstream.add("upstream_errors_total", 1, why)


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            known = self.path == "/metrics"
            body = gateway.page().encode() if known else b"no such page\n"
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """The lab's log is for what goes wrong."""

    return Handler
