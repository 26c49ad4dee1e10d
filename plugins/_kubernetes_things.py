"""Pods, workloads, nodes and autoscalers as things with a few facts each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from andon_plugins._kubernetes_records import Node, Pod, Scaler, Workload

from console.model import Labels, Thing

MOST = 200  # of one answer: the troubled ones first


def things(
    pods: Iterable[Pod], workloads: Iterable[Workload], nodes: Iterable[Node], scalers: Iterable[Scaler]
) -> list[Thing]:
    """All of them."""
    return [*map(_workload, workloads), *map(_pod, pods), *map(_node, nodes), *map(_scaler, scalers)]


def wanted(found: Iterable[Thing], kind: str, name: str) -> list[Thing]:
    """Those of a kind (`pods` too) with that in their name; none of both: all."""
    of = kind.casefold().removesuffix("s")
    fitting = (each for each in found if each.kind.casefold().startswith(of) and name in each.name)
    return sorted(fitting, key=lambda each: (each.facts.value("trouble") is None, each.kind, each.name))[:MOST]


def _facts(pairs: Iterator[tuple[str, object]]) -> Labels:
    return Labels.of({name: str(value) for name, value in pairs if value not in ("", None, (), 0, 0.0)})


def _pod(pod: Pod) -> Thing:
    def told() -> Iterator[tuple[str, object]]:
        yield "phase", pod.phase
        yield "ready", "yes" if pod.is_ready else "no"
        yield "owner", f"{pod.owner.kind} {pod.owner.name}" if pod.owner.name else ""
        yield "node", pod.node
        yield "model", pod.model
        yield "restarts", pod.restarts
        yield "last_ended_by", pod.ended_by
        yield "gpus", ", ".join(f"{count} {name}" for name, count in pod.gpus)
        if not pod.is_ready and not pod.is_over:
            yield "trouble", "; ".join([*pod.waiting, pod.words]).strip("; ") or "not ready"

    return Thing("pod", pod.name, pod.owner.namespace, _facts(told()))


def _workload(one: Workload) -> Thing:
    def told() -> Iterator[tuple[str, object]]:
        yield "desired", "unknown" if one.desired is None else f"{one.desired:g}"
        yield "ready", f"{one.ready:g}"
        yield "updated", f"{one.updated:g}"
        yield "unavailable", f"{one.unavailable:g}" if one.unavailable else ""
        yield "model", one.model
        yield "configs", ", ".join(one.configs)
        yield "trouble", one.trouble

    return Thing(one.owner.kind.casefold(), one.owner.name, one.owner.namespace, _facts(told()))


def _node(node: Node) -> Thing:
    def told() -> Iterator[tuple[str, object]]:
        yield "ready", "yes" if node.is_ready else "no"
        yield "cordoned", "yes" if node.cordoned else ""
        yield "gpus", ", ".join(f"{count} {name}" for name, count in node.gpus)
        bad = [
            f"{kind}: {words}"
            for kind, status, _since, words in node.conditions
            if (kind == "Ready") != (status == "True")
        ]
        yield "trouble", "; ".join(bad)

    return Thing("node", node.name, "", _facts(told()))


def _scaler(one: Scaler) -> Thing:
    facts = {"target": f"{one.target.kind} {one.target.name}", "now": f"{one.current:g}", "wants": f"{one.desired:g}",
             "most": f"{one.most:g}"}  # fmt: skip
    return Thing("autoscaler", one.name, one.target.namespace, Labels.of(facts))
