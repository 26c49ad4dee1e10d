"""Alerts that were taken and have not ended, and what came of their groups: what a restart must not forget."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console import wire
from console.model import Alert
from console.store.database import Database


@dataclass(frozen=True, slots=True)
class Held:
    """One alert. Times are those of the daemon's clock."""

    alert: Alert
    group: str
    taken: float  # when it was first heard of
    heard: float  # and last
    incident: str = ""  # that it belongs to; empty: it waits

    @property
    def since(self) -> float:
        """Since when it fires, as far as that can be: no alert is older than what it says nor younger than we know."""
        return min(self.alert.started or self.taken, self.taken)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a group last opened or joined, and when."""

    incident: str
    time: float


class Alerts:
    """The alerts of one store; each call is on disk when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Held]:
        """All of them, in the order in which they came."""
        rows = self._database.rows("SELECT body, grp, taken, heard, incident FROM alerts ORDER BY taken, id")
        return [Held(wire.load(Alert, json.loads(body)), *rest) for body, *rest in rows]

    def groups(self) -> dict[str, Opened]:
        """What each group came to."""
        rows = self._database.rows("SELECT grp, incident, time FROM alert_groups")
        return {group: Opened(incident, time) for group, incident, time in rows}

    def keep(self, held: Iterable[Held], gone: Sequence[str] = ()) -> None:
        """Keep these as they are now, and forget those of these ids."""
        rows = [
            (each.alert.id, each.group, each.taken, each.heard, each.incident, json.dumps(wire.dump(each.alert)))
            for each in held
        ]
        with self._database.write() as connection:
            connection.executemany("DELETE FROM alerts WHERE id = ?", [(id_,) for id_ in gone])
            connection.executemany("INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?, ?, ?)", rows)

    def belong(self, ids: Sequence[str], groups: Sequence[str], opened: Opened) -> None:
        """Put alerts and their groups down to an incident."""
        with self._database.write() as connection:
            rows = [(opened.incident, id_) for id_ in ids]
            connection.executemany("UPDATE alerts SET incident = ? WHERE id = ?", rows)
            connection.executemany(
                "INSERT OR REPLACE INTO alert_groups VALUES (?, ?, ?)",
                [(group, opened.incident, opened.time) for group in groups],
            )

    def forget_groups(self, groups: Sequence[str]) -> None:
        """Drop what these groups came to."""
        with self._database.write() as connection:
            connection.executemany("DELETE FROM alert_groups WHERE grp = ?", [(group,) for group in groups])
