"""What each action on workloads and nodes would set, in absolute values. UsageError where it makes no sense here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from andon_plugins._kubernetes_cluster import SCALERS, Cluster
from andon_plugins._kubernetes_objects import Ref, container_of, ref_of, revision, rolling, said, stays

from console.errors import UsageError
from console.model import Blast, Change, Draft

Options = Mapping[str, Any]
Drafting = Callable[[Cluster, Options], Draft]

RESTARTED = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"
MOST_REPLICAS = 1000


def scale(cluster: Cluster, options: Options) -> Draft:
    """So many replicas."""
    ref, live = cluster.workload(options)
    now = int(live["spec"].get("replicas", 1))
    to = options["replicas"] if options["replicas"] is not None else now + options["by"]
    to = min(max(to, 0), MOST_REPLICAS)
    warnings = ["it stops serving: no replica is left"] if to == 0 and now > 0 else []
    for scaler in cluster.scalers(ref):
        spec = scaler["spec"]
        least, most = spec.get("minReplicas", 1), spec["maxReplicas"]
        if not least <= to <= most:
            warnings.append(f"autoscaler {scaler['metadata']['name']} holds it within {least} and {most}")
    share = max(now - to, 0) / now if now else 0.0
    blast = Blast(abs(to - now), share, f"{now} → {to} replicas")
    return cluster.drafted(ref, live, {"/spec/replicas": to}, blast, warnings)


def restart(cluster: Cluster, options: Options) -> Draft:
    """All pods anew, as a rollout does."""
    ref, live = cluster.workload(options)
    fields = {RESTARTED: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    return cluster.drafted(ref, live, fields, rolling(live), is_reversible=False)


def undo(cluster: Cluster, options: Options) -> Draft:
    """The template of an earlier revision."""
    ref, live = cluster.workload(options)
    if ref["plural"] != "deployments":
        raise UsageError(f"{said(ref)} has no revisions that this can go back to", "set the image instead")
    revisions = sorted(cluster.replica_sets(live), key=revision)
    present = revision(live)
    wanted = options["revision"]
    able = [each for each in revisions if (revision(each) == wanted if wanted else revision(each) < present)]
    if not able:
        known = ", ".join(str(revision(each)) for each in revisions)
        raise UsageError(f"{said(ref)} has no revision to go back to", f"it has {known or 'none'}")
    template = able[-1]["spec"]["template"]
    template["metadata"]["labels"].pop("pod-template-hash", None)
    warnings = [f"back to revision {revision(able[-1])} of {present}"]
    return cluster.drafted(ref, live, {"/spec/template": template}, rolling(live), warnings)


def set_image(cluster: Cluster, options: Options) -> Draft:
    """Another image."""
    ref, live = cluster.workload(options)
    place, _container = container_of(live, options["container"])
    return cluster.drafted(ref, live, {f"{place}/image": options["image"]}, rolling(live))


def set_env(cluster: Cluster, options: Options) -> Draft:
    """Variables of the environment."""
    ref, live = cluster.workload(options)
    place, container = container_of(live, options["container"])
    kept = [each for each in container.get("env") or [] if each["name"] not in options["env"]]
    env = [*kept, *({"name": name, "value": value} for name, value in options["env"].items())]
    return cluster.drafted(ref, live, {f"{place}/env": env}, rolling(live))


def set_args(cluster: Cluster, options: Options) -> Draft:
    """A container's arguments."""
    ref, live = cluster.workload(options)
    place, _container = container_of(live, options["container"])
    return cluster.drafted(ref, live, {f"{place}/args": options["args"]}, rolling(live))


