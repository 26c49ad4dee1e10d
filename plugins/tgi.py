"""Hugging Face Text Generation Inference, as of its snapshot of 2026-01 (router/src): counters without `_total`.

It measures no time to the first token: the queue's and the prefill's durations come nearest. No label names the model.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram

TGI = Dialect(
    "tgi",
    title="Text Generation Inference",
    detect=("tgi_request_count", "tgi_queue_size", "tgi_batch_current_size"),
    labels={"err": "reason"},
    signals={
        "model.requests": counter("tgi_request_count"),
        "model.errors": counter("tgi_request_failure", unless={"err": "overloaded|validation"}),
        "model.rejections": counter("tgi_request_failure", where={"err": "overloaded|validation"}),
        "model.latency": histogram("tgi_request_duration"),
        "model.queue.duration": histogram("tgi_request_queue_duration"),
        "model.inference.duration": histogram("tgi_request_inference_duration"),
        "model.prefill.duration": histogram("tgi_batch_inference_duration", where={"method": "prefill"}),
        "model.tpot": histogram("tgi_request_mean_time_per_token_duration"),
        "model.queue.depth": gauge("tgi_queue_size"),
        "model.requests.running": gauge("tgi_batch_current_size"),
        "model.batch.size": histogram("tgi_batch_next_size"),
        "model.inference.batches": counter("tgi_batch_inference_count"),
        "model.tokens.prompt": counter("tgi_request_input_length_sum"),
        "model.tokens.generation": counter("tgi_request_generated_tokens_sum"),
        "model.prompt.length": histogram("tgi_request_input_length"),
        "model.generation.length": histogram("tgi_request_generated_tokens"),
        "model.speculation.accepted": counter("tgi_request_skipped_tokens_sum"),
    },
    opt_in={
        "TGI has it once a request failed so": ("model.errors", "model.rejections"),
        "start TGI with --speculate": ("model.speculation.accepted",),
    },
    lacks={
        "model.ttft": "TGI measures none: model.queue.duration and model.prefill.duration together come nearest",
        "model.itl": "TGI measures the mean per token of a request only",
        "model.kv.usage": "TGI does not say how full its KV cache is",
    },
    note="No TTFT and no KV usage; the prefill's duration is a batch's; nothing on the page names the model.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """TGI's."""
    return [TGI]
