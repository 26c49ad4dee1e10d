"""Small facts that outlive the daemon, by name."""

from __future__ import annotations

import json
from typing import Any

from console.store.database import Database

RAW_FROM = "raw_from"
"""Raw samples are whole after this time; before it only minutes are."""


class Settings:
    """A value of plain JSON types for each key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or the default where it was never set."""
        rows = self._database.rows("SELECT value FROM meta WHERE key = ?", (key,))
        return json.loads(rows[0][0]) if rows else default

    def set(self, key: str, value: Any) -> None:
        """Keep a value; it is on disk when this returns."""
        with self._database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))
