"""A stand-in for the daemon that says one thing: a board of so many GPUs and models, every number of which moves.

    python tests/boardserver.py DATA ROWS

listens on DATA's socket. What a screen costs by itself is measured on it, without a daemon's own work beside it.
"""

from __future__ import annotations

import math
import socketserver
import sys
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1])]

from console.errors import UsageError  # noqa: E402
from console.service.address import listen, socket_path  # noqa: E402
from console.service.protocol import SUBSCRIBE, encode, failure, parse_request, success  # noqa: E402
from console.service.sparks import levels  # noqa: E402

INTERVAL = 1.0
SPARK = 60
LIGHTS = ("gpu", "latency", "errors", "queue", "drift", "data")
COLUMNS = ("distance_mm", "exposure_ms", "brightness", "temperature")


def board(rows: int, now: float) -> dict[str, Any]:
    """The topic `board` as the daemon says it."""
    seconds = int(now)
    wave = [round(0.5 + 0.45 * math.sin(second / 9), 3) for second in range(seconds - SPARK, seconds + 1)]
    return {
        "now": now,
        "interval": INTERVAL,
        "version": "0",
        "config": "",
        "models": [_model(number, now) for number in range(rows)],
        "gpus": [_gpu(number, now, wave) for number in range(rows)],
        "latency": [_latency(number, now, wave) for number in range(rows)],
        "drift": [_drift(number, now) for number in range(rows)],
        "incidents": [],
        "sources": [_source("gpus", "nvml", rows, now), _source("serving", "metrics", rows, now)],
        "troubles": [],
        "links": {},
        "hints": [],
    }


def _wave(number: int, now: float) -> float:
    return 0.5 + 0.45 * math.sin(now / 3 + number)


def _model(number: int, now: float) -> dict[str, Any]:
    lights = {light: {"state": "ok", "age": now % 1 + number % 2} for light in LIGHTS}
    return {"model": f"model-{number:04}", "lights": lights, "incident": None, "owner": ""}


def _gpu(number: int, now: float, wave: list[float]) -> dict[str, Any]:
    level = _wave(number, now)
    return {
        "source": "gpus",
        "host": f"node-{number // 8:03}",
        "gpu": str(number % 8),
        "uuid": f"GPU-{number:08}",
        "name": "Stand-in GPU 80GB",
        "state": "ok",
        "reason": "",
        "age": now % 1,
        "values": {
            "gpu.utilization": level,
            "gpu.memory.used": 8.0e10 * level,
            "gpu.memory.total": 8.5e10,
            "gpu.memory.utilization": level,
            "gpu.power": 100 + 600 * level,
            "gpu.power.limit": 700.0,
            "gpu.temperature": 35 + 40 * level,
            "gpu.ecc.errors:uncorrected": 0,
        },
        "spark": levels([*wave[1:-1], level], low=0.0, high=1.0),
    }


def _latency(number: int, now: float, wave: list[float]) -> dict[str, Any]:
    level = _wave(number, now)
    return {
        "model": f"model-{number:04}",
        "signal": "model.latency",
        "p50": 0.2 * level,
        "p95": 0.9 * level,
        "p99": 1.8 * level,
        "rate": 40 * level,
        "errors": 0.01 * level,
        "queue": round(20 * level),
        "kv": level,
        "tokens": 4000 * level,
        "baseline": {"value": 0.5, "low": 0.4, "high": 0.7},
        "ratio": 1.8 * level,
        "verdict": "ok",
        "reason": "",
        "age": now % 1,
        "spark": levels(wave[1:]),
    }


def _drift(number: int, now: float) -> dict[str, Any]:
    columns = [
        {"name": name, "verdict": "ok", "effect": _wave(number + at, now), "line": "step", "onset": None, "shift": None}
        | {"issues": []}
        for at, name in enumerate(COLUMNS)
    ]
    return {"model": f"model-{number:04}", "table": "predictions", "verdict": "ok", "reason": "", "looked": now} | {
        "rows": [int(now), int(now) % 1000],
        "columns": columns,
        "world_or_model": "",
    }


def _source(name: str, kind: str, rows: int, now: float) -> dict[str, Any]:
    row = {"name": name, "kind": kind, "state": "ok", "reason": "", "newest": now, "age": 0.0}
    return row | {"readings": rows * 8, "seconds": 0.01 * _wave(0, now), "failures": 0}


class _Screen(socketserver.StreamRequestHandler):
    """One client."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            request = parse_request(line)
            if request.op == SUBSCRIBE:
                self._stream(request.id)
            elif request.op == "status":
                self.wfile.write(success(request.id, board(self.server.rows, time.time())))  # type: ignore[attr-defined]
            else:
                self.wfile.write(failure(request.id, UsageError(f"this stand-in knows no {request.op}", "")))

    def _stream(self, name: int | str | None) -> None:
        kind = "snapshot"
        while True:
            self.wfile.write(encode({"id": name, kind: board(self.server.rows, time.time())}))  # type: ignore[attr-defined]
            kind = "change"
            time.sleep(INTERVAL - time.time() % INTERVAL)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, data: Path, rows: int) -> None:
        super().__init__(str(socket_path(data)), _Screen, bind_and_activate=False)
        self.socket = listen(socket_path(data))
        self.socket.setblocking(True)
        self.socket.listen()
        self.rows = rows

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A screen that left."""


if __name__ == "__main__":
    _Server(Path(sys.argv[1]), int(sys.argv[2])).serve_forever()
