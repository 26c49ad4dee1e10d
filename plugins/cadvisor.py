"""cAdvisor within the kubelet (/metrics/cadvisor), as of 0.52.

Each pod is there several times: its control group, its pause container and its containers. Only containers with a name
are read, or nothing would add up. A limit of 0 means none.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge

NO_CONTAINER = {"container": "|POD"}
NO_LIMIT = ((0.0, 0.0), (2.0**62, 2.0**64))

CADVISOR = Dialect(
    "cadvisor",
    title="cAdvisor",
    detect=("container_cpu_usage_seconds_total", "container_memory_working_set_bytes"),
    labels={
        "exported_namespace": "namespace",
        "exported_pod": "pod",
        "exported_container": "container",
    },
    dropped=("id", "name", "image", "cpu"),
    signals={
        "workload.cpu.time": counter("container_cpu_usage_seconds_total", unless=NO_CONTAINER),
        "workload.cpu.throttled": counter("container_cpu_cfs_throttled_seconds_total", unless=NO_CONTAINER),
        "workload.memory.used": gauge("container_memory_working_set_bytes", unless=NO_CONTAINER),
        "workload.memory.limit": gauge("container_spec_memory_limit_bytes", unless=NO_CONTAINER, blanks=NO_LIMIT),
        "workload.oom.kills": counter("container_oom_events_total", unless=NO_CONTAINER),
    },
    opt_in={
        "no container has a processor limit": ("workload.cpu.throttled",),
        "no container has a memory limit": ("workload.memory.limit",),
    },
    lacks={"workload.restarts": "cAdvisor does not say; kube-state-metrics does"},
    note="A pod's control group and its pause container repeat its containers and are left out; a limit of 0 is none.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """cAdvisor's."""
    return [CADVISOR]
