"""A GPU gets too hot and is slowed down. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.place import Site
from console.lab.site.trouble import place_of, slow_replica

SLOWED = 84.0  # degrees from which on the driver holds the clocks down


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Warm it up; from 84 degrees on its clocks fall."""
    host, gpu, on = place_of(parameters)
    within, hottest, clock = parameters["within"], parameters["hottest"], parameters["clock"]
    site.turn("gpu.temperature", to=hottest, over=within, **on)
    site.turn("gpu.memory.temperature", to=hottest + 10.0, over=within, **on)
    held = within * (SLOWED - 60.0) / (hottest - 60.0)
    site.turn("gpu.throttle.reasons", to=float(parameters["reasons"]), after=held, **on)
    site.turn("gpu.throttle.time", to=parameters["share"], after=held, **on, cause="thermal")
    for signal, times in (("gpu.clock.sm", clock), ("gpu.power", 0.3 + 0.7 * clock), ("gpu.tensor.active", clock)):
        site.turn(signal, times=times, after=held, over=30.0, **on)
    slow_replica(site, host, gpu, 1 / clock, after=held, over=30.0)


def heal(site: Site) -> None:
    """Its fans turn again."""
    site.mend()
