"""What people are to be told and were told, each once for every incident, plan and notifier, across restarts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Literal

from console.model import NoticeOf
from console.store.database import Database


@dataclass(frozen=True, slots=True)
class Due:
    """One thing to tell by one notifier."""

    about: str  # id of an incident or of a plan
    what: NoticeOf
    notifier: str
    time: float


class Notices:
    """The notices of one store; each call is on disk when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, dues: Iterable[Due]) -> int:
        """Something is to be told; what was told or waits already is not doubled. How many are new."""
        with self._database.write() as connection:
            return put(connection, dues)

    def waiting(self, notifier: str) -> list[Due]:
        """What this one has still to tell, the oldest first."""
        rows = self._database.rows(
            "SELECT about, what, notifier, time FROM notices WHERE notifier = ? AND state = 'waiting'"
            " ORDER BY time, about, CASE what WHEN 'opened' THEN 0 WHEN 'cause' THEN 1 ELSE 2 END",
            (notifier,),
        )
        return [Due(*row) for row in rows]

    def settle(self, due: Due, state: Literal["told", "given up"]) -> None:
        """It was told, or nobody tries any more."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE notices SET state = ? WHERE about = ? AND what = ? AND notifier = ?",
                (state, due.about, due.what, due.notifier),
            )

    def forget(self, before: float) -> None:
        """Drop what was settled that long ago."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM notices WHERE time < ? AND state != 'waiting'", (before,))


def dues(about: str, what: NoticeOf, notifiers: Sequence[str], time: float) -> list[Due]:
    """The same thing to tell by each of these."""
    return [Due(about, what, name, time) for name in notifiers]


def put(connection: sqlite3.Connection, due: Iterable[Due]) -> int:
    """Add them within a transaction that is open: then they are on disk with what they tell of."""
    rows = [astuple(each) for each in due]
    return connection.executemany("INSERT OR IGNORE INTO notices VALUES (?, ?, ?, ?, 'waiting')", rows).rowcount
