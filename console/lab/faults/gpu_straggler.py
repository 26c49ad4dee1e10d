"""One GPU is slower than its peers, and says no reason. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.place import Site
from console.lab.site.trouble import place_of, slow_replica


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Lower its clock, and with it its power and its replica."""
    host, gpu, on = place_of(parameters)
    clock = parameters["clock"]
    for signal, times in (("gpu.clock.sm", clock), ("gpu.power", 0.35 + 0.65 * clock), ("gpu.tensor.active", clock),
                          ("gpu.temperature", 0.85 + 0.15 * clock)):  # fmt: skip
        site.turn(signal, times=times, **on)
    slow_replica(site, host, gpu, 1 / clock)


def heal(site: Site) -> None:
    """It is as fast as its peers."""
    site.mend()
