"""A cluster to be changed: what is there, and one JSON Patch (RFC 6902) on one object that holds it to what it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from andon_plugins._kubernetes_door import Door, NotThere
from andon_plugins._kubernetes_objects import (
    Fields,
    Ref,
    at,
    differences,
    digest,
    holds_secret,
    is_secret,
    path_of,
    ref_of,
    said,
    setting,
    shown,
)

from console.errors import ActRefused, SourceDenied, SourceError, SourceMalformed, UsageError
from console.model import Blast, Change, Draft

KEY = "andon.dev/act"  # the annotation that says which act changed an object last
KEY_PATH = "/metadata/annotations/andon.dev~1act"
JSON_PATCH = "application/json-patch+json"
HOLDING = ("uid", "resourceVersion")  # that no other change comes in between: what is not there yet has no test
MOST_LOOKS = 5  # at an object that others change all the time
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
        """The draft of an act that sets these values, with what the server says would come of it.

        A plan keeps no secret: where one is replaced, its digest is what is expected, and nothing leads back.
        """
        before = {path: at(live, path) for path in fields}
        secret = {path: digest(value) for path, value in before.items() if holds_secret(value)}
        expect = {"uid": live["metadata"]["uid"], "digests": secret,
                  "fields": {path: value for path, value in before.items() if path not in secret},
                  "key": (live["metadata"].get("annotations") or {}).get(KEY)}  # fmt: skip
        if secret and is_reversible:
            is_reversible = False
            warnings = [*warnings, "what is there now holds a secret, which no plan keeps: it cannot be taken back"]
        would = self.tried(ref, fields, expect)
        if "sub" in ref:  # its controller's own reports stand beside
            each = ((path.strip("/").replace("/", "."), before[path], at(would, path)) for path in fields)
            changes = tuple(Change(path, was, now) for path, was, now in each if was != now)
        else:
            changes = tuple(differences(shown(live), shown(would), hides=is_secret))
        done: dict[str, Any] = {"ref": ref, "fields": fields}
        return Draft(said(ref), {**done, "evict": [*evict]} if evict else done, expect, changes,
                     {"ref": ref, "fields": before} if is_reversible else None, blast, tuple(warnings))  # fmt: skip

    def tried(self, ref: Ref, fields: Fields, expect: Mapping[str, Any]) -> dict[str, Any]:
        """What the object would be with these values, as its server's dry run says. UsageError where it refuses."""
        try:
            return self._set(ref, fields, expect, {"dryRun": "All"})
        except ActRefused as error:
            raise UsageError(f"{said(ref)} would not take this: {error.message}", error.hint) from None

    def patch(self, ref: Ref, fields: Fields, expect: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Set these values. Raises ActRefused where the object is not what was expected."""
        if "sub" not in ref:
            return self._set(ref, {**fields, KEY_PATH: key}, expect)
        whole = {name: told for name, told in ref.items() if name != "sub"}
        signed = self._set(whole, {KEY_PATH: key}, expect)  # such a part keeps no annotation: the key is left before
        return self._set(ref, fields, {**expect, "uid": signed["metadata"]["uid"]})

    def held(self, ref: Ref, expect: Mapping[str, Any]) -> dict[str, Any]:
        """The object, where it is what was expected; ActRefused where not, or where that cannot be seen."""
        try:
            live = self.get(ref)
        except NotThere:
            raise ActRefused(f"{said(ref)} is not there any more", "make a new plan") from None
        except SourceError as error:  # nothing was written yet
            raise ActRefused(error.message, error.hint or "make a new plan") from None
        left = (live["metadata"].get("annotations") or {}).get(KEY)
        if "uid" not in expect and left != expect["key"]:
            raise ActRefused(f"{said(ref)} was changed by somebody else since", "take it back by hand")
        if live["metadata"]["uid"] != expect.get("uid", live["metadata"]["uid"]):
            raise ActRefused(f"{said(ref)} is another one by now", "make a new plan")
        for path, before in expect.get("fields", {}).items():
            if (now := at(live, path)) != before:
                told = f"is {now} now" if isinstance(now, int | float) else "is another one now"
                raise ActRefused(f"{said(ref)} is not what it was: {path} {told}", "make a new plan")
        for path, before in expect.get("digests", {}).items():
            if digest(at(live, path)) != before:
                raise ActRefused(f"{said(ref)} is not what it was: {path} is another one now", "make a new plan")
        return live

    def _set(
        self, ref: Ref, fields: Fields, expect: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """One JSON Patch on exactly the version that was looked at; once more where another came in between."""
        seen, refusal = "", ActRefused("")
        for _ in range(MOST_LOOKS):
            live = self.held(ref, expect)
            meta = live["metadata"]
            if meta["resourceVersion"] == seen:
                break
            seen = meta["resourceVersion"]
            same = [{"op": "test", "path": f"/metadata/{name}", "value": meta[name]} for name in HOLDING]
            change = [each for path, value in fields.items() for each in setting(live, path, value)]
            try:
                path = "/".join(filter(None, (path_of(ref), ref.get("sub"))))
                return self._whole(
                    ref, self.door.change("PATCH", path, [*same, *change], content=JSON_PATCH, params=params)
                )
            except NotThere:
                raise ActRefused(f"{said(ref)} is not there any more", "make a new plan") from None
            except ActRefused as error:
                refusal = error
        raise refusal

    def get(self, ref: Ref) -> dict[str, Any]:
        """An object as it is. Raises NotThere."""
        return self._whole(ref, self.door.get(path_of(ref)))

    def _whole(self, ref: Ref, answer: dict[str, Any]) -> dict[str, Any]:
        if "uid" not in (answer.get("metadata") or {}):
            raise SourceMalformed(
                f"{self.name} does not answer as an API server about {said(ref)}", "check its address"
            )
        return answer

    def list(self, api: str, plural: str, namespace: str = "", **params: str) -> list[dict[str, Any]]:
        """All of one kind; none where this server has no such kind."""
        try:
            found = self.door.get(path_of({"api": api, "plural": plural, "namespace": namespace, "name": ""}), params)
        except NotThere:
            return []
        items: list[dict[str, Any]] = found.get("items") or []
        return items

    def readable(
        self, kinds: Iterable[tuple[str, str]], namespace: str, **params: str
    ) -> list[tuple[Ref, dict[str, Any]]]:
        """All of several kinds; a kind that may not be read is passed over, unless nothing else is found."""
        found: list[tuple[Ref, dict[str, Any]]] = []
        denied = None
        for api, plural in kinds:
            try:
                found += [(ref_of(each, api, plural), each) for each in self.list(api, plural, namespace, **params)]
            except SourceDenied as error:
                denied = error
        if denied is not None and not found:
            raise denied
        return found

    def workload(self, options: Mapping[str, Any]) -> tuple[Ref, dict[str, Any]]:
        """The one workload of this name. UsageError where there is none, or more than one."""
        name, namespace = options["workload"], options["namespace"] or ""
        kinds = [(api, plural) for api, plural, kind in WORKLOADS if options["kind"] in (None, kind)]
        found = self.readable(kinds, namespace, fieldSelector=f"metadata.name={name}")
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

    def named(self, plural: str, name: str, *apis: str, hint: str) -> tuple[Ref, dict[str, Any]]:
        """The one object that is called so, `namespace/name` or the name alone, of the first API that has any.

        UsageError, with the hint, where that is not one.
        """
        namespace, _, own = name.rpartition("/")
        for api in apis:
            found = self.list(api, plural, namespace, fieldSelector=f"metadata.name={own}")
            if found:
                break
        if len(found) != 1:
            where = f" in namespace {namespace}" if namespace else ""
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
