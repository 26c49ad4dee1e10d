"""The world changes: the gloves of one line throw back less light than any the model was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from console.lab.plant import Plant
from console.lab.traffic import DarkGloves


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Hand out the new gloves."""
    gloves = DarkGloves(parameters["line"], parameters["darkness"], parameters["share"])
    plant.feed.conditions = replace(plant.feed.conditions, gloves=gloves)


def heal(plant: Plant) -> None:
    """Take them back."""
    plant.feed.conditions = replace(plant.feed.conditions, gloves=None)


def mend(plant: Plant) -> None:
    """The world stays as it is: the model learns it."""
    plant.retrain()
