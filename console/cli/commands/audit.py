"""`andon audit`: who did what, and whether that record is whole."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import click

from console.cli.session import Group, Session
from console.errors import Exit

if TYPE_CHECKING:
    from console.store.audit import Line


@click.group(cls=Group)
def audit() -> None:
    """Show, verify and export the audit log: every plan, approval and change, each line hashed with the one before."""


@audit.command()
@click.option("-n", "count", default=50, show_default=True, type=click.IntRange(1, 100_000), help="The last so many.")
@click.pass_obj
def show(session: Session, count: int) -> None:
    """The last lines."""
    from console import words
    from console.report.tables import columns

    lines = _lines(session)[-count:]
    told = [(line.number, line.entry) for line in lines]
    rows = [
        (number, words.instant(entry.time), entry.operator, entry.what, entry.subject, entry.facts.get("target", ""))
        for number, entry in told
    ]
    shape = [json.loads(line.text) | {"hash": line.hash} for line in lines]
    headings = ["line", "time", "who", "what", "plan", "target"]
    session.emit_shape(shape, lambda: columns(headings, rows, empty="nothing was planned or changed yet"))


@audit.command()
@click.pass_obj
def verify(session: Session) -> int:
    """Whether every line is what was written, in order, and none is missing; 1 where it is not."""
    from console.remedy.anchor import anchors
    from console.store.audit import broken

    lines = _lines(session)
    kept = anchors(session.config.anchor)
    fault = broken(lines, kept)
    beside = f", {len(kept)} of them kept elsewhere too" if kept else "; no line is kept elsewhere, so a cut tail "
    beside += "" if kept else "would not show: set [remedies] anchor"
    head = f", the last {lines[-1].hash[:12]}…" if lines else ""
    shape = {"lines": len(lines), "anchors": len(kept), "fault": fault, "head": lines[-1].hash if lines else None}
    session.emit_shape(shape, lambda: f"✗ {fault}" if fault else f"● {len(lines)} lines hold{head}{beside}")
    return Exit.PROBLEM if fault else Exit.HEALTHY


@audit.command()
@click.option("--csv", "as_csv", is_flag=True, help="As CSV; JSON lines otherwise.")
@click.pass_obj
def export(session: Session, as_csv: bool) -> None:
    """Every line, as JSON lines or CSV, to stdout or --output."""
    lines = _lines(session)
    if not as_csv:
        session.emit("\n".join(json.dumps(json.loads(line.text) | {"hash": line.hash}) for line in lines))
        return
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["number", "time", "operator", "what", "subject", "facts", "hash"])
    for line in lines:
        entry = line.entry
        facts = json.dumps(dict(entry.facts), sort_keys=True)
        row = [line.number, entry.time, entry.operator, entry.what, entry.subject, facts, line.hash]
        table.writerow([_harmless(each) for each in row])
    session.emit(out.getvalue().rstrip("\n"))


def _lines(session: Session) -> list[Line]:
    """Read from the store itself: the log must be readable where no daemon runs."""
    from console.store.store import DATABASE_NAME, Store

    with Store.open(session.config.data / DATABASE_NAME, read_only=True) as store:
        return [*store.audit.lines()]


def _harmless(cell: object) -> object:
    """What a spreadsheet would take for a formula, as text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t")) else cell
