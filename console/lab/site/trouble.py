"""What troubles have in common: XIDs as the driver tells them, replicas that suffer with their GPU, more load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.lab.site.estate import MODEL, gpu_labels, replica_of
from console.lab.site.place import Site

WINDOW = 300.0  # seconds that the exporter counts XIDs over
IDLE_WATTS = 88.0
ASKED = (
    "model.requests",
    "model.tokens.prompt",
    "model.tokens.generation",
    "model.prefix.queries",
    "model.prefix.hits",
)
OBSERVED = ("model.latency", "model.ttft", "model.itl", "model.queue.duration", "model.prompt.length")


def place_of(parameters: Mapping[str, Any]) -> tuple[str, int, dict[str, Any]]:
    """The host and the GPU that a fault is about, and the labels that name it."""
    host, gpu = str(parameters["host"]), int(parameters["gpu"])
    return host, gpu, {"host": host, "gpu": str(gpu)}


def xid(site: Site, host: str, gpu: int, code: int, words: str, at: Sequence[float] = (0.0,)) -> None:
    """The driver reports an error, at these seconds from now.

    The kernel log has each. The exporter's gauge keeps the last code for ever; its count is of the last minutes.
    """
    for after in at:
        site.happens("xid", f"{host}/{gpu}", f"XID {code} on GPU {gpu}: {words}", "from the kernel log", after=after)
    site.turn("gpu.xid", after=min(at), to=float(code), stays=True, host=host, gpu=str(gpu))
    error = {"xid": str(code), "window_size_in_ms": f"{WINDOW * 1000:.0f}"}
    site.appear("dcgm", "gpu.xid.recent", 0.0, **gpu_labels(host, gpu), **error)
    for moment in sorted({*at, *(after + WINDOW for after in at)}):
        count = sum(after <= moment < after + WINDOW for after in at)
        site.turn("gpu.xid.recent", after=moment, to=float(count), host=host, gpu=str(gpu), xid=str(code))


def again(first: float, every: float, until: float) -> list[float]:
    """Seconds from now at which something comes again and again.

    >>> again(0, 100, 250)
    [0.0, 100.0, 200.0]
    """
    return [first + every * number for number in range(int((until - first) // every) + 1)]


def slow_replica(site: Site, host: str, gpu: int, factor: float, *, after: float = 0.0, over: float = 0.0) -> None:
    """The replica on this GPU takes so many times as long: a replica is as slow as its slowest GPU."""
    replica = replica_of(host, gpu)
    for signal in ("model.itl", "model.latency", "model.requests.running"):
        site.turn(signal, times=factor, after=after, over=over, replica=replica)
    site.turn("model.kv.usage", times=1 + (factor - 1) * 0.25, after=after, over=over, replica=replica)


def crash_replica(site: Site, host: str, gpu: int, seconds: float) -> None:
    """The replica on this GPU fails what it was at work on, and is away for so long."""
    replica = replica_of(host, gpu)
    site.turn("model.", to=0.0, rate=0.0, lasts=seconds, replica=replica)
    site.turn("model.errors", to=0.4, lasts=30.0, replica=replica)
    site.turn("workload.restarts", to=1 / 15, after=15.0, lasts=15.0, pod=replica)
    for signal, level in (("gpu.utilization", 0.0), ("gpu.tensor.active", 0.0), ("gpu.memory.used", 6.0e8),
                          ("gpu.power", IDLE_WATTS)):  # fmt: skip
        site.turn(signal, to=level, lasts=seconds, pod=replica)


def ask_more(site: Site, load: float, *, over: float, waits: float, first: float) -> None:
    """The model is asked so many times as often; requests wait so many times as long, and so do first tokens."""
    for signal in ASKED:
        site.turn(signal, times=load, over=over, model=MODEL)
    for signal in OBSERVED:
        site.turn(signal, rate=load, over=over, model=MODEL)
    site.turn("model.queue.duration", times=waits, over=over, model=MODEL)
    site.turn("model.ttft", times=first, over=over, model=MODEL)
