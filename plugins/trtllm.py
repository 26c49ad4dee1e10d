"""NVIDIA TensorRT-LLM: its own server (`trtllm-serve`, tensorrt_llm/metrics/collector.py) and its backend in Triton.

The server's page is /prometheus/metrics. In Triton the backend's gauges stand beside Triton's own counters.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram

TRTLLM = Dialect(
    "trtllm",
    title="TensorRT-LLM",
    detect=("trtllm_num_requests_running", "trtllm_request_success_total", "trtllm_kv_cache_utilization"),
    model_label="model_name",
    labels={"finished_reason": "reason", "http_code": "code"},
    signals={
        "model.requests": (counter("trtllm_request_success_total"), counter("trtllm_request_error_total")),
        "model.errors": counter("trtllm_request_error_total"),
        "model.latency": histogram("trtllm_e2e_request_latency_seconds"),
        "model.ttft": histogram("trtllm_time_to_first_token_seconds"),
        "model.tpot": histogram("trtllm_time_per_output_token_seconds"),
        "model.queue.duration": histogram("trtllm_request_queue_time_seconds"),
        "model.prefill.duration": histogram("trtllm_request_prefill_time_seconds"),
        "model.decode.duration": histogram("trtllm_request_decode_time_seconds"),
        "model.inference.duration": histogram("trtllm_request_inference_time_seconds"),
        "model.queue.depth": gauge("trtllm_num_requests_waiting"),
        "model.requests.running": gauge("trtllm_num_requests_running"),
        "model.kv.usage": gauge("trtllm_kv_cache_utilization"),
        "model.prefix.queries": counter("trtllm_prompt_tokens_total"),
        "model.prefix.hits": counter("trtllm_prompt_cached_tokens_total"),
        "model.tokens.prompt": counter("trtllm_prompt_tokens_total"),
        "model.tokens.generation": counter("trtllm_generation_tokens_total"),
        "model.speculation.draft": counter("trtllm_spec_decode_num_draft_tokens_total"),
        "model.speculation.accepted": counter("trtllm_spec_decode_num_accepted_tokens_total"),
        "model.memory.gpu": gauge("trtllm_gpu_memory_usage_bytes"),
    },
    opt_in={
        "set return_perf_metrics: true for trtllm-serve": (
            "model.latency",
            "model.ttft",
            "model.tpot",
            "model.queue.duration",
            "model.prefill.duration",
            "model.decode.duration",
            "model.inference.duration",
        ),
        "set return_perf_metrics: true and enable_iter_perf_stats: true for trtllm-serve": (
            "model.queue.depth",
            "model.requests.running",
            "model.kv.usage",
            "model.memory.gpu",
        ),
        "configure speculative decoding": (
            "model.speculation.draft",
            "model.speculation.accepted",
        ),
    },
    lacks={
        "model.itl": "TensorRT-LLM measures the mean per token of a request only",
        "model.preemptions": "num_paused_requests is how many are paused now, not how many were",
    },
    note="Needs two settings to say anything, and is served at /prometheus/metrics; iteration latency is a gauge.",
)

TRTLLM_TRITON = Dialect(
    "trtllm_triton",
    title="TensorRT-LLM in Triton",
    detect=("nv_trt_llm_request_metrics", "nv_trt_llm_kv_cache_block_metrics"),
    model_label="model",
    signals={
        "model.queue.depth": gauge(
            "nv_trt_llm_request_metrics", where={"request_type": "waiting"}, labels={"stage": "engine"}
        ),
        "model.requests.running": gauge("nv_trt_llm_request_metrics", where={"request_type": "scheduled"}),
        "model.kv.usage": gauge("nv_trt_llm_kv_cache_block_metrics", where={"kv_cache_block_type": "fraction"}),
        "model.memory.gpu": gauge("nv_trt_llm_runtime_memory_metrics", where={"memory_type": "gpu"}),
    },
    lacks={
        "model.ttft": "Triton measures none of an LLM unless its opt-in histogram is on",
        "model.tokens.generation": "the backend counts no tokens",
    },
    note="Only gauges; requests, errors and durations are Triton's own, of the ensemble and of each model in it.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """TensorRT-LLM's own, and its backend's in Triton."""
    return [TRTLLM, TRTLLM_TRITON]
