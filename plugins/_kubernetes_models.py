"""What a cluster can do about a model: its feed is a CronJob, its training one too, its switches lie in a ConfigMap."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from andon_plugins._kubernetes_cluster import Cluster
from andon_plugins._kubernetes_objects import Ref, said

from console.errors import UsageError
from console.model import Blast, Change, Draft

Options = Mapping[str, Any]
KEYS = re.compile(r"[-._a-zA-Z0-9]+")  # what a key of a ConfigMap may be made of
CRONS = ("batch/v1", "batch/v1beta1")  # the latter before 1.21
MOST_NAME = 46  # characters of a Job's name before the act's key: 63 in all


def pause(name: str) -> Callable[[Cluster, Options], Draft]:
    """Suspend the CronJob that feeds a model; `name` says which, with `{model}` in it."""

    def drafted(cluster: Cluster, options: Options) -> Draft:
        ref, live = cluster.named("cronjobs", name.replace("{model}", options["model"]), *CRONS)
        running = len(live.get("status", {}).get("active") or ())
        blast = Blast(1, None, f"no run begins; {running} at work go on")
        return cluster.drafted(ref, live, {"/spec/suspend": True}, blast)

    return drafted


def retrain(name: str) -> Callable[[Cluster, Options], Draft]:
    """A Job as the CronJob would make it."""

    def drafted(cluster: Cluster, options: Options) -> Draft:
        ref, live = cluster.named("cronjobs", name.replace("{model}", options["model"]), *CRONS)
        change = Change("jobs", None, f"one of {said(ref)}")
        at_work = len(live.get("status", {}).get("active") or ())
        warnings = (f"{at_work} of its jobs are at work",) if at_work else ()
        job = {"owner": live["metadata"]["uid"], "template": live["spec"]["jobTemplate"]}
        return Draft(said(ref), {"ref": ref, "job": job}, {}, (change,), None, Blast(1, 0.0, "1 job"), warnings)

    return drafted


def flag(name: str, key: str, option: str, usual: str) -> Callable[[Cluster, Options], Draft]:
    """A key of a ConfigMap that the serving reads: `fallback = large-2`, `without.age = true`."""

    def drafted(cluster: Cluster, options: Options) -> Draft:
        ref, live = cluster.named("configmaps", name.replace("{model}", options["model"]), "v1")
        own = key.replace("{feature}", str(options.get("feature", "")))
        if not KEYS.fullmatch(own):
            raise UsageError(f"{own!r} is no key of a ConfigMap", "letters, digits, - . and _; do it by hand")
        value = str(options.get(option) or usual)
        return cluster.drafted(ref, live, {f"/data/{own}": value}, Blast(1, None, "what reads it changes its way"))

    return drafted


def job_of(ref: Ref, job: Mapping[str, Any], key: str, annotation: str) -> tuple[Ref, dict[str, Any]]:
    """(where, what) of the Job of one act: named after it, so that there is one however often it is made."""
    template = job["template"]
    meta = template.get("metadata") or {}
    where: Ref = {"api": "batch/v1", "plural": "jobs", "namespace": ref["namespace"],
                  "name": f"{ref['name'][:MOST_NAME]}-{key[:16]}"}  # fmt: skip
    owner = {"apiVersion": ref["api"], "kind": "CronJob", "name": ref["name"], "uid": job["owner"], "controller": True}
    made = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": where["name"],
            "namespace": where["namespace"],
            "labels": meta.get("labels") or {},
            "annotations": {**(meta.get("annotations") or {}), annotation: key,
                            "cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [owner],
        },
        "spec": template["spec"],
    }  # fmt: skip
    return where, made
