"""More replicas are wanted than there are GPUs for. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.estate import MODEL, NAMESPACE, REPLICAS
from console.lab.site.place import Site


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Ask more, and want more replicas that find no place."""
    more = parameters["more"]
    for signal in ("model.requests", "model.tokens.generation"):
        site.turn(signal, times=parameters["load"], model=MODEL)
    for signal in ("model.latency", "model.ttft", "model.itl"):
        site.turn(signal, rate=parameters["load"], model=MODEL)
    site.turn("model.queue.depth", to=4.0, over=60.0, model=MODEL)
    site.turn("model.ttft", times=1.5, over=60.0, model=MODEL)
    site.turn("workload.replicas.desired", to=REPLICAS + more, after=30.0, workload=MODEL)
    site.turn("workload.replicas.updated", to=REPLICAS + more, after=30.0, workload=MODEL)
    site.turn("workload.replicas.unavailable", to=more, after=30.0, workload=MODEL)
    for number in range(REPLICAS, REPLICAS + more):
        pod = f"{MODEL}-{number}"
        site.appear(
            "kube", "workload.pods.pending", 1.0, namespace=NAMESPACE, workload=MODEL, pod=pod, container="server"
        )
    why = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu"
    site.happens("unschedulable", MODEL, f"{more} pods of {MODEL} find no place", why, after=40.0)


def heal(site: Site) -> None:
    """The replicas were taken back."""
    site.mend()
