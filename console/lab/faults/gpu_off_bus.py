"""A GPU falls off the bus: nothing answers for it any more. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.estate import MODEL, replica_of
from console.lab.site.place import Site
from console.lab.site.trouble import place_of


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Take it away, with what ran on it."""
    host, gpu, on = place_of(parameters)
    replica = replica_of(host, gpu)
    site.happens("xid", f"{host}/{gpu}", f"XID 79 on GPU {gpu}: the GPU has fallen off the bus", "from the kernel log")
    site.vanish("gpu.", **on)
    site.vanish("model.", replica=replica)
    site.turn("host.gpus.allocatable", to=7.0, after=parameters["notices"], host=host)
    site.turn("workload.replicas.ready", to=7.0, after=15.0, workload=MODEL)
    site.turn("workload.replicas.unavailable", to=1.0, after=15.0, workload=MODEL)
    site.turn("workload.pods.pending", to=1.0, after=30.0, pod=replica)


def heal(site: Site) -> None:
    """The node was restarted."""
    site.mend()
