"""Who calls whom, and where trouble begins: in the node whose own callees do not explain it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from console.model import TraceSpans

Graph = Mapping[str, frozenset[str]]  # caller -> callees


def call_graph(calls: Iterable[tuple[str, str]], spans: TraceSpans | None = None) -> Graph:
    """Callers and callees, from what is known and from what the spans show."""
    pairs = {(caller, callee) for caller, callee in calls if caller != callee}
    if spans is not None:
        has_parent = spans.parent >= 0
        edges = np.stack([spans.service[spans.parent[has_parent]], spans.service[has_parent]])
        for caller, callee in np.unique(edges[:, edges[0] != edges[1]], axis=1).T.tolist():
            pairs.add((spans.services[caller], spans.services[callee]))
    graph: dict[str, set[str]] = {}
    for caller, callee in pairs:
        graph.setdefault(caller, set()).add(callee)
        graph.setdefault(callee, set())
    return {caller: frozenset(callees) for caller, callees in graph.items()}


def turned(graph: Graph) -> Graph:
    """The same with callees as callers: what travels with the calls (traffic) is explained from above."""
    callers: dict[str, set[str]] = {node: set() for node in graph}
    for caller, callees in graph.items():
        for callee in callees:
            callers.setdefault(callee, set()).add(caller)
    return {node: frozenset(above) for node, above in callers.items()}


def reached(graph: Graph, start: str) -> frozenset[str]:
    """The node itself and whatever it calls, however far below."""
    seen, todo = {start}, [start]
    while todo:
        new = graph.get(todo.pop(), frozenset()) - seen
        seen |= new
        todo.extend(new)
    return frozenset(seen)


def unexplained(amounts: Mapping[str, float], graph: Graph) -> dict[str, float]:
    """What is left of each node's amount without that of its callees: where it comes from.

    The amounts (seconds lost, requests failed) must add up along calls: a caller waits for its callees, and fails when
    they do. Never below 0.
    """
    return {
        node: max(0.0, amount - sum(max(0.0, amounts.get(callee, 0.0)) for callee in graph.get(node, ())))
        for node, amount in amounts.items()
    }
