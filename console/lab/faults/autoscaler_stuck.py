"""More is asked, there is room for more replicas, and none is added. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.estate import MODEL
from console.lab.site.place import Site


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Ask more; nothing is scaled."""
    load, slower = parameters["load"], parameters["slower"]
    for signal in ("model.requests", "model.tokens.generation"):
        site.turn(signal, times=load, over=60.0, model=MODEL)
    for signal in ("model.latency", "model.ttft", "model.itl"):
        site.turn(signal, rate=load, over=60.0, model=MODEL)
    site.turn("model.queue.depth", to=parameters["queue"], over=120.0, model=MODEL)
    site.turn("model.ttft", times=slower, over=120.0, model=MODEL)
    site.turn("model.latency", times=1 + slower * 0.08, over=120.0, model=MODEL)
    site.turn("model.kv.usage", to=0.96, over=120.0, model=MODEL)
    site.turn("gpu.utilization", times=1.25, over=60.0)


def heal(site: Site) -> None:
    """The peak is over."""
    site.mend()
