"""What was asked and answered when incidents were examined: the newest bundle of each, bounded."""

from __future__ import annotations

from console.store.database import Database

MOST_BYTES = 2 * 2**20  # of one
MOST_ALL = 100 * 2**20  # of all: the oldest go first


class Recordings:
    """The bundles of one store, by incident."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, incident: str, time: float, body: bytes) -> tuple[str, ...]:
        """Keep an incident's bundle in the place of its last; the incidents whose own had to go to make room.

        One that is too large itself is not kept: then its incident is among those named.
        """
        with self._database.write() as connection:
            connection.execute("DELETE FROM recordings WHERE incident = ?", (incident,))
            if len(body) > MOST_BYTES:
                return (incident,)
            connection.execute("INSERT INTO recordings VALUES (?, ?, ?)", (incident, time, body))
            dropped: list[str] = []
            rows = connection.execute("SELECT incident, length(body) FROM recordings ORDER BY time DESC, incident")
            total = 0
            for name, size in rows.fetchall():
                total += size
                if total > MOST_ALL:
                    dropped.append(name)
            connection.executemany("DELETE FROM recordings WHERE incident = ?", [(name,) for name in dropped])
            return tuple(dropped)

    def of(self, body: bytes) -> str | None:
        """Whose this very recording is, or None."""
        rows = self._database.rows("SELECT incident FROM recordings WHERE body = ?", (body,))
        return str(rows[0][0]) if rows else None

    def get(self, incident: str) -> bytes | None:
        """The bundle of an incident's last examination, or None."""
        rows = self._database.rows("SELECT body FROM recordings WHERE incident = ?", (incident,))
        return bytes(rows[0][0]) if rows else None
