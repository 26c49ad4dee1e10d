"""A GPU's driver reports an error that only a reset clears, again and again; its replica crashes. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.place import Site
from console.lab.site.trouble import again, crash_replica, place_of, xid


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Report it, and have the replica crash."""
    host, gpu, _on = place_of(parameters)
    times = again(0.0, parameters["every"], 1500.0)
    xid(site, host, gpu, parameters["code"], parameters["words"], times)
    crash_replica(site, host, gpu, parameters["away"])


def heal(site: Site) -> None:
    """The GPU was reset."""
    site.mend()
