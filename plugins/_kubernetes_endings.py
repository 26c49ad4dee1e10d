"""Pods that end: one that is evicted or deleted, or all of a node. Never one of the same name that came after it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from andon_plugins._kubernetes_cluster import Cluster
from andon_plugins._kubernetes_door import NotThere
from andon_plugins._kubernetes_objects import Ref, path_of, ref_of, said, stays

from console.errors import ActRefused, SourceError
from console.model import Act, Blast, Change, Draft

Options = Mapping[str, Any]

EVICT_SECONDS = 15.0  # for all of a node's pods
MADE_BY = {"ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"}


def evict(cluster: Cluster, options: Options) -> Draft:
    """One pod elsewhere, as its budgets allow."""
    return _ended(cluster, options, {"end": "evict"}, "as its budgets allow")


def delete_pod(cluster: Cluster, options: Options) -> Draft:
    """One pod gone, whatever its budgets say; by force also where its node does not answer."""
    how = "by force: what it still does on its node goes on" if options["force"] else "its budgets are not asked"
    return _ended(cluster, options, {"end": "delete", "force": options["force"]}, how)


def drain(cluster: Cluster, options: Options) -> Draft:
    """A node without pods."""
    ref, live = cluster.node(options)
    pods = [each for each in cluster.list("v1", "pods", fieldSelector=f"spec.nodeName={ref['name']}")
            if not stays(each)]  # fmt: skip
    moving = [{**ref_of(each, "v1", "pods"), "uid": each["metadata"]["uid"]} for each in pods]
    alone = [f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in pods
             if not each["metadata"].get("ownerReferences")]  # fmt: skip
    warnings = [f"nothing makes them anew: {', '.join(alone)}"] if alone else []
    blast = Blast(1 + len(moving), None, f"{len(moving)} pods move to other nodes, as their budgets allow")
    made = cluster.drafted(ref, live, {"/spec/unschedulable": True}, blast, warnings, evict=moving)
    moved = tuple(Change(f"pod {each['namespace']}/{each['name']}", ref["name"], "elsewhere") for each in moving)
    return Draft(made.target, made.set, made.expect, (*made.changes, *moved), None if alone else made.restore,
                 made.blast, made.warnings)  # fmt: skip


def end(cluster: Cluster, act: Act) -> None:
    """Have the pod of an act end. ActRefused where its budgets do not allow it, or it is gone or another one."""
    try:
        _end(cluster, act.set["ref"], act.set, act.expect["uid"])
    except NotThere:
        raise ActRefused(f"{act.target} is not there any more", "make a new plan") from None


def has_ended(cluster: Cluster, act: Act) -> bool:
    """Whether the pod of an act is gone, or on its way out and was not before."""
    try:
        meta = cluster.get(act.set["ref"])["metadata"]
    except NotThere:
        return True
    return meta["uid"] != act.expect["uid"] or ("deletionTimestamp" in meta and not act.expect["ending"])


def empty(cluster: Cluster, pods: Sequence[Mapping[str, str]]) -> None:
    """Ask each pod to go, again and again where a budget does not allow it yet. SourceError where some stay."""
    left = [*pods]
    deadline = time.monotonic() + EVICT_SECONDS
    why = ""
    while left and time.monotonic() < deadline:
        for pod in [*left]:
            try:
                _end(cluster, dict(pod), {"end": "evict"}, pod["uid"])
                left.remove(pod)
            except NotThere:
                left.remove(pod)
            except ActRefused as error:
                why = error.message
        time.sleep(0.5 if left else 0.0)
    if left:
        raise SourceError(f"{len(left)} of {len(pods)} pods are still there: {why}", "look at their budgets")


def are_gone(cluster: Cluster, pods: Sequence[Mapping[str, str]]) -> bool:
    """Whether none of these pods is there; another one of the same name may be."""
    return not any(_is_there(cluster, pod) for pod in pods)


def _ended(cluster: Cluster, options: Options, how: Mapping[str, Any], told: str) -> Draft:
    name = "/".join(filter(None, (options["namespace"], options["pod"])))
    ref, live = cluster.named("pods", name, "v1", hint="kubectl get pods -A; give its namespace in the remedy")
    meta, phase = live["metadata"], live.get("status", {}).get("phase", "there")
    is_ending = "deletionTimestamp" in meta
    warnings = (
        [] if any(each["kind"] in MADE_BY for each in meta.get("ownerReferences") or ()) else ["nothing makes it anew"]
    )
    if is_ending and not how.get("force"):
        warnings.append(f"it is ending since {meta['deletionTimestamp']}: only force: true ends what is stuck")
    try:
        _end(cluster, ref, how, meta["uid"], is_dry=True)
    except (ActRefused, NotThere) as error:
        warnings.append(f"refused right now: {error.message}")
    change = Change(f"pod {ref['namespace']}/{ref['name']}", f"{phase}, ending" if is_ending else phase, "gone")
    expect = {"uid": meta["uid"], "ending": is_ending}
    return Draft(said(ref), {"ref": ref, **how}, expect, (change,), None, Blast(1, None, f"1 pod ends, {told}"),
                 tuple(warnings))  # fmt: skip


def _end(cluster: Cluster, ref: Ref, how: Mapping[str, Any], uid: str, *, is_dry: bool = False) -> None:
    options: dict[str, Any] = {"preconditions": {"uid": uid}} | ({"dryRun": ["All"]} if is_dry else {})
    if how["end"] == "delete":
        grace = {"gracePeriodSeconds": 0} if how["force"] else {}
        cluster.door.change("DELETE", path_of(ref), {**options, **grace})
        return
    named = {"name": ref["name"], "namespace": ref["namespace"]}
    body = {"metadata": named, "deleteOptions": options}  # of no version: the server takes it as its own
    cluster.door.change("POST", f"{path_of(ref)}/eviction", body)


def _is_there(cluster: Cluster, pod: Mapping[str, str]) -> bool:
    try:
        return bool(cluster.get(dict(pod))["metadata"]["uid"] == pod["uid"])
    except NotThere:
        return False
