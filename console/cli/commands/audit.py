"""`andon audit`: who did what, and whether that record is whole."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import click

from console.cli.session import Group, Session
from console.errors import Exit

if TYPE_CHECKING:
    from console.store.audit import Line

FIELDS = ("number", "time", "operator", "what", "subject", "facts", "hash")


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

    shape = [_told(line) for line in _lines(session)[-count:]]
    rows = [
        (each["number"], words.instant(each["time"]), each["operator"], each["what"], each["subject"],
         each["facts"].get("target", ""))
        for each in shape
    ]  # fmt: skip
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
    """Every line, as JSON lines or CSV, to stdout or --output; also of a log that is not whole, which is said."""
    from console.store.audit import broken

    lines = _lines(session)
    if fault := broken(lines, {}):
        click.echo(f"this log is not whole: {fault}", err=True)
    told = [_told(line) for line in lines]
    if not as_csv:
        session.emit("\n".join(map(json.dumps, told)))
        return
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(FIELDS)
    for each in told:
        table.writerow([_harmless(each[name]) for name in FIELDS])
    session.emit(out.getvalue().rstrip("\n"))


def _told(line: Line) -> dict[str, Any]:
    """What a line says; of one that was changed so that it says nothing any more, the text as it is."""
    try:
        told = json.loads(line.text)
        when, facts = float(told["time"]), dict(told["facts"])
        said = {name: str(told[name]) for name in ("operator", "what", "subject")}
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        when, facts, said = 0.0, {"damaged": line.text}, {"operator": "", "what": "damaged", "subject": ""}
    return {"number": line.number, "time": when, **said, "facts": facts, "hash": line.hash}


def _lines(session: Session) -> list[Line]:
    """Read from the store itself: the log must be readable where no daemon runs."""
    from console.store.store import DATABASE_NAME, Store

    with Store.open(session.config.data / DATABASE_NAME, read_only=True) as store:
        return [*store.audit.lines()]


def _harmless(cell: Any) -> Any:
    """What a spreadsheet would take for a formula, and a terminal for a command, as text."""
    from console.report.clean import clean

    if isinstance(cell, dict):
        return json.dumps(cell, sort_keys=True)
    text = clean(cell) if isinstance(cell, str) else cell
    return f"'{text}" if isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
