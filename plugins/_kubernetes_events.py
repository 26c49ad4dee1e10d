"""From records to events: what was rolled out, what was scaled, which node changed, what the cluster warned of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from andon_plugins._kubernetes_records import Config, Node, Owner, Pod, Revision, Said, Workload
from andon_plugins._kubernetes_templates import Facts, changes

from console.model import Event, Span

HOUR = 3600.0
MOST_PER_KIND = 2000
KINDS = ("deploy", "rollback", "config", "scale", "node", "warning", "restart", "oom", "unschedulable", "stalled")
SCALED = "SuccessfulRescale"
# What the reasons of the cluster's warnings are called here; every other one is a warning.
CALLED = {"BackOff": "restart", "OOMKilling": "oom", "SystemOOM": "oom", "Evicted": "restart",
          "FailedScheduling": "unschedulable"}  # fmt: skip
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")

Look = Callable[[Revision], Facts | None]


def of_revisions(
    source: str,
    span: Span,
    revisions: Sequence[Revision],
    workloads: Mapping[Owner, Workload],
    seen: Mapping[tuple[Owner, int], float],
    look: Look,
) -> list[Event]:
    """Every revision that began within the span, the newest first looked at for what it changed.

    `seen` says when a revision that came back was seen to; of others only the newest can be dated, by its workload.
    """
    by_owner: dict[Owner, list[Revision]] = {}
    for each in revisions:
        by_owner.setdefault(each.owner, []).append(each)
    begun: list[tuple[float, int, Revision, list[Revision]]] = []
    for owner, those in by_owner.items():
        newest = max(those, key=lambda each: each.numbers[-1])
        for each in those:
            for place, number in enumerate(each.numbers):
                came_back = place > 0 or (len(each.numbers) == 1 and _is_older_than_its_number(each, those))
                time = seen.get((owner, number)) if came_back else each.created
                if time is None and each is newest and place == len(each.numbers) - 1 and owner in workloads:
                    time = _came_back(workloads[owner], max(one.created for one in those))
                if time is not None and span.start <= time < span.end:
                    begun.append((time, -number if came_back else number, each, those))
    begun.sort(key=lambda one: -one[0])
    return [_rolled(source, *one, look) for one in begun[:MOST_PER_KIND]]


def _is_older_than_its_number(one: Revision, those: Sequence[Revision]) -> bool:
    return any(each.numbers[-1] < one.numbers[-1] and each.created > one.created for each in those)


def _came_back(of: Workload, floor: float) -> float:
    """When the newest revision became that once more: after any other was made, when its workload says it moved."""
    return min((time for time in (of.changed, of.moved) if time > floor), default=floor)


def _rolled(source: str, time: float, signed: int, one: Revision, those: Sequence[Revision], look: Look) -> Event:
    number = abs(signed)
    earlier = [each for each in those if each is not one and any(n < number for n in each.numbers)]
    before = max(earlier, key=lambda each: max(n for n in each.numbers if n < number), default=None)
    after = look(one)
    what = changes(look(before) if before else None, after) if after is not None else []
    owner = one.owner
    back = f" (back to what was revision {one.numbers[0]})" if signed < 0 and len(one.numbers) > 1 else ""
    detail = [f"{owner.kind} {owner.namespace}/{owner.name}", *what[1:], one.cause and f"change-cause: {one.cause}"]
    return Event(
        time, "rollback" if signed < 0 else "deploy", owner.name,
        f"revision {number}{back}" + (f": {what[0]}" if what else ""),
        id=f"{owner.namespace}/{one.name}#{number}", detail="; ".join(filter(None, detail)), source=source,
    )  # fmt: skip


def of_configs(source: str, span: Span, configs: Iterable[Config], workloads: Iterable[Workload]) -> list[Event]:
    """ConfigMaps that were changed, once for each workload whose pods read them."""
    readers: dict[tuple[str, str], list[Owner]] = {}
    for each in workloads:
        for name in each.configs:
            readers.setdefault((each.owner.namespace, name), []).append(each.owner)
    return [
        Event(each.changed, "config", owner.name,
              f"ConfigMap {each.name} changed" + (f" by {each.by}" if each.by else ""),
              id=f"{each.namespace}/{each.name}", detail=f"{owner.kind} {owner.namespace}/{owner.name} reads it",
              source=source)
        for each in configs
        if span.start <= each.changed < span.end
        for owner in readers.get((each.namespace, each.name), ())[:20]
    ]  # fmt: skip


def of_stalls(source: str, span: Span, workloads: Iterable[Workload]) -> list[Event]:
    """Workloads whose own conditions say that they do not come on, since when they say so."""
    return [
        Event(each.moved, "stalled", each.owner.name, each.trouble,
              id=f"{each.owner.namespace}/{each.owner.name}/stalled",
              detail=f"{each.owner.kind} {each.owner.namespace}/{each.owner.name}", source=source)
        for each in workloads
        if each.trouble and span.start <= each.moved < span.end
    ]  # fmt: skip


def of_nodes(source: str, span: Span, nodes: Iterable[Node]) -> list[Event]:
    """The conditions of nodes that changed within the span, as they are now; that a pressure ended is no news."""
    return [
        Event(since, "node", node.name, f"{kind} is {holds}" + (f": {words}" if words else ""),
              id=f"{node.name}/{kind}", source=source)
        for node in nodes
        for kind, holds, since, words in node.conditions
        if (kind == "Ready" or (kind in PRESSURES and holds == "True")) and span.start <= since < span.end
    ]  # fmt: skip


def of_deaths(source: str, span: Span, pods: Iterable[Pod]) -> list[Event]:
    """Containers that died, the latest of each workload and reason: known for as long as their pods are there."""
    folded: dict[tuple[Owner, str], list[Pod]] = {}
    for pod in pods:
        if pod.ended and pod.restarts and span.start <= pod.ended < span.end:
            folded.setdefault((pod.owner, pod.ended_by), []).append(pod)
    events = []
    for (owner, reason), those in folded.items():
        last = max(those, key=lambda pod: pod.ended)
        kind, what = ("oom", "killed for its memory") if reason == "OOMKilled" else ("restart", f"died ({reason})")
        title = f"a container {what}" if len(those) == 1 else f"containers of {len(those)} pods {what}"
        events.append(Event(_whole(last.ended), kind, owner.name, title, id=f"{owner.namespace}/{owner.name}/{reason}",
                            detail=f"{last.name}: {last.words}".rstrip(": "), source=source))  # fmt: skip
    return events


def of_what_was_said(
    source: str, span: Span, said: Iterable[Said], owner_of: Callable[[tuple[str, str, str]], Owner]
) -> list[Event]:
    """The cluster's own events, folded by whom they are about and why."""
    folded: dict[tuple[Owner, str, float], list[Said]] = {}
    for one in said:
        if span.start <= (time := _told_at(one)) < span.end:
            folded.setdefault((owner_of(one.about), one.reason, time // HOUR), []).append(one)
    events = []
    for (owner, reason, _hour), those in folded.items():
        last, time = max(those, key=lambda one: one.last), min(map(_told_at, those))
        is_scaling = reason == SCALED
        kind = "scale" if is_scaling else "node" if owner.kind == "Node" else CALLED.get(reason, "warning")
        events.append(Event(
            time, kind, owner.name, f"{reason}: {last.words}" if not is_scaling else last.words,
            id=f"{owner.namespace}/{owner.name}/{reason}",
            detail=f"{owner.kind} {owner.namespace}/{owner.name}, said {_times(sum(one.times for one in those))}",
            source=source,
        ))  # fmt: skip
    return sorted(events, key=lambda event: -event.time)[:MOST_PER_KIND]


def _told_at(one: Said) -> float:
    """When it began; what goes on for hours is told once in each."""
    return one.first if one.last - one.first < HOUR else one.last // HOUR * HOUR


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _whole(time: float) -> float:
    """The minute: a container that dies again and again is not a new event every few seconds."""
    return time // 60 * 60
