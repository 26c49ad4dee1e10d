"""The data changes: the feeder upstream was updated and sends one tabular field another way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from console.lab.plant import Plant
from console.lab.traffic import FeederChange


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Update the feeder."""
    change = FeederChange(parameters["field"], parameters["change"], parameters["share"])
    plant.feed.conditions = replace(plant.feed.conditions, feeder=change)


def heal(plant: Plant) -> None:
    """Put the old feeder back."""
    plant.feed.conditions = replace(plant.feed.conditions, feeder=None)
