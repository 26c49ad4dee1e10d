"""A GPU's links to its neighbours fail and are trained anew. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.place import Site
from console.lab.site.trouble import again, place_of, slow_replica, xid


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Count errors of each kind, and report them."""
    host, gpu, on = place_of(parameters)
    rate = parameters["errors"]
    site.turn("gpu.nvlink.errors", to=rate, **on, kind="crc")
    site.turn("gpu.nvlink.errors", to=0.4 * rate, **on, kind="replay")
    site.turn("gpu.nvlink.errors", to=parameters["recoveries"] / 60, **on, kind="recovery")
    xid(site, host, gpu, 74, "NVLink error", again(10.0, parameters["every"], 900.0))
    slow_replica(site, host, gpu, parameters["slower"])


def heal(site: Site) -> None:
    """Its bridge was reseated."""
    site.mend()
