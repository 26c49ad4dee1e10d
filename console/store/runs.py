"""Runs of playbooks, kept whole, and their findings, which can be looked up one by one."""

from __future__ import annotations

import json
from dataclasses import dataclass

from console import wire
from console.errors import UsageError
from console.model import Finding, Run, Span
from console.store.database import Database

SAVE = """
INSERT INTO runs (id, playbook, started, body, state, hash, path, operator, incident)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    playbook = excluded.playbook, started = excluded.started, body = excluded.body, state = excluded.state,
    hash = excluded.hash, path = coalesce(nullif(path, ''), excluded.path),
    operator = coalesce(nullif(operator, ''), excluded.operator),
    incident = coalesce(nullif(incident, ''), excluded.incident)
"""
LEFT = "UPDATE runs SET state = 'left' WHERE incident = ? AND playbook = ? AND id != ? AND state = 'paused'"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run came from: what it needs to go on, and who began it. What is empty is not known."""

    text: str = ""  # the playbook's
    path: str = ""  # the file that it was read from
    operator: str = ""
    incident: str = ""


UNKNOWN = Origin()


class Runs:
    """The saved runs of one store. A run is on disk when `save` returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, run: Run, origin: Origin = UNKNOWN) -> None:
        """Keep a run with all it found; a run of the same id is replaced, and what was known of its origin stays."""
        # json rather than wire.encode: an infinite odds or a NaN must come back as it was, not as null.
        findings = [(run.id, f.id, f.signal, run.started, json.dumps(wire.dump(f))) for f in run.findings]
        row = (run.id, run.playbook, run.started, json.dumps(wire.dump(run)), run.state, run.playbook_hash)
        with self._database.write() as connection:
            connection.execute(SAVE, (*row, origin.path, origin.operator, origin.incident))
            if origin.incident:  # what an earlier run still waits for, this one asks anew
                connection.execute(LEFT, (origin.incident, run.playbook, run.id))
            connection.execute("DELETE FROM findings WHERE run = ?", (run.id,))
            connection.executemany(
                "INSERT INTO findings (run, id, signal, time, body) VALUES (?, ?, ?, ?, ?)", findings
            )
            if origin.text:
                connection.execute(
                    "INSERT INTO playbook_texts (hash, text) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    (run.playbook_hash, origin.text),
                )

    def origin(self, id: str) -> Origin:
        """What a run came from; UsageError where there is none of that id."""
        rows = self._database.rows(
            "SELECT coalesce(text, ''), path, operator, incident FROM runs"
            " LEFT JOIN playbook_texts ON playbook_texts.hash = runs.hash WHERE id = ?",
            (id,),
        )
        if not rows:
            raise _unknown(id)
        return Origin(*rows[0])

    def paused(self) -> tuple[Run, ...]:
        """The runs that wait, the oldest first."""
        rows = self._database.rows("SELECT body FROM runs WHERE state = 'paused' ORDER BY started, id")
        return tuple(wire.load(Run, json.loads(body)) for (body,) in rows)

    def get(self, id: str) -> Run:
        """One run; UsageError where there is none of that id."""
        rows = self._database.rows("SELECT body FROM runs WHERE id = ?", (id,))
        if not rows:
            raise _unknown(id)
        return wire.load(Run, json.loads(rows[0][0]))

    def list(self, *, playbook: str | None = None, limit: int = 50) -> tuple[Run, ...]:
        """Runs, the newest first."""
        rows = self._database.rows(
            "SELECT body FROM runs WHERE ?1 IS NULL OR playbook = ?1 ORDER BY started DESC, id LIMIT ?2",
            (playbook, limit),
        )
        return tuple(wire.load(Run, json.loads(body)) for (body,) in rows)

    def newest(self, limit: int = 50) -> tuple[tuple[Run, Origin, str], ...]:
        """(run, origin without its text, state), the newest first; `left`: a later run took its place."""
        rows = self._database.rows(
            "SELECT body, path, operator, incident, state FROM runs ORDER BY started DESC, id LIMIT ?", (limit,)
        )
        return tuple(
            (wire.load(Run, json.loads(body)), Origin("", path, operator, incident), state)
            for body, path, operator, incident, state in rows
        )

    def drop(self, id: str) -> None:
        """Forget a run that came to nothing."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM runs WHERE id = ?", (id,))

    def finding(self, run: str, id: str) -> Finding:
        """One finding of one run; UsageError where there is none."""
        rows = self._database.rows("SELECT body FROM findings WHERE run = ? AND id = ?", (run, id))
        if not rows:
            raise UsageError(f"run {run} has no finding {id}", "its diagnosis lists the findings")
        return wire.load(Finding, json.loads(rows[0][0]))

    def findings(self, *, signal: str, span: Span, limit: int = 200) -> tuple[tuple[str, Finding], ...]:
        """(run id, finding) of one signal in runs that started within a span, the newest first."""
        rows = self._database.rows(
            "SELECT run, body FROM findings WHERE signal = ? AND time >= ? AND time < ?"
            " ORDER BY time DESC, run, id LIMIT ?",
            (signal, span.start, span.end, limit),
        )
        return tuple((run, wire.load(Finding, json.loads(body))) for run, body in rows)


def _unknown(id: str) -> UsageError:
    return UsageError(f"there is no run {id}", "`andon playbook runs` lists them")
