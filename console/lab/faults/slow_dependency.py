"""Something the model needs changes: the calibration service really sleeps longer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.leash import ready
from console.lab.plant import Plant


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Slow it down."""
    ready(plant.folder / "calibration.pace", str(parameters["factor"]))


def heal(plant: Plant) -> None:
    """Let it be as fast as it was."""
    (plant.folder / "calibration.pace").unlink(missing_ok=True)
