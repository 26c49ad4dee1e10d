"""Scenes of GPUs: two nodes of eight, and what breaks of them."""

from __future__ import annotations

from typing import Any

from console.lab.scenes.scene import Scene, scene

HOSTS = ("node-a", "node-b")
GPUS = tuple(str(number) for number in range(8))
GIB = 1024.0**3
DAY = 86400.0


def node(made: Scene, host: str) -> Scene:
    """Eight GPUs under load, as an exporter with its usual settings tells of them."""
    for gpu in GPUS:
        at: Any = {"host": host, "gpu": gpu}
        made.gauge("gpu.utilization", 0.86, noise=0.05, season=0.08, **at)
        made.gauge("gpu.temperature", 61 + int(gpu) % 3, noise=0.02, season=0.03, **at)
        made.gauge("gpu.power", 520, noise=0.04, season=0.06, **at)
        made.gauge("gpu.clock.sm", 1.755e9, noise=0.004, **at)
        made.gauge("gpu.clock.memory", 2.619e9, noise=0.001, **at)
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
    made.gauge("host.gpus.allocatable", 8, noise=0, host=host)
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


def at_work(made: Scene, ago: float, share: float, gpu: str = "3", host: str = "node-a") -> Scene:
    """Its processors run at this share of their clock."""
    return made.change("gpu.clock.sm", ago, times=share, host=host, gpu=gpu)


ALL = ("gpu_xid", "gpu_memory_errors", "gpu_throttle", "gpu_links", "gpu_lost", "straggler")


@scene("gpus-healthy", playbooks=ALL, host="node-a", gpu="3")
def gpus_healthy(seed: int) -> Scene:
    """Nothing is wrong: corrected errors now and then, a daily swing, an old XID on another node."""
    return estate(seed)


@scene("gpus-old-xid", playbooks=("gpu_xid", "gpu_memory_errors"), host="node-b", gpu="6")
def gpus_old_xid(seed: int) -> Scene:
    """The gauge still shows the XID of last month."""
    return estate(seed, asked=False)


@scene("xid-bus", playbooks=("gpu_xid", "gpu_lost"), host="node-a", gpu="3")
def xid_bus(seed: int) -> Scene:
    """A GPU falls off the bus; its siblings go on."""
    made = xid(estate(seed), 420, 79, "GPU has fallen off the bus")
    made.change("gpu.recovery.action", 420, to=2, host="node-a", gpu="3")
    made.change("gpu.up", 420, to=0, host="node-a", gpu="3").change("host.gpus.allocatable", 420, to=7, host="node-a")
    for signal in ("gpu.utilization", "gpu.temperature", "gpu.power", "gpu.clock.sm", "gpu.clock.memory"):
        made.vanishes(signal, 420, host="node-a", gpu="3")
    return made


@scene("gpu-missing", playbooks=("gpu_lost",), host="node-a", gpu="3")
def gpu_missing(seed: int) -> Scene:
    """A GPU is gone from the page of an exporter with its usual settings, and that is all that is known."""
    made = estate(seed, asked=False)
    for signal in ("gpu.utilization", "gpu.temperature", "gpu.power", "gpu.clock.sm", "gpu.clock.memory", "gpu.xid"):
        made.vanishes(signal, 420, host="node-a", gpu="3")
    return made


def unseen(made: Scene, ago: float, host: str = "node-a") -> Scene:
    """No GPU of a host is on any page."""
    for signal in ("gpu.utilization", "gpu.temperature", "gpu.power", "gpu.clock.sm", "gpu.clock.memory", "gpu.xid"):
        made.vanishes(signal, ago, host=host)
    return made


@scene("node-down", playbooks=("gpu_lost",), host="node-a", gpu="3")
def node_down(seed: int) -> Scene:
    """The node itself is down, and all its GPUs with it."""
    made = unseen(estate(seed, asked=False), 420)
    for signal in ("host.load", "host.uptime", "host.temperature"):
        made.vanishes(signal, 420, host="node-a")
    return made.change("host.ready", 380, to=0, host="node-a").change("host.gpus.allocatable", 420, to=0, host="node-a")


@scene("exporter-down", playbooks=("gpu_lost",), host="node-a", gpu="3")
def exporter_down(seed: int) -> Scene:
    """The exporter's pod died; the GPUs work on unseen."""
    return unseen(estate(seed, asked=False), 420)


@scene("xid-memory", playbooks=("gpu_xid", "gpu_memory_errors"), host="node-a", gpu="3")
def xid_memory(seed: int) -> Scene:
    """The memory of a GPU goes: errors that nothing corrects, again and again."""
    made = xid(estate(seed), 420, 48, "DBE (double bit error) ECC error")
    made.change("gpu.ecc.errors", 420, to=0.03, host="node-a", gpu="3", kind="uncorrected")
    made.change("gpu.ecc.errors", 480, to=0.9, host="node-a", gpu="3", kind="corrected")
    return made.change("gpu.rows.remapped", 420, to=0.015, host="node-a", gpu="3", kind="uncorrected")


@scene("rows-failed", playbooks=("gpu_memory_errors",), host="node-a", gpu="3")
def rows_failed(seed: int) -> Scene:
    """No spare row is left for a bad one."""
    made = estate(seed).change("gpu.rows.failed", 420, to=1, host="node-a", gpu="3")
    return made.change("gpu.ecc.errors", 480, to=0.4, host="node-a", gpu="3", kind="corrected")


@scene("row-pending", playbooks=("gpu_xid", "gpu_memory_errors"), host="node-a", gpu="3")
def row_pending(seed: int) -> Scene:
    """One bad row was found and waits for the next reset; nothing grows after it."""
    made = xid(estate(seed), 420, 63, "Row Remapper: new row marked for remapping")
    made.change("gpu.rows.pending", 420, to=1, host="node-a", gpu="3")
    return made


