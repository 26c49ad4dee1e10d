"""MLServer, as of 1.7.1: counters and a summary without quantiles per model, and histograms of its REST server."""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram

MLSERVER = Dialect(
    "mlserver",
    title="MLServer",
    detect=("model_infer_request_success_total", "model_infer_request_duration_count", "rest_server_requests_total"),
    model_label="model",
    labels={"status_code": "code"},
    signals={
        "model.requests": counter("model_infer_request_duration_count"),
        "model.errors": counter("model_infer_request_failure_total"),
        "model.latency.total": counter("model_infer_request_duration_sum"),
        "model.latency": histogram("rest_server_request_duration_seconds", where={"path": ".*/infer"}),
        "model.requests.running": gauge("rest_server_requests_in_progress", where={"method": "POST"}),
    },
    lacks={
        "model.queue.depth": "its queues' lengths are histograms of what each request met",
        "model.up": "MLServer has no metric of it; ask /v2/models/NAME/ready",
    },
    note="Latency per model is a mean only; the histogram is the REST server's, of all models together.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """MLServer's."""
    return [MLSERVER]
