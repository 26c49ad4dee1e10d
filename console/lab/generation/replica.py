"""One replica of the generation server: an engine that speaks HTTP on loopback.

POST /v1/completions   {"prompt": [tokens], "max_tokens": n}     answered at once, and counted nowhere
POST /v1/batches       {"until": t, "requests": [...]}           what users ask until lab time t; what was answered
POST /release          a release to take up         POST /reset  counters begin anew
GET  /metrics          GET /health                               503 while it loads
"""

from __future__ import annotations

import argparse
import threading
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson

from console.lab.clock import LabClock
from console.lab.generation.engine import Engine, Sequence, Tally
from console.lab.generation.meters import CONTENT_TYPE, Meters, edges
from console.lab.generation.release import MODEL, Release
from console.lab.leash import ready

PACE = 5.0  # seconds of lab time in which an engine lives one
HISTOGRAMS = {
    "time_to_first_token_seconds": edges(0.06, 16.0, 1.6),
    "inter_token_latency_seconds": edges(0.006, 0.3, 1.45),
    "request_time_per_output_token_seconds": edges(0.006, 0.6, 1.5),
    "e2e_request_latency_seconds": edges(0.15, 30.0, 1.6),
    "request_queue_time_seconds": edges(0.02, 20.0, 2.2),
    "request_prefill_time_seconds": edges(0.04, 3.0, 1.6),
    "request_inference_time_seconds": edges(0.15, 15.0, 1.6),
    "request_prompt_tokens": edges(24, 480, 1.4),
    "request_generation_tokens": edges(2, 320, 1.7),
}
COUNTERS = (
    "num_preemptions_total",
    "prefix_cache_queries_total",
    "prefix_cache_hits_total",
    "generation_tokens_total",
    "spec_decode_num_draft_tokens_total",
    "spec_decode_num_accepted_tokens_total",
    "admission_rejections_total",
)


@dataclass(slots=True)
class Replica:
    """The server's state."""

    name: str
    seed: int
    start: float  # lab time at which its engine's clock began
    release: Release
    tenants: tuple[str, ...]
    ready_at: float = 0.0  # lab time at which its weights are loaded
    load_seconds: float = 0.0
    engine: Engine = field(init=False)
    meters: Meters = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        model, draft = self.release.models()
        self.engine = Engine(model, draft, self.release.limits(), seed=self.seed)
        self.engine.clock = (self.ready_at - self.start) / PACE if self.ready_at else 0.0
        self._meter()
        self.take_up(self.release)

    def take_up(self, release: Release) -> None:
        """Serve with this release from now on; its counters run on."""
        engine, old = self.engine, self.release
        self.release = release
        engine.model, engine.draft = release.models()
        engine.fails = lambda sequence: max(sequence.tokens[sequence.prompt :]) >= release.words
        if release.blocks != old.blocks:
            engine.resize(release.limits())

    def is_loading(self, now: float) -> bool:
        """Whether its weights are not in memory yet."""
        return now < self.ready_at

    def serve(self, requests: list[dict[str, Any]], until: float) -> list[dict[str, Any]]:
        """Bring the engine to an instant of lab time; the answers that were finished."""
        arrivals = [
            Sequence(
                each["id"],
                (each["arrived"] - self.start) / PACE,
                len(each["prompt"]),
                each["count"],
                each["prompt"],
                each["tenant"],
            )
            for each in requests
        ]
        self._count_asked(arrivals)
        tally = self.engine.run(arrivals, (until - self.start) / PACE)
        self._count(tally)
        return [{"id": each.id, "tokens": each.tokens[each.prompt :], "failed": each.failed} for each in tally.finished]

    def complete(self, prompt: list[int], count: int) -> list[int]:
        """What it says after a prompt, through pages of its own."""
        aside = Engine(self.engine.model, self.engine.draft, self.release.limits())
        (sequence,) = aside.run([Sequence("aside", 0.0, len(prompt), count, list(prompt))], 600.0).finished
        return sequence.tokens[sequence.prompt :]

    def page(self, now: float) -> str:
        """Its metrics."""
        engine, meters = self.engine, self.meters
        meters.set("num_requests_running", len(engine.running))
        meters.set("num_requests_waiting", len(engine.waiting))
        meters.set("kv_cache_usage_perc", engine.pages.usage)
        meters.set("num_kv_blocks", engine.limits.blocks)
        meters.set("model_load_seconds", self.load_seconds)
        meters.set("engine_up", 0.0 if self.is_loading(now) else 1.0)
        meters.forget("engine_info")  # it may have been another
        meters.set("engine_info", 1.0, f'num_gpu_blocks="{engine.limits.blocks}"')
        return meters.page(now)

    def _meter(self) -> None:
        release = self.release
        labels = f'model_name="{MODEL}",replica="{self.name}",track="{release.track}",version="{release.version}"'
        self.meters = Meters(labels)
        self.meters.counter("requests_received_total")
        self.meters.counter("request_success_total", 'finished_reason="length"', 'finished_reason="error"')
        self.meters.counter("prompt_tokens_total", *(f'tenant="{tenant}"' for tenant in self.tenants))
        for name in COUNTERS:
            self.meters.counter(name)
        for name, bounds in HISTOGRAMS.items():
            self.meters.histogram(name, bounds)

    def _count_asked(self, arrivals: list[Sequence]) -> None:
        """As they come: what still waits has been asked, too."""
        self.meters.add("requests_received_total", len(arrivals))
        self.meters.observe("request_prompt_tokens", (each.prompt for each in arrivals))
        for each in arrivals:
            self.meters.add("prompt_tokens_total", each.prompt, f'tenant="{each.tenant}"')

    def _count(self, tally: Tally) -> None:
        meters, done = self.meters, [each for each in tally.finished if not each.failed]
        meters.add("request_success_total", len(done), 'finished_reason="length"')
        meters.add("request_success_total", len(tally.finished) - len(done), 'finished_reason="error"')
        counts = (tally.preemptions, tally.queries, tally.hits, tally.written, tally.drafted, tally.accepted)
        for name, count in zip(COUNTERS, (*counts, tally.rejected), strict=True):
            meters.add(name, count)
        meters.observe("time_to_first_token_seconds", tally.firsts)
        gaps = tally.gaps
        meters.observe("inter_token_latency_seconds", (g.seconds / g.tokens for g in gaps), (g.tokens for g in gaps))
        begun = [(each, each.arrived if each.begun is None else each.begun) for each in tally.finished]
        meters.observe(
            "request_time_per_output_token_seconds",
            ((each.last - each.first) / (each.written - 1) for each in done if each.written > 1),
        )
        meters.observe("e2e_request_latency_seconds", (each.last - each.arrived for each in tally.finished))
        meters.observe("request_queue_time_seconds", (start - each.arrived for each, start in begun))
        meters.observe("request_prefill_time_seconds", (each.first - start for each, start in begun))
        meters.observe("request_inference_time_seconds", (each.last - start for each, start in begun))
        meters.observe("request_generation_tokens", (each.written for each in tally.finished))


