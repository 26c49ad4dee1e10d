"""A file system of a host fills up. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.place import Site


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Write until nothing is left."""
    host, within = parameters["host"], parameters["within"]
    site.turn("host.disk.utilization", to=parameters["full"], over=within, host=host, mount=parameters["mount"])
    site.turn("host.disk.io", times=parameters["writes"], host=host, direction="write")
    site.turn("host.io.stalled", times=3.0, after=0.8 * within, host=host)


def heal(site: Site) -> None:
    """What filled it was deleted."""
    site.mend()
