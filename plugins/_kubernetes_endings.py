"""Pods that end: one that is evicted or deleted, or all of a node. Never one of the same name that came after it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from andon_plugins._kubernetes_cluster import Cluster
from andon_plugins._kubernetes_door import NotThere
from andon_plugins._kubernetes_objects import Ref, at, path_of, ref_of, said, stays

from console.errors import ActRefused, SourceError
from console.model import Act, Blast, Change, Draft

Options = Mapping[str, Any]

EVICT_SECONDS = 40.0  # for all of a node's pods: of those that an act may take, some are left to put its mark back
AGAIN_SECONDS = 0.5  # between two rounds
MOST_NAMES = 5
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


def drained(cluster: Cluster, act: Act, key: str, marked: Mapping[str, Any]) -> None:
    """Have the pods of a node that was marked go elsewhere.

    ActRefused where some stay: the node's mark is then put back. SourceError where nobody knows whether it was.
    """
    pods = act.set["evict"]
    stay = _evicted(cluster, pods)
    if not stay:
        return
    why = next(iter(stay.values()))
    told = f"{len(pods) - len(stay)} of {len(pods)} pods were evicted, {_listed([*stay])} stay: {why}"
    node, hint = said(act.set["ref"]), "look at the budgets of what stays"
    try:
        held = {"uid": marked["metadata"]["uid"], "fields": act.set["fields"]}
        cluster.patch(act.set["ref"], act.expect["fields"], held, key)
    except SourceError as error:
        raise SourceError(f"{told}; whether {node} is marked as before is not known: {error.message}", hint) from None
    except ActRefused as error:
        raise ActRefused(f"{told}; the mark was left as it is: {error.message}", hint) from None
    raise ActRefused(f"{told}; {node} is marked as before", hint)


def was_drained(cluster: Cluster, act: Act, node: Mapping[str, Any]) -> bool:
    """Whether the pods of an act's node left it; False where its mark was put back. SourceError where it is neither."""
    pods = act.set["evict"]
    stay = [_name(pod) for pod in pods if _stays_there(cluster, pod)]
    if not stay:
        return True
    if all(at(node, path) == before for path, before in act.expect["fields"].items()):
        return False
    told = f"{said(act.set['ref'])} is marked, and {len(stay)} of {len(pods)} pods stay: {_listed(stay)}"
    raise SourceError(told, "drain it again, or take the mark away")


def _evicted(cluster: Cluster, pods: Sequence[Ref]) -> dict[str, str]:
    """Why those stay that do: each pod is asked to go, again and again where a budget does not allow it yet."""
    stay = {_name(pod): "there was no time to ask them" for pod in pods}
    deadline = time.monotonic() + EVICT_SECONDS
    while stay:
        for pod in [each for each in pods if _name(each) in stay]:
            if time.monotonic() > deadline:
                return stay
            if why := _refusal(cluster, pod):
                stay[_name(pod)] = why
            else:
                del stay[_name(pod)]
        time.sleep(AGAIN_SECONDS if stay else 0.0)
    return {}


def _refusal(cluster: Cluster, pod: Ref) -> str:
    """Why a pod that was asked to go stays; empty where it goes."""
    try:
        _end(cluster, pod, {"end": "evict"}, pod["uid"])
    except NotThere:
        return ""
    except (ActRefused, SourceError) as error:
        with suppress(SourceError):  # who cannot look takes it as it was told
            return error.message if _stays_there(cluster, pod) else ""
        return error.message
    return ""


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


def _stays_there(cluster: Cluster, pod: Ref) -> bool:
    """Whether this pod is there and not on its way out; another one of its name may be there."""
    try:
        meta = cluster.get(pod)["metadata"]
    except NotThere:
        return False
    return bool(meta["uid"] == pod["uid"] and "deletionTimestamp" not in meta)


def _name(pod: Ref) -> str:
    return f"{pod['namespace']}/{pod['name']}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
