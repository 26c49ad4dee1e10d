"""The host changes: real busy processes move in on the station's core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.plant import Plant


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Start them, and wait until they run."""
    tell = plant.folder / "hog.ready"
    tell.unlink(missing_ok=True)
    core = () if plant.core is None else ("--core", str(plant.core))
    hog = plant.leash.start("console.lab.hog", str(parameters["count"]), str(tell), *core)
    plant.neighbours.append(hog)
    plant.leash.wait_for(hog, tell, "neighbours")


def heal(plant: Plant) -> None:
    """End them."""
    plant.leash.end(plant.neighbours)
    plant.neighbours.clear()
