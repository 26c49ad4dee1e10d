"""A bad row of a GPU's memory waits for a reset to be taken out of use. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.place import Site
from console.lab.site.trouble import place_of, xid


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """A row or two with errors that could be corrected, and the wait."""
    host, gpu, on = place_of(parameters)
    site.turn("gpu.rows.remapped", to=parameters["rows"] / 15, lasts=15.0, **on, kind="uncorrected")
    site.turn("gpu.rows.pending", to=1.0, **on)
    xid(site, host, gpu, 63, "row remapping event")


def heal(site: Site) -> None:
    """The GPU was reset."""
    site.mend()
