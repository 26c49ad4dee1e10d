"""kube-state-metrics, as of 2.17 (docs/metrics): what Kubernetes wants and what it has.

A Prometheus that does not honor labels renames the exporter's own `namespace`, `pod` and `container` to `exported_…`,
because it has labels of these names for the exporter's own pod; those are the ones that count.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge

GPUS = {"resource": "nvidia_com_(gpu|mig_.*)|amd_com_gpu|gpu_intel_com_.*"}

KUBE_STATE_METRICS = Dialect(
    "kube_state_metrics",
    title="kube-state-metrics",
    detect=("kube_pod_status_phase", "kube_deployment_spec_replicas", "kube_node_status_condition"),
    labels={
        "exported_namespace": "namespace",
        "exported_pod": "pod",
        "exported_container": "container",
        "deployment": "workload",
        "statefulset": "workload",
        "daemonset": "workload",
        "horizontalpodautoscaler": "workload",
        "exported_node": "host",
        "node": "host",
    },
    dropped=("uid", "unit"),
    signals={
        "workload.replicas.desired": (
            gauge("kube_deployment_spec_replicas", labels={"kind": "deployment"}),
            gauge("kube_statefulset_replicas", labels={"kind": "statefulset"}),
            gauge("kube_daemonset_status_desired_number_scheduled", labels={"kind": "daemonset"}),
        ),
        "workload.replicas.ready": (
            gauge("kube_deployment_status_replicas_ready", labels={"kind": "deployment"}),
            gauge("kube_statefulset_status_replicas_ready", labels={"kind": "statefulset"}),
            gauge("kube_daemonset_status_number_ready", labels={"kind": "daemonset"}),
        ),
        "workload.replicas.unavailable": (
            gauge("kube_deployment_status_replicas_unavailable", labels={"kind": "deployment"}),
            gauge("kube_daemonset_status_number_unavailable", labels={"kind": "daemonset"}),
        ),
        "workload.replicas.updated": (
            gauge("kube_deployment_status_replicas_updated", labels={"kind": "deployment"}),
            gauge("kube_statefulset_status_replicas_updated", labels={"kind": "statefulset"}),
            gauge("kube_daemonset_status_updated_number_scheduled", labels={"kind": "daemonset"}),
        ),
        "workload.replicas.max": gauge("kube_horizontalpodautoscaler_spec_max_replicas"),
        "workload.pods.pending": gauge("kube_pod_status_phase", where={"phase": "Pending"}),
        "workload.pods.waiting": gauge("kube_pod_container_status_waiting_reason"),
        "workload.restarts": counter("kube_pod_container_status_restarts_total"),
        "workload.memory.limit": gauge("kube_pod_container_resource_limits", where={"resource": "memory"}),
        "workload.cpu.limit": gauge("kube_pod_container_resource_limits", where={"resource": "cpu"}),
        "host.ready": gauge("kube_node_status_condition", where={"condition": "Ready", "status": "true"}),
        "host.gpus.allocatable": gauge("kube_node_status_allocatable", where=GPUS),
        "host.gpus.requested": gauge("kube_pod_container_resource_requests", where=GPUS),
    },
    opt_in={
        "nothing of the kind is there, or the exporter's --resources leave it out": (
            "workload.replicas.max",
            "workload.pods.waiting",
            "workload.memory.limit",
            "workload.cpu.limit",
            "host.gpus.allocatable",
            "host.gpus.requested",
        )
    },
    lacks={"workload.oom.kills": "it tells the last reason a container ended for, not how often; cAdvisor counts"},
    note="Requests of finished pods count until those are deleted; an autoscaler goes by its own name.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """kube-state-metrics'."""
    return [KUBE_STATE_METRICS]
