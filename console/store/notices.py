"""What people are to be told and were told, each once for every incident and notifier, across restarts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from console.store.database import Database

What = Literal["opened", "cause", "closed"]


@dataclass(frozen=True, slots=True)
class Due:
    """One thing to tell by one notifier."""

    incident: str
    what: What
    notifier: str
    time: float


class Notices:
    """The notices of one store; each call is on disk when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, incident: str, what: What, notifiers: Sequence[str], time: float) -> int:
        """Something is to be told by these; what was told or waits already is not doubled. How many are new."""
        rows = [(incident, what, name, time) for name in notifiers]
        with self._database.write() as connection:
            return connection.executemany("INSERT OR IGNORE INTO notices VALUES (?, ?, ?, ?, 'waiting')", rows).rowcount

    def waiting(self, notifier: str) -> list[Due]:
        """What this one has still to tell, the oldest first."""
        rows = self._database.rows(
            "SELECT incident, what, notifier, time FROM notices WHERE notifier = ? AND state = 'waiting'"
            " ORDER BY time, incident, CASE what WHEN 'opened' THEN 0 WHEN 'cause' THEN 1 ELSE 2 END",
            (notifier,),
        )
        return [Due(*row) for row in rows]

    def settle(self, due: Due, state: Literal["told", "given up"]) -> None:
        """It was told, or nobody tries any more."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE notices SET state = ? WHERE incident = ? AND what = ? AND notifier = ?",
                (state, due.incident, due.what, due.notifier),
            )

    def forget(self, before: float) -> None:
        """Drop what was settled that long ago."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM notices WHERE time < ? AND state != 'waiting'", (before,))