@scene("xid-application", playbooks=("gpu_xid",), host="node-a", gpu="3")
def xid_application(seed: int) -> Scene:
    """A new release of what runs there reads beyond its memory; the GPU is well."""
    made = xid(estate(seed), 420, 31, "MMU Fault: ENGINE GRAPHICS faulted @ 0x7f2a_00000000")
    return made.event(900, "deploy", "trainer", "trainer 3.2")


def link_errors(made: Scene, ago: float) -> Scene:
    """Packets between GPUs arrive broken."""
    made.change("gpu.nvlink.errors", ago, to=4.0, host="node-a", gpu="3", kind="crc")
    return made.change("gpu.nvlink.errors", ago, to=0.05, host="node-a", gpu="3", kind="recovery")


@scene("xid-links", playbooks=("gpu_xid", "gpu_links"), host="node-a", gpu="3")
def xid_links(seed: int) -> Scene:
    """A link to the other GPUs fails, and the driver says so."""
    return link_errors(xid(estate(seed), 420, 74, "NVLink: fatal error detected on link 4(0x0, 0x10000)"), 420)


@scene("links-down", playbooks=("gpu_links",), host="node-a", gpu="3")
def links_down(seed: int) -> Scene:
    """Two links to other GPUs are down."""
    made = estate(seed).change("gpu.nvlink.up", 420, to=16, host="node-a", gpu="3")
    return made.change("gpu.nvlink.errors", 420, until=390, to=2.0, host="node-a", gpu="3", kind="crc")


@scene("pcie-narrow", playbooks=("gpu_links",), host="node-a", gpu="3")
def pcie_narrow(seed: int) -> Scene:
    """A card sits badly: half its lanes are left, and packets are sent again."""
    made = estate(seed).change("gpu.pcie.link.width", 420, to=8, host="node-a", gpu="3")
    return made.change("gpu.pcie.replays", 420, to=2.0, host="node-a", gpu="3")


@scene("pcie-at-rest", playbooks=("gpu_links",), host="node-a", gpu="3")
def pcie_at_rest(seed: int) -> Scene:
    """A GPU rests, and its link to the host saves power."""
    made = estate(seed).change("gpu.utilization", 420, to=0.0, host="node-a", gpu="3")
    return made.change("gpu.pcie.link.generation", 420, to=1, host="node-a", gpu="3")


@scene("gpu-hot", playbooks=("gpu_throttle", "straggler"), host="node-a", gpu="3")
def gpu_hot(seed: int) -> Scene:
    """A fan died: a GPU grows hot and is slowed down."""
    made = at_work(estate(seed), 400, 0.68)
    made.change("gpu.temperature", 480, to=89, over=90, host="node-a", gpu="3")
    made.change("gpu.throttle.reasons", 400, to=0x20, host="node-a", gpu="3")
    made.change("gpu.power", 400, times=0.7, host="node-a", gpu="3")
    return made.change("gpu.throttle.time", 400, to=0.7, host="node-a", gpu="3", cause="thermal")


@scene("gpu-capped", playbooks=("gpu_throttle", "straggler"), host="node-a", gpu="3")
def gpu_capped(seed: int) -> Scene:
    """Somebody lowered the power limit of a GPU."""
    made = at_work(estate(seed), 420, 0.7).event(425, "config", "node-a", "power limit of GPU 3")
    made.change("gpu.power.limit", 420, to=350, host="node-a", gpu="3")
    made.change("gpu.power", 420, to=345, host="node-a", gpu="3")
    made.change("gpu.throttle.reasons", 420, to=4, host="node-a", gpu="3")
    return made.change("gpu.throttle.time", 420, to=0.8, host="node-a", gpu="3", cause="power")


@scene("gpu-at-its-limit", playbooks=("gpu_throttle", "straggler"), host="node-a", gpu="3")
def gpu_at_its_limit(seed: int) -> Scene:
    """All GPUs work at their usual power limit, as they do at every peak: nothing is wrong."""
    made = estate(seed)
    for gpu in GPUS:
        made.change("gpu.power", 1500, to=695, host="node-a", gpu=gpu)
        made.change("gpu.throttle.reasons", 1500, to=4, host="node-a", gpu=gpu)
        made.change("gpu.throttle.time", 1500, to=0.5, host="node-a", gpu=gpu, cause="power")
        made.change("gpu.clock.sm", 1500, times=0.95, host="node-a", gpu=gpu)
    return made


@scene("gpu-brake", playbooks=("gpu_throttle",), host="node-a", gpu="3")
def gpu_brake(seed: int) -> Scene:
    """A power supply gives way and pulls the brake."""
    made = at_work(estate(seed), 400, 0.5).change("gpu.throttle.reasons", 400, to=0x88, host="node-a", gpu="3")
    return made.change("gpu.throttle.time", 400, to=0.4, host="node-a", gpu="3", cause="reliability")


@scene("gpu-slow", playbooks=("straggler", "gpu_throttle"), host="node-a", gpu="3")
def gpu_slow(seed: int) -> Scene:
    """One GPU runs slower than its siblings, and nothing says why."""
    made = at_work(estate(seed), 420, 0.6)
    return made.change("gpu.power", 420, times=0.75, host="node-a", gpu="3")


@scene("gpus-all-slow", playbooks=("straggler",), host="node-a", gpu="3")
def gpus_all_slow(seed: int) -> Scene:
    """All GPUs were set to a lower clock: none of them is the slow one."""
    made = estate(seed).event(500, "config", "node-a", "application clocks")
    for host in HOSTS:
        made.change("gpu.clock.sm", 420, times=0.75, host=host)
    return made
