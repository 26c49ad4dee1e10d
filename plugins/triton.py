"""NVIDIA Triton Inference Server, as of 26.09.

Its durations are counters in microseconds: with `stat: ratio, of: model.requests` they are mean latencies. The
histogram of first responses is opt-in (`histogram_latencies=true`) and in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram

MICROSECOND = 1e-6
MILLISECOND = 1e-3

TRITON = Dialect(
    "triton",
    title="NVIDIA Triton Inference Server",
    detect=("nv_inference_request_success", "nv_inference_count"),
    model_label="model",
    labels={"gpu_uuid": "gpu"},
    signals={
        "model.requests": counter("nv_inference_request_success"),
        "model.errors": counter("nv_inference_request_failure"),
        "model.inference.batches": counter("nv_inference_exec_count"),
        "model.latency.total": counter("nv_inference_request_duration_us", scale=MICROSECOND),
        "model.queue.total": counter("nv_inference_queue_duration_us", scale=MICROSECOND),
        "model.inference.total": counter("nv_inference_compute_infer_duration_us", scale=MICROSECOND),
        "model.queue.depth": gauge("nv_inference_pending_request_count"),
        "model.ttft": histogram("nv_inference_first_response_histogram_ms", scale=MILLISECOND),
        "model.load.duration": gauge("nv_model_load_duration_secs"),
        "gpu.utilization": gauge("nv_gpu_utilization"),
        "gpu.memory.used": gauge("nv_gpu_memory_used_bytes"),
        "gpu.memory.total": gauge("nv_gpu_memory_total_bytes"),
        "gpu.power": gauge("nv_gpu_power_usage"),
        "gpu.power.limit": gauge("nv_gpu_power_limit"),
        "gpu.energy": counter("nv_energy_consumption"),
        "host.cpu.utilization": gauge("nv_cpu_utilization"),
        "host.memory.used": gauge("nv_cpu_memory_used_bytes"),
    },
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """Triton's."""
    return [TRITON]
