"""What is right changes: the machine is shielded, and a hand that is further away is in no danger any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from console.lab.plant import Plant
from console.lab.traffic import Conditions


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Inspectors judge by the new rule."""
    plant.feed.conditions = replace(plant.feed.conditions, zone_mm=parameters["zone_mm"])


def heal(plant: Plant) -> None:
    """Back to the old rule."""
    plant.feed.conditions = replace(plant.feed.conditions, zone_mm=Conditions().zone_mm)


def mend(plant: Plant) -> None:
    """The world stays as it is: the model learns it."""
    plant.retrain()
