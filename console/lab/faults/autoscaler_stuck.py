"""More is asked, there is room for more replicas, and none is added. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.estate import MODEL
from console.lab.site.place import Site
from console.lab.site.trouble import ask_more


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Ask more; nothing is scaled."""
    load, slower = parameters["load"], parameters["slower"]
    ask_more(site, load, over=15.0, waits=0.25 * (slower - 1) / 0.03, first=slower)
    site.turn("model.queue.depth", to=parameters["queue"], over=15.0, model=MODEL)
    site.turn("model.latency", times=1 + slower * 0.08, over=15.0, model=MODEL)
    site.turn(
        "model.requests.running", times=1.8, over=15.0, model=MODEL
    )  # as many as it takes at once: the rest waits
    site.turn("model.kv.usage", to=0.82, over=15.0, model=MODEL)
    site.turn("gpu.utilization", times=1.25, over=15.0)


def heal(site: Site) -> None:
    """The peak is over."""
    site.mend()
