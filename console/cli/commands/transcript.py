"""`andon transcript`: what was sent to a language model and what it answered."""

from __future__ import annotations

import click

from console.cli.session import Group, Session


@click.group(cls=Group)
def transcript() -> None:
    """List and read what was sent to a language model, and what it answered. No key is needed for that."""


@transcript.command(name="list")
@click.option("--incident", metavar="ID", help="Those about one incident.")
@click.pass_obj
def list_(session: Session, incident: str | None) -> None:
    """Transcripts, the newest first."""
    from console.model import Transcript
    from console.report.transcript import transcripts_text
    from console.wire import load

    found = session.client.request("transcript.list", incident=incident)
    session.emit_shape(found, lambda: transcripts_text([load(Transcript, each) for each in found]))


@transcript.command()
@click.argument("id_", metavar="ID")
@click.pass_obj
def show(session: Session, id_: str) -> None:
    """One transcript, message by message: secrets in it were replaced by ••• before they were sent."""
    from console.model import Transcript
    from console.report.transcript import transcript_text
    from console.wire import load

    found = session.client.request("transcript.show", transcript=id_)
    session.emit_shape(found, lambda: transcript_text(load(Transcript, found), width=session.width))
