"""Moving traffic off a canary: an Argo Rollout is aborted, a Gateway API route's weights are set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from andon_plugins._kubernetes_cluster import Cluster
from andon_plugins._kubernetes_objects import Ref, named, ref_of, said

from console.errors import SourceDenied, UsageError
from console.model import Blast, Draft

ROLLOUTS = ("argoproj.io/v1alpha1", "rollouts")
ROUTES = ("gateway.networking.k8s.io/v1", "httproutes")
SHARES = {"stable": 0, "canary": 100}  # of the canary, percent


def shift_weight(cluster: Cluster, options: Mapping[str, Any]) -> Draft:
    """So much of a workload's traffic to its canary. UsageError where nothing divides it, or not so."""
    weight = options["weight"] if options["weight"] is not None else SHARES[options["to"]]
    name, namespace = options["workload"], options["namespace"] or ""
    denied = None
    try:
        rollouts = cluster.list(*ROLLOUTS, namespace, fieldSelector=f"metadata.name={name}")
    except SourceDenied as error:  # there may be a route
        rollouts, denied = [], error
    if len(rollouts) == 1:
        return _aborted(cluster, rollouts[0], weight)
    divided = [found for route in cluster.list(*ROUTES, namespace) for found in _divided(route, name)]
    if denied is not None and not divided:
        raise denied
    if len(divided) != 1:
        many = len(divided) or "no"
        raise UsageError(f"{many} rules of routes divide the traffic of {name}", "name its namespace, or do it by hand")
    route, rule, canary = divided[0]
    others = [each["name"] for each in route["spec"]["rules"][rule]["backendRefs"] if each["name"] != canary]
    if len(others) != 1:
        raise UsageError(f"{1 + len(others)} backends share the traffic of {name}", "set their weights by hand")
    shares = {canary: weight, others[0]: 100 - weight}
    place = f"/spec/rules/{rule}/backendRefs"
    fields = {f"{place}/{named(backend)}/weight": share for backend, share in shares.items()}
    blast = Blast(1, None, f"{weight} % of the traffic goes to the canary")
    return cluster.drafted(ref_of(route, *ROUTES), route, fields, blast)


def _aborted(cluster: Cluster, live: Mapping[str, Any], weight: int) -> Draft:
    """As `kubectl argo rollouts abort` does. Another weight is the next of its steps, which are its controller's."""
    if weight != 0:
        raise UsageError("a Rollout goes by its own steps", "to: stable ends it; anything else is its controller's")
    ref: Ref = {**ref_of(live, *ROLLOUTS), "sub": "status"}
    status = live.get("status") or {}
    if "stableRS" in status and status["stableRS"] == status.get("currentPodHash"):
        raise UsageError(f"{said(ref)} has no canary: all of it is its stable revision", "look for another remedy")
    blast = Blast(1, None, "all traffic goes back to what is stable; the rollout stops until it is tried again")
    warnings = ["its template stays the new one: undo that too, or the next retry begins anew"]
    return cluster.drafted(ref, live, {"/status/abort": True}, blast, warnings)


def _divided(route: Mapping[str, Any], name: str) -> Iterator[tuple[Mapping[str, Any], int, str]]:
    """(route, place of its rule, name of the canary) of each rule that divides the traffic of a workload."""
    for place, rule in enumerate(route["spec"].get("rules") or ()):
        names = [str(each.get("name")) for each in rule.get("backendRefs") or ()]
        canaries = [each for each in names if "canary" in each.split("-")]
        is_ours = any(each in (name, f"{name}-stable", f"{name}-canary") for each in names)
        if is_ours and len(names) > 1 and len(canaries) == 1:
            yield route, place, canaries[0]
