"""A GPU's connection to its host has become narrower or slower. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.estate import replica_of
from console.lab.site.place import Site
from console.lab.site.trouble import place_of


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Narrow it, and send packets again."""
    host, gpu, on = place_of(parameters)
    site.turn(parameters["of"], to=float(parameters["to"]), **on)
    site.turn("gpu.pcie.replays", to=parameters["replays"], **on)
    site.turn("model.ttft", times=parameters["slower"], replica=replica_of(host, gpu))


def heal(site: Site) -> None:
    """The card was reseated."""
    site.mend()
