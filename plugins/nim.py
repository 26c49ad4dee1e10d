"""NVIDIA NIM for LLMs, as of its observability page of 1.14: names without any prefix.

So an exporter is only taken for NIM where three of its gauges are there together. Its page is /v1/metrics.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram

NIM = Dialect(
    "nim",
    title="NVIDIA NIM for LLMs",
    detect=(("gpu_cache_usage_perc", "num_requests_running", "num_request_max"),),
    model_label="model_name",
    signals={
        "model.requests": (counter("request_success_total"), counter("request_failure_total")),
        "model.errors": counter("request_failure_total"),
        "model.latency": histogram("e2e_request_latency_seconds"),
        "model.ttft": histogram("time_to_first_token_seconds"),
        "model.tpot": histogram("time_per_output_token_seconds"),
        "model.queue.depth": gauge("num_requests_waiting"),
        "model.requests.running": gauge("num_requests_running"),
        "model.kv.usage": gauge("gpu_cache_usage_perc"),
        "model.tokens.prompt": counter("prompt_tokens_total"),
        "model.tokens.generation": counter("generation_tokens_total"),
        "model.prompt.length": histogram("request_prompt_tokens"),
        "model.generation.length": histogram("request_generation_tokens"),
    },
    lacks={
        "model.itl": "NIM measures the mean per token of a request only",
        "model.preemptions": "NIM does not count them",
        "model.prefix.hits": "NIM does not count them",
    },
    note="No prefix: its names are anyone's, so three of them must be there together. The page is /v1/metrics.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """NIM's."""
    return [NIM]
