"""Ray Serve, as of Ray 2.60 (its metric prefix `ray_`, and without it where an exporter of one's own leaves it out).

All durations are histograms in milliseconds. One page holds every process of a node: `WorkerId` tells them apart, so it
stays, while labels that say nothing more are left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram

MILLISECOND = 1e-3
HTTP = "ray_serve_num_http_requests_total", "ray_serve_http_request_latency_ms_count"  # with the same labels
GRPC = "ray_serve_num_grpc_requests_total", "ray_serve_grpc_request_latency_ms_count"

RAY_SERVE = Dialect(
    "ray_serve",
    title="Ray Serve",
    detect=(
        "ray_serve_deployment_replica_healthy",
        "ray_serve_application_status",
        *HTTP,
    ),
    model_label="application",
    labels={
        "deployment": "workload",
        "WorkerId": "worker",
        "NodeAddress": "host",
        "status_code": "code",
        "exception_type": "reason",
    },
    dropped=(
        "SessionName",
        "Version",
        "Component",
        "app",
        "actor_id",
        "node_id",
        "node_ip_address",
        "otel_scope_name",
        "otel_scope_schema_url",
        "otel_scope_version",
    ),
    respelled={"ray_serve_": ("serve_",)},
    signals={
        "model.requests": (
            counter(*HTTP, labels={"protocol": "http"}),
            counter(*GRPC, labels={"protocol": "grpc"}),
        ),
        "model.errors": (
            counter(*HTTP, where={"status_code": "5.."}, labels={"protocol": "http"}),
            counter(*GRPC, unless={"status_code": "OK"}, labels={"protocol": "grpc"}),
        ),
        "model.latency": (
            histogram("ray_serve_http_request_latency_ms", scale=MILLISECOND, labels={"protocol": "http"}),
            histogram("ray_serve_grpc_request_latency_ms", scale=MILLISECOND, labels={"protocol": "grpc"}),
        ),
        "model.inference.duration": histogram("ray_serve_deployment_processing_latency_ms", scale=MILLISECOND),
        "model.queue.depth": gauge("ray_serve_deployment_queued_queries"),
        "model.requests.running": gauge("ray_serve_replica_processing_queries"),
        "model.dependency.errors": counter("ray_serve_deployment_error_counter_total"),
        "workload.replicas.ready": gauge("ray_serve_deployment_replica_healthy"),
        "workload.replicas.desired": gauge("ray_serve_autoscaling_target_replicas"),
        "workload.probes.failed": counter("ray_serve_health_check_failures_total"),
    },
    opt_in={
        "Ray has it from the first such event on": (
            "model.errors",
            "model.dependency.errors",
            "workload.probes.failed",
        ),
        "set autoscaling_config on a deployment": ("workload.replicas.desired",),
    },
    lacks={"model.ttft": "Ray Serve does not see tokens; the engine inside does (ray_vllm_…, ray_sglang_…)"},
    note="Milliseconds; an application is a model, its deployments are workloads; every node has its own page.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """Ray Serve's."""
    return [RAY_SERVE]
