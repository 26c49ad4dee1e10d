"""A made-up LLM server and a made-up prediction log for `console.py`: every number of theirs moves every second.

    python benchmarks/_world.py FOLDER PORT

serves FOLDER's metrics on PORT and appends to FOLDER/predictions.jsonl. Where FOLDER/silent exists, the page never
comes. Both are functions of the time alone, so that the past can be written by the same hand.
"""

from __future__ import annotations

import json
import math
import random
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MODELS = ("chat-8b", "chat-70b", "code-34b", "summary-8b")
LOGGED = "inspector"  # the model that the prediction log is about
EPOCH = 1_750_000_000.0  # when its counters stood at zero
ROWS = 2  # a second, in the log
DURATIONS = {  # seconds, of the faster and of the slower requests
    "vllm:e2e_request_latency_seconds": (0.8, 4.0),
    "vllm:time_to_first_token_seconds": (0.08, 0.5),
    "vllm:inter_token_latency_seconds": (0.015, 0.05),
}
EDGES = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0]


def page(now: float, *, stamped: bool = False) -> str:
    """The metrics of all models at this time; `stamped` says the time on every line."""
    stamp = f" {now * 1000:.0f}" if stamped else ""
    lines = [f"{name} {value:.12g}{stamp}" for model in range(len(MODELS)) for name, value in _samples(model, now)]
    return "\n".join([*lines, ""])


def row(now: float) -> dict[str, object]:
    """One line of the prediction log."""
    return {
        "time": round(now, 3),
        "distance_mm": round(random.gauss(420 + 20 * math.sin(now / 40), 15), 1),
        "exposure_ms": round(random.gauss(8, 0.6), 2),
        "brightness": round(random.betavariate(5, 3), 4),
        "temperature": round(random.gauss(31 + math.sin(now / 60), 0.8), 2),
        "line": random.choice("ABC"),
        "camera": random.choice(["left", "right"]),
        "prediction": int(random.random() < 0.1),
    }


def _samples(model: int, now: float) -> Iterator[tuple[str, float]]:
    label = f'model_name="{MODELS[model]}",engine="0"'
    beat = 0.05 + 0.01 * model  # each model has a rhythm of its own
    rate = 20.0 + 5 * model
    age = now - EPOCH
    # The share of slow requests wanders between 2 % and 14 %; this is its integral.
    slow = 0.08 * age - 0.06 / beat * math.cos(beat * age)
    requests = math.floor(rate * age)
    for name, (fast, slower) in DURATIONS.items():
        for edge in EDGES:
            within = rate * (_below(edge, fast) * (age - slow) + _below(edge, slower) * slow)
            yield f'{name}_bucket{{{label},le="{edge}"}}', math.floor(within)
        yield f'{name}_bucket{{{label},le="+Inf"}}', requests
        yield f"{name}_count{{{label}}}", requests
        yield f"{name}_sum{{{label}}}", rate * (fast * (age - slow) + slower * slow)
    yield f'vllm:request_success_total{{{label},finished_reason="stop"}}', requests - requests // 100
    yield f'vllm:request_success_total{{{label},finished_reason="error"}}', requests // 100
    yield f"vllm:generation_tokens_total{{{label}}}", math.floor(rate * 180 * (age + math.sin(age)))
    yield f"vllm:prompt_tokens_total{{{label}}}", math.floor(rate * 700 * age)
    yield f"vllm:num_requests_running{{{label}}}", round(24 + 12 * math.sin(age / 3 + model))
    yield f"vllm:num_requests_waiting{{{label}}}", round(9 + 8 * math.sin(age / 2 + model))
    yield f"vllm:kv_cache_usage_perc{{{label}}}", 0.6 + 0.3 * math.sin(age / 7 + model)


def _below(edge: float, typical: float) -> float:
    """The share of requests that take at most `edge` seconds: log-normal, sigma 0.5."""
    return 0.5 * math.erfc(-math.log(edge / typical) / (0.5 * math.sqrt(2)))


def main(folder: Path, port: int) -> None:
    """Serve and append until it is ended."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if (folder / "silent").exists():
                time.sleep(3600)
            body = page(time.time()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        with (folder / "predictions.jsonl").open("a") as log:
            log.writelines(json.dumps(row(time.time())) + "\n" for _ in range(ROWS))
        time.sleep(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
