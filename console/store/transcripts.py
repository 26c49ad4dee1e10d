"""What was said to a language model and what it answered, kept to be read, and what that cost."""

from __future__ import annotations

import json
from dataclasses import replace

from console import wire
from console.errors import UsageError
from console.model import Transcript, Usage
from console.store.database import Database

MOST_BYTES = 2 * 2**20  # of one
MOST_ALL = 50 * 2**20  # of all: the oldest lose their messages first; what they cost stays
PREFIX = "T-"


class Transcripts:
    """The transcripts of one store. One is on disk when `keep` returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, transcript: Transcript) -> Transcript:
        """Keep one; it comes back with its id. Messages that are too long altogether are left out."""
        body = json.dumps(wire.dump(transcript))
        if len(body) > MOST_BYTES:
            body = json.dumps(wire.dump(replace(transcript, messages=(), head={})))
        used = transcript.says.usage if transcript.says is not None else Usage()
        row = (transcript.incident, transcript.time, used.calls, used.tokens, used.money, body)
        with self._database.write() as connection:
            cursor = connection.execute(
                "INSERT INTO transcripts (incident, time, calls, tokens, money, body) VALUES (?, ?, ?, ?, ?, ?)", row
            )
            number = int(cursor.lastrowid or 0)
            connection.execute(
                "UPDATE transcripts SET body = '' WHERE number IN (SELECT number FROM ("
                " SELECT number, sum(length(body)) OVER (ORDER BY number DESC) AS total FROM transcripts"
                ") WHERE total > ?)",
                (MOST_ALL,),
            )
        return replace(transcript, id=f"{PREFIX}{number}")

    def get(self, id: str) -> Transcript:
        """One transcript; UsageError where there is none of that id, or its messages had to go."""
        number = id.removeprefix(PREFIX)
        rows = self._database.rows(
            "SELECT number, body FROM transcripts WHERE number = ? AND body != ''",
            (int(number) if number.isdecimal() else 0,),
        )
        if not rows:
            raise UsageError(f"there is no transcript {id}", "`andon transcript list` lists them")
        return _read(*rows[0])

    def list(self, incident: str | None = None, limit: int = 50) -> tuple[Transcript, ...]:
        """Transcripts, the newest first."""
        rows = self._database.rows(
            "SELECT number, body FROM transcripts WHERE (?1 IS NULL OR incident = ?1) AND body != ''"
            " ORDER BY number DESC LIMIT ?2",
            (incident, limit),
        )
        return tuple(_read(*row) for row in rows)

    def spent(self, since: float, incident: str | None = None) -> Usage:
        """What calls cost from an instant on, of all incidents or of one."""
        rows = self._database.rows(
            "SELECT coalesce(sum(calls), 0), coalesce(sum(tokens), 0), coalesce(sum(money), 0.0) FROM transcripts"
            " WHERE time >= ?1 AND (?2 IS NULL OR incident = ?2)",
            (since, incident),
        )
        calls, tokens, money = rows[0]
        return Usage(calls=int(calls), tokens_in=int(tokens), money=float(money))


def _read(number: int, body: str) -> Transcript:
    return replace(wire.load(Transcript, json.loads(body)), id=f"{PREFIX}{number}")
