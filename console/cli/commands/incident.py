"""`andon incident`: what is open, what is known about it, who has it."""

from __future__ import annotations

from typing import Any

import click

from console.cli.session import Group, Session


@click.group(cls=Group)
def incident() -> None:
    """List, show, note, acknowledge and close incidents."""


@incident.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.pass_obj
def list_(session: Session, everything: bool) -> None:
    """Incidents that are not closed, newest first."""
    from console import words
    from console.report.tables import columns

    incidents = session.client.request("incident.list", all=everything)
    rows = [
        (item["id"], item["state"], words.instant(item["opened"]), item["owner"] or "–", item["subject"], item["title"])
        for item in incidents
    ]
    headings = ["id", "state", "opened", "owner", "subject", "title"]
    session.emit_shape(incidents, lambda: columns(headings, rows, empty="no incident is open"))


@incident.command(short_help="The diagnosis of one incident, and its notes.")
@click.argument("id_", metavar="ID")
@click.pass_obj
def show(session: Session, id_: str) -> int:
    """The diagnosis of one incident, and its notes; exits as that diagnosis says."""
    from console.model import Diagnosis
    from console.wire import load

    return session.emit_diagnosis(load(Diagnosis, session.client.request("diagnosis", incident=id_)))


@incident.command()
@click.argument("id_", metavar="ID")
@click.argument("text")
@click.pass_obj
def note(session: Session, id_: str, text: str) -> None:
    """Add a line to an incident's timeline."""
    _change(session, "incident.note", id_, text=text)


@incident.command()
@click.argument("id_", metavar="ID")
@click.pass_obj
def ack(session: Session, id_: str) -> None:
    """Take an incident: you are its owner now."""
    _change(session, "incident.ack", id_)


@incident.command()
@click.argument("id_", metavar="ID")
@click.option("--note", "text", default="", help="What ended it.")
@click.pass_obj
def close(session: Session, id_: str, text: str) -> None:
    """Close an incident."""
    _change(session, "incident.close", id_, text=text)


def _change(session: Session, op: str, id_: str, **args: Any) -> None:
    from console.report.clean import clean

    session.refuse_if_locked()
    item = session.client.request(op, incident=id_, **args)
    owner = f", owner {item['owner']}" if item["owner"] else ""
    session.emit_shape(item, lambda: clean(f"{item['id']} is {item['state']}{owner}: {item['title']}"))
