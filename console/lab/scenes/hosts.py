"""Scenes of hosts: memory that leaks or runs out, file systems that fill."""

from __future__ import annotations

from console.lab.scenes.scene import Scene, scene

HOSTS = ("node-a", "node-b")
GIB = 1024.0**3
MIB = 1024.0**2
MODEL = "ranker"
DAY = 86400.0


def estate(seed: int) -> Scene:
    """Two hosts and what runs on them, well; a release elsewhere is the red herring."""
    made = Scene(seed)
    for host in HOSTS:
        made.gauge("host.memory.utilization", 0.52, noise=0.01, season=0.04, host=host)
        made.counter("host.memory.stalled", 0.001, host=host)
        made.counter("host.oom.kills", 0, host=host)
        for mount, share in (("/", 0.46), ("/models", 0.63)):
            made.gauge("host.disk.utilization", share, noise=0.002, host=host, mount=mount)
            made.gauge("host.disk.inodes.utilization", 0.12, noise=0.002, host=host, mount=mount)
        made.counter("host.disk.io", 4e6, season=0.2, host=host, direction="write")
        made.counter("host.disk.io", 9e6, season=0.2, host=host, direction="read")
        made.log(8 * DAY, host, "info", "systemd: started session {n} of user", every=120, host=host)
    made.gauge("model.memory.used", 2.4 * GIB, noise=0.005, season=0.02, model=MODEL, host="node-a")
    made.counter("model.requests", 9, season=0.25, model=MODEL)
    for pod, used in (("indexer-0", 6.0), ("gateway-0", 0.8)):
        made.gauge("workload.memory.used", used * GIB, noise=0.01, namespace="shop", workload=pod[:-2], pod=pod)
        made.counter("workload.oom.kills", 0, namespace="shop", workload=pod[:-2], pod=pod)
    return made.event(900, "deploy", "checkout", "checkout 8.3")


@scene("hosts-healthy", playbooks=("memory_pressure", "disk_full"), host="node-a")
def hosts_healthy(seed: int) -> Scene:
    """Nothing is wrong."""
    return estate(seed)


@scene("model-leaks", playbooks=("memory_pressure",), model=MODEL)
def model_leaks(seed: int) -> Scene:
    """A model keeps every request it ever saw."""
    return estate(seed).change("model.memory.used", 600, times=2.2, over=600, model=MODEL)


@scene("host-leaks", playbooks=("memory_pressure",), host="node-a")
def host_leaks(seed: int) -> Scene:
    """A pod of a host takes more and more memory."""
    made = estate(seed).change("host.memory.utilization", 600, to=0.88, over=600, host="node-a")
    return made.change("workload.memory.used", 600, times=5, over=600, pod="indexer-0")


@scene("model-steps-up", playbooks=("memory_pressure",), model=MODEL)
def model_steps_up(seed: int) -> Scene:
    """A new version holds half as much again, and stays there."""
    made = estate(seed).change("model.memory.used", 900, times=1.5, model=MODEL)
    return made.event(910, "deploy", MODEL, f"{MODEL} 7")


@scene("host-out-of-memory", playbooks=("memory_pressure",), host="node-a")
def host_out_of_memory(seed: int) -> Scene:
    """A host runs out of memory; the kernel kills one process after the other."""
    made = estate(seed).change("host.memory.utilization", 240, to=0.965, over=60, host="node-a")
    made.change("host.oom.kills", 180, to=0.05, host="node-a").change("host.memory.stalled", 200, to=0.4, host="node-a")
    made.change("workload.memory.used", 240, times=8, over=60, pod="indexer-0")
    return made.change("workload.oom.kills", 180, to=0.03, pod="indexer-0")


@scene("container-limit", playbooks=("memory_pressure",), workload="indexer", namespace="shop")
def container_limit(seed: int) -> Scene:
    """A new version of a workload needs more than its limit; its host has room."""
    made = estate(seed).event(500, "deploy", "indexer", "indexer 5.0")
    made.change("workload.memory.used", 480, times=1.3, pod="indexer-0")
    return made.change("workload.oom.kills", 420, to=0.02, pod="indexer-0")


@scene("disk-fills", playbooks=("disk_full",), host="node-a")
def disk_fills(seed: int) -> Scene:
    """Something writes a log without end."""
    made = estate(seed).change("host.disk.utilization", 900, to=0.985, over=600, host="node-a", mount="/")
    made.change("host.disk.io", 900, times=9, host="node-a", direction="write")
    return made.log(
        240, "node-a", "error", "write of part {n} failed: No space left on device", every=10, host="node-a"
    )


@scene("inodes-run-out", playbooks=("disk_full",), host="node-a")
def inodes_run_out(seed: int) -> Scene:
    """Millions of small files: there is room, and not one more file can be made."""
    made = estate(seed).change("host.disk.inodes.utilization", 900, to=0.995, over=500, host="node-a", mount="/")
    return made.log(240, "node-a", "error", "open of part {n} failed: No space left on device", every=10, host="node-a")


@scene("disk-always-tight", playbooks=("disk_full",), host="node-a")
def disk_always_tight(seed: int) -> Scene:
    """A disk of models is nine tenths full, and has been for weeks."""
    return estate(seed).change("host.disk.utilization", 60 * DAY, to=0.915, host="node-a", mount="/models")
