"""The dialects of nodes and of Kubernetes on their exporters' pages."""

from __future__ import annotations

import pytest
from pages import of, one, page, plugin, read_page, told

from console.signals.page import PageReader

TOLD: dict[str, dict[str, list[float]]] = {
    "node_exporter": {
        "host.uptime": [3964.0],
        "host.cpu.time": [0.0, 0.0, 4.74, 16.42, 236.54, 797.61],
        "host.disk.busy": [28.072],
        "host.disk.io": [4838270000.0, 25738100000.0],
        "host.load": [4.68],
        "host.memory.utilization": [0.048082],
        "host.memory.used": [1215340000.0],
        "host.cpu.stalled": [303.878],
        "host.io.stalled": [10.7233],
        "host.memory.stalled": [0.0],
        "host.oom.kills": [0.0],
    },
    "kube_state_metrics": {
        "workload.replicas.desired": [4.0, 2.0],
        "workload.replicas.ready": [3.0, 2.0],
        "workload.replicas.unavailable": [1.0],
        "workload.replicas.updated": [2.0],
        "workload.replicas.max": [8.0],
        "workload.pods.pending": [1.0],
        "workload.pods.waiting": [1.0],
        "workload.restarts": [7.0],
        "workload.memory.limit": [8589930000.0],
        "workload.cpu.limit": [4.0],
        "host.gpus.requested": [1.0],
        "host.ready": [1.0],
        "host.gpus.allocatable": [8.0],
    },
    "cadvisor": {
        "workload.cpu.time": [800.25, 12.25],
        "workload.cpu.throttled": [91.5],
        "workload.memory.used": [4100000000.0, 200000000.0],
        "workload.memory.limit": [8589930000.0],
        "workload.oom.kills": [2.0, 0.0],
    },
}


@pytest.mark.parametrize("name", TOLD)
def test_a_page_tells_these_signals_with_these_values(name: str) -> None:
    found = told(name)
    assert {signal: pytest.approx(values, rel=1e-5) for signal, values in TOLD[name].items()} == found


def test_the_processors_of_a_host_are_added_up_and_idling_is_no_work() -> None:
    time = of(read_page("node_exporter")[0], "host.cpu.time")
    assert {r.series.labels.value("mode") for r in time} == {"irq", "nice", "softirq", "steal", "system", "user"}
    assert all(r.series.labels.value("cpu") is None for r in time)


def test_the_share_of_memory_in_use_is_what_is_not_available() -> None:
    body = b"node_memory_MemTotal_bytes 1000\nnode_memory_MemAvailable_bytes 250\n"
    readings = PageReader([plugin("node_exporter").NODE_EXPORTER]).read(body, 1.0)
    assert one(readings, "host.memory.utilization").value == 0.75 and one(readings, "host.memory.used").value == 750


def test_a_host_without_swap_has_no_share_of_it_in_use() -> None:
    assert b"node_memory_SwapTotal_bytes 0" in page("node_exporter")
    assert of(read_page("node_exporter")[0], "host.swap.utilization") == []
    assert "there is no swap" in dict(read_page("node_exporter")[1].missing)["host.swap.utilization"]


def test_only_file_systems_on_disks_count() -> None:
    lines = [
        f'node_filesystem_{what}_bytes{{device="{device}",fstype="{fstype}",mountpoint="{mount}"}} {value}'
        for device, fstype, mount in (("/dev/sda1", "ext4", "/"), ("tmpfs", "tmpfs", "/run"), ("none", "overlay", "/x"))
        for what, value in (("size", 200), ("avail", 50))
    ]
    readings = PageReader([plugin("node_exporter").NODE_EXPORTER]).read(
        "\n".join(["node_load1 1", *lines, ""]).encode(), 1.0
    )
    disk = one(readings, "host.disk.utilization")
    assert disk.value == 0.75 and disk.series.labels.value("mount") == "/"


def test_time_since_the_start_is_told_by_the_scrapers_clock() -> None:
    body = b"node_load1 1\nnode_boot_time_seconds 40\n"
    assert one(PageReader([plugin("node_exporter").NODE_EXPORTER]).read(body, 100.0), "host.uptime").value == 60


def test_a_pods_control_group_and_pause_container_do_not_count_twice() -> None:
    assert page("cadvisor").count(b"container_cpu_usage_seconds_total{") == 4
    time = of(read_page("cadvisor")[0], "workload.cpu.time", pod="glove-6d9f-x1")
    assert {r.series.labels.value("container"): r.value for r in time} == {"server": 800.25, "sidecar": 12.25}


def test_a_limit_of_zero_is_none() -> None:
    limits = of(read_page("cadvisor")[0], "workload.memory.limit")
    assert [r.series.labels.value("container") for r in limits] == ["server"]


def test_a_restarted_container_does_not_make_its_pods_total_fall() -> None:
    reader = PageReader([plugin("cadvisor").CADVISOR])
    line = 'container_cpu_usage_seconds_total{namespace="n",pod="p",container="c",id="%s"} %d\n'
    totals = [
        one(reader.read(body.encode(), float(step)), "workload.cpu.time").value
        for step, body in enumerate((line % ("1", 100), line % ("1", 100) + line % ("2", 5), line % ("2", 9)))
    ]
    assert totals == [100, 105, 109]


def test_labels_that_prometheus_renamed_are_the_ones_that_count() -> None:
    body = (
        b'kube_pod_container_status_restarts_total{namespace="monitoring",pod="ksm-0",container="ksm",'
        b'exported_namespace="serving",exported_pod="glove-1",exported_container="server"} 3\n'
        b'kube_pod_status_phase{phase="Running"} 1\n'
    )
    restarts = one(PageReader([plugin("kube_state_metrics").KUBE_STATE_METRICS]).read(body, 1.0), "workload.restarts")
    assert dict(restarts.series.labels) == {"namespace": "serving", "pod": "glove-1", "container": "server"}
