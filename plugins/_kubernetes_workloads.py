"""How each kind of workload says what it wants and what it has: a table, one line per kind, and one reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any

from andon_plugins._kubernetes_pods import model_of
from andon_plugins._kubernetes_records import Owner, Workload, epoch, gpus_in

Path = tuple[str, ...]
MOST_CONFIGS = 50


@dataclass(frozen=True, slots=True)
class Shape:
    """Where an object of one kind keeps its numbers; paths are tried in their order."""

    kind: str
    group: str
    plural: str
    desired: tuple[Path, ...]
    ready: tuple[Path, ...]
    updated: tuple[Path, ...] = ()
    unavailable: tuple[Path, ...] = ()  # none: what is desired less what is available
    available: tuple[Path, ...] = ()
    revision: tuple[Path, ...] = ()
    template: Path = ("spec", "template")
    condition: str = ""  # where it has no numbers: the condition that says it is ready

    @property
    def is_custom(self) -> bool:
        """Whether a cluster may do without it."""
        return self.group != "apps"


_REPLICAS, _READY = ("spec", "replicas"), ("status", "readyReplicas")
_UPDATED, _AVAILABLE = ("status", "updatedReplicas"), ("status", "availableReplicas")

SHAPES = (
    Shape("Deployment", "apps", "deployments", (_REPLICAS,), (_READY,), (_UPDATED,),
          unavailable=(("status", "unavailableReplicas"),)),
    Shape("StatefulSet", "apps", "statefulsets", (_REPLICAS,), (_READY,), (_UPDATED,), available=(_READY,),
          revision=(("status", "updateRevision"),)),
    Shape("DaemonSet", "apps", "daemonsets", (("status", "desiredNumberScheduled"),), (("status", "numberReady"),),
          (("status", "updatedNumberScheduled"),), unavailable=(("status", "numberUnavailable"),)),
    Shape("Rollout", "argoproj.io", "rollouts", (_REPLICAS,), (_READY,), (_UPDATED,), available=(_AVAILABLE,),
          revision=(("status", "currentPodHash"),)),
    Shape("LeaderWorkerSet", "leaderworkerset.x-k8s.io", "leaderworkersets", (_REPLICAS,), (_READY,), (_UPDATED,),
          available=(_READY,), template=("spec", "leaderWorkerTemplate", "workerTemplate"), condition="Available"),
    Shape("RayCluster", "ray.io", "rayclusters", (("status", "desiredWorkerReplicas"),),
          (("status", "readyWorkerReplicas"), ("status", "availableWorkerReplicas")),
          available=(("status", "readyWorkerReplicas"), ("status", "availableWorkerReplicas")),
          template=("spec", "headGroupSpec", "template"), condition="RayClusterProvisioned"),
    Shape("RayService", "ray.io", "rayservices", (), (), condition="Ready"),
    Shape("InferenceService", "serving.kserve.io", "inferenceservices", (), (), condition="Ready"),
)  # fmt: skip


def workload(item: Mapping[str, Any], shape: Shape, labels: Sequence[str]) -> Workload:
    """One workload, by the shape of its kind."""
    meta, template = item["metadata"], _at(item, shape.template) or {}
    spec = template.get("spec") or {}
    marks = {**(meta.get("labels") or {}), **((template.get("metadata") or {}).get("labels") or {})}
    owner = Owner(intern(str(meta.get("namespace", ""))), shape.kind, meta["name"])
    desired = _number(item, shape.desired, 1.0 if shape.desired == (_REPLICAS,) else None)
    ready = _number(item, shape.ready, 0.0) or 0.0
    condition = _condition(item, shape.condition)
    if desired is None and condition is not None:  # it says yes or no: one, ready or not
        desired, ready = 1.0, float(condition.get("status") == "True")
    has = _number(item, shape.available, ready) or 0.0
    unavailable = _number(item, shape.unavailable, 0.0 if shape.unavailable else max(0.0, (desired or 0.0) - has))
    model = meta["name"] if shape.kind == "InferenceService" else ""
    return Workload(
        owner=owner,
        model=intern(model or model_of(marks, labels, has_gpu=_has_gpu(spec))),
        desired=desired,
        ready=ready,
        updated=_number(item, shape.updated, ready) or 0.0,
        unavailable=unavailable or 0.0,
        revision=next((str(found) for path in shape.revision if (found := _at(item, path))), ""),
        changed=_template_changed(meta),
        moved=max(_moments(_condition(item, "Progressing") or condition or {})),
        trouble=_trouble(item, condition),
        configs=_configs(spec),
    )


def _at(item: Any, path: Path) -> Any:
    for part in path:
        item = item.get(part) if isinstance(item, Mapping) else None
    return item


def _number(item: Mapping[str, Any], paths: Sequence[Path], default: float | None) -> float | None:
    return next((float(found) for path in paths if (found := _at(item, path)) is not None), default)


def _condition(item: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    conditions = _at(item, ("status", "conditions")) or ()
    return next((each for each in conditions if kind and each.get("type") == kind), None)


def _trouble(item: Mapping[str, Any], condition: Mapping[str, Any] | None) -> str:
    """What the workload's own conditions hold against it."""
    stuck = _condition(item, "Progressing")
    for each, bad in ((stuck, "False"), (_condition(item, "ReplicaFailure"), "True"), (condition, "False")):
        if each is not None and each.get("status") == bad:
            return " ".join(f"{each.get('reason', '')}: {each.get('message', '')}".split())[:300]
    return ""


def _moments(condition: Mapping[str, Any]) -> tuple[float, float]:
    return epoch(condition.get("lastUpdateTime")), epoch(condition.get("lastTransitionTime"))


def _template_changed(meta: Mapping[str, Any]) -> float:
    """When somebody last changed the pod template: the server notes it for every field."""
    times = [epoch(each.get("time")) for each in meta.get("managedFields") or ()
             if _at(each, ("fieldsV1", "f:spec", "f:template")) is not None]  # fmt: skip
    return max(times, default=epoch(meta.get("creationTimestamp")))


def _has_gpu(spec: Mapping[str, Any]) -> bool:
    return any(gpus_in((each.get("resources") or {}).get("limits") or {}) for each in spec.get("containers") or ())


def _configs(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The ConfigMaps that its pods read: as files, as the environment, whole or by key."""
    found = [_at(each, ("configMap", "name")) for each in spec.get("volumes") or ()]
    for volume in spec.get("volumes") or ():
        found += [_at(each, ("configMap", "name")) for each in _at(volume, ("projected", "sources")) or ()]
    for each in spec.get("containers") or ():
        found += [_at(source, ("configMapRef", "name")) for source in each.get("envFrom") or ()]
        found += [_at(one, ("valueFrom", "configMapKeyRef", "name")) for one in each.get("env") or ()]
    return tuple(sorted({intern(str(name)) for name in found if name}))[:MOST_CONFIGS]
