"""Prometheus' node exporter (names since 0.16, as of 1.9): the host under the models.

Shares are made of two gauges; virtual networks, loop devices and file systems in memory are left out, and so is what
lies on other devices and would count twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, age, counter, gauge, rest, used

IDLE = {"mode": "idle|iowait"}
VIRTUAL_NETWORKS = {"device": "lo|veth.*|docker.*|br-.*|cni.*|cali.*|flannel.*|lxc.*|virbr.*|tunl.*|kube-.*|bond.*"}
SECOND_DISKS = {"device": "loop.*|ram.*|zram.*|dm-.*|md.*|sr.*"}
NO_DISKS = {
    "fstype": "tmpfs|ramfs|devtmpfs|overlay|squashfs|iso9660|fuse.*|nsfs|autofs",
    "mountpoint": "/(dev|proc|run|sys|var/lib/(docker|containerd|kubelet))($|/.*)",
}

NODE_EXPORTER = Dialect(
    "node_exporter",
    title="node exporter",
    detect=("node_cpu_seconds_total", "node_load1", "node_memory_MemTotal_bytes"),
    labels={"mountpoint": "mount"},
    dropped=("cpu", "fstype"),
    signals={
        "host.cpu.time": counter("node_cpu_seconds_total", unless=IDLE),
        "host.cpu.stalled": counter("node_pressure_cpu_waiting_seconds_total"),
        "host.cpu.wait": counter("node_schedstat_waiting_seconds_total"),
        "host.load": gauge("node_load1"),
        "host.memory.utilization": used("node_memory_MemAvailable_bytes", of="node_memory_MemTotal_bytes"),
        "host.memory.used": rest("node_memory_MemAvailable_bytes", of="node_memory_MemTotal_bytes"),
        "host.memory.stalled": counter("node_pressure_memory_waiting_seconds_total"),
        "host.oom.kills": counter("node_vmstat_oom_kill"),
        "host.swap.utilization": used("node_memory_SwapFree_bytes", of="node_memory_SwapTotal_bytes"),
        "host.disk.utilization": used("node_filesystem_avail_bytes", of="node_filesystem_size_bytes", unless=NO_DISKS),
        "host.disk.inodes.utilization": used("node_filesystem_files_free", of="node_filesystem_files", unless=NO_DISKS),
        "host.disk.io": (
            counter("node_disk_read_bytes_total", unless=SECOND_DISKS, labels={"direction": "read"}),
            counter("node_disk_written_bytes_total", unless=SECOND_DISKS, labels={"direction": "write"}),
        ),
        "host.disk.busy": counter("node_disk_io_time_seconds_total", unless=SECOND_DISKS),
        "host.io.stalled": counter("node_pressure_io_waiting_seconds_total"),
        "host.network.io": (
            counter("node_network_receive_bytes_total", unless=VIRTUAL_NETWORKS, labels={"direction": "receive"}),
            counter("node_network_transmit_bytes_total", unless=VIRTUAL_NETWORKS, labels={"direction": "transmit"}),
        ),
        "host.network.errors": (
            counter("node_network_receive_errs_total", unless=VIRTUAL_NETWORKS, labels={"direction": "receive"}),
            counter("node_network_transmit_errs_total", unless=VIRTUAL_NETWORKS, labels={"direction": "transmit"}),
        ),
        "host.network.drops": (
            counter("node_network_receive_drop_total", unless=VIRTUAL_NETWORKS, labels={"direction": "receive"}),
            counter("node_network_transmit_drop_total", unless=VIRTUAL_NETWORKS, labels={"direction": "transmit"}),
        ),
        "host.processes": gauge("node_processes_pids"),
        "host.uptime": age("node_boot_time_seconds"),
        "host.temperature": gauge("node_hwmon_temp_celsius"),
    },
    opt_in={
        "start it with --collector.processes": ("host.processes",),
        "a virtual machine has no sensors": ("host.temperature",),
        "the kernel has no pressure stall information (psi=1)": (
            "host.cpu.stalled",
            "host.memory.stalled",
            "host.io.stalled",
        ),
        "there is no swap": ("host.swap.utilization",),
        "it is in a container: mount the host's root for it (--path.rootfs)": (
            "host.disk.utilization",
            "host.disk.inodes.utilization",
        ),
    },
    lacks={"host.cpu.utilization": "a share of two counters: the rate of host.cpu.time is the number of busy cores"},
    note="What lies on other devices (dm-, md, bond) is left out, or it would count twice; idle and iowait are no use.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """node exporter's."""
    return [NODE_EXPORTER]
