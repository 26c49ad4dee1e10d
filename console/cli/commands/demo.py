"""`andon demo`: one incident on the practice line, from the first healthy hour to the diagnosis."""

from __future__ import annotations

import click

from console.cli.session import Command, Session


@click.command(cls=Command)
@click.option("--headless", is_flag=True, help="Print the diagnosis and end, which is the only way so far.")
@click.pass_obj
def demo(session: Session, headless: bool) -> int:
    """Put black gloves in front of a real vision model, and let andon say why its answers got worse.

    Exits 1, because a problem is found. Everything runs on this machine's loopback and ends with the command.
    """
    from console.lab.demo import demo as run_demo

    return session.emit_diagnosis(run_demo(lambda text: click.echo(text, err=True)))
