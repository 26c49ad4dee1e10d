"""Somebody new asks the station, and not in a way that it understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.plant import Plant, Stranger

BODIES = {
    "old protocol": b'{"instances": [{"image": [0, 0, 0], "distance_mm": 300.0}]}',
    "cut short": b'{"inputs": [{"name": "image", "shape": [1, 24, 24], "datatype": "UINT8", "da',
    "no picture": b'{"inputs": [{"name": "distance_mm", "shape": [1], "datatype": "FP32", "data": [300.0]}]}',
}


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Let it ask."""
    plant.stranger = Stranger(parameters["client"], parameters["per_tick"], BODIES[parameters["what"]])


def heal(plant: Plant) -> None:
    """Send it away."""
    plant.stranger = None
