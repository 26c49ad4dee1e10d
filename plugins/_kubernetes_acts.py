"""Changing a cluster: blocking, for it runs in a child process of its own that is ended after each act.

An act sets absolute values at paths of one object, in one JSON Patch (RFC 6902) whose tests hold the object to what it
was when the plan was made, and which leaves the act's key on it: so it is done once or not at all, and whoever looks
later can tell which.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from andon_plugins._kubernetes_door import Door, NotThere

from console.errors import ActRefused, SourceError, UsageError
from console.model import Act, Blast, Change, Draft

KEY = "andon.dev/act"  # the annotation that says which act changed an object last
KEY_PATH = "/metadata/annotations/andon.dev~1act"
JSON_PATCH = "application/json-patch+json"
RESTARTED = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"
WORKLOADS = (("apps/v1", "deployments", "Deployment"), ("apps/v1", "statefulsets", "StatefulSet"),
             ("apps/v1", "daemonsets", "DaemonSet"), ("argoproj.io/v1alpha1", "rollouts", "Rollout"))  # fmt: skip
SCALERS = (("autoscaling/v2", "horizontalpodautoscalers"), ("autoscaling/v1", "horizontalpodautoscalers"))
NOT_SHOWN = ("managedFields", "generation", "resourceVersion", "annotations", "creationTimestamp", "uid")
EVICT_SECONDS = 15.0  # for all of a node's pods
MOST_REPLICAS = 1000

Ref = dict[str, str]  # api, plural, namespace, name
Fields = dict[str, Any]  # JSON pointer -> value; None: not there


class Acts:
    """An actuator over one API server."""

    def __init__(self, name: str, door: Door) -> None:
        self.name = name
        self._door = door
        self._plans: Mapping[str, Callable[[Mapping[str, Any]], Draft]] = {
            "kubernetes.scale": self._scale,
            "kubernetes.restart": self._restart,
            "kubernetes.undo": self._undo,
            "kubernetes.set_image": self._set_image,
            "kubernetes.set_env": self._set_env,
            "kubernetes.patch_hpa": self._patch_hpa,
            "kubernetes.cordon": self._cordon,
            "kubernetes.taint": self._taint,
            "kubernetes.drain": self._drain,
        }

    def draft(self, action: str, options: Mapping[str, Any]) -> Draft:
        """What an action would change, by a dry run of the server where there is one for it."""
        return self._plans[action](options)

    def act(self, act: Act, key: str) -> Mapping[str, Any]:
        """Set the values, where the object is still what it was; what it is then."""
        ref, fields = act.set["ref"], act.set["fields"]
        done = self._patch(ref, fields, act.expect, key)
        if evict := act.set.get("evict"):
            self._evict(evict)
        left = {path: _at(done, path) for path in fields}  # with what the server filled in
        return {"uid": done["metadata"]["uid"], "fields": left, "key": key}

    def did(self, act: Act, key: str) -> bool | None:
        """By the key on the object; None where the object is another one, or somebody else acted since."""
        try:
            live = self._get(act.set["ref"])
        except NotThere:
            return None
        if live["metadata"]["uid"] != act.expect.get("uid", live["metadata"]["uid"]):
            return None
        left = (live["metadata"].get("annotations") or {}).get(KEY)
        if left == key:
            return not any(self._is_there(pod) for pod in act.set.get("evict", ())) or None
        return False if left == act.expect.get("key") else None

    def close(self) -> None:
        """Let go of the connection."""
        self._door.close()

    # ── what each action would set ───────────────────────────────────────────────────────────────────────────────────

    def _scale(self, options: Mapping[str, Any]) -> Draft:
        ref, live = self._workload(options)
        now = int(live["spec"].get("replicas", 1))
        to = options["replicas"] if options["replicas"] is not None else now + options["by"]
        to = min(max(to, 0), MOST_REPLICAS)
        warnings = ["it stops serving: no replica is left"] if to == 0 and now > 0 else []
        for scaler in self._scalers(ref):
            spec = scaler["spec"]
            least, most = spec.get("minReplicas", 1), spec["maxReplicas"]
            if not least <= to <= most:
                warnings.append(f"autoscaler {scaler['metadata']['name']} holds it within {least} and {most}")
        share = max(now - to, 0) / now if now else 0.0
        blast = Blast(abs(to - now), share, f"{now} → {to} replicas")
        return self._drafted(ref, live, {"/spec/replicas": to}, blast, warnings)

    def _restart(self, options: Mapping[str, Any]) -> Draft:
        ref, live = self._workload(options)
        fields = {RESTARTED: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        return self._drafted(ref, live, fields, _rolling(live), is_reversible=False)

    def _undo(self, options: Mapping[str, Any]) -> Draft:
        ref, live = self._workload(options)
        if ref["plural"] != "deployments":
            raise UsageError(f"{_said(ref)} has no revisions that this can go back to", "set the image instead")
        revisions = sorted(self._replica_sets(live), key=_revision)
        present = _revision(live)
        wanted = options["revision"]
        able = [each for each in revisions if (_revision(each) == wanted if wanted else _revision(each) < present)]
        if not able:
            known = ", ".join(str(_revision(each)) for each in revisions)
            raise UsageError(f"{_said(ref)} has no revision to go back to", f"it has {known or 'none'}")
        template = able[-1]["spec"]["template"]
        template["metadata"]["labels"].pop("pod-template-hash", None)
        warnings = [f"back to revision {_revision(able[-1])} of {present}"]
        return self._drafted(ref, live, {"/spec/template": template}, _rolling(live), warnings)

    def _set_image(self, options: Mapping[str, Any]) -> Draft:
        ref, live = self._workload(options)
        at, _container = _container_of(live, options["container"])
        return self._drafted(ref, live, {f"{at}/image": options["image"]}, _rolling(live))

    def _set_env(self, options: Mapping[str, Any]) -> Draft:
        ref, live = self._workload(options)
        at, container = _container_of(live, options["container"])
        kept = [each for each in container.get("env") or [] if each["name"] not in options["env"]]
        env = [*kept, *({"name": name, "value": value} for name, value in options["env"].items())]
        return self._drafted(ref, live, {f"{at}/env": env}, _rolling(live))

    def _patch_hpa(self, options: Mapping[str, Any]) -> Draft:
        ref, _live = self._workload(options)
        scalers = self._scalers(ref)
        if len(scalers) != 1:
            raise UsageError(f"{_said(ref)} has {len(scalers)} autoscalers", "scale the workload itself")
        meta, spec = scalers[0]["metadata"], scalers[0]["spec"]
        own = {"api": scalers[0]["apiVersion"], "plural": SCALERS[0][1], "namespace": meta["namespace"],
               "name": meta["name"]}  # fmt: skip
        least, most = spec.get("minReplicas", 1) + options["least_by"], spec["maxReplicas"] + options["most_by"]
        fields = {"/spec/minReplicas": options["least"] or least, "/spec/maxReplicas": options["most"] or most}
        if not 1 <= fields["/spec/minReplicas"] <= fields["/spec/maxReplicas"]:
            raise UsageError("an autoscaler's least replicas are at most its most", "give least or most")
        return self._drafted(own, self._get(own), fields, Blast(1, 0.0, "the autoscaler's bounds"))

    def _cordon(self, options: Mapping[str, Any]) -> Draft:
        ref, live = self._node(options)
        blast = Blast(1, 0.0, "no new pods on this node; those that run there stay")
        return self._drafted(ref, live, {"/spec/unschedulable": True}, blast)

    def _taint(self, options: Mapping[str, Any]) -> Draft:
        ref, live = self._node(options)
        taint = {"key": options["key"], "value": options["value"], "effect": options["effect"]}
        same = ("key", "effect")
        kept = [each for each in live["spec"].get("taints") or [] if any(each.get(k) != taint[k] for k in same)]
        blast = Blast(1, None if taint["effect"] == "NoExecute" else 0.0, "pods that do not tolerate it stay away")
        return self._drafted(ref, live, {"/spec/taints": [*kept, taint]}, blast)

    def _drain(self, options: Mapping[str, Any]) -> Draft:
        ref, live = self._node(options)
        pods = [each for each in self._list("v1", "pods", fieldSelector=f"spec.nodeName={ref['name']}")
                if not _stays(each)]  # fmt: skip
        evict = [{"api": "v1", "plural": "pods", "namespace": each["metadata"]["namespace"],
                  "name": each["metadata"]["name"], "uid": each["metadata"]["uid"]} for each in pods]  # fmt: skip
        alone = [f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in pods
                 if not each["metadata"].get("ownerReferences")]  # fmt: skip
        warnings = [f"nothing makes them anew: {', '.join(alone)}"] if alone else []
        blast = Blast(1 + len(evict), None, f"{len(evict)} pods move to other nodes, as their budgets allow")
        made = self._drafted(ref, live, {"/spec/unschedulable": True}, blast, warnings, evict=evict)
        moved = tuple(Change(f"pod {each['namespace']}/{each['name']}", ref["name"], "elsewhere") for each in evict)
        return Draft(made.target, made.set, made.expect, (*made.changes, *moved), None if alone else made.restore,
                     made.blast, made.warnings)  # fmt: skip

    # ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _drafted(
        self,
        ref: Ref,
        live: Mapping[str, Any],
        fields: Fields,
        blast: Blast,
        warnings: Sequence[str] = (),
        *,
        is_reversible: bool = True,
        evict: Sequence[Mapping[str, str]] = (),
    ) -> Draft:
        """The draft of an act that sets these values, with what the server says would come of it."""
        before = {path: _at(live, path) for path in fields}
        expect = {"uid": live["metadata"]["uid"], "fields": before,
                  "key": (live["metadata"].get("annotations") or {}).get(KEY)}  # fmt: skip
        try:
            would = self._patch(ref, fields, expect, None)
        except ActRefused as error:
            raise UsageError(f"{_said(ref)} would not take this: {error.message}", error.hint) from None
        changes = tuple(_differences(_shown(live), _shown(would)))
        done: dict[str, Any] = {"ref": ref, "fields": fields}
        return Draft(_said(ref), {**done, "evict": [*evict]} if evict else done, expect, changes,
                     {"ref": ref, "fields": before} if is_reversible else None, blast, tuple(warnings))  # fmt: skip

    def _patch(self, ref: Ref, fields: Fields, expect: Mapping[str, Any], key: str | None) -> dict[str, Any]:
        """One JSON Patch; without a key a dry run. Raises ActRefused where the object is not what was expected."""
        live = self._get(ref)
        patch = [{"op": "test", "path": "/metadata/uid", "value": expect["uid"]}]
        for path, value in fields.items():
            if (now := _at(live, path)) != expect["fields"].get(path):
                raise ActRefused(f"{_said(ref)} is not what it was: {path} is {now!r} now", "make a new plan")
            patch += _set(live, path, now, value)
        if key is not None:
            left = (live["metadata"].get("annotations") or {}).get(KEY)
            patch += _set(live, KEY_PATH, left, key)
        params = None if key is not None else {"dryRun": "All"}
        try:
            return self._door.change("PATCH", _path(ref), patch, content=JSON_PATCH, params=params)
        except NotThere:
            raise ActRefused(f"{_said(ref)} is not there any more", "make a new plan") from None

    def _evict(self, pods: Sequence[Mapping[str, str]]) -> None:
        """Ask each pod to go, again and again where a budget does not allow it yet. SourceError where some stay."""
        left = [*pods]
        deadline = time.monotonic() + EVICT_SECONDS
        why = ""
        while left and time.monotonic() < deadline:
            for pod in [*left]:
                body = {"apiVersion": "policy/v1beta1", "kind": "Eviction",
                        "metadata": {"name": pod["name"], "namespace": pod["namespace"]},
                        "deleteOptions": {"preconditions": {"uid": pod["uid"]}}}  # fmt: skip
                try:
                    self._door.change("POST", f"{_path(dict(pod))}/eviction", body)
                    left.remove(pod)
                except NotThere:
                    left.remove(pod)
                except ActRefused as error:
                    why = error.message
            time.sleep(0.5 if left else 0.0)
        if left:
            raise SourceError(f"{len(left)} of {len(pods)} pods are still there: {why}", "look at their budgets")

    def _is_there(self, pod: Mapping[str, str]) -> bool:
        try:
            return bool(self._get(dict(pod))["metadata"]["uid"] == pod["uid"])
        except NotThere:
            return False

    def _get(self, ref: Ref) -> dict[str, Any]:
        return self._door.get(_path(ref))

    def _list(self, api: str, plural: str, namespace: str = "", **params: str) -> list[dict[str, Any]]:
        """All of one kind; none where this server has no such kind."""
        try:
            found = self._door.get(_path({"api": api, "plural": plural, "namespace": namespace, "name": ""}), params)
        except NotThere:
            return []
        items: list[dict[str, Any]] = found.get("items") or []
        return items

    def _workload(self, options: Mapping[str, Any]) -> tuple[Ref, dict[str, Any]]:
        """The one workload of this name. UsageError where there is none, or more than one."""
        name, namespace = options["workload"], options["namespace"] or ""
        found = [
            ({"api": api, "plural": plural, "namespace": each["metadata"]["namespace"], "name": name}, each)
            for api, plural, kind in WORKLOADS
            if options["kind"] in (None, kind)
            for each in self._list(api, plural, namespace, fieldSelector=f"metadata.name={name}")
        ]
        if len(found) == 1:
            return found[0]
        where = f" in namespace {namespace}" if namespace else ""
        if not found:
            raise UsageError(f"{self.name} has no workload {name!r}{where}", "name one in the remedy")
        names = ", ".join(_said(ref) for ref, _live in found)
        raise UsageError(f"{name!r} may be {names}", "give its namespace and kind in the remedy")

    def _node(self, options: Mapping[str, Any]) -> tuple[Ref, dict[str, Any]]:
        ref = {"api": "v1", "plural": "nodes", "namespace": "", "name": options["node"]}
        try:
            return ref, self._get(ref)
        except NotThere:
            raise UsageError(f"{self.name} has no node {options['node']!r}", "kubectl get nodes") from None

    def _scalers(self, ref: Ref) -> list[dict[str, Any]]:
        kinds = {plural: kind for _api, plural, kind in WORKLOADS}
        for api, plural in SCALERS:
            found = self._list(api, plural, ref["namespace"])
            mine = [
                {**each, "apiVersion": api} for each in found
                if each["spec"]["scaleTargetRef"]["name"] == ref["name"]
                and each["spec"]["scaleTargetRef"]["kind"] == kinds.get(ref["plural"])
            ]  # fmt: skip
            if mine:
                return mine
        return []

    def _replica_sets(self, live: Mapping[str, Any]) -> list[dict[str, Any]]:
        meta = live["metadata"]
        found = self._list("apps/v1", "replicasets", meta["namespace"])
        return [
            each for each in found
            if any(owner["uid"] == meta["uid"] for owner in each["metadata"].get("ownerReferences") or ())
        ]  # fmt: skip


def open_acts(name: str, *, kubeconfig: str | None = None, context: str | None = None, timeout: float = 10.0) -> Acts:
    """The actuator out of its plain options. Raises ConfigError where nothing says how to get in."""
    return Acts(name, Door(name, kubeconfig, context, timeout))


# ── objects as JSON ──────────────────────────────────────────────────────────────────────────────────────────────────


def _path(ref: Ref) -> str:
    root = f"/api/{ref['api']}" if "/" not in ref["api"] else f"/apis/{ref['api']}"
    namespace = f"/namespaces/{ref['namespace']}" if ref["namespace"] else ""
    return f"{root}{namespace}/{ref['plural']}" + (f"/{ref['name']}" if ref["name"] else "")


def _said(ref: Ref) -> str:
    """As an operator names it: deployment prod/ranker."""
    where = f"{ref['namespace']}/" if ref["namespace"] else ""
    return f"{ref['plural'].removesuffix('s')} {where}{ref['name']}"


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _at(tree: Any, path: str) -> Any:
    """What stands at a JSON pointer (RFC 6901); None where nothing does."""
    for step in _steps(path):
        if isinstance(tree, list):
            tree = tree[int(step)] if int(step) < len(tree) else None
        else:
            tree = tree.get(step) if isinstance(tree, Mapping) else None
    return tree


def _set(live: Mapping[str, Any], path: str, now: Any, value: Any) -> list[dict[str, Any]]:
    """The operations that hold a path to what it is and give it a value; parents that are not there are made."""
    parts = path.split("/")
    made = [
        {"op": "add", "path": "/".join(parts[:depth]), "value": {}}
        for depth in range(2, len(parts))
        if _at(live, "/".join(parts[:depth])) is None
    ]
    if now is None:
        return [] if value is None else [*made, {"op": "add", "path": path, "value": value}]
    test = {"op": "test", "path": path, "value": now}
    return [test, {"op": "remove", "path": path} if value is None else {"op": "replace", "path": path, "value": value}]


def _shown(live: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object is worth comparing: all that is asked for, nothing that the server counts for itself."""
    meta = {name: told for name, told in live["metadata"].items() if name not in NOT_SHOWN}
    return {name: told for name, told in {**live, "metadata": meta}.items() if name != "status"}


