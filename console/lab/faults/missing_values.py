"""A field stays empty: the feeder sends no value for it in some of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from console.lab.plant import Plant
from console.lab.traffic import FeederChange


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Lose the values."""
    change = FeederChange(parameters["field"], parameters["change"], parameters["share"])
    plant.feed.conditions = replace(plant.feed.conditions, feeder=change)


def heal(plant: Plant) -> None:
    """Send them again."""
    plant.feed.conditions = replace(plant.feed.conditions, feeder=None)
