"""Plans and what became of them. A change of one and its line in the audit log are on disk together, or neither is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import replace

from console import wire
from console.errors import UsageError
from console.model import Plan, PlanRecord, PlanState
from console.store.audit import Entry, append
from console.store.database import Database
from console.store.notices import Due, put

MOST_DONE = 1000  # acts that are counted


class Plans:
    """The plans of one store. Whoever changes one says what it was: of two who do so at once, one is refused."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, plan: Plan, hash_: str, approvers: int, rule: str, entry: Entry) -> PlanRecord:
        """Keep a new plan; its id is P-1, P-2 …"""
        with self._database.write() as connection:
            cursor = connection.execute(
                "INSERT INTO plans (state, target, incident, is_busy, body) VALUES (?, ?, ?, 0, '')",
                (PlanState.PLANNED, _target(plan), plan.incident),
            )
            record = PlanRecord(
                f"P-{cursor.lastrowid}", hash_, plan, approvers=approvers, rule=rule, changed=plan.created
            )
            connection.execute("UPDATE plans SET body = ? WHERE number = ?", (_text(record), cursor.lastrowid))
            append(connection, replace(entry, subject=record.id))
            return record

    def change(self, before: PlanRecord, after: PlanRecord, entry: Entry, told: Iterable[Due] = ()) -> PlanRecord:
        """Put the record in the place of what it was; whom that is to be told is on disk with it.

        UsageError where somebody else changed it first, and where its target is being changed by another plan.
        """
        try:
            with self._database.write() as connection:
                cursor = connection.execute(
                    "UPDATE plans SET state = ?, is_busy = ?, body = ? WHERE number = ? AND body = ?",
                    (after.state, is_busy(after), _text(after), _number(after.id), _text(before)),
                )
                if cursor.rowcount != 1:
                    raise UsageError(
                        f"{before.id} was changed by somebody else just now", f"andon plan show {before.id}"
                    )
                append(connection, entry)
                put(connection, told)
        except sqlite3.IntegrityError:
            raise UsageError(
                f"{after.plan.act.target} is being changed by another plan", "`andon plan list` shows which"
            ) from None
        return after

    def look(self, before: PlanRecord, after: PlanRecord) -> PlanRecord:
        """Keep one more look at whether it helped: nothing was done, so the audit log has no line of it."""
        with self._database.write() as connection:
            cursor = connection.execute(
                "UPDATE plans SET body = ? WHERE number = ? AND body = ?",
                (_text(after), _number(after.id), _text(before)),
            )
            return after if cursor.rowcount == 1 else before

    def get(self, id_: str) -> PlanRecord:
        """One plan; UsageError where there is none of that id."""
        rows = self._database.rows("SELECT body FROM plans WHERE number = ?", (_number(id_),))
        if not rows:
            raise UsageError(f"there is no plan {id_}", "`andon plan list` shows them")
        return _record(rows[0][0])

    def list(
        self, *, states: Collection[PlanState] = (), incident: str | None = None, limit: int = 200
    ) -> tuple[PlanRecord, ...]:
        """Plans in some states (or all), the newest first."""
        rows = self._database.rows(
            "SELECT body FROM plans WHERE (?1 = '[]' OR state IN (SELECT value FROM json_each(?1)))"
            " AND (?2 IS NULL OR incident = ?2) ORDER BY number DESC LIMIT ?3",
            (json.dumps([*states]), incident, limit),
        )
        return tuple(_record(body) for (body,) in rows)

    def done(self, action: str) -> tuple[float, ...]:
        """When an action was begun, on whatever; the latest first. Those that came to nothing do not count."""
        rows = self._database.rows(
            "SELECT json_extract(body, '$.receipt.began') FROM plans WHERE json_extract(body, '$.plan.act.action') = ?"
            " AND json_extract(body, '$.receipt.began') IS NOT NULL AND json_extract(body, '$.receipt.did') IS NOT 0"
            " ORDER BY number DESC LIMIT ?",
            (action, MOST_DONE),
        )
        return tuple(began for (began,) in rows)

    def unfinished(self) -> tuple[PlanRecord, ...]:
        """Those that a daemon did not live to end: busy ones, the oldest first."""
        rows = self._database.rows("SELECT body FROM plans WHERE is_busy ORDER BY number")
        return tuple(_record(body) for (body,) in rows)


def is_busy(record: PlanRecord) -> bool:
    """Whether its target is being changed, watched (or about to be) or taken back."""
    if record.undoing is not None and record.undoing.ended is None:
        return True
    if record.state is PlanState.APPLIED:
        return record.plan.check is not None
    return record.state in (PlanState.APPLYING, PlanState.VERIFYING)


def _target(plan: Plan) -> str:
    return json.dumps([plan.act.actuator, plan.act.target])


def _text(record: PlanRecord) -> str:
    return json.dumps(wire.dump(record), sort_keys=True)


def _record(body: str) -> PlanRecord:
    return wire.load(PlanRecord, json.loads(body))


def _number(id_: str) -> int:
    prefix, _, number = id_.partition("-")
    if prefix.upper() != "P" or not number.isascii() or not number.isdecimal() or len(number) > 9:
        raise UsageError(f"{id_!r} is no plan's id", "they are called P-1, P-2 …; `andon plan list` shows them")
    return int(number)
