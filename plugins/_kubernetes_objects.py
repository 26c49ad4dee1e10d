"""Objects of a cluster as JSON: where they lie, how an operator names them, what differs, how much a change touches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.errors import UsageError
from console.model import Blast, Change

NOT_SHOWN = ("managedFields", "generation", "resourceVersion", "annotations", "creationTimestamp", "uid")

Ref = dict[str, str]  # api, plural, namespace, name; sub: the part of it that has a path of its own
Fields = dict[str, Any]  # JSON pointer -> value; None: not there


def ref_of(live: Mapping[str, Any], api: str, plural: str) -> Ref:
    """Where an object lies."""
    meta = live["metadata"]
    return {"api": api, "plural": plural, "namespace": meta.get("namespace", ""), "name": meta["name"]}


def path_of(ref: Ref) -> str:
    """The path of an object, or of a kind where it has no name."""
    root = f"/api/{ref['api']}" if "/" not in ref["api"] else f"/apis/{ref['api']}"
    namespace = f"/namespaces/{ref['namespace']}" if ref["namespace"] else ""
    return f"{root}{namespace}/{ref['plural']}" + (f"/{ref['name']}" if ref["name"] else "")


def said(ref: Ref) -> str:
    """As an operator names it: deployment prod/ranker."""
    where = f"{ref['namespace']}/" if ref["namespace"] else ""
    return f"{ref['plural'].removesuffix('s')} {where}{ref['name']}"


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def at(tree: Any, path: str) -> Any:
    """What stands at a JSON pointer (RFC 6901); None where nothing does."""
    for step in _steps(path):
        if isinstance(tree, list):
            tree = tree[int(step)] if int(step) < len(tree) else None
        else:
            tree = tree.get(step) if isinstance(tree, Mapping) else None
    return tree


def setting(live: Mapping[str, Any], path: str, now: Any, value: Any) -> list[dict[str, Any]]:
    """The operations that hold a path to what it is and give it a value; parents that are not there are made."""
    parts = path.split("/")
    made = [
        {"op": "add", "path": "/".join(parts[:depth]), "value": {}}
        for depth in range(2, len(parts))
        if at(live, "/".join(parts[:depth])) is None
    ]
    if now is None:
        return [] if value is None else [*made, {"op": "add", "path": path, "value": value}]
    test = {"op": "test", "path": path, "value": now}
    return [test, {"op": "remove", "path": path} if value is None else {"op": "replace", "path": path, "value": value}]


def shown(live: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object is worth comparing: all that is asked for, nothing that the server counts for itself."""
    meta = {name: told for name, told in live["metadata"].items() if name not in NOT_SHOWN}
    return {name: told for name, told in {**live, "metadata": meta}.items() if name != "status"}


def differences(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Each field that differs, as deep as it goes."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            yield from differences(before.get(name), after.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif before != after:
        yield Change(path, before, after)


def rolling(live: Mapping[str, Any]) -> Blast:
    """All pods of a workload are made anew, as many at once as its strategy lets be away."""
    replicas = int(live["spec"].get("replicas", 1))
    strategy = live["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return Blast(replicas, 1.0, f"all {replicas} pods stop, then new ones start")
    most = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%")
    away = replicas * int(most[:-1]) // 100 if isinstance(most, str) else int(most)
    share = min(away / replicas, 1.0) if replicas else 0.0
    return Blast(replicas, share, f"{replicas} pods are made anew, {away} away at once")


def container_of(live: Mapping[str, Any], name: str | None) -> tuple[str, dict[str, Any]]:
    """(JSON pointer, the container) of a workload's template; UsageError where the choice is open."""
    containers = live["spec"]["template"]["spec"]["containers"]
    for index, each in enumerate(containers):
        if each["name"] == name or (name is None and len(containers) == 1):
            return f"/spec/template/spec/containers/{index}", each
    names = ", ".join(each["name"] for each in containers)
    raise UsageError(f"which container? There are {names}", "give it in the remedy: with: {container: …}")


def revision(item: Mapping[str, Any]) -> int:
    """Of a rollout; 0 where it does not say."""
    told = (item["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", "0")
    return int(told) if told.isdecimal() else 0


def stays(pod: Mapping[str, Any]) -> bool:
    """Whether a drain leaves it: of a DaemonSet, the kubelet's own, or done."""
    owners = {owner["kind"] for owner in pod["metadata"].get("ownerReferences") or ()}
    is_mirror = "kubernetes.io/config.mirror" in (pod["metadata"].get("annotations") or {})
    return "DaemonSet" in owners or is_mirror or pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
