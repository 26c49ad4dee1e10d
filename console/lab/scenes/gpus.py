"""Scenes of GPUs: two nodes of eight, and what breaks of them."""

from __future__ import annotations

from typing import Any

from console.lab.scenes.scene import Scene, scene

HOSTS = ("node-a", "node-b")
GPUS = tuple(str(number) for number in range(8))
GIB = 1024.0**3
IDLE_MASK = 0.0
DAY = 86400.0
WEEK = 7 * DAY


def node(made: Scene, host: str) -> Scene:
    """Eight GPUs under load, as an exporter with its usual settings tells of them."""
    for gpu in GPUS:
        at: Any = {"host": host, "gpu": gpu}
        made.gauge("gpu.utilization", 0.86, noise=0.05, season=0.08, **at)
        made.gauge("gpu.temperature", 61 + int(gpu) % 3, noise=0.02, season=0.03, **at)
        made.gauge("gpu.power", 520, noise=0.04, season=0.06, **at)
        made.gauge("gpu.clock.sm", 1.755e9, noise=0.004, **at)
        made.gauge("gpu.memory.used", 62 * GIB, noise=0.01, **at)
        made.gauge("gpu.xid", 0, noise=0, **at)
        made.counter("gpu.pcie.replays", 0, **at)
        for kind in ("corrected", "uncorrected"):
            made.counter("gpu.rows.remapped", 0, kind=kind, **at)
        made.gauge("gpu.rows.failed", 0, noise=0, **at)
    return made


def more_of(made: Scene, host: str) -> Scene:
    """What such an exporter tells only where it was asked to."""
    for gpu in GPUS:
        at: Any = {"host": host, "gpu": gpu}
        made.gauge("gpu.up", 1, noise=0, **at)
        made.gauge("gpu.throttle.reasons", 0, noise=0, **at)
        for cause in ("power", "thermal", "reliability", "board_limit"):
            made.counter("gpu.throttle.time", 0.002 if cause == "power" else 0, cause=cause, **at)
        made.gauge("gpu.power.limit", 700, noise=0, **at)
        made.gauge("gpu.recovery.action", 0, noise=0, **at)
        made.counter("gpu.ecc.errors", 0.0002, kind="corrected", **at)
        made.counter("gpu.ecc.errors", 0, kind="uncorrected", **at)
        made.gauge("gpu.rows.pending", 0, noise=0, **at)
        made.counter("gpu.nvlink.errors", 0.0001, kind="crc", **at)
        made.counter("gpu.nvlink.errors", 0, kind="recovery", **at)
        made.gauge("gpu.nvlink.up", 18, noise=0, **at)
        made.gauge("gpu.nvlink.links", 18, noise=0, **at)
        for what, usual in (("generation", 5), ("width", 16)):
            made.gauge(f"gpu.pcie.link.{what}", usual, noise=0, **at)
            made.gauge(f"gpu.pcie.link.{what}.max", usual, noise=0, **at)
    return made


def host_of(made: Scene, host: str) -> Scene:
    """The machine around them."""
    made.gauge("host.uptime", 40 * DAY, noise=0, host=host)
    made.gauge("host.ready", 1, noise=0, host=host)
    made.gauge("host.load", 24, noise=0.08, season=0.1, host=host)
    made.gauge("host.temperature", 31, noise=0.02, season=0.05, host=host)
    return made


def estate(seed: int, *, asked: bool = True) -> Scene:
    """Both nodes, well; an XID of last month is still on one gauge, and an innocent release was made."""
    made = Scene(seed)
    for host in HOSTS:
        host_of(node(made, host), host)
        if asked:
            more_of(made, host)
    made.change("gpu.xid", 30 * DAY, to=31, host="node-b", gpu="6")
    made.event(2 * 3600, "deploy", "trainer", "trainer 3.1")
    for host in HOSTS:
        made.log(8 * DAY, host, "info", "systemd: started session {n} of user", every=300, host=host)
    return made


def xid(made: Scene, ago: float, code: int, words: str, gpu: str = "3", host: str = "node-a") -> Scene:
    """An error of the driver, as its gauge, its event and the kernel log tell it."""
    made.change("gpu.xid", ago, to=code, host=host, gpu=gpu)
    made.event(ago, "xid", f"{host}/{gpu}", f"XID {code} on GPU {gpu}: {words}")
    return made.log(
        ago, host, "error", f"NVRM: Xid (PCI:0000:{int(gpu) + 3:02x}:00): {code}, pid={{n}}, {words}", host=host
    )


@scene("xid-reset", playbooks=("gpu_xid",), host="node-a", gpu="3")
def xid_reset(seed: int) -> Scene:
    """The firmware of a GPU stops answering; only a reset helps."""
    made = xid(estate(seed), 420, 119, "Timeout waiting for RPC from GSP")
    made.change("gpu.recovery.action", 420, to=1, host="node-a", gpu="3")
    return made.change("gpu.utilization", 420, to=0.0, host="node-a", gpu="3")
