"""A cluster to be changed: what is there, and one JSON Patch (RFC 6902) on one object that holds it to what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from andon_plugins._kubernetes_door import Door, NotThere
from andon_plugins._kubernetes_objects import Fields, Ref, at, differences, path_of, ref_of, said, setting, shown

from console.errors import ActRefused, SourceError, UsageError
from console.model import Blast, Draft

KEY = "andon.dev/act"  # the annotation that says which act changed an object last
KEY_PATH = "/metadata/annotations/andon.dev~1act"
JSON_PATCH = "application/json-patch+json"
WORKLOADS = (("apps/v1", "deployments", "Deployment"), ("apps/v1", "statefulsets", "StatefulSet"),
             ("apps/v1", "daemonsets", "DaemonSet"), ("argoproj.io/v1alpha1", "rollouts", "Rollout"))  # fmt: skip
SCALERS = (("autoscaling/v2", "horizontalpodautoscalers"), ("autoscaling/v1", "horizontalpodautoscalers"))


class Cluster:
    """One API server, by its configured name."""

    def __init__(self, name: str, door: Door) -> None:
        self.name = name
        self.door = door

    def drafted(
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
        before = {path: at(live, path) for path in fields}
        expect = {"uid": live["metadata"]["uid"], "fields": before,
                  "key": (live["metadata"].get("annotations") or {}).get(KEY)}  # fmt: skip
        try:
            would = self.patch(ref, fields, expect, None)
        except ActRefused as error:
            raise UsageError(f"{said(ref)} would not take this: {error.message}", error.hint) from None
        changes = tuple(differences(shown(live), shown(would)))
        done: dict[str, Any] = {"ref": ref, "fields": fields}
        return Draft(said(ref), {**done, "evict": [*evict]} if evict else done, expect, changes,
                     {"ref": ref, "fields": before} if is_reversible else None, blast, tuple(warnings))  # fmt: skip

    def patch(self, ref: Ref, fields: Fields, expect: Mapping[str, Any], key: str | None) -> dict[str, Any]:
        """One JSON Patch; without a key a dry run. Raises ActRefused where the object is not what was expected."""
        try:
            live = self.get(ref)
        except SourceError as error:  # nothing was written yet
            raise ActRefused(error.message, error.hint or "make a new plan") from None
        left = (live["metadata"].get("annotations") or {}).get(KEY)
        if "uid" not in expect and left != expect["key"]:
            raise ActRefused(f"{said(ref)} was changed by somebody else since", "take it back by hand")
        same = [{"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]}]
        if live["metadata"]["uid"] != expect.get("uid", live["metadata"]["uid"]):
            raise ActRefused(f"{said(ref)} is another one by now", "make a new plan")
        change, sign = [], []
        for path, value in fields.items():
            if (now := at(live, path)) != expect.get("fields", {path: now}).get(path):
                raise ActRefused(f"{said(ref)} is not what it was: {path} is {now!r} now", "make a new plan")
            change += setting(live, path, now, value)
        if key is not None:
            sign = setting(live, KEY_PATH, left, key)
        params = None if key is not None else {"dryRun": "All"}
        path = path_of(ref)
        try:
            if "sub" in ref:  # such a part keeps no annotation: the key is left on the whole, and before
                if sign:
                    self.door.change("PATCH", path, [*same, *sign], content=JSON_PATCH)
                path, sign = f"{path}/{ref['sub']}", []
            return self.door.change("PATCH", path, [*same, *change, *sign], content=JSON_PATCH, params=params)
        except NotThere:
            raise ActRefused(f"{said(ref)} is not there any more", "make a new plan") from None

    def get(self, ref: Ref) -> dict[str, Any]:
        """An object as it is. Raises NotThere."""
        return self.door.get(path_of(ref))

    def list(self, api: str, plural: str, namespace: str = "", **params: str) -> list[dict[str, Any]]:
        """All of one kind; none where this server has no such kind."""
        try:
            found = self.door.get(path_of({"api": api, "plural": plural, "namespace": namespace, "name": ""}), params)
        except NotThere:
            return []
        items: list[dict[str, Any]] = found.get("items") or []
        return items

    def workload(self, options: Mapping[str, Any]) -> tuple[Ref, dict[str, Any]]:
        """The one workload of this name. UsageError where there is none, or more than one."""
        name, namespace = options["workload"], options["namespace"] or ""
        found = [
            ({"api": api, "plural": plural, "namespace": each["metadata"]["namespace"], "name": name}, each)
            for api, plural, kind in WORKLOADS
            if options["kind"] in (None, kind)
            for each in self.list(api, plural, namespace, fieldSelector=f"metadata.name={name}")
        ]
        if len(found) == 1:
            return found[0]
        where = f" in namespace {namespace}" if namespace else ""
        if not found:
            raise UsageError(f"{self.name} has no workload {name!r}{where}", "name one in the remedy")
        names = ", ".join(said(ref) for ref, _live in found)
        raise UsageError(f"{name!r} may be {names}", "give its namespace and kind in the remedy")

    def node(self, options: Mapping[str, Any]) -> tuple[Ref, dict[str, Any]]:
        """A node by name; UsageError where there is none."""
        ref = {"api": "v1", "plural": "nodes", "namespace": "", "name": options["node"]}
        try:
            return ref, self.get(ref)
        except NotThere:
            raise UsageError(f"{self.name} has no node {options['node']!r}", "kubectl get nodes") from None

    def named(self, plural: str, name: str, *apis: str) -> tuple[Ref, dict[str, Any]]:
        """The one object that is called so, `namespace/name` or the name alone, of the first API that has any.

        UsageError where that is not one.
        """
        namespace, _, own = name.rpartition("/")
        for api in apis:
            found = self.list(api, plural, namespace, fieldSelector=f"metadata.name={own}")
            if found:
                break
        if len(found) != 1:
            where = f" in namespace {namespace}" if namespace else ""
            hint = "set its name in the actuator's table, with its namespace: ml/ranker-feed"
            raise UsageError(f"{self.name} has {len(found) or 'no'} {plural} called {own!r}{where}", hint)
        return ref_of(found[0], api, plural), found[0]

    def scalers(self, ref: Ref) -> list[dict[str, Any]]:
        """The autoscalers of a workload."""
        kinds = {plural: kind for _api, plural, kind in WORKLOADS}
        for api, plural in SCALERS:
            found = self.list(api, plural, ref["namespace"])
            mine = [
                {**each, "apiVersion": api} for each in found
                if each["spec"]["scaleTargetRef"]["name"] == ref["name"]
                and each["spec"]["scaleTargetRef"]["kind"] == kinds.get(ref["plural"])
            ]  # fmt: skip
            if mine:
                return mine
        return []

    def replica_sets(self, live: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Those of a Deployment, one for each revision."""
        meta = live["metadata"]
        found = self.list("apps/v1", "replicasets", meta["namespace"])
        return [
            each for each in found
            if any(owner["uid"] == meta["uid"] for owner in each["metadata"].get("ownerReferences") or ())
        ]  # fmt: skip