def patch_hpa(cluster: Cluster, options: Options) -> Draft:
    """An autoscaler's bounds."""
    ref, _live = cluster.workload(options)
    scalers = cluster.scalers(ref)
    if len(scalers) != 1:
        raise UsageError(f"{said(ref)} has {len(scalers)} autoscalers", "scale the workload itself")
    spec = scalers[0]["spec"]
    own = ref_of(scalers[0], scalers[0]["apiVersion"], SCALERS[0][1])
    least, most = spec.get("minReplicas", 1) + options["least_by"], spec["maxReplicas"] + options["most_by"]
    fields = {"/spec/minReplicas": options["least"] or least, "/spec/maxReplicas": options["most"] or most}
    if not 1 <= fields["/spec/minReplicas"] <= fields["/spec/maxReplicas"]:
        raise UsageError("an autoscaler's least replicas are at most its most", "give least or most")
    return cluster.drafted(own, cluster.get(own), fields, Blast(1, 0.0, "the autoscaler's bounds"))


def cordon(cluster: Cluster, options: Options) -> Draft:
    """A node that takes no new pods."""
    ref, live = cluster.node(options)
    blast = Blast(1, 0.0, "no new pods on this node; those that run there stay")
    return cluster.drafted(ref, live, {"/spec/unschedulable": True}, blast)


def taint(cluster: Cluster, options: Options) -> Draft:
    """A node that most pods avoid."""
    ref, live = cluster.node(options)
    taint = {"key": options["key"], "value": options["value"], "effect": options["effect"]}
    same = ("key", "effect")
    kept = [each for each in live["spec"].get("taints") or [] if any(each.get(k) != taint[k] for k in same)]
    blast = Blast(1, None if taint["effect"] == "NoExecute" else 0.0, "pods that do not tolerate it stay away")
    return cluster.drafted(ref, live, {"/spec/taints": [*kept, taint]}, blast)


def drain(cluster: Cluster, options: Options) -> Draft:
    """A node without pods."""
    ref, live = cluster.node(options)
    pods = [each for each in cluster.list("v1", "pods", fieldSelector=f"spec.nodeName={ref['name']}")
            if not stays(each)]  # fmt: skip
    evict = [{**ref_of(each, "v1", "pods"), "uid": each["metadata"]["uid"]} for each in pods]
    alone = [f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in pods
             if not each["metadata"].get("ownerReferences")]  # fmt: skip
    warnings = [f"nothing makes them anew: {', '.join(alone)}"] if alone else []
    blast = Blast(1 + len(evict), None, f"{len(evict)} pods move to other nodes, as their budgets allow")
    made = cluster.drafted(ref, live, {"/spec/unschedulable": True}, blast, warnings, evict=evict)
    moved = tuple(Change(f"pod {each['namespace']}/{each['name']}", ref["name"], "elsewhere") for each in evict)
    return Draft(made.target, made.set, made.expect, (*made.changes, *moved), None if alone else made.restore,
                 made.blast, made.warnings)  # fmt: skip


def evict(cluster: Cluster, options: Options) -> Draft:
    """One pod elsewhere, as its budgets allow."""
    ref, live = cluster.named("pods", _pod(options), "v1")
    return _ended(ref, live, {"end": "evict"}, "as its budgets allow")


def delete_pod(cluster: Cluster, options: Options) -> Draft:
    """One pod gone, whatever its budgets say; by force also where its node does not answer."""
    ref, live = cluster.named("pods", _pod(options), "v1")
    how = "by force: what it still does on its node goes on" if options["force"] else "its budgets are not asked"
    return _ended(ref, live, {"end": "delete", "force": options["force"]}, how)


def _pod(options: Options) -> str:
    return "/".join(filter(None, (options["namespace"], options["pod"])))


def _ended(ref: Ref, live: Mapping[str, Any], how: Mapping[str, Any], said_how: str) -> Draft:
    uid, owners = live["metadata"]["uid"], live["metadata"].get("ownerReferences")
    warnings = () if owners else ("nothing makes it anew",)
    change = Change(f"pod {ref['namespace']}/{ref['name']}", live.get("status", {}).get("phase", "there"), "gone")
    blast = Blast(1, None, f"1 pod ends, {said_how}")
    return Draft(said(ref), {"ref": ref, **how}, {"uid": uid}, (change,), None, blast, warnings)
