"""`andon source`: where data comes from, and whether it does."""

from __future__ import annotations

import asyncio

import click

from console.cli.session import Group, Session
from console.errors import Exit, worst

EXITS = {"ok": Exit.HEALTHY, "stale": Exit.INCONCLUSIVE, "misconfigured": Exit.USAGE}


@click.group(cls=Group)
def source() -> None:
    """List sources and check what they give."""


@source.command(name="list")
@click.pass_obj
def list_(session: Session) -> None:
    """Configured sources, and the kinds there are."""
    from console.report.tables import columns

    kinds = session.plugins.by_name("andon_sources", "kind")
    configured = [{"name": item.name, "kind": item.kind} for item in session.config_with_sources.sources]
    shape = {"sources": configured, "kinds": [{"kind": kind.kind, "title": kind.title} for kind in kinds.values()]}
    session.emit_shape(
        shape,
        lambda: "\n\n".join(
            (
                columns(
                    ["source", "kind"], [tuple(item.values()) for item in configured], empty="no source is configured"
                ),
                columns(["kind", "what it is"], [(kind.kind, kind.title) for kind in kinds.values()]),
            )
        ),
    )


@source.command(short_help="Ask each source now whether it answers, and with what.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.pass_obj
def check(session: Session, names: tuple[str, ...]) -> int:
    """Ask each source now: does it answer, which dialects does it speak, which signals are missing and why."""
    from console.report.sources import checked
    from console.sources.checking import check_all
    from console.wire import dump

    statuses = asyncio.run(check_all(session.config_with_sources.sources, session.plugins, names))
    session.emit_shape([dump(item) for item in statuses], lambda: checked(statuses))
    if not statuses:
        click.echo("name one with --source NAME=URL, or under [sources] in the file of `andon config path`", err=True)
    return worst(EXITS.get(item.state, Exit.UNREACHABLE) for item in statuses) if statuses else Exit.INCONCLUSIVE
