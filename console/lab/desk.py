"""The line's desk: where its remedies are asked for, and what was asked for so far.

It stands for the cluster, the registry, the hosts and the people of a real site. An actuator writes to it (the daemon's
`[actuators.line]`), the line looks at it every tick, and what a fault is mended by takes effect there (mending.py).
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from console.lab.leash import ready
from console.wire import dump, load

FILE = "desk.json"


@dataclass(frozen=True, slots=True)
class Setting:
    """What stands in one place of the desk, and who put it there."""

    value: Any
    key: str  # of the act


@dataclass(frozen=True, slots=True)
class Desk:
    """The desk of the line in a folder. A place is an action and what it is done to: `model.rollback glove`."""

    folder: Path

    def settings(self) -> Mapping[str, Setting]:
        """All that was ever set, by place."""
        try:
            told = orjson.loads((self.folder / FILE).read_bytes())
        except FileNotFoundError:
            return {}
        return load(dict[str, Setting], told)

    @contextmanager
    def changing(self) -> Iterator[_Changes]:
        """The settings, for one change by one process at a time; what is set inside is kept at once at its end."""
        with (self.folder / f"{FILE}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            changes = _Changes(dict(self.settings()))
            yield changes
            ready(self.folder / FILE, orjson.dumps(dump(changes.settings)).decode())


@dataclass(slots=True)
class _Changes:
    settings: dict[str, Setting] = field(default_factory=dict)
