"""vLLM, as of 0.33.0 (v1/metrics/loggers.py) and with the names that older versions had.

OpenMetrics exposition turns the colon into `_`, and Ray puts `ray_` before that.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram

VLLM = Dialect(
    "vllm",
    title="vLLM",
    detect=("vllm:num_requests_running", "vllm:request_success_total"),
    model_label="model_name",
    labels={"ReplicaId": "replica", "finished_reason": "reason"},
    respelled={"vllm:": ("vllm_", "ray_vllm_")},
    signals={
        "model.requests": counter("vllm:request_success_total"),
        "model.errors": counter("vllm:request_success_total", where={"finished_reason": "error"}),
        "model.aborts": counter("vllm:request_success_total", where={"finished_reason": "abort"}),
        "model.rejections": counter("vllm:admission_rejections_total"),
        "model.latency": histogram("vllm:e2e_request_latency_seconds"),
        "model.inference.duration": histogram("vllm:request_inference_time_seconds"),
        "model.prefill.duration": histogram("vllm:request_prefill_time_seconds"),
        "model.decode.duration": histogram("vllm:request_decode_time_seconds"),
        "model.queue.duration": histogram("vllm:request_queue_time_seconds"),
        "model.queue.depth": gauge("vllm:num_requests_waiting"),
        "model.requests.running": gauge("vllm:num_requests_running"),
        "model.ttft": histogram("vllm:time_to_first_token_seconds"),
        "model.itl": histogram("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
        "model.tpot": histogram("vllm:request_time_per_output_token_seconds"),
        "model.kv.usage": gauge("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
        "model.preemptions": counter("vllm:num_preemptions_total"),
        "model.prefix.queries": counter("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"),
        "model.prefix.hits": counter("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"),
        "model.tokens.prompt": counter("vllm:prompt_tokens_total"),
        "model.tokens.generation": counter("vllm:generation_tokens_total"),
        "model.prompt.length": histogram("vllm:request_prompt_tokens"),
        "model.generation.length": histogram("vllm:request_generation_tokens"),
        "model.step.tokens": histogram("vllm:iteration_tokens_total"),  # a histogram in spite of its name
        "model.speculation.draft": counter("vllm:spec_decode_num_draft_tokens_total"),
        "model.speculation.accepted": counter("vllm:spec_decode_num_accepted_tokens_total"),
        "model.up": gauge("vllm:engine_sleep_state", where={"sleep_state": "awake"}),
        "model.info": gauge("vllm:cache_config_info"),
    },
    opt_in={
        "start vLLM with a speculative_config": (
            "model.speculation.draft",
            "model.speculation.accepted",
        ),
        "vLLM has it from the first request that it turns away on": ("model.rejections",),
    },
    note="A client's abort counts as a success; `iteration_tokens_total` is a histogram; edges are configurable.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """vLLM's."""
    return [VLLM]
