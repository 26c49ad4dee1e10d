"""`andon events`: what changed, and when, out of every source that knows."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from console.cli.session import Command, Session
from console.errors import DaemonUnreachable, Exit, worst

DAY = 86400.0


@click.command(cls=Command)
@click.option("--span", default="24h", metavar="SPAN", help="How far back: 15m, 24h, 7d, or START..END (RFC 3339).")
@click.option("--kind", "kinds", multiple=True, help="deploy, config, model_version, flag, commit … (repeatable).")
@click.option("--target", help="Only events about this one.")
@click.option("--incident", "id_", metavar="ID", help="From --span before it was opened until it was closed.")
@click.pass_obj
def events(session: Session, span: str, kinds: tuple[str, ...], target: str | None, id_: str | None) -> int:
    """Say what changed and when: deploys, configuration, flags, model versions, commits, annotations.

    Each change once, whoever told it. Without a daemon, or with --source, the sources are asked themselves; what they
    know only from one look to the next (flags, aliases) is then not told.
    """
    from console import words
    from console.errors import SourceError
    from console.report.clean import clean
    from console.report.tables import columns

    failed: list[Any] = []
    found: list[dict[str, Any]]
    if id_ is not None:
        start, end = _around(session, span, id_)
        found = session.client.request("events", start=start, end=end, kinds=list(kinds), target=target)
    else:
        found, failed = _told(session, span, kinds, target)
    rows = [
        (words.instant(each["time"]), each["kind"], each["target"] or "–", each["source"] or "–", each["title"])
        for each in found
    ]
    headings = ["time", "kind", "target", "source", "what"]
    empty = " ".join(("no event", *(f"of kind {kind}" for kind in kinds[:1]), *(f"or {kind}" for kind in kinds[1:]),
                      *((f"about {target}",) if target else ()), "was told"))  # fmt: skip
    session.emit_shape(found, lambda: columns(headings, rows, empty=empty))
    for error in failed:
        click.echo(f"andon: {clean(error.message)}", err=True)
    return worst(Exit.UNREACHABLE if isinstance(error, SourceError) else error.exit for error in failed)


def _told(
    session: Session, text: str, kinds: tuple[str, ...], target: str | None
) -> tuple[list[dict[str, Any]], list[Any]]:
    """What the daemon kept; without one, or of sources named on the command line, what these say now."""
    from console.clock import clock_of
    from console.sources.windows import parse_span
    from console.triage.headless import events_here
    from console.wire import dump

    span = parse_span(text, clock_of(session.config.clock)())
    if not session.source:
        try:
            asked = session.client.request("events", start=span.start, end=span.end, kinds=list(kinds), target=target)
            return asked, []
        except DaemonUnreachable:
            pass
    found, failed = asyncio.run(events_here(session.config_with_sources, session.plugins, span, kinds))
    session.say_without_daemon()
    return [dump(event) for event in found if target in (None, event.target)], failed


def _around(session: Session, text: str, id_: str) -> tuple[float, float]:
    from console.config import duration

    incident = session.client.request("incident.show", incident=id_)
    closed = incident.get("closed")
    return incident["opened"] - duration(text), incident["opened"] + DAY if closed is None else closed
