"""What is held of a pod, a workload, a revision, a node …: a few words each, equal strings held once.

100,000 pods have to fit beside everything else, so these are tuples, and nothing of the object itself stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

GPU_RESOURCE = re.compile(r"nvidia\.com/(gpu|mig-).*|amd\.com/(gpu|xgmi).*|gpu\.intel\.com/(i915|xe|tiles).*")
HASH_LABELS = ("pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash")
MOST_WORDS = 300

Pairs = tuple[tuple[str, float], ...]


class Owner(NamedTuple):
    """A workload by its name."""

    namespace: str
    kind: str
    name: str


class Pod(NamedTuple):
    """A pod."""

    name: str
    owner: Owner
    model: str
    revision: str  # the hash of its template
    phase: str
    is_ready: bool
    is_unscheduled: bool
    waiting: tuple[str, ...]  # one reason for each container that does not start
    words: str  # why, as the cluster puts it
    restarts: int
    ended: float  # when a container of it last died; 0: none did
    ended_by: str  # OOMKilled, Error …
    created: float
    node: str
    gpus: Pairs  # asked for, by resource
    containers: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        return self.phase in ("Succeeded", "Failed")


class Workload(NamedTuple):
    """What wants pods: a Deployment, a StatefulSet, a DaemonSet, or an object of somebody else's."""

    owner: Owner
    model: str
    desired: float | None
    ready: float
    updated: float
    unavailable: float
    revision: str  # the hash of its newest template, where it says so
    changed: float  # when its template was last changed, as far as the server noted that
    moved: float  # when its rollout last came on
    trouble: str  # what its own conditions say is wrong
    configs: tuple[str, ...]  # the ConfigMaps that its pods read


class Revision(NamedTuple):
    """A ReplicaSet or a ControllerRevision: one template of a workload."""

    name: str
    owner: Owner
    numbers: tuple[int, ...]  # under which it was the newest, in their order: more than one where it came back
    hash: str
    created: float
    cause: str  # the change-cause annotation


class Node(NamedTuple):
    """A machine."""

    name: str
    is_ready: bool
    cordoned: bool
    gpus: Pairs  # allocatable
    conditions: tuple[tuple[str, str, float, str], ...]  # type, status, since, words


class Scaler(NamedTuple):
    """An autoscaler."""

    name: str
    target: Owner
    most: float
    current: float
    desired: float


class Said(NamedTuple):
    """An Event of the cluster's."""

    about: tuple[str, str, str]  # namespace, kind, name
    reason: str
    words: str
    first: float
    last: float
    times: int


class Config(NamedTuple):
    """A ConfigMap, without what it holds."""

    namespace: str
    name: str
    changed: float
    by: str


def epoch(text: object) -> float:
    """A time as Kubernetes writes it; 0 for what is none."""
    return _epoch(text) if isinstance(text, str) else 0.0


@lru_cache(maxsize=4096)
def _epoch(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


@lru_cache(maxsize=50_000)
def owner_called(namespace: str, kind: str, name: str) -> Owner:
    """A workload by its name, each held once."""
    return Owner(intern(namespace), intern(kind), name)


def gpus_in(amounts: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Those of the amounts that are GPUs: they are whole numbers, written as text or not."""
    return [(intern(name), float(str(amount))) for name, amount in amounts.items() if GPU_RESOURCE.fullmatch(name)]


def cut(text: object) -> str:
    """Words of a stranger's, on one line and not too many."""
    return " ".join(str(text or "").split())[:MOST_WORDS]


def revision(item: Mapping[str, Any]) -> Revision | None:
    """A ReplicaSet (its metadata is enough) or a ControllerRevision; None for one that nobody owns."""
    meta = item["metadata"]
    if not any(each.get("controller") for each in meta.get("ownerReferences") or ()):
        return None
    notes, marks = meta.get("annotations") or {}, meta.get("labels") or {}
    owner = next(each for each in meta["ownerReferences"] if each.get("controller"))
    number = item.get("revision") or next((v for k, v in notes.items() if k.endswith("/revision")), 0)
    earlier = next((v for k, v in notes.items() if k.endswith("/revision-history")), "")
    return Revision(
        name=meta["name"],
        owner=owner_called(str(meta.get("namespace", "")), str(owner["kind"]), str(owner["name"])),
        numbers=(*(int(each) for each in str(earlier).split(",") if each), int(number)),
        hash=intern(next((str(marks[name]) for name in HASH_LABELS if name in marks), "")),
        created=epoch(meta.get("creationTimestamp")),
        cause=cut(notes.get("kubernetes.io/change-cause")),
    )


def node(item: Mapping[str, Any]) -> Node:
    """A node."""
    meta, status = item["metadata"], item.get("status") or {}
    conditions = tuple(
        (str(each.get("type")), str(each.get("status")), epoch(each.get("lastTransitionTime")),
         cut(each.get("message") or each.get("reason")))
        for each in status.get("conditions") or ()
    )  # fmt: skip
    return Node(
        name=meta["name"],
        is_ready=any(kind == "Ready" and holds == "True" for kind, holds, _since, _words in conditions),
        cordoned=bool((item.get("spec") or {}).get("unschedulable")),
        gpus=tuple(sorted(gpus_in(status.get("allocatable") or {}))),
        conditions=conditions,
    )


def scaler(item: Mapping[str, Any]) -> Scaler:
    """A HorizontalPodAutoscaler of any version: they agree on these fields."""
    spec, status, target = item["spec"], item.get("status") or {}, item["spec"]["scaleTargetRef"]
    return Scaler(
        name=item["metadata"]["name"],
        target=owner_called(str(item["metadata"].get("namespace", "")), str(target["kind"]), str(target["name"])),
        most=float(spec["maxReplicas"]),
        current=float(status.get("currentReplicas") or 0),
        desired=float(status.get("desiredReplicas") or 0),
    )


def said(item: Mapping[str, Any]) -> Said:
    """An Event, however its component counts: in itself, or in a series."""
    meta, about, series = item["metadata"], item["involvedObject"], item.get("series") or {}
    began = epoch(item.get("firstTimestamp")) or epoch(item.get("eventTime")) or epoch(meta.get("creationTimestamp"))
    last = epoch(item.get("lastTimestamp")) or epoch(series.get("lastObservedTime")) or began
    return Said(
        about=(str(about.get("namespace") or ""), intern(str(about.get("kind"))), str(about.get("name"))),
        reason=intern(str(item.get("reason") or "")),
        words=cut(item.get("message")),
        first=began,
        last=max(began, last),
        times=int(item.get("count") or series.get("count") or 1),
    )


def config(item: Mapping[str, Any]) -> Config:
    """A ConfigMap's metadata: who changed it last, and when."""
    meta = item["metadata"]
    fields = [(epoch(each.get("time")), str(each.get("manager", ""))) for each in meta.get("managedFields") or ()]
    changed, by = max(fields, default=(epoch(meta.get("creationTimestamp")), ""))
    return Config(intern(str(meta.get("namespace", ""))), meta["name"], changed, intern(by))
