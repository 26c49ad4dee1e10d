"""KServe's model server, as of its SDK 0.21: four histograms, one per phase of a request."""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, histogram

KSERVE = Dialect(
    "kserve",
    title="KServe model server",
    detect=("request_predict_seconds_count", "request_preprocess_seconds_count"),
    model_label="model_name",
    signals={
        "model.requests": counter("request_predict_seconds_count"),
        "model.inference.duration": histogram("request_predict_seconds"),
    },
    lacks={
        "model.latency": "KServe times preprocess, predict and postprocess apart, never the whole request",
        "model.errors": "KServe's server counts none; the ingress or the mesh before it does",
        "model.queue.depth": "KServe's server does not say; queue-proxy does",
    },
    note="No errors, no queue and no whole latency; an LLMInferenceService has vLLM's page, not this one.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """KServe's."""
    return [KSERVE]
