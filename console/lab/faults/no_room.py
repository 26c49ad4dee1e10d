"""More replicas are wanted than there are GPUs for. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.estate import MODEL, NAMESPACE, REPLICAS
from console.lab.site.place import Site
from console.lab.site.trouble import ask_more


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Ask more, and want more replicas that find no place."""
    more = parameters["more"]
    ask_more(site, parameters["load"], over=15.0, waits=4.0, first=1.5)
    site.turn("model.queue.depth", to=4.0, over=15.0, model=MODEL)
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
