"""What a cluster can do about a model: its feed is a CronJob, its training one too, its switches lie in a ConfigMap."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from andon_plugins._kubernetes_cluster import KEY, Cluster
from andon_plugins._kubernetes_door import NotThere
from andon_plugins._kubernetes_objects import Ref, digest, path_of, said

from console.errors import ActRefused, UsageError
from console.model import Act, Blast, Change, Draft

Options = Mapping[str, Any]
KEYS = re.compile(r"[-._a-zA-Z0-9]+")  # what a key of a ConfigMap may be made of
JOBS = {"api": "batch/v1", "plural": "jobs"}
CRONS = ("batch/v1", "batch/v1beta1")  # the latter before 1.21
MOST_KEY = 253  # characters of one
CONFIGURED = "set its name in the actuator's table, with its namespace: ml/ranker-feed"
MOST_NAME = 46  # characters of a Job's name before the act's key: 63 in all


def pause(name: str) -> Callable[[Cluster, Options], Draft]:
    """Suspend the CronJob that feeds a model; `name` says which, with `{model}` in it."""

    def drafted(cluster: Cluster, options: Options) -> Draft:
        ref, live = cluster.named("cronjobs", name.replace("{model}", options["model"]), *CRONS, hint=CONFIGURED)
        running = len(live.get("status", {}).get("active") or ())
        blast = Blast(1, None, f"no run begins; {running} at work go on")
        return cluster.drafted(ref, live, {"/spec/suspend": True}, blast)

    return drafted


def retrain(name: str) -> Callable[[Cluster, Options], Draft]:
    """A Job as the CronJob would make it."""

    def drafted(cluster: Cluster, options: Options) -> Draft:
        ref, live = cluster.named("cronjobs", name.replace("{model}", options["model"]), *CRONS, hint=CONFIGURED)
        try:
            cluster.door.change("POST", *_job(ref, live, "dry-run"), params={"dryRun": "All"})
        except (ActRefused, NotThere) as error:
            raise UsageError(f"no job can be made of {said(ref)}: {error.message}", error.hint) from None
        change = Change("jobs", None, f"one of {said(ref)}")
        at_work = len(live.get("status", {}).get("active") or ())
        warnings = (f"{at_work} of its jobs are at work",) if at_work else ()
        expect = {"uid": live["metadata"]["uid"], "template": digest(live["spec"]["jobTemplate"])}
        return Draft(said(ref), {"ref": ref, "jobs": 1}, expect, (change,), None, Blast(1, 0.0, "1 job"), warnings)

    return drafted


def flag(name: str, key: str, option: str, usual: str) -> Callable[[Cluster, Options], Draft]:
    """A key of a ConfigMap that the serving reads: `fallback = large-2`, `without.age = true`."""

    def drafted(cluster: Cluster, options: Options) -> Draft:
        ref, live = cluster.named("configmaps", name.replace("{model}", options["model"]), "v1", hint=CONFIGURED)
        own = key.replace("{feature}", str(options.get("feature", "")))
        if not KEYS.fullmatch(own) or len(own) > MOST_KEY:
            raise UsageError(f"{own!r} is no key of a ConfigMap", "letters, digits, - . and _; do it by hand")
        value = str(options.get(option) or usual)
        return cluster.drafted(ref, live, {f"/data/{own}": value}, Blast(1, None, "what reads it changes its way"))

    return drafted


def make_job(cluster: Cluster, act: Act, key: str) -> str:
    """One Job as the CronJob of an act would make it; its name. It is made once, however often that is asked for."""
    ref: Ref = act.set["ref"]
    live = cluster.held(ref, {"uid": act.expect["uid"]})
    if digest(live["spec"]["jobTemplate"]) != act.expect["template"]:
        raise ActRefused(f"{said(ref)} is not what it was: it would run something else now", "make a new plan")
    path, job = _job(ref, live, key)
    try:
        cluster.door.change("POST", path, job)
    except NotThere:
        raise ActRefused(f"{cluster.name} makes no jobs in namespace {ref['namespace']}", "make a new plan") from None
    except ActRefused:
        if not is_made(cluster, act, key):
            raise
    return str(job["metadata"]["name"])


def is_made(cluster: Cluster, act: Act, key: str) -> bool | None:
    """Whether the Job of an act is there; None where it may have been, for what it was made of does not keep them."""
    ref = act.set["ref"]
    try:
        job = cluster.get({**ref, **JOBS, "name": _name(ref, key)})
    except NotThere:
        return None if _may_be_cleaned_up(cluster, act) else False
    return bool((job["metadata"].get("annotations") or {}).get(KEY) == key)


def _may_be_cleaned_up(cluster: Cluster, act: Act) -> bool:
    """Whether a Job may go by itself: with its CronJob, soon after its end, or as one too many."""
    try:
        live = cluster.get(act.set["ref"])
    except NotThere:
        return True
    spec = live["spec"]
    is_same = live["metadata"]["uid"] == act.expect["uid"] and digest(spec["jobTemplate"]) == act.expect["template"]
    keeps = spec.get("successfulJobsHistoryLimit") != 0 and spec.get("failedJobsHistoryLimit") != 0
    return not (is_same and keeps) or "ttlSecondsAfterFinished" in (spec["jobTemplate"].get("spec") or {})


def _name(ref: Ref, key: str) -> str:
    return f"{ref['name'][:MOST_NAME]}-{key[:16]}"


def _job(ref: Ref, live: Mapping[str, Any], key: str) -> tuple[str, dict[str, Any]]:
    """(where, what) of the Job of one act: named after it, so that there is one however often it is made."""
    template = live["spec"]["jobTemplate"]
    meta = template.get("metadata") or {}
    owner = {"apiVersion": ref["api"], "kind": "CronJob", "name": ref["name"], "uid": live["metadata"]["uid"],
             "controller": True}  # fmt: skip
    job = {
        "apiVersion": JOBS["api"],
        "kind": "Job",
        "metadata": {
            "name": _name(ref, key),
            "namespace": ref["namespace"],
            "labels": meta.get("labels") or {},
            "annotations": {**(meta.get("annotations") or {}), KEY: key, "cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [owner],
        },
        "spec": template["spec"],
    }
    return path_of({**ref, **JOBS, "name": ""}), job
