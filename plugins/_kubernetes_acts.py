"""Changing a cluster: blocking, for it runs in a child process of its own that is ended after each act.

Most acts set absolute values at paths of one object, in one JSON Patch whose tests hold the object to what it was when
the plan was made, and which leaves the act's key on it: so it is done once or not at all, and whoever looks later can
tell which. A Job is named after the key; a pod is ended by its uid.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from andon_plugins import _kubernetes_drafts as drafts
from andon_plugins._kubernetes_cluster import KEY, Cluster
from andon_plugins._kubernetes_door import Door, NotThere
from andon_plugins._kubernetes_models import flag, job_of, pause, retrain
from andon_plugins._kubernetes_objects import Ref, at, path_of
from andon_plugins._kubernetes_traffic import shift_weight

from console.errors import ActRefused, SourceError
from console.model import Act, Draft

EVICT_SECONDS = 15.0  # for all of a node's pods


class Acts:
    """An actuator over one API server."""

    def __init__(self, cluster: Cluster, *, feeds: str, retraining: str, flags: str) -> None:
        self.name = cluster.name
        self._cluster = cluster
        self._drafts: Mapping[str, drafts.Drafting] = {
            "kubernetes.scale": drafts.scale,
            "kubernetes.restart": drafts.restart,
            "kubernetes.undo": drafts.undo,
            "kubernetes.set_image": drafts.set_image,
            "kubernetes.set_env": drafts.set_env,
            "kubernetes.set_args": drafts.set_args,
            "kubernetes.patch_hpa": drafts.patch_hpa,
            "kubernetes.shift_weight": shift_weight,
            "kubernetes.evict": drafts.evict,
            "kubernetes.delete_pod": drafts.delete_pod,
            "kubernetes.cordon": drafts.cordon,
            "kubernetes.taint": drafts.taint,
            "kubernetes.drain": drafts.drain,
            "model.fallback": flag(flags, "fallback", "to", "true"),
            "model.quarantine_feature": flag(flags, "without.{feature}", "", "true"),
            "model.retrain": retrain(retraining),
            "pipeline.pause": pause(feeds),
        }

    def draft(self, action: str, options: Mapping[str, Any]) -> Draft:
        """What an action would change, by a dry run of the server where there is one for it."""
        return self._drafts[action](self._cluster, options)

    def act(self, act: Act, key: str) -> Mapping[str, Any]:
        """Do it, where the object is still what it was; what it is then."""
        ref = act.set["ref"]
        if "job" in act.set:
            where, made = job_of(ref, act.set["job"], key, KEY)
            self._cluster.door.change("POST", path_of({**where, "name": ""}), made)
            return {"job": where["name"]}
        if "end" in act.set:
            try:
                self._end(act.set, act.expect["uid"])
            except NotThere:
                raise ActRefused(f"{act.target} is not there any more", "make a new plan") from None
            return {}
        done = self._cluster.patch(ref, act.set["fields"], act.expect, key)
        if evict := act.set.get("evict"):
            self._evict(evict)
        left = {path: at(done, path) for path in act.set["fields"]}  # with what the server filled in
        return {"uid": done["metadata"]["uid"], "fields": left, "key": key}

    def did(self, act: Act, key: str) -> bool | None:
        """By what the act leaves; None where the object is another one, or somebody else acted since."""
        if "job" in act.set:
            where, _made = job_of(act.set["ref"], act.set["job"], key, KEY)
            return self._is_there({**where})
        if "end" in act.set:
            return not self._is_there({**act.set["ref"], "uid": act.expect["uid"]})
        try:
            live = self._cluster.get(act.set["ref"])
        except NotThere:
            return None
        if live["metadata"]["uid"] != act.expect.get("uid", live["metadata"]["uid"]):
            return None
        left = (live["metadata"].get("annotations") or {}).get(KEY)
        if left != key:
            return False if left == act.expect.get("key") else None
        if "sub" in act.set["ref"]:  # the key was left before
            return all(at(live, path) == value for path, value in act.set["fields"].items())
        return not any(self._is_there(pod) for pod in act.set.get("evict", ())) or None

    def close(self) -> None:
        """Let go of the connection."""
        self._cluster.door.close()

    def _evict(self, pods: Sequence[Mapping[str, str]]) -> None:
        """Ask each pod to go, again and again where a budget does not allow it yet. SourceError where some stay."""
        left = [*pods]
        deadline = time.monotonic() + EVICT_SECONDS
        why = ""
        while left and time.monotonic() < deadline:
            for pod in [*left]:
                try:
                    self._end({"ref": dict(pod), "end": "evict"}, pod["uid"])
                    left.remove(pod)
                except NotThere:
                    left.remove(pod)
                except ActRefused as error:
                    why = error.message
            time.sleep(0.5 if left else 0.0)
        if left:
            raise SourceError(f"{len(left)} of {len(pods)} pods are still there: {why}", "look at their budgets")

    def _end(self, how: Mapping[str, Any], uid: str) -> None:
        """Have one pod end: this one, and none of the same name that came after it."""
        ref: Ref = how["ref"]
        options = {"preconditions": {"uid": uid}}
        if how["end"] == "delete":
            grace = {"gracePeriodSeconds": 0} if how["force"] else {}
            self._cluster.door.change("DELETE", path_of(ref), {**options, **grace})
            return
        named = {"name": ref["name"], "namespace": ref["namespace"]}
        body = {"metadata": named, "deleteOptions": options}  # of no version: the server takes it as its own
        self._cluster.door.change("POST", f"{path_of(ref)}/eviction", body)

    def _is_there(self, ref: Mapping[str, str]) -> bool:
        """Whether an object is there: this very one, where its uid is told."""
        try:
            live = self._cluster.get(dict(ref))
        except NotThere:
            return False
        return "uid" not in ref or bool(live["metadata"]["uid"] == ref["uid"])


def open_acts(
    name: str,
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    timeout: float = 10.0,
    feeds: str = "{model}-feed",
    retraining: str = "{model}-retrain",
    flags: str = "{model}-flags",
) -> Acts:
    """The actuator out of its plain options. Raises ConfigError where nothing says how to get in."""
    cluster = Cluster(name, Door(name, kubeconfig, context, timeout))
    return Acts(cluster, feeds=feeds, retraining=retraining, flags=flags)
