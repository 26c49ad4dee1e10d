"""A GPU's memory fails: uncorrected errors come again and again, beside many corrected ones. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.site.place import Site
from console.lab.site.trouble import again, place_of, xid


def inject(site: Site, parameters: Mapping[str, Any]) -> None:
    """Count errors, remap rows, and report them."""
    host, gpu, on = place_of(parameters)
    site.turn("gpu.ecc.errors", to=parameters["corrected"], **on, kind="corrected")
    site.turn("gpu.ecc.errors", to=parameters["uncorrected"] / 60, **on, kind="uncorrected")
    site.turn("gpu.rows.remapped", to=parameters["uncorrected"] / 240, **on, kind="uncorrected")
    xid(site, host, gpu, 48, "double bit ECC error", again(5.0, 60 / parameters["uncorrected"], 900.0))
    xid(site, host, gpu, 94, "contained ECC error", [20.0])
    site.turn("gpu.rows.pending", to=1.0, after=parameters["pending"], **on)


def heal(site: Site) -> None:
    """The GPU was replaced."""
    site.mend()
