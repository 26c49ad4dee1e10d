"""Moving traffic off a canary: an Argo Rollout is aborted, a Gateway API route's weights are set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from andon_plugins._kubernetes_cluster import Cluster
from andon_plugins._kubernetes_objects import Ref, ref_of

from console.errors import UsageError
from console.model import Blast, Draft

ROLLOUTS = ("argoproj.io/v1alpha1", "rollouts")
ROUTES = ("gateway.networking.k8s.io/v1", "httproutes")
SHARES = {"stable": 0, "canary": 100}  # of the canary, percent


def shift_weight(cluster: Cluster, options: Mapping[str, Any]) -> Draft:
    """So much of a workload's traffic to its canary. UsageError where nothing divides it, or not so."""
    weight = options["weight"] if options["weight"] is not None else SHARES[options["to"]]
    name, namespace = options["workload"], options["namespace"] or ""
    rollouts = cluster.list(*ROLLOUTS, namespace, fieldSelector=f"metadata.name={name}")
    if len(rollouts) == 1:
        return _aborted(cluster, rollouts[0], weight)
    divided = [found for route in cluster.list(*ROUTES, namespace) for found in _divided(route, name)]
    if len(divided) != 1:
        many = len(divided) or "no"
        raise UsageError(f"{many} rules of routes divide the traffic of {name}", "name its namespace, or do it by hand")
    route, rule, canary = divided[0]
    backends = route["spec"]["rules"][rule]["backendRefs"]
    others = [place for place in range(len(backends)) if place != canary]
    if len(others) != 1:
        raise UsageError(f"{len(backends)} backends share the traffic of {name}", "set their weights by hand")
    paths = {canary: weight, others[0]: 100 - weight}
    fields = {f"/spec/rules/{rule}/backendRefs/{place}/weight": value for place, value in paths.items()}
    blast = Blast(1, None, f"{weight} % of the traffic goes to the canary")
    return cluster.drafted(ref_of(route, *ROUTES), route, fields, blast)


def _aborted(cluster: Cluster, live: Mapping[str, Any], weight: int) -> Draft:
    if weight != 0:
        raise UsageError("a Rollout goes by its own steps", "to: stable ends it; anything else is its controller's")
    ref: Ref = {**ref_of(live, *ROLLOUTS), "sub": "status"}
    blast = Blast(1, None, "all traffic goes back to what is stable; the rollout stops until it is tried again")
    return cluster.drafted(ref, live, {"/status/abort": True}, blast)


def _divided(route: Mapping[str, Any], name: str) -> Iterator[tuple[Mapping[str, Any], int, int]]:
    """(route, place of its rule, place of the canary) of each rule that divides the traffic of a workload."""
    for place, rule in enumerate(route["spec"].get("rules") or ()):
        names = [str(each.get("name")) for each in rule.get("backendRefs") or ()]
        canaries = [index for index, each in enumerate(names) if "canary" in each.split("-")]
        is_ours = any(each == name or each.startswith(f"{name}-") for each in names)
        if is_ours and len(names) > 1 and len(canaries) == 1:
            yield route, place, canaries[0]
