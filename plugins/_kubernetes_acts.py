"""Changing a cluster: blocking, for it runs in a child process of its own that is ended after each act.

Most acts set absolute values at paths of one object, in one JSON Patch whose tests hold the object to what it was when
the plan was made, and which leaves the act's key on it: so it is done once or not at all, and whoever looks later can
tell which. A Job is named after the key; a pod is ended by its uid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from andon_plugins import _kubernetes_drafts as drafts
from andon_plugins import _kubernetes_endings as endings
from andon_plugins import _kubernetes_revisions as revisions
from andon_plugins._kubernetes_cluster import KEY, Cluster
from andon_plugins._kubernetes_door import Door, NotThere
from andon_plugins._kubernetes_models import flag, is_made, make_job, pause, retrain
from andon_plugins._kubernetes_objects import at, digest
from andon_plugins._kubernetes_traffic import shift_weight

from console.model import Act, Draft


class Acts:
    """An actuator over one API server."""

    def __init__(self, cluster: Cluster, *, feeds: str, retraining: str, flags: str) -> None:
        self.name = cluster.name
        self._cluster = cluster
        self._drafts: Mapping[str, drafts.Drafting] = {
            "kubernetes.scale": drafts.scale,
            "kubernetes.restart": drafts.restart,
            "kubernetes.undo": revisions.undo,
            "kubernetes.set_image": drafts.set_image,
            "kubernetes.set_env": drafts.set_env,
            "kubernetes.set_args": drafts.set_args,
            "kubernetes.patch_hpa": drafts.patch_hpa,
            "kubernetes.shift_weight": shift_weight,
            "kubernetes.evict": endings.evict,
            "kubernetes.delete_pod": endings.delete_pod,
            "kubernetes.cordon": drafts.cordon,
            "kubernetes.taint": drafts.taint,
            "kubernetes.drain": endings.drain,
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
        if "jobs" in act.set:
            return {"job": make_job(self._cluster, act, key)}
        if "end" in act.set:
            endings.end(self._cluster, act)
            return {}
        if "revision" in act.set:
            fields = revisions.fields_of(self._cluster, act.set["revision"])
            done = self._cluster.patch(act.set["ref"], fields, act.expect, key)
            return {"uid": done["metadata"]["uid"], "digests": {p: digest(at(done, p)) for p in fields}, "key": key}
        done = self._cluster.patch(act.set["ref"], act.set["fields"], act.expect, key)
        if "evict" in act.set:
            endings.drained(self._cluster, act, key, done)
        left = {path: at(done, path) for path in act.set["fields"]}  # with what the server filled in
        return {"uid": done["metadata"]["uid"], "fields": left, "key": key}

    def did(self, act: Act, key: str) -> bool | None:
        """By what the act leaves; None where the object is another one, or somebody else acted since."""
        if "jobs" in act.set:
            return is_made(self._cluster, act, key)
        if "end" in act.set:
            return endings.has_ended(self._cluster, act)
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
        return endings.was_drained(self._cluster, act, live) if "evict" in act.set else True

    def close(self) -> None:
        """Let go of the connection."""
        self._cluster.door.close()


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
