"""A new version goes out to one replica first, and it is slower, or cannot spell every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.model import VOCABULARY
from console.lab.generation.place import CANARY, Generation
from console.lab.generation.release import MODEL, NEXT, Release


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Send it a third of the requests."""
    release = Release(NEXT, "canary", stored=parameters["stored"], words=VOCABULARY - parameters["unknown"])
    place.start_replica(CANARY, release, loads=0.0)
    place.changes.add(place.clock.now(), "deploy", MODEL, f"{MODEL} {NEXT} rolled out as canary")


def heal(place: Generation) -> None:
    """Take it out."""
    place.retire(CANARY)
    place.changes.add(place.clock.now(), "deploy", MODEL, f"{MODEL} {NEXT} canary ended", "rolled back")
