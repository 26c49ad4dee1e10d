"""How station two spells signals: vLLM's names under a prefix of its own, and the gateway's beside them."""

from __future__ import annotations

from console.signals.dialect import Dialect, counter, gauge, histogram

station2 = Dialect(
    "station2",
    title="The practice line's generation server",
    detect=("station2:num_requests_running", "station2:engine_up"),
    model_label="model_name",
    labels={"finished_reason": "reason"},
    signals={
        # counted as they come: what still waits has been asked, too
        "model.requests": (counter("station2:requests_received_total"), counter("station2:cloud_requests_total")),
        "model.errors": (
            counter("station2:request_success_total", where={"finished_reason": "error"}),
            counter("station2:cloud_request_failures_total"),
        ),
        "model.rejections": counter("station2:admission_rejections_total"),
        "model.retries": counter("station2:gateway_retries_total"),
        "model.latency": (
            histogram("station2:e2e_request_latency_seconds"),
            histogram("station2:cloud_request_seconds"),
        ),
        "model.inference.duration": histogram("station2:request_inference_time_seconds"),
        "model.prefill.duration": histogram("station2:request_prefill_time_seconds"),
        "model.queue.duration": histogram("station2:request_queue_time_seconds"),
        "model.queue.depth": gauge("station2:num_requests_waiting"),
        "model.requests.running": gauge("station2:num_requests_running"),
        "model.ttft": histogram("station2:time_to_first_token_seconds"),
        "model.itl": histogram("station2:inter_token_latency_seconds"),
        "model.tpot": histogram("station2:request_time_per_output_token_seconds"),
        "model.kv.usage": gauge("station2:kv_cache_usage_perc"),
        "model.preemptions": counter("station2:num_preemptions_total"),
        "model.prefix.queries": counter("station2:prefix_cache_queries_total"),
        "model.prefix.hits": counter("station2:prefix_cache_hits_total"),
        "model.tokens.prompt": counter("station2:prompt_tokens_total"),
        "model.tokens.generation": counter("station2:generation_tokens_total"),
        "model.prompt.length": histogram("station2:request_prompt_tokens"),
        "model.generation.length": histogram("station2:request_generation_tokens"),
        "model.speculation.draft": counter("station2:spec_decode_num_draft_tokens_total"),
        "model.speculation.accepted": counter("station2:spec_decode_num_accepted_tokens_total"),
        "model.dependency.latency": histogram("station2:upstream_seconds"),
        "model.dependency.errors": counter("station2:upstream_errors_total"),
        "model.load.duration": gauge("station2:model_load_seconds"),
        "model.up": gauge("station2:engine_up"),
        "model.info": gauge("station2:engine_info"),
    },
)
