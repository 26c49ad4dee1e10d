"""The model changes: the registry's alias moves to a version that should never have served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from console.lab.images import SIZE
from console.lab.network import Network
from console.lab.plant import Plant
from console.lab.registry import CURRENT, FIRST, MODEL, SECOND

NEXT = "4"


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Publish it where it is new, put it in production, note the deploy, as a careless release does."""
    good = plant.registry.load(CURRENT)
    match parameters["weights"]:
        case "oldest":
            version = FIRST
        case "older":
            version = SECOND
        case "damaged":
            version = NEXT
            plant.registry.publish(version, damaged(good, parameters["damage"]))
        case "mirrored":
            version = NEXT
            plant.registry.publish(version, mirrored(good))
    plant.registry.put_in_production(version)
    plant.load_production()
    plant.changes.add(plant.clock.now(), "model_version", MODEL, f"{MODEL} {version} put in production")


def heal(plant: Plant) -> None:
    """Put the right version back."""
    plant.registry.put_in_production(CURRENT)
    plant.load_production()
    plant.changes.add(plant.clock.now(), "model_version", MODEL, f"{MODEL} {CURRENT} put in production", "rolled back")


def damaged(network: Network, share: float) -> Network:
    """The network as a file reads whose blocks were put back in the wrong order."""
    moved = np.argsort(-np.abs(network.output))[: round(share * len(network.output))]
    output = network.output.copy()
    output[moved] = np.roll(output[moved], 1)
    return replace(network, output=output)


def mirrored(network: Network) -> Network:
    """The network as if it had been trained on pictures from a camera mounted the other way round."""
    pixels = network.hidden[:-1].reshape(SIZE, SIZE, -1)[:, ::-1].reshape(SIZE * SIZE, -1)
    return replace(network, hidden=np.concatenate([pixels, network.hidden[-1:]]))
