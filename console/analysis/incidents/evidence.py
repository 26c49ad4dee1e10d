"""What one kind of evidence says of each service, on one scale: 0 is nothing, 1 is all of it and plain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from console.analysis.incidents.callgraph import Graph, reached


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one ingredient says of one service."""

    amount: float  # 0..1
    why: str
    onset: float | None = None  # epoch seconds


Said = dict[str, Evidence]  # service -> evidence


def shares(amounts: Mapping[str, float], usual: float, why: Callable[[str], str]) -> Said:
    """Each service's share of what was lost, less where all of it is little beside the usual amount."""
    lost = sum(amounts.values())
    return {
        service: Evidence(amount / (lost + usual), why(service)) for service, amount in amounts.items() if amount > 0
    }


def deepest(said: Said, graph: Graph) -> Said:
    """Less of what a service below shows too: whoever calls what misbehaves, misbehaves."""

    def left(service: str) -> float:
        below = (said[other].amount for other in reached(graph, service) - {service} if other in said)
        return 1 - max(below, default=0.0)

    return {service: replace(one, amount=one.amount * left(service)) for service, one in said.items()}


def distinct(said: Said) -> Said:
    """Each weighed by its share of all (of squares, so that many whispers are no voice): what all show names nobody."""
    power = sum(one.amount**2 for one in said.values())
    return {service: replace(one, amount=one.amount**3 / power) for service, one in said.items() if one.amount > 0}
