"""Something the model needs fails: the calibration service is killed or refuses, and every gain is taken to be 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.leash import ready
from console.lab.plant import Plant


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Kill it, or let it fail."""
    if parameters["how"] == "killed":
        plant.leash.end([plant.calibration])
    else:
        ready(plant.folder / "calibration.failing", str(parameters["share"]))


def heal(plant: Plant) -> None:
    """Start it again, where it was, unless it runs; let it answer."""
    (plant.folder / "calibration.failing").unlink(missing_ok=True)
    if plant.calibration.poll() is not None:
        plant.start_calibration()
