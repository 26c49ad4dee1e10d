"""A GPU may draw less power than it did. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.place import Site
from console.lab.site.trouble import place_of, slow_replica


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Lower its limit; its clocks follow."""
    host, gpu, on = place_of(parameters)
    limit, clock = parameters["limit"], parameters["clock"]
    site.turn("gpu.power.limit", to=limit, **on)
    site.turn("gpu.power", to=0.985 * limit, **on)
    site.turn("gpu.throttle.reasons", to=4.0, **on)
    site.turn("gpu.throttle.time", to=parameters["share"], **on, cause="power")
    site.turn("gpu.clock.sm", times=clock, **on)
    site.turn("gpu.tensor.active", times=clock, **on)
    site.turn("gpu.temperature", times=0.88, over=120.0, **on)
    site.turn("gpu.memory.temperature", times=0.92, over=120.0, **on)
    slow_replica(site, host, gpu, 1 / clock)


def heal(site: Site) -> None:
    """It may draw what it did."""
    site.mend()