def _differences(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            yield from _differences(before.get(name), after.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f"{path}[{index}]")
    elif before != after:
        yield Change(path, before, after)


def _rolling(live: Mapping[str, Any]) -> Blast:
    """All pods of a workload are made anew, as many at once as its strategy lets be away."""
    replicas = int(live["spec"].get("replicas", 1))
    strategy = live["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return Blast(replicas, 1.0, f"all {replicas} pods stop, then new ones start")
    most = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%")
    away = replicas * int(most[:-1]) // 100 if isinstance(most, str) else int(most)
    share = min(away / replicas, 1.0) if replicas else 0.0
    return Blast(replicas, share, f"{replicas} pods are made anew, {away} away at once")


def _container_of(live: Mapping[str, Any], name: str | None) -> tuple[str, dict[str, Any]]:
    """(JSON pointer, the container) of a workload's template; UsageError where the choice is open."""
    containers = live["spec"]["template"]["spec"]["containers"]
    for index, each in enumerate(containers):
        if each["name"] == name or (name is None and len(containers) == 1):
            return f"/spec/template/spec/containers/{index}", each
    names = ", ".join(each["name"] for each in containers)
    raise UsageError(f"which container? There are {names}", "give it in the remedy: with: {container: …}")


def _revision(item: Mapping[str, Any]) -> int:
    told = (item["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", "0")
    return int(told) if told.isdecimal() else 0


def _stays(pod: Mapping[str, Any]) -> bool:
    """Whether a drain leaves it: of a DaemonSet, the kubelet's own, or done."""
    owners = {owner["kind"] for owner in pod["metadata"].get("ownerReferences") or ()}
    is_mirror = "kubernetes.io/config.mirror" in (pod["metadata"].get("annotations") or {})
    return "DaemonSet" in owners or is_mirror or pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
