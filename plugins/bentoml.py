"""BentoML, as of 1.4.40; services of the older configuration say `bentoml_api_server_`."""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram

PROBES = "/(readyz|livez|healthz|metrics)/?"

BENTOML = Dialect(
    "bentoml",
    title="BentoML",
    detect=("bentoml_service_request_total", "bentoml_service_request_in_progress"),
    model_label="service_name",
    labels={"service_version": "version", "http_response_code": "code", "runner_name": "workload"},
    respelled={"bentoml_service_": ("bentoml_api_server_",)},
    signals={
        "model.requests": counter("bentoml_service_request_total", unless={"endpoint": PROBES}),
        "model.errors": counter(
            "bentoml_service_request_total", where={"http_response_code": "5.."}, unless={"endpoint": PROBES}
        ),
        "model.rejections": counter(
            "bentoml_service_request_total", where={"http_response_code": "429|503"}, unless={"endpoint": PROBES}
        ),
        "model.latency": histogram("bentoml_service_request_duration_seconds", unless={"endpoint": PROBES}),
        "model.requests.running": gauge("bentoml_service_request_in_progress", unless={"endpoint": PROBES}),
        "model.batch.size": histogram("bentoml_service_adaptive_batch_size"),
    },
    opt_in={
        "mark an endpoint batchable; then BentoML has it": ("model.batch.size",),
        "BentoML has it once it answered with such a code": ("model.errors", "model.rejections"),
    },
    lacks={"model.queue.depth": "what waits is counted as in progress"},
    note="Health probes are requests too and are left out here; 503 is a request turned away and an error at once.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """BentoML's."""
    return [BENTOML]
