"""What each action on workloads and nodes would set, in absolute values. UsageError where it makes no sense here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from andon_plugins._kubernetes_cluster import SCALERS, Cluster
from andon_plugins._kubernetes_objects import container_of, named, ref_of, rolling, said

from console.errors import SourceDenied, UsageError
from console.model import Blast, Draft

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
    try:
        scalers = cluster.scalers(ref)
    except SourceDenied as error:
        scalers = []
        warnings.append(f"whether an autoscaler holds it is not known: {error.message}")
    for scaler in scalers:
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


def set_image(cluster: Cluster, options: Options) -> Draft:
    """Another image."""
    ref, live = cluster.workload(options)
    place, _container = container_of(live, options["container"])
    return cluster.drafted(ref, live, {f"{place}/image": options["image"]}, rolling(live))


def set_env(cluster: Cluster, options: Options) -> Draft:
    """Variables of the environment."""
    ref, live = cluster.workload(options)
    place, _container = container_of(live, options["container"])
    variables = {name: {"name": name, "value": value} for name, value in options["env"].items()}
    fields = {f"{place}/env/{named(name)}": variable for name, variable in variables.items()}
    return cluster.drafted(ref, live, fields, rolling(live))


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
