"""SGLang, as of 0.5.23 (srt/observability/metrics_collector.py).

Every rank of an engine may report: the schedulers of one model say the same thing once per tensor-, pipeline- and
expert-parallel rank, so only the largest counts. Ranks of data parallelism do different work and add up.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram

SGLANG = Dialect(
    "sglang",
    title="SGLang",
    detect=("sglang:num_running_reqs", "sglang:num_requests_total", "sglang:token_usage"),
    model_label="model_name",
    repeated=("tp_rank", "pp_rank", "moe_ep_rank"),
    respelled={"sglang:": ("sglang_", "ray_sglang_")},
    signals={
        "model.requests": counter("sglang:num_requests_total"),
        "model.errors": counter("sglang:http_responses_total", where={"status_code": "5.."}),
        "model.aborts": counter("sglang:num_aborted_requests_total"),
        "model.latency": histogram("sglang:e2e_request_latency_seconds"),
        "model.ttft": histogram("sglang:time_to_first_token_seconds"),
        "model.itl": histogram("sglang:inter_token_latency_seconds"),
        "model.tpot": histogram("sglang:request_time_per_output_token_seconds"),
        "model.queue.duration": histogram("sglang:queue_time_seconds"),
        "model.queue.depth": gauge("sglang:num_queue_reqs"),
        "model.requests.running": gauge("sglang:num_running_reqs"),
        "model.kv.usage": gauge("sglang:token_usage"),
        "model.preemptions": counter("sglang:num_retracted_requests_total"),
        "model.prefix.queries": counter("sglang:prompt_tokens_total"),
        "model.prefix.hits": counter("sglang:cached_tokens_total"),
        "model.tokens.prompt": counter("sglang:prompt_tokens_total"),
        "model.tokens.generation": counter("sglang:generation_tokens_total"),
        "model.prompt.length": histogram("sglang:prompt_tokens_histogram"),
        "model.generation.length": histogram("sglang:generation_tokens_histogram"),
        "model.speculation.acceptance": gauge("sglang:spec_accept_rate"),
    },
    opt_in={
        "older versions need --collect-tokens-histogram beside --enable-metrics": (
            "model.prompt.length",
            "model.generation.length",
        ),
        "SGLang has it from the first such response on": ("model.errors", "model.aborts"),
    },
    lacks={
        "model.up": "SGLang has no metric of its health; ask /health_generate",
        "model.prefill.duration": "it is a stage of sglang:per_stage_req_latency_seconds, named by the version",
    },
    note="One value per tensor-parallel rank: they repeat each other; a retraction is a preemption.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """SGLang's."""
    return [SGLANG]
