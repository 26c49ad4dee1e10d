"""Scenes of a cluster that rolls workloads out, and of a service on rows that fails or slows down."""

from __future__ import annotations

from typing import Any

import numpy as np

from console.lab.scenes.scene import NOW, Scene, scene
from console.sources.types import ProbeAnswer

NAMESPACE = "shop"
WORKLOAD = "ranker"
OTHERS = ("gateway", "indexer")
DAY = 86400.0
ONSET = 540.0  # seconds ago
ROLLOUT = ("bad_rollout",)
SERVICE = ("error_burst", "latency_regression")
SAME = ProbeAnswer(sent=16, answered=16, changed=0, largest=0.0, median_seconds=0.03)
OTHER = ProbeAnswer(sent=16, answered=16, changed=14, largest=0.8, median_seconds=0.03)


# ── rollouts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def cluster(seed: int) -> Scene:
    """Three workloads on two nodes, well; another one was rolled out an hour ago, as it should be."""
    made = Scene(seed)
    for workload in (WORKLOAD, *OTHERS):
        at: Any = {"namespace": NAMESPACE, "workload": workload}
        made.gauge("workload.replicas.unavailable", 0, noise=0, **at)
        made.gauge("workload.pods.waiting", 0, noise=0, reason="ContainerCreating", **at)
        for revision in ("newest", "older"):
            made.gauge("workload.pods.unready", 0, noise=0, revision=revision, **at)
    for host in ("node-a", "node-b"):
        made.gauge("host.ready", 1, noise=0, host=host)
        made.gauge("host.gpus.allocatable", 8, noise=0, host=host)
        made.gauge("host.gpus.requested", 6, noise=0, host=host)
    made.event(3700, "deploy", "gateway", "gateway 88")
    return made.log(2 * DAY, WORKLOAD, "info", "ranked {n} shoes", every=30, namespace=NAMESPACE, workload=WORKLOAD)


def missing(made: Scene, reason: str, ago: float, revision: str = "newest", count: float = 2) -> Scene:
    """So many pods of a revision do not start, for this reason."""
    at: Any = {"namespace": NAMESPACE, "workload": WORKLOAD}
    if reason:
        made.gauge("workload.pods.waiting", count, noise=0, reason=reason, **at)
        made.appears("workload.pods.waiting", ago, reason=reason)
    made.change("workload.replicas.unavailable", ago, to=count, **at)
    return made.change("workload.pods.unready", ago, to=count, revision=revision, **at)


@scene("rollout-healthy", playbooks=ROLLOUT, workload=WORKLOAD, namespace=NAMESPACE)
def rolled_out(seed: int) -> Scene:
    """A rollout that took its two minutes and is over."""
    made = cluster(seed).event(500, "deploy", WORKLOAD, "ranker 12")
    return made.change("workload.replicas.unavailable", 500, until=380, to=1.0, workload=WORKLOAD)


@scene("rollout-image", playbooks=ROLLOUT, workload=WORKLOAD, namespace=NAMESPACE)
def image(seed: int) -> Scene:
    """The newest revision names an image that is not there."""
    made = missing(cluster(seed), "ImagePullBackOff", 1000)
    made.event(1040, "deploy", WORKLOAD, "ranker 12").event(990, "warning", WORKLOAD, "Back-off pulling image")
    return made


@scene("rollout-crash", playbooks=ROLLOUT, workload=WORKLOAD, namespace=NAMESPACE)
def crash(seed: int) -> Scene:
    """It crashes as it begins since a secret was exchanged; it was not rolled out."""
    made = missing(cluster(seed), "CrashLoopBackOff", 1000, revision="older", count=1)
    made.event(1060, "config", WORKLOAD, "secret of the database")
    for ago in (1000, 700, 300):
        made.event(ago, "restart", WORKLOAD, "ranker died with exit code 1")
    return made.log(1000, WORKLOAD, "error", "password refused for user {n}", every=60, namespace=NAMESPACE,
                    workload=WORKLOAD)  # fmt: skip


@scene("rollout-never-ready", playbooks=ROLLOUT, workload=WORKLOAD, namespace=NAMESPACE)
def never_ready(seed: int) -> Scene:
    """The newest revision starts and its check never passes; the rollout runs out of time."""
    made = missing(cluster(seed), "ContainerNotReady", 1150)
    return made.event(1190, "deploy", WORKLOAD, "ranker 12").event(560, "stalled", WORKLOAD, "ran out of time")


@scene("rollout-no-room", playbooks=ROLLOUT, workload=WORKLOAD, namespace=NAMESPACE)
def no_room(seed: int) -> Scene:
    """Two more replicas are wanted than there are GPUs for."""
    made = missing(cluster(seed), "", 1150, revision="older").change("host.gpus.requested", 1150, to=8)
    made.gauge("workload.pods.pending", 2, noise=0, namespace=NAMESPACE, workload=WORKLOAD)
    made.appears("workload.pods.pending", 1150)
    return made.event(1100, "unschedulable", WORKLOAD, "0/2 nodes are available: 2 Insufficient nvidia.com/gpu")


@scene("rollout-node", playbooks=ROLLOUT, workload=WORKLOAD, namespace=NAMESPACE)
def node(seed: int) -> Scene:
    """A node stopped answering, and took replicas with it."""
    made = missing(cluster(seed), "", 1150, revision="older", count=1)
    return made.change("host.ready", 1170, to=0.0, host="node-b").event(1170, "node", "node-b", "NodeNotReady")


