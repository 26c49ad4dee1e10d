"""A cluster as a source: blocking, for it runs in a child that may be ended at any call.

Every resource is mirrored by a thread of its own; a question is answered from what they hold, so what andon costs the
API server does not depend on how often andon asks.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from andon_plugins import _kubernetes_events as told
from andon_plugins import _kubernetes_logs as logs
from andon_plugins import _kubernetes_records as records
from andon_plugins import _kubernetes_signals as signals
from andon_plugins._kubernetes_door import Door, NotThere
from andon_plugins._kubernetes_mirror import Mirror, Resource
from andon_plugins._kubernetes_pods import pod
from andon_plugins._kubernetes_records import Owner, Pod, Revision
from andon_plugins._kubernetes_templates import Facts, facts
from andon_plugins._kubernetes_things import things, wanted
from andon_plugins._kubernetes_workloads import SHAPES, workload

from console.errors import SourceBusy, SourceDenied, SourceError
from console.model import Event, LogLine, Reading, Span, Thing
from console.sources.types import LogRequest, SourceStatus

SETTLE_SECONDS = 6.0  # that a question waits for the first lists; less than whoever asks waits for us
DISCOVER_AGAIN_SECONDS = 300.0  # for kinds that come later
MOST_LOOKS = 40  # at templates, for one question
KEPT_LOOKS = 2000
COLLECTIONS = (
    50_000,
    20,
    100,
)  # a page of a list is many small things without cycles: looking for them doubled its time

# Of the cluster's own events only these are asked for: there are many others.
EVENTS_ASKED = ("type=Warning", f"reason={told.SCALED}")


class Kubernetes:
    """Collectable, EventReader, LogReader, ObjectReader and Checkable."""

    def __init__(self, name: str, door: Door, namespaces: Sequence[str] = (), model_label: Sequence[str] = ()) -> None:
        self.name = name
        self._door = door
        self._namespaces: Sequence[str | None] = [*namespaces] or [None]
        self._labels = tuple(model_label)
        self._mirrors: dict[tuple[str, str, str], list[Mirror[Any]]] = {}  # by group, plural and fields
        self._version = ""
        self._discovered = 0.0
        self._losses = signals.Losses()
        self._seen: dict[tuple[Owner, int], float] = {}  # when a revision was seen to become the newest
        self._facts: dict[str, Facts | None] = {}

    def collect(self, now: float) -> Sequence[Reading]:
        """The samples of every workload and node. Raises SourceError where neither pods nor workloads are known."""
        self._begin()
        found: list[Reading] = []
        troubles: list[SourceError] = []
        pods: list[Pod] = self._of("", "pods", troubles)
        workloads = self._workloads(troubles)
        if pods or workloads:
            newest = signals.newest_hashes(workloads, self._revisions())
            tallies = signals.tally(pods, newest)
            scalers = self._of("autoscaling", "horizontalpodautoscalers")
            found += signals.of_workloads(now, workloads, tallies, newest, scalers, self._losses)
        found += signals.of_nodes(now, self._of("", "nodes"), pods)
        if not found and troubles:
            raise troubles[0]
        return found

    def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        """What changed and what was warned of within the span, in order of time."""
        wanted = set(kinds or told.KINDS) & set(told.KINDS)
        if not wanted:
            return ()
        self._begin()
        troubles: list[SourceError] = []
        workloads = self._workloads(troubles if wanted & {"config", "stalled"} else None)
        found: list[Event] = []
        if wanted & {"deploy", "rollback"}:
            revisions = self._revisions(troubles)
            looks = iter(range(MOST_LOOKS))
            found += told.of_revisions(self.name, span, revisions, {each.owner: each for each in workloads}, self._seen,
                                       partial(self._look, looks))  # fmt: skip
        if "config" in wanted:
            found += told.of_configs(self.name, span, self._of("", "configmaps", troubles), workloads)
        if "stalled" in wanted:
            found += told.of_stalls(self.name, span, workloads)
        if "node" in wanted:
            found += told.of_nodes(self.name, span, self._of("", "nodes", troubles))
        if wanted & {"restart", "oom"}:
            found += told.of_deaths(self.name, span, self._of("", "pods", troubles))
        if wanted & {"warning", "restart", "oom", "scale", "node", "unschedulable"}:
            owner_of = self._owner_of()
            for fields in EVENTS_ASKED:
                said = self._of("", "events", troubles, fields)
                found += told.of_what_was_said(self.name, span, said, owner_of)
        if busy := next((trouble for trouble in troubles if isinstance(trouble, SourceBusy)), None):
            raise busy  # what is not listed yet would read as what never was
        if not found and troubles and (kinds or not self._knows_something()):
            raise troubles[0]  # that nothing of these kinds happened is more than we know
        return sorted((each for each in found if each.kind in wanted), key=lambda event: event.time)

    def logs(self, request: LogRequest) -> Sequence[LogLine]:
        """The last lines of the pods that the request is about, the worst of them first to be read."""
        self._begin()
        pods: list[Pod] = self._must("", "pods")
        return logs.lines(self._door, logs.wanted(pods, request.where), request)

    def objects(self, kind: str, name: str) -> Sequence[Thing]:
        """Pods, workloads, nodes and autoscalers as the mirrors have them, the troubled ones first."""
        self._begin()
        troubles: list[SourceError] = []
        pods, nodes = self._of("", "pods", troubles), self._of("", "nodes")
        found = things(pods, self._workloads(troubles), nodes, self._of("autoscaling", "horizontalpodautoscalers"))
        if not found and troubles:
            raise troubles[0]
        return wanted(found, kind, name)

    def check(self) -> SourceStatus:
        """What there is, and which permissions are missing. Raises SourceError where nothing can be read."""
        began = time.monotonic()
        readings = self.collect(time.time())
        have = [f"Kubernetes {self._version}"]
        for group, plural, one in (("", "nodes", "node"), ("", "pods", "pod")):
            count = len(self._of(group, plural))
            have.append(f"{count:,} {one}{'s' * (count != 1)}")
        have.append(f"{len(self._workloads()):,} workloads")
        lacking = [
            mirror.trouble.message for mirror in self._all()
            if mirror.trouble is not None and not isinstance(mirror.trouble, NotThere)
        ]  # fmt: skip
        return SourceStatus(
            self.name, "kubernetes", "ok", "; ".join([", ".join(have), *dict.fromkeys(lacking)]),
            signals=tuple(sorted({reading.series.signal for reading in readings})),
            newest=time.time(), seconds=time.monotonic() - began,
        )  # fmt: skip

    def close(self) -> None:
        """Begin nothing new."""
        for mirror in self._all():
            mirror.stop()
        self._door.close()

    # ── mirrors ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        """Start what is not mirrored yet, and wait a moment for the first lists."""
        deadline = time.monotonic() + SETTLE_SECONDS
        if not self._mirrors or time.monotonic() - self._discovered > DISCOVER_AGAIN_SECONDS:
            self._discover()
        for mirror in self._all():
            mirror.settled.wait(max(0.0, deadline - time.monotonic()))

    def _discover(self) -> None:
        """Ask which groups and versions there are, and mirror what we know of them."""
        self._version = self._version or str(self._door.get("/version").get("gitVersion", ""))
        groups = {str(each["name"]): each for each in self._door.get("/apis").get("groups") or ()}
        self._discovered = time.monotonic()
        label = self._labels
        core: list[tuple[Resource, Callable[[dict[str, Any]], Any], Callable[..., None] | None]] = [
            (Resource("", "v1", "pods"), lambda item: pod(item, label, time.time()), self._losses.note),
            (Resource("", "v1", "nodes", namespaced=False), records.node, None),
            (Resource("", "v1", "configmaps", metadata_only=True), records.config, None),
            *((Resource("", "v1", "events", fields=fields), records.said, None) for fields in EVENTS_ASKED),
        ]
        others: tuple[tuple[str, str, bool, Callable[[dict[str, Any]], Any], Callable[..., None] | None], ...] = (
            ("apps", "replicasets", True, records.revision, self._revised),
            ("apps", "controllerrevisions", False, records.revision, self._revised),
            ("autoscaling", "horizontalpodautoscalers", False, records.scaler, None),
        )
        for group, plural, metadata_only, keep, changed in others:
            if (version := self._served(groups, group, plural)) is not None:
                core.append((Resource(group, version, plural, metadata_only=metadata_only), keep, changed))
        for shape in SHAPES:
            if (version := self._served(groups, shape.group, shape.plural)) is not None:
                resource = Resource(shape.group, version, shape.plural)
                core.append((resource, partial(workload, shape=shape, labels=label), None))
        for resource, keep, changed in core:
            key = (resource.group, resource.plural, resource.fields)
            if key not in self._mirrors:
                self._mirrors[key] = [
                    Mirror(self._door, resource, namespace, keep, **({"changed": changed} if changed else {}))
                    for namespace in (self._namespaces if resource.namespaced else [None])
                ]
                for mirror in self._mirrors[key]:
                    mirror.start()

    def _served(self, groups: Mapping[str, Any], group: str, plural: str) -> str | None:
        """The version in which a group has a resource: the preferred one before the others; None where none has."""
        told_of = groups.get(group)
        if told_of is None or (group, plural, "") in self._mirrors:
            return None
        preferred = str((told_of.get("preferredVersion") or {}).get("version", ""))
        versions = [str(each["version"]) for each in told_of.get("versions") or ()]
        for version in sorted(versions, key=lambda each: each != preferred):
            try:
                found = self._door.get(f"/apis/{group}/{version}").get("resources") or ()
            except NotThere:
                continue
            if any(each.get("name") == plural for each in found):
                return version
        return None

    def _all(self) -> list[Mirror[Any]]:
        return [mirror for those in self._mirrors.values() for mirror in those]

    def _of(self, group: str, plural: str, troubles: list[SourceError] | None = None, fields: str = "") -> list[Any]:
        """All records of one kind; what cannot be read is added to `troubles`."""
        found: list[Any] = []
        for mirror in self._mirrors.get((group, plural, fields), ()):
            try:
                found += mirror.now()
            except SourceError as error:
                if troubles is not None:
                    troubles.append(error)
        return found

    def _must(self, group: str, plural: str) -> list[Any]:
        troubles: list[SourceError] = []
        found = self._of(group, plural, troubles)
        if not found and troubles:
            raise troubles[0]
        return found

    def _workloads(self, troubles: list[SourceError] | None = None) -> list[records.Workload]:
        return [each for shape in SHAPES for each in self._of(shape.group, shape.plural, troubles)]

    def _revisions(self, troubles: list[SourceError] | None = None) -> list[Revision]:
        return [
            each for plural in ("replicasets", "controllerrevisions") for each in self._of("apps", plural, troubles)
        ]

    def _knows_something(self) -> bool:
        return any(mirror.listed.is_set() and mirror.trouble is None for mirror in self._all())

    def _revised(self, before: Revision | None, after: Revision | None) -> None:
        """A revision came back while we looked on."""
        if before is not None and after is not None and before.numbers[-1] < after.numbers[-1]:
            self._seen[after.owner, after.numbers[-1]] = time.time()

    # ── looking closer ───────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self, looks: Any, one: Revision) -> Facts | None:
        """What a revision's template says; None where that is not known, or enough were looked at."""
        plural = "replicasets" if one.owner.kind in ("Deployment", "Rollout") else "controllerrevisions"
        key = f"{one.owner.namespace}/{plural}/{one.name}"
        if key not in self._facts and next(looks, None) is not None:
            if len(self._facts) >= KEPT_LOOKS:
                self._facts.clear()
            try:
                item = self._door.get(f"/apis/apps/v1/namespaces/{one.owner.namespace}/{plural}/{one.name}")
                template = ((item.get("data") or item).get("spec") or {}).get("template") or {}
                self._facts[key] = facts(template)
            except (SourceDenied, NotThere):
                self._facts[key] = None
            except (SourceError, AttributeError, TypeError, KeyError):
                return None
        return self._facts.get(key)

    def _owner_of(self) -> Callable[[tuple[str, str, str]], Owner]:
        """Whose workload the subject of an Event belongs to, as far as it is still there."""
        pods = {(pod.owner.namespace, pod.name): pod.owner for pod in self._of("", "pods")}
        sets = {(each.owner.namespace, each.name): each.owner for each in self._revisions()}
        scalers = self._of("autoscaling", "horizontalpodautoscalers")
        scaled = {(each.target.namespace, each.name): each.target for each in scalers}
        known = {"Pod": pods, "ReplicaSet": sets, "HorizontalPodAutoscaler": scaled}

        def owner(about: tuple[str, str, str]) -> Owner:
            namespace, kind, name = about
            return known.get(kind, {}).get((namespace, name)) or Owner(
                namespace, kind, _stem(name) if kind == "Pod" else name
            )

        return owner


def open_kubernetes(
    name: str,
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    namespaces: Sequence[str] = (),
    model_label: Sequence[str] = (),
    timeout: float = 10.0,
) -> Kubernetes:
    """The source out of its plain options. Raises ConfigError where nothing says how to get in."""
    gc.set_threshold(*COLLECTIONS)
    return Kubernetes(name, Door(name, kubeconfig, context, timeout), namespaces, model_label)


def _stem(name: str) -> str:
    """The name of what made a pod that is gone: a Deployment's pods are called NAME-HASH-RANDOM."""
    return name.rsplit("-", 2)[0] if name.count("-") > 1 else name
