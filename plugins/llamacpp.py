"""llama.cpp's server, started with `--metrics` (tools/server/README of the newest stored version).

No histograms, so no percentiles, and no labels at all. How full the KV cache is was a gauge once; now only /slots says.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge

LLAMACPP = Dialect(
    "llamacpp",
    title="llama.cpp server",
    detect=("llamacpp:requests_processing", "llamacpp:prompt_tokens_total"),
    respelled={"llamacpp:": ("llamacpp_",)},
    signals={
        "model.queue.depth": gauge("llamacpp:requests_deferred"),
        "model.requests.running": gauge("llamacpp:requests_processing"),
        "model.tokens.prompt": counter("llamacpp:prompt_tokens_total"),
        "model.tokens.generation": counter("llamacpp:tokens_predicted_total"),
        "model.prefill.total": counter("llamacpp:prompt_seconds_total"),
        "model.decode.total": counter("llamacpp:tokens_predicted_seconds_total"),
        "model.inference.batches": counter("llamacpp:n_decode_total"),
        "model.kv.usage": gauge("llamacpp:kv_cache_usage_ratio"),
        "model.speculation.draft": counter("llamacpp:spec_decode_num_draft_tokens_total"),
        "model.speculation.accepted": counter("llamacpp:spec_decode_num_accepted_tokens_total"),
    },
    opt_in={
        "newer versions gave it up; /slots tells": ("model.kv.usage",),
        "give it a draft model (-md)": ("model.speculation.draft", "model.speculation.accepted"),
    },
    lacks={
        "model.requests": "llama.cpp counts no requests",
        "model.errors": "llama.cpp counts no errors",
        "model.latency": "llama.cpp has no histograms; model.decode.total over model.tokens.generation is a mean",
        "model.ttft": "llama.cpp has no histograms; model.prefill.total over model.tokens.prompt is a mean",
    },
    note="No labels and no histograms: means only. In router mode the page needs ?model=NAME.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """llama.cpp's."""
    return [LLAMACPP]
