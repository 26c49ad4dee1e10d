"""One replica ends again and again, and must load its weights before it answers anew."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

from console.lab.clock import TICK
from console.lab.generation.place import Generation
from console.lab.generation.release import MODEL, Release


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Have it end, start and load, over and over."""
    name, lives = parameters["replica"], parameters["serves"] + math.ceil(parameters["loads"] / TICK)
    ticks = itertools.count()

    def habit() -> None:
        if next(ticks) % lives == 0:
            place.stop_replica(name)
            place.start_replica(name, Release(), loads=parameters["loads"])
            place.changes.add(place.clock.now(), "restart", f"{MODEL}-{name}", f"{MODEL}-{name} started")

    place.habits["cold_replica"] = habit


def heal(place: Generation) -> None:
    """Let it live."""
    place.habits.pop("cold_replica", None)
