"""From records to samples: sums per workload and per node, never one series per pod."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from andon_plugins._kubernetes_pods import CRASH, IMAGE
from andon_plugins._kubernetes_records import Node, Owner, Pod, Revision, Scaler, Workload

from console.model import Kind, Labels, Reading, SeriesKey
from console.signals.catalogue import find_signal

MOST_WORKLOADS = 1500  # a dozen series each; those in trouble first, then the largest
MOST_NODES = 3000
ALWAYS = (IMAGE, CRASH)  # reasons that are told when they are 0, too: what was 0 before can be compared
NEWEST, OLDER = "newest", "older"


@dataclass(slots=True)
class Tally:
    """What the pods of one workload add up to."""

    model: str = ""
    pods: int = 0
    unscheduled: int = 0
    waiting: dict[str, int] = field(default_factory=dict)
    unready: dict[str, int] = field(default_factory=dict)  # by whether it is of the newest revision

    @property
    def trouble(self) -> int:
        return self.unscheduled + sum(self.waiting.values())


class Losses:
    """Restarts and kills since this copy began, by workload: counters that only rise, whatever pods are deleted."""

    def __init__(self) -> None:
        self.restarts: dict[Owner, int] = {}
        self.kills: dict[Owner, int] = {}

    def note(self, before: Pod | None, after: Pod | None) -> None:
        """A pod changed, or came while the watch was away."""
        if after is None:
            return
        more = after.restarts - (before.restarts if before else 0)
        if more > 0:
            self.restarts[after.owner] = self.restarts.get(after.owner, 0) + more
            if after.ended_by == "OOMKilled":
                self.kills[after.owner] = self.kills.get(after.owner, 0) + more


def newest_hashes(workloads: Iterable[Workload], revisions: Iterable[Revision]) -> dict[Owner, str]:
    """The hash of each workload's newest template."""
    newest: dict[Owner, Revision] = {}
    for each in revisions:
        if each.owner not in newest or newest[each.owner].numbers[-1] < each.numbers[-1]:
            newest[each.owner] = each
    found = {owner: each.hash for owner, each in newest.items()}
    return found | {each.owner: each.revision for each in workloads if each.revision}


def tally(pods: Iterable[Pod], newest: Mapping[Owner, str]) -> dict[Owner, Tally]:
    """The pods of each workload, summed up."""
    found: dict[Owner, Tally] = {}
    for pod in pods:
        one = found.get(pod.owner)
        if one is None:
            one = found[pod.owner] = Tally()
        one.pods += 1
        one.model = one.model or pod.model
        if pod.is_over:
            continue
        one.unscheduled += pod.is_unscheduled
        for reason in pod.waiting:
            one.waiting[reason] = one.waiting.get(reason, 0) + 1
        if not pod.is_ready and pod.revision and pod.owner in newest:
            which = NEWEST if pod.revision == newest[pod.owner] else OLDER
            one.unready[which] = one.unready.get(which, 0) + 1
    return found


def of_workloads(
    now: float,
    workloads: Sequence[Workload],
    tallies: Mapping[Owner, Tally],
    newest: Mapping[Owner, str],
    scalers: Iterable[Scaler],
    losses: Losses,
) -> list[Reading]:
    """The samples of every workload, those that its pods alone tell of included."""
    known = {each.owner: each for each in workloads}
    most = {each.target: each for each in scalers}
    owners = sorted(known.keys() | tallies.keys(), key=lambda owner: _rank(known.get(owner), tallies.get(owner)))
    found: list[Reading] = []
    for owner in owners[:MOST_WORKLOADS]:
        each, pods = known.get(owner), tallies.get(owner, Tally())
        say = _Speaker(now, {"namespace": owner.namespace, "workload": owner.name, "kind": owner.kind,
                             "model": (each.model if each else "") or pods.model}, found)  # fmt: skip
        if each is not None and each.desired is not None:
            say("workload.replicas.desired", each.desired)
            say("workload.replicas.ready", each.ready)
            say("workload.replicas.updated", each.updated)
            say("workload.replicas.unavailable", each.unavailable)
        elif pods.pods:  # of a job, say, nobody tells how many are wanted: those that cannot start are missing
            say("workload.replicas.unavailable", sum(pods.waiting.values()))
        if owner in most:
            say("workload.replicas.max", most[owner].most)
        if pods.pods or each is not None:
            say("workload.pods.pending", pods.unscheduled)
            for reason in sorted({*ALWAYS, *pods.waiting}):
                say("workload.pods.waiting", pods.waiting.get(reason, 0), reason=reason)
            for which in (NEWEST, OLDER) if owner in newest else ():
                say("workload.pods.unready", pods.unready.get(which, 0), revision=which)
            say("workload.restarts", losses.restarts.get(owner, 0))
            say("workload.oom.kills", losses.kills.get(owner, 0))
    return found


def of_nodes(now: float, nodes: Sequence[Node], pods: Iterable[Pod]) -> list[Reading]:
    """The samples of every node: whether it is ready, and its GPUs."""
    given: dict[tuple[str, str], float] = {}
    for pod in pods:
        if pod.gpus and pod.node and not pod.is_over:
            for resource, number in pod.gpus:
                given[pod.node, resource] = given.get((pod.node, resource), 0.0) + number
    found: list[Reading] = []
    for node in sorted(nodes, key=lambda each: (each.is_ready, not each.gpus, each.name))[:MOST_NODES]:
        say = _Speaker(now, {"host": node.name}, found)
        say("host.ready", float(node.is_ready))
        for resource, number in node.gpus:
            say("host.gpus.allocatable", number, resource=resource)
            say("host.gpus.requested", given.get((node.name, resource), 0.0), resource=resource)
    return found


def _rank(each: Workload | None, pods: Tally | None) -> tuple[float, float]:
    trouble = (each.unavailable if each else 0.0) + (pods.trouble if pods else 0)
    return -trouble, -(pods.pods if pods else 0)


class _Speaker:
    """Appends samples that share their time and labels; a label without a value is left out."""

    def __init__(self, now: float, labels: Mapping[str, str], found: list[Reading]) -> None:
        self._now, self._found = now, found
        self._labels = {name: value for name, value in labels.items() if value}

    def __call__(self, signal: str, value: float, **more: str) -> None:
        kind = find_signal(signal).kind
        labels = Labels.of(self._labels, **more)
        self._found.append(Reading(SeriesKey(signal, labels, Kind(kind)), self._now, float(value)))
