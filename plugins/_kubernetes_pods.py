"""A pod in a few words: whose it is, whether it starts, what it was given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from sys import intern
from typing import Any, TypeVar

from andon_plugins._kubernetes_records import HASH_LABELS, Owner, Pairs, Pod, cut, epoch, gpus_in, owner_called

MODEL_LABELS = ("andon/model", "serving.kserve.io/inferenceservice")
GPU_MODEL_LABELS = ("app.kubernetes.io/name", "app")  # what asks for a GPU is taken for a model that is called so
T = TypeVar("T")

CRON = re.compile(r"-\d{8,}$")
ON_THE_WAY = ("ContainerCreating", "PodInitializing", "")
RECENT_SECONDS = 900.0  # a container that runs again and is not ready so long after it died is in a crash loop still
# Spellings that take turns while one thing is wrong.
ALIKE = {"ErrImagePull": "ImagePullBackOff", "RegistryUnavailable": "ImagePullBackOff",
         "ErrImageNeverPull": "ImagePullBackOff", "InvalidImageName": "ImagePullBackOff",
         "ImageInspectError": "ImagePullBackOff"}  # fmt: skip
IMAGE, CRASH = "ImagePullBackOff", "CrashLoopBackOff"


def pod(item: Mapping[str, Any], labels: Sequence[str], now: float) -> Pod:
    """A pod as it is held; `labels` name the model, where the operator said so."""
    meta, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    marks = meta.get("labels") or {}
    told = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    conditions = {each.get("type"): each for each in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled") or {}
    waiting, words = _waiting(told, now)
    unscheduled = scheduled.get("status") == "False"
    dead = [last for each in told for last in [_last_end(each)] if last]
    ended = max(dead, key=lambda each: epoch(each.get("finishedAt")), default={})
    gpus = _gpus_asked(spec)
    return Pod(
        name=meta["name"],
        owner=owner_of(meta),
        model=intern(model_of(marks, labels, has_gpu=bool(gpus))),
        revision=intern(next((str(marks[name]) for name in HASH_LABELS if name in marks), "")),
        phase=intern(str(status.get("phase", "Unknown"))),
        is_ready=(conditions.get("Ready") or {}).get("status") == "True",
        is_unscheduled=unscheduled,
        waiting=waiting,
        words=cut(scheduled.get("message")) if unscheduled else words,
        restarts=sum(int(each.get("restartCount") or 0) for each in told),
        ended=epoch(ended.get("finishedAt")),
        ended_by=intern(str(ended.get("reason", ""))),
        created=epoch(meta.get("creationTimestamp")),
        node=intern(str(spec.get("nodeName") or "")),
        gpus=gpus,
        containers=shared(tuple(str(each["name"]) for each in spec.get("containers") or ())),
    )


def owner_of(meta: Mapping[str, Any]) -> Owner:
    """The workload that an object belongs to: what a person deployed, not what a controller made of it."""
    namespace, marks = str(meta.get("namespace", "")), meta.get("labels") or {}
    owner = next((each for each in meta.get("ownerReferences") or () if each.get("controller")), None)
    if owner is None:
        return owner_called(namespace, "Pod", str(meta.get("generateName") or meta["name"]).rstrip("-"))
    kind, name = str(owner["kind"]), str(owner["name"])
    if kind == "ReplicaSet":
        for label, of in (("pod-template-hash", "Deployment"), ("rollouts-pod-template-hash", "Rollout")):
            if (mark := marks.get(label)) and name.endswith(f"-{mark}"):
                return owner_called(namespace, of, name.removesuffix(f"-{mark}"))
    if kind == "Job" and CRON.search(name):
        return owner_called(namespace, "CronJob", CRON.sub("", name))
    return owner_called(namespace, kind, name)


def model_of(marks: Mapping[str, Any], labels: Sequence[str], *, has_gpu: bool) -> str:
    """The model that labels name; empty where they name none."""
    wanted = labels or (*MODEL_LABELS, *(GPU_MODEL_LABELS if has_gpu else ()))
    return next((str(marks[name]) for name in wanted if marks.get(name)), "")


def _waiting(told: Sequence[Mapping[str, Any]], now: float) -> tuple[tuple[str, ...], str]:
    """(a reason for each container that does not start, the words about the first)"""
    reasons, words = [], ""
    for each in told:
        state = each.get("state") or {}
        waits, ended = state.get("waiting") or {}, state.get("terminated") or {}
        reason = str(waits.get("reason") or "")
        last = (each.get("lastState") or {}).get("terminated") or {}
        if reason in ON_THE_WAY:
            died = epoch(last.get("finishedAt"))
            is_down = bool(ended.get("exitCode")) or (not each.get("ready") and now - died < RECENT_SECONDS)
            if not (is_down and int(each.get("restartCount") or 0) > 1):
                continue
            reason = CRASH  # between two crashes, which it will be said to be in a moment
        reasons.append(intern(ALIKE.get(reason, reason)))
        words = words or cut(waits.get("message") or last.get("message") or ended.get("message"))
    return shared(tuple(reasons)), words


def _last_end(container: Mapping[str, Any]) -> Mapping[str, Any]:
    ended: Mapping[str, Any] = (container.get("lastState") or {}).get("terminated") or {}
    current: Mapping[str, Any] = (container.get("state") or {}).get("terminated") or {}
    return current if current.get("exitCode") else ended


def _gpus_asked(spec: Mapping[str, Any]) -> Pairs:
    """The GPUs that a pod is given: what its containers take together, or one that runs before them."""
    found: dict[str, float] = {}
    for each in spec.get("containers") or ():
        for name, number in gpus_in((each.get("resources") or {}).get("limits") or {}):
            found[name] = found.get(name, 0.0) + number
    for each in spec.get("initContainers") or ():
        for name, number in gpus_in((each.get("resources") or {}).get("limits") or {}):
            found[name] = max(found.get(name, 0.0), number)
    given: Pairs = shared(tuple(sorted(found.items())))
    return given


@lru_cache(maxsize=50_000)
def shared(value: T) -> T:
    """Equal tuples are one."""
    return value
