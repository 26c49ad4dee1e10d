"""A daemon that knows nothing but servers of queries: its board is live, and each of them fails alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from gpufleet import in_milliseconds, samples
from promserver import is_installed, prometheus
from vmserver import is_installed as victoria_is_installed
from vmserver import tell, victoria

from console.errors import DaemonUnreachable
from console.service.client import Client

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (is_installed() and victoria_is_installed()),
        reason="needs Debian's prometheus and victoria-metrics: `make test-real` installs them",
    ),
]

READY_SECONDS = 60.0
STEP = 15
COUNT = 48  # samples: from some minutes ago until some minutes from now
EDGES = (("0.1", 0.5), ("0.5", 0.9), ("+Inf", 1.0))


def model(name: str, end: float) -> Iterator[str]:
    """A minute of an LLM server, 100 answers every fifteen seconds."""
    labels = f'model_name="{name}",engine="0"'
    for number in range(COUNT):
        time_ = end - (COUNT - 1 - number) * STEP
        for edge, share in EDGES:
            bucket = f'vllm:e2e_request_latency_seconds_bucket{{{labels},le="{edge}"}}'
            yield f"{bucket} {100 * number * share:.0f} {time_:.3f}"
        yield f"vllm:e2e_request_latency_seconds_sum{{{labels}}} {20 * number} {time_:.3f}"
        yield f"vllm:num_requests_running{{{labels}}} 3 {time_:.3f}"
        yield f"vllm:num_requests_waiting{{{labels}}} 7 {time_:.3f}"


def lines(end: float) -> Iterator[str]:
    odd = {3: {"DCGM_FI_DEV_CLOCK_THROTTLE_REASONS": 0x40}}
    for number in range(COUNT):
        yield from samples(16, end - (COUNT - 1 - number) * STEP, odd)


def history(end: float) -> str:
    """As OpenMetrics wants it: series by series."""
    told = sorted([*lines(end), *model("chat", end)], key=lambda line: line.partition("{")[0])
    return "\n".join([*told, "# EOF", ""])


@contextmanager
def daemon(folder: Path, **urls: str) -> Iterator[Client]:
    config, data = folder / "config.toml", folder / "data"
    sources = [f'[sources.{name}]\nkind = "prometheus"\nurl = "{url}"\n' for name, url in urls.items()]
    clock = folder / "clock"
    clock.write_text(str(time.time()))
    config.write_text("".join(sources))
    command = [sys.executable, "-P", "-m", "console.cli", "--config", str(config), "--data", str(data), "daemon"]
    running = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "ANDON_CONFIG": ""}
    )
    try:
        yield Client(data)
    finally:
        running.terminate()
        running.wait(20)


def until(client: Client, holds: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
    """The first board of which something holds."""
    board: Mapping[str, Any] = {}
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(DaemonUnreachable):
            for board in client.subscribe("board"):
                if holds(board):
                    return board
                if time.monotonic() > deadline:
                    break
        time.sleep(0.2)
    raise AssertionError(f"it never came to that: {board.get('sources')}, {len(board.get('gpus') or ())} GPUs")


def source(board: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(each for each in board["sources"] if each["name"] == name)


@pytest.fixture
def short() -> Iterator[Path]:
    """Short enough for a socket's address."""
    folder = Path(tempfile.mkdtemp(prefix="andon-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_what_lives_behind_servers_of_queries_is_live_and_one_that_dies_is_its_own_state(short: Path) -> None:
    end = time.time() + 400  # in which the daemon comes up and looks
    with ExitStack() as rest, victoria(short) as well:
        dying = rest.enter_context(prometheus(short, history=history(end)))
        fresh = time.time()
        other = (line.replace("node-", "other-").replace('UUID="GPU-', 'UUID="OTH-') for line in lines(end))
        tell(well, in_milliseconds([*other, *model("embed", end)]))
        with daemon(short, prom=dying, vm=well) as client:
            board = until(client, lambda board: board["fleet"]["gpus"] == 32 and len(board["latency"]) == 2)
            assert time.time() < end, f"the machine is too busy: {time.time() - fresh:.0f} s"
            hot = [row for row in board["gpus"] if row["state"] == "degraded"]
            assert {row["host"].partition("-")[0] for row in hot} == {"node", "other"}
            assert all(row["reason"].startswith("too hot, the hardware slows it down") for row in hot)
            gpu = next(row for row in board["gpus"] if row["host"] == "node-0001" and row["gpu"] == "2")
            assert gpu["name"] == "NVIDIA H100 80GB HBM3"
            assert 0.8 < gpu["values"]["gpu.utilization"] < 1.0
            lights = {row["model"]: row["lights"] for row in board["models"]}
            assert set(lights) == {"chat", "embed"}
            assert lights["chat"]["latency"]["state"] == lights["chat"]["queue"]["state"] == "ok"
            chat = next(row for row in board["latency"] if row["model"] == "chat")
            assert chat["queue"] == 7 and 0.05 < chat["p50"] <= 0.1 and chat["rate"] == pytest.approx(100 / STEP, 0.3)
            assert {source(board, name)["state"] for name in ("prom", "vm")} == {"ok"}
            found = client.request("gpu.page", filter="other-0001", count=10)
            assert (found["total"], found["of"]) == (8, 32)

            rest.close()  # the one dies
            board = until(client, lambda board: source(board, "prom")["state"] == "unreachable")
            assert source(board, "prom")["reason"]
            assert source(board, "vm")["state"] == "ok"

            def is_stale(board: Mapping[str, Any]) -> bool:
                states = {row["state"] for row in board["gpus"] if row["source"] == "prom"}
                return states == {"stale"}

            board = until(client, is_stale)
            old = next(row for row in board["gpus"] if row["source"] == "prom")
            assert old["age"] > 0 and old["reason"].startswith("no new samples")
            assert source(board, "vm")["state"] == "ok", "and the other goes on"
