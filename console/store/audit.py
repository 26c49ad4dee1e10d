"""The audit log: who did what, each line hashed together with the one before, so that no line can be changed,
removed or moved without the hashes saying so. A tail that was cut shows against a head that is kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from console.store.database import Database

GENESIS = "0" * 64  # before the first line
PAGE = 1000  # lines read at once


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody did. No secret is ever part of it."""

    time: float
    operator: str
    what: str  # planned, approved, applying …
    subject: str  # P-3
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log, as it was written."""

    number: int
    text: str  # JSON of the entry and its number
    hash: str

    @property
    def entry(self) -> Entry:
        told = json.loads(self.text)
        return Entry(told["time"], told["operator"], told["what"], told["subject"], told["facts"])


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many lines, and the last one's hash."""

    number: int = 0
    hash: str = GENESIS


class Audit:
    """The audit log of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def head(self) -> Head:
        """Where the chain ends now."""
        with self._database.lock:
            return _head(self._database.connection)

    def lines(self, after: int = 0) -> Iterator[Line]:
        """The lines with a higher number, in order."""
        while rows := self._database.rows(
            "SELECT number, line, hash FROM audit WHERE number > ? ORDER BY number LIMIT ?", (after, PAGE)
        ):
            for row in rows:
                yield Line(*row)
            after = rows[-1][0]


def append(connection: sqlite3.Connection, entry: Entry) -> Head:
    """Add a line inside a transaction that is under way: what it tells of and the line are on disk together."""
    head = _head(connection)
    number = head.number + 1
    text = json.dumps(
        {"number": number, "time": entry.time, "operator": entry.operator, "what": entry.what,
         "subject": entry.subject, "facts": entry.facts},
        sort_keys=True, separators=(",", ":"),
    )  # fmt: skip
    link = linked(head.hash, text)
    connection.execute("INSERT INTO audit VALUES (?, ?, ?)", (number, text, link))
    return Head(number, link)


def linked(before: str, text: str) -> str:
    """The hash of a line after the one whose hash is `before`."""
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def broken(lines: Iterable[Line], anchors: Mapping[int, str]) -> str | None:
    """What is wrong with a chain from its first line on, in words; None where it holds.

    `anchors` are hashes by number that were kept elsewhere: they tell a tail that was cut, and a chain written anew.
    """
    before, number = GENESIS, 0
    left = dict(anchors)
    for line in lines:
        if line.number != number + 1:
            return f"line {number + 1} is missing: after line {number} comes line {line.number}"
        if line.hash != linked(before, line.text):
            return f"line {line.number} is not what was written, or does not follow the line before it"
        if (fault := _misplaced(line)) is not None:
            return fault
        if left.pop(line.number, line.hash) != line.hash:
            return f"line {line.number} is not the one whose hash is kept elsewhere: the chain was written anew"
        before, number = line.hash, line.number
    if left:
        return f"the log ends at line {number}, and line {max(left)} is known elsewhere: its tail was cut"
    return None


def _misplaced(line: Line) -> str | None:
    try:
        told = json.loads(line.text)["number"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"line {line.number} is no line of this log"
    return None if told == line.number else f"line {line.number} says that it is line {told}"


def _head(connection: sqlite3.Connection) -> Head:
    row = connection.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    return Head(*row) if row else Head()
