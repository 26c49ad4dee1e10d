"""Runs of playbooks, kept whole, and their findings, which can be looked up one by one."""

from __future__ import annotations

import json

from console import wire
from console.errors import UsageError
from console.model import Finding, Run, Span
from console.store.database import Database


class Runs:
    """The saved runs of one store. A run is on disk when `save` returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, run: Run) -> None:
        """Keep a run with all it found; a run of the same id is replaced."""
        # json rather than wire.encode: an infinite odds or a NaN must come back as it was, not as null.
        findings = [(run.id, f.id, f.signal, run.started, json.dumps(wire.dump(f))) for f in run.findings]
        with self._database.write() as connection:
            connection.execute("DELETE FROM runs WHERE id = ?", (run.id,))
            connection.execute(
                "INSERT INTO runs (id, playbook, started, body) VALUES (?, ?, ?, ?)",
                (run.id, run.playbook, run.started, json.dumps(wire.dump(run))),
            )
            connection.executemany(
                "INSERT INTO findings (run, id, signal, time, body) VALUES (?, ?, ?, ?, ?)", findings
            )

    def get(self, id: str) -> Run:
        """One run; UsageError where there is none of that id."""
        rows = self._database.rows("SELECT body FROM runs WHERE id = ?", (id,))
        if not rows:
            raise UsageError(f"there is no run {id}", "`andon incident show` names the runs of an incident")
        return wire.load(Run, json.loads(rows[0][0]))

    def list(self, *, playbook: str | None = None, limit: int = 50) -> tuple[Run, ...]:
        """Runs, the newest first."""
        rows = self._database.rows(
            "SELECT body FROM runs WHERE ?1 IS NULL OR playbook = ?1 ORDER BY started DESC, id LIMIT ?2",
            (playbook, limit),
        )
        return tuple(wire.load(Run, json.loads(body)) for (body,) in rows)

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
