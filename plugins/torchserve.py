"""TorchServe, as of 0.12 (no longer maintained): totals in microseconds, and gauges of the last thing that happened."""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge

MICROSECOND = 1e-6
MILLISECOND = 1e-3
PERCENT = 0.01
MEGABYTE = 1024.0 * 1024.0

TORCHSERVE = Dialect(
    "torchserve",
    title="TorchServe",
    detect=("ts_inference_requests_total", "ts_inference_latency_microseconds", "Requests2XX"),
    model_label="model_name",
    labels={
        "ModelName": "model",
        "hostname": "host",
        "Hostname": "host",
        "model_version": "version",
        "DeviceId": "gpu",
    },
    signals={
        "model.requests": counter("ts_inference_requests_total"),
        "model.errors": counter("Requests5XX"),
        "model.latency.total": counter("ts_inference_latency_microseconds", scale=MICROSECOND),
        "model.queue.total": counter("ts_queue_latency_microseconds", scale=MICROSECOND),
        "model.load.duration": gauge("WorkerLoadTime", scale=MILLISECOND),
        "gpu.utilization": gauge("GPUUtilization", scale=PERCENT),
        "gpu.memory.used": gauge("GPUMemoryUsed", scale=MEGABYTE),
        "gpu.memory.utilization": gauge("GPUMemoryUtilization", scale=PERCENT),
        "host.cpu.utilization": gauge("CPUUtilization", scale=PERCENT),
        "host.memory.used": gauge("MemoryUsed", scale=MEGABYTE),
        "host.memory.utilization": gauge("MemoryUtilization", scale=PERCENT),
        "host.disk.utilization": gauge("DiskUtilization", scale=PERCENT),
    },
    opt_in={
        "TorchServe sees no GPU": ("gpu.utilization", "gpu.memory.used", "gpu.memory.utilization"),
        "TorchServe has it from the first such answer on": ("model.errors",),
        "set metrics_mode=prometheus in config.properties; the default, log, writes them to files": (
            "model.requests",
            "model.latency.total",
            "model.queue.total",
        ),
    },
    lacks={
        "model.latency": "its latencies are totals: model.latency.total over model.requests is their mean",
        "model.queue.depth": "QueueTime is the wait of the last request, not how many wait",
    },
    note="Off by default (metrics_mode=log); QueueTime and HandlerTime are of the last request: not read.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """TorchServe's."""
    return [TORCHSERVE]
