"""One camera is calibrated wrongly: the service says another gain for it than it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from console.lab.leash import ready
from console.lab.plant import Plant
from console.lab.traffic import GAINS


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Calibrate it anew, wrongly."""
    camera = parameters["camera"]
    wrong = GAINS[camera] * parameters["factor"]
    ready(plant.folder / "calibration.gains", orjson.dumps({camera: wrong}).decode())


def heal(plant: Plant) -> None:
    """Put the right gain back."""
    (plant.folder / "calibration.gains").unlink(missing_ok=True)
