"""What the station's own code does around the network: its release, how it prepares inputs, how often it computes.

A release of the server may change any of it while the weights stay as they are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson

from console.lab.leash import ready
from console.lab.metrics import SERVER
from console.lab.registry import MODEL

if TYPE_CHECKING:
    from console.lab.images import Pixels

PROGRAM = f"{MODEL}-server"
FILE = "serving.json"  # in the lab's folder; without it the usual release serves


@dataclass(frozen=True, slots=True)
class Serving:
    """One release of the server."""

    server: str = SERVER
    preparing: str = "usual"  # usual | mirrored | negative | shifted | centimetres
    busy: float = 0.0  # seconds of a core that each answer takes at least: it goes through the network over and over

    @classmethod
    def read(cls, folder: Path) -> Serving:
        """The release that is installed."""
        try:
            return cls(**orjson.loads((folder / FILE).read_bytes()))
        except FileNotFoundError:
            return cls()

    def install(self, folder: Path) -> None:
        """Put it in the place of the present one; a server takes it up when it is told to load."""
        ready(folder / FILE, orjson.dumps(asdict(self)).decode())

    def prepared(self, picture: Pixels, distance_mm: float) -> tuple[Pixels, float]:
        """A picture and its distance as this release hands them to the network."""
        match self.preparing:
            case "mirrored":
                return np.ascontiguousarray(picture[:, ::-1]), distance_mm
            case "negative":
                return 255 - picture, distance_mm
            case "shifted":
                return np.roll(picture, len(picture) // 4, axis=0), distance_mm
            case "centimetres":
                return picture, distance_mm / 10
            case _:
                return picture, distance_mm
