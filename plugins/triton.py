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
        "model.rejections": counter("nv_inference_request_failure", where={"reason": "REJECTED"}),
        "model.aborts": counter("nv_inference_request_failure", where={"reason": "CANCELED"}),
        "model.inference.batches": counter("nv_inference_exec_count"),
        "model.latency.total": counter("nv_inference_request_duration_us", scale=MICROSECOND),
        "model.queue.total": counter("nv_inference_queue_duration_us", scale=MICROSECOND),
        "model.inference.total": counter("nv_inference_compute_infer_duration_us", scale=MICROSECOND),
        "model.queue.depth": gauge("nv_inference_pending_request_count"),
        "model.ttft": histogram("nv_inference_first_response_histogram_ms", scale=MILLISECOND),
        "model.load.duration": gauge("nv_model_load_duration_secs"),
        "model.cache.hits": counter("nv_cache_num_hits_per_model"),
        "model.cache.misses": counter("nv_cache_num_misses_per_model"),
        "gpu.utilization": gauge("nv_gpu_utilization"),
        "gpu.memory.used": gauge("nv_gpu_memory_used_bytes"),
        "gpu.memory.total": gauge("nv_gpu_memory_total_bytes"),
        "gpu.power": gauge("nv_gpu_power_usage"),
        "gpu.power.limit": gauge("nv_gpu_power_limit"),
        "gpu.energy": counter("nv_energy_consumption"),
        "host.cpu.utilization": gauge("nv_cpu_utilization"),
        "host.memory.used": gauge("nv_cpu_memory_used_bytes"),
    },
    opt_in={
        "start Triton with --metrics-config histogram_latencies=true": ("model.ttft",),
        "turn the response cache on (--cache-config, and response_cache in config.pbtxt)": (
            "model.cache.hits",
            "model.cache.misses",
        ),
        "Triton sees no GPU, or was started with --allow-gpu-metrics=false": (
            "gpu.utilization",
            "gpu.memory.used",
            "gpu.memory.total",
            "gpu.power",
            "gpu.power.limit",
            "gpu.energy",
        ),
    },
    lacks={
        "model.latency": "Triton's latencies are totals: model.latency.total over model.requests is their mean",
        "model.itl": "Triton does not see tokens; a backend may",
    },
    note="Durations are counters in microseconds of successful requests; the opt-in histogram has four edges, in ms.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """Triton's."""
    return [TRITON]