# ── services ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def rows(unit: float = 1.0, cut: float = 0.0) -> Any:
    """Rows of shoes; from `cut` seconds ago on a column is in another unit, or with unit 0 gone."""

    def made(random: np.random.Generator, times: Any) -> dict[str, Any]:
        price = random.lognormal(4.1, 0.35, times.size).round(2)
        columns: dict[str, Any] = {"weight": random.normal(820, 90, times.size).round(0)}
        if unit or times[0] < NOW - cut:
            columns["price"] = price
        return columns | {"answer": random.choice(["up", "down"], times.size)}

    return made


def service(seed: int, *, table: Any = None, cuts: tuple[float, ...] = (), golden: ProbeAnswer = SAME) -> Scene:
    """A model on rows and what it calls, well; something else was released before."""
    made = Scene(seed)
    made.counter("model.requests", 8, season=0.3, model=WORKLOAD)
    for reason in ("timeout", "invalid", "internal"):
        made.counter("model.errors", 0.01, model=WORKLOAD, reason=reason)
    for signal, seconds in (("latency", 0.09), ("inference.duration", 0.05), ("queue.duration", 0.004)):
        made.histogram(f"model.{signal}", seconds, per_second=8, season=0.3, model=WORKLOAD)
    for callee in ("orders", "prices"):
        at: Any = {"model": WORKLOAD, "dependency": callee}
        made.histogram("model.dependency.latency", 0.02, per_second=8, season=0.3, **at)
        made.counter("model.dependency.errors", 0.004, **at)
    made.counter("model.cpu.wait", 0.03, model=WORKLOAD)
    made.gauge("host.cpu.utilization", 0.4, noise=0.05, season=0.2, host="node-a")
    made.call("", WORKLOAD, 0.06).call(WORKLOAD, "orders", 0.02)
    made.event(ONSET + 500, "deploy", "checkout", "checkout 5.1").event(2 * DAY, "deploy", WORKLOAD, "ranker 11")
    made.log(2 * DAY, WORKLOAD, "info", "ranked {n} shoes", every=20)
    made.golden(golden)
    return made.table(WORKLOAD, WORKLOAD, table or rows(), prediction="answer", per_minute=30, days=3, hours=0.5,
                      cuts=cuts)  # fmt: skip


@scene("service-healthy", playbooks=SERVICE, model=WORKLOAD)
def healthy(seed: int) -> Scene:
    """Nothing is wrong."""
    return service(seed)


@scene("service-feed", playbooks=SERVICE[:1], model=WORKLOAD)
def feed(seed: int) -> Scene:
    """What feeds it leaves a column out."""
    made = service(seed, table=rows(0.0, ONSET), cuts=(ONSET,))
    made.change("model.errors", ONSET, to=3.0, reason="invalid").event(ONSET + 60, "pipeline", "orders", "orders 9")
    return made.log(ONSET, WORKLOAD, "error", "row {n} has no price", every=5)


@scene("service-callee-fails", playbooks=SERVICE[:1], model=WORKLOAD)
def callee_fails(seed: int) -> Scene:
    """A database it asks refuses half the calls."""
    made = service(seed).change("model.dependency.errors", ONSET, to=4.0, dependency="orders")
    made.change("model.errors", ONSET, to=3.5, reason="internal")
    return made.log(ONSET, WORKLOAD, "error", "connection refused by orders, request {n}", every=5)


@scene("service-release-fails", playbooks=SERVICE[:1], model=WORKLOAD)
def release_fails(seed: int) -> Scene:
    """A release that trips over itself."""
    made = service(seed, golden=OTHER).change("model.errors", ONSET, to=2.5, reason="internal")
    made.event(ONSET + 30, "deploy", WORKLOAD, "ranker 12")
    return made.log(ONSET, WORKLOAD, "error", "KeyError: 'boost' in request {n}", every=5)


@scene("service-overload", playbooks=SERVICE, model=WORKLOAD)
def overload(seed: int) -> Scene:
    """A campaign: twice as much is asked, and the queue is full."""
    made = service(seed).change("model.requests", ONSET, times=2.2)
    for signal in ("model.latency", "model.inference.duration", "model.queue.duration"):
        made.change(signal, ONSET, rate=2.2)
    made.change("model.queue.duration", ONSET, times=40.0).change("model.latency", ONSET, times=2.6)
    made.change("model.errors", ONSET, to=2.0, reason="timeout")
    return made.log(ONSET, WORKLOAD, "error", "queue is full, request {n} turned away", every=5)


@scene("service-callee-slow", playbooks=SERVICE, model=WORKLOAD)
def callee_slow(seed: int) -> Scene:
    """A database it asks takes ten times as long."""
    made = service(seed).change("model.dependency.latency", ONSET, times=10.0, dependency="orders")
    return made.change("model.latency", ONSET, times=3.0).slower("orders", ONSET, times=10.0)


@scene("service-slower", playbooks=SERVICE[1:], model=WORKLOAD)
def slower(seed: int) -> Scene:
    """A heavier release takes twice as long for each row."""
    made = service(seed).change("model.inference.duration", ONSET, times=2.2).change("model.latency", ONSET, times=1.8)
    return made.slower(WORKLOAD, ONSET, times=2.2).event(ONSET + 20, "deploy", WORKLOAD, "ranker 12")


@scene("service-cores", playbooks=SERVICE[1:], model=WORKLOAD)
def cores(seed: int) -> Scene:
    """A backup on the host takes its cores."""
    made = service(seed).change("model.cpu.wait", ONSET, times=30.0).change("host.cpu.utilization", ONSET, to=0.98)
    return made.change("model.latency", ONSET, times=2.0).change("model.inference.duration", ONSET, times=1.8)
