"""`andon baseline`: spans of time worth comparing with, kept beyond the retention."""

from __future__ import annotations

import click

from console.cli.session import Group, Session


@click.group(cls=Group)
def baseline() -> None:
    """List, pin and drop pinned baselines."""


@baseline.command(name="list")
@click.pass_obj
def list_(session: Session) -> None:
    """Pinned baselines."""
    from console import words
    from console.report.tables import columns

    pins = session.client.request("baseline.list")
    rows = [
        (
            pin["name"],
            " and ".join(f"{words.instant(span['start'])} to {words.instant(span['end'])}" for span in pin["spans"]),
        )
        for pin in pins
    ]
    session.emit_shape(pins, lambda: columns(["name", "span"], rows, empty="nothing is pinned"))


@baseline.command(short_help="Pin a span of time under a name.")
@click.argument("name")
@click.argument("span", metavar="SPAN")
@click.pass_obj
def pin(session: Session, name: str, span: str) -> None:
    """Pin SPAN (24h, or START..END) as NAME; `--baseline pinned:NAME` uses it."""
    session.refuse_if_locked()
    pinned = session.client.request("baseline.pin", name=name, span=span)
    session.emit_shape(pinned, lambda: f"pinned {name}; use it with --baseline pinned:{name}")


@baseline.command()
@click.argument("name")
@click.pass_obj
def drop(session: Session, name: str) -> None:
    """Forget a pinned baseline; its samples then age like all others."""
    session.refuse_if_locked()
    dropped = session.client.request("baseline.drop", name=name)
    session.emit_shape(dropped, lambda: f"dropped {name}")
