"""`andon notify`: does what the configuration names reach people?"""

from __future__ import annotations

import click

from console.cli.session import Group, Session

TEST_SECONDS = 40.0


@click.group(cls=Group)
def notify() -> None:
    """Try whether a notifier reaches people."""


@notify.command(short_help="Send one test notice by a notifier of the configuration.")
@click.argument("name")
@click.pass_obj
def test(session: Session, name: str) -> None:
    """Send one test notice by NAME of [notify.NAME], as the daemon would, with its environment."""
    from console.report.clean import clean

    session.refuse_if_locked()
    shape = session.client.request("notify.test", timeout=TEST_SECONDS, name=name)
    session.emit_shape(shape, lambda: clean(f"{shape['name']} took it"))
