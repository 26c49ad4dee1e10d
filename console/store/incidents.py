"""Incidents: opened by a symptom, owned, noted on, closed. Every change is on disk before the call returns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from console import wire
from console.errors import UsageError
from console.model import Answer, Incident, IncidentState, Note, Symptom
from console.store.database import Database

MOST_NOTES = 500  # of one incident; the whole of it is read and drawn at once
CONSOLE = "andon"  # who writes the notes that no person wrote


class Incidents:
    """The incidents of one store, by id (I-1, I-2 …)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(
        self, symptom: Symptom, *, title: str, subject: str, time: float, operator: str = CONSOLE
    ) -> tuple[Incident, bool]:
        """The incident of a symptom, and whether it is new.

        While an incident of the same subject is not closed, a symptom joins that one, as a note by the operator.
        """
        with self._database.write() as connection:
            current = self.find_open(subject) if subject else None
            if current is not None:
                if symptom.text in (current.symptom.text, *(note.text for note in current.notes)):
                    return current, False
                return _save(connection, _noted(current, Note(time, operator, symptom.text))), False
            number = connection.execute(
                "INSERT INTO incidents (state, subject, body) VALUES ('open', ?, '{}')", (subject,)
            ).lastrowid
            return _save(connection, Incident(f"I-{number}", title, "open", time, symptom, subject)), True

    def take_in(self, incident: Incident, note: Note) -> Incident:
        """One that happened elsewhere: closed, marked, with a number of its own and a note that says so."""
        with self._database.write() as connection:
            number = connection.execute(
                "INSERT INTO incidents (state, subject, body) VALUES ('closed', ?, '{}')", (incident.subject,)
            ).lastrowid
            closed = incident.opened if incident.closed is None else incident.closed
            kept = incident.notes[-(MOST_NOTES - 1) :]
            return _save(
                connection,
                replace(
                    incident,
                    id=f"I-{number}",
                    state="closed",
                    closed=closed,
                    notes=(*kept, note),
                    runs=(),
                    is_imported=True,
                ),
            )

    def find_open(self, subject: str) -> Incident | None:
        """The incident of a subject that is not closed yet, or None."""
        rows = self._database.rows(
            "SELECT body FROM incidents WHERE subject = ? AND state != 'closed' ORDER BY number DESC LIMIT 1",
            (subject,),
        )
        return _read(rows[0][0]) if rows else None

    def get(self, id: str) -> Incident:
        """One incident; UsageError where there is none of that id."""
        rows = self._database.rows("SELECT body FROM incidents WHERE number = ?", (_number(id),))
        if not rows:
            raise _unknown(id)
        return _read(rows[0][0])

    def list(self, state: IncidentState | None = None) -> tuple[Incident, ...]:
        """All incidents, or those in one state, the newest first."""
        rows = self._database.rows(
            "SELECT body FROM incidents WHERE ?1 IS NULL OR state = ?1 ORDER BY number DESC", (state,)
        )
        return tuple(_read(body) for (body,) in rows)

    def acknowledge(self, id: str, operator: str, time: float) -> Incident:
        """Make the operator its owner. UsageError where it is closed."""

        def acknowledged(incident: Incident) -> Incident:
            if incident.state == "closed":
                raise UsageError(f"{id} is closed", "a new symptom opens a new incident")
            note = Note(time, operator, "acknowledged")
            return replace(incident, state="acknowledged", owner=operator, notes=(*incident.notes, note))

        return self._change(id, acknowledged)

    def note(self, id: str, operator: str, text: str, time: float) -> Incident:
        """Add a line to its timeline; a closed one takes notes too, since that is when lessons are written."""
        return self._change(id, lambda incident: _noted(incident, Note(time, operator, text)))

    def answer(self, id: str, answer: Answer) -> Incident:
        """Keep an operator's answer, in the place of an earlier one to the same question. UsageError where closed."""

        def answered(incident: Incident) -> Incident:
            if incident.state == "closed":
                raise UsageError(f"{id} is closed", "a new symptom opens a new incident")
            note = Note(answer.time, answer.operator, f"{answer.question} {answer.answer}")
            others = (one for one in incident.answers if one.question != answer.question)
            return replace(incident, answers=(*others, answer), notes=(*incident.notes, note))

        return self._change(id, answered)

    def close(self, id: str, operator: str, time: float) -> Incident:
        """Close it; closing a closed one changes nothing."""

        def closed(incident: Incident) -> Incident:
            if incident.state == "closed":
                return incident
            return replace(
                incident, state="closed", closed=time, notes=(*incident.notes, Note(time, operator, "closed"))
            )

        return self._change(id, closed)

    def attach_run(self, id: str, run: str) -> Incident:
        """Add a run to it, once."""
        return self._change(
            id, lambda incident: incident if run in incident.runs else replace(incident, runs=(*incident.runs, run))
        )

    def _change(self, id: str, change: Callable[[Incident], Incident]) -> Incident:
        with self._database.write() as connection:
            return _save(connection, change(self.get(id)))


def _save(connection: sqlite3.Connection, incident: Incident) -> Incident:
    connection.execute(
        "UPDATE incidents SET state = ?, body = ? WHERE number = ?",
        (incident.state, json.dumps(wire.dump(incident)), _number(incident.id)),
    )
    return incident


def _noted(incident: Incident, note: Note) -> Incident:
    if len(incident.notes) >= MOST_NOTES:
        hint = "close it; a new symptom opens a new incident"
        raise UsageError(f"{incident.id} has {MOST_NOTES} notes already", hint)
    return replace(incident, notes=(*incident.notes, note))


def _read(body: str) -> Incident:
    return wire.load(Incident, json.loads(body))


def _number(id: str) -> int:
    prefix, _, number = id.partition("-")
    if prefix.upper() != "I" or not number.isdecimal() or len(number) > 15:
        raise _unknown(id)
    return int(number)


def _unknown(id: str) -> UsageError:
    return UsageError(f"there is no incident {id}", "`andon incident list` shows them all; ids look like I-7")
