"""A host runs out of memory: something leaks, or grows until the kernel kills it. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.estate import HOSTS
from console.lab.site.place import Site

MEMORY = 2.0e12  # bytes of a host
KILLED_EVERY = 90.0  # seconds: then it has grown as large again


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Let a pod grow; where it is killed, it grows again."""
    host, within = parameters["host"], parameters["within"]
    pod = f"indexer-{HOSTS.index(host)}"
    site.turn("host.memory.utilization", to=parameters["full"], over=within, host=host)
    site.turn("workload.memory.used", to=9.0e9 + (parameters["full"] - 0.5) * MEMORY, over=within, pod=pod)
    site.turn("host.memory.stalled", to=parameters["stalled"], after=0.7 * within, over=60.0, host=host)
    for number in range(round(parameters["kills"])):
        after = within + number * KILLED_EVERY
        site.turn("host.oom.kills", to=1 / 15, after=after, lasts=15.0, host=host)
        site.turn("workload.oom.kills", to=1 / 15, after=after, lasts=15.0, pod=pod)
        site.turn("workload.restarts", to=1 / 15, after=after + 15.0, lasts=15.0, pod=pod)


def heal(site: Site) -> None:
    """The pod was restarted with its leak mended."""
    site.mend()
