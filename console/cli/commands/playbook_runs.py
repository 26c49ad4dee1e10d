"""`andon playbook runs`: what runs there were, and which of them wait for somebody."""

from __future__ import annotations

import click

from console.cli.session import Command, Session


@click.command(cls=Command, short_help="The newest runs, and which of them wait.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many.")
@click.pass_obj
def runs(session: Session, limit: int) -> None:
    """The newest runs that the daemon keeps: what they came to, and which of them wait for somebody."""
    from console import words
    from console.report.tables import columns

    found = session.client.request("run.list", limit=limit)
    rows = [
        (
            each["id"],
            each["playbook"],
            each["state"],
            words.instant(each["started"]),
            each["operator"] or "–",
            each["incident"] or "–",
            each["verdict"] or "–",
            "; ".join(f"{one['step']}: {one['question']['text']}" for one in each["waits"]),
        )
        for each in found
    ]
    headings = ["id", "playbook", "state", "started", "operator", "incident", "verdict", "waits for"]
    session.emit_shape(found, lambda: columns(headings, rows, empty="no run is kept"))