def handler(replica: Replica, clock: LabClock) -> type[BaseHTTPRequestHandler]:
    """What answers a connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            now = clock.now()
            match self.path:
                case "/metrics":
                    with replica.lock:
                        self._answer(200, replica.page(now).encode(), CONTENT_TYPE)
                case "/health":
                    self._json(503 if replica.is_loading(now) else 200, {"loading": replica.is_loading(now)})
                case _:
                    self._json(404, {"error": "no such page"})

        def do_POST(self) -> None:
            body = orjson.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            with replica.lock:
                match self.path:
                    case "/v1/batches" if replica.is_loading(body["until"]):
                        self._json(503, {"error": "the model is loading"})
                    case "/v1/batches":
                        self._json(200, {"answers": replica.serve(body["requests"], body["until"])})
                    case "/v1/completions":
                        said = replica.complete(body["prompt"], body["max_tokens"])
                        self._json(200, {"model": MODEL, "choices": [{"tokens": said, "finish_reason": "length"}]})
                    case "/release":
                        replica.take_up(Release(**body))
                        self._json(200, asdict(replica.release))
                    case "/reset":
                        replica.meters.reset()
                        self._json(200, {})
                    case _:
                        self._json(404, {"error": "no such page"})

        def _json(self, status: int, content: object) -> None:
            self._answer(status, orjson.dumps(content), "application/json")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """The lab's log is for what goes wrong."""

    return Handler


def main() -> None:
    """Run a replica until the lab ends."""
    parser = argparse.ArgumentParser(description="a replica of the practice line's generation server")
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--start", type=float, required=True)
    parser.add_argument("--release", default="{}", help="JSON")
    parser.add_argument("--tenants", default="")
    parser.add_argument("--loads", type=float, default=0.0, help="seconds of lab time that loading takes")
    options = parser.parse_args()
    folder: Path = options.folder
    clock = LabClock(folder / "clock")
    replica = Replica(
        options.name,
        options.seed,
        options.start,
        Release(**orjson.loads(options.release)),
        tuple(options.tenants.split(",")),
        clock.now() + options.loads if options.loads else 0.0,
        options.loads,
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(replica, clock))
    ready(folder / f"replica-{options.name}.port", str(server.server_address[1]))
    server.serve_forever()


if __name__ == "__main__":
    main()
