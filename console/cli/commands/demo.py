"""`andon demo`: one incident on the practice line, from the first healthy hour to the diagnosis."""

from __future__ import annotations

import signal

import click

from console.cli.opening import has_screen
from console.cli.session import Command, Session


@click.command(cls=Command)
@click.option("--headless", is_flag=True, help="Print the diagnosis and end, instead of opening the console on it.")
@click.pass_obj
def demo(session: Session, headless: bool) -> int:
    """Put black gloves in front of a real vision model, and let andon say why its answers got worse.

    Opens the console on the incident; where there is no terminal for it, prints the diagnosis and exits 1, because a
    problem is found. Everything runs on this machine's loopback and ends with the command.
    """
    from console.lab.demo import demo as run_demo
    from console.lab.demo import standing_demo

    def tell(text: str) -> None:
        click.echo(text, err=True)

    if headless or not has_screen(session):
        return session.emit_diagnosis(run_demo(tell))
    from console.tui import open_console

    signal.signal(signal.SIGHUP, signal.default_int_handler)  # a terminal that is closed takes the line with it
    with standing_demo(tell) as (data, incident):
        return open_console(data, lambda: None, incident=incident)
