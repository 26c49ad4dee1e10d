"""`andon doctor`: is everything here that andon needs, and what to do where it is not."""

from __future__ import annotations

import click

from console.cli.session import Command, Session
from console.errors import Exit

EXITS = {"ok": Exit.HEALTHY, "missing": Exit.HEALTHY, "wrong": Exit.USAGE}


@click.command(cls=Command)
@click.pass_obj
def doctor(session: Session) -> int:
    """Check that everything andon needs on this host is there. What is merely missing is no fault."""
    from console import words
    from console.report.tables import columns
    from console.service.doctor import examine
    from console.wire import dump

    marks = {"ok": words.mark("ok"), "missing": words.mark("no_data"), "wrong": words.mark("degraded")}
    checks = examine(session.config_with_sources, session.plugins)
    rows = [(f"{marks[check.state]} {check.state}", check.check, check.text) for check in checks]
    session.emit_shape([dump(check) for check in checks], lambda: columns(["state", "check", "what"], rows))
    return max((EXITS[check.state] for check in checks), default=Exit.HEALTHY)
