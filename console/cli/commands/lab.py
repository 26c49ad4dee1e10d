"""`andon lab`: a real, tiny production line to practise on."""

from __future__ import annotations

import click

from console.cli.session import Group, Session


@click.group(cls=Group)
def lab() -> None:
    """The practice line: start it, break it, heal it, score the diagnosis."""


@lab.command(name="list")
@click.pass_obj
def list_(session: Session) -> None:
    """The faults there are, and what each should be diagnosed as."""
    from console.report.tables import columns

    faults = session.plugins.by_name("andon_lab_faults").values()
    shape = [{"name": fault.name, "title": fault.title, "expect": dict(fault.expect)} for fault in faults]
    session.emit_shape(
        shape, lambda: columns(["fault", "what it does"], [(item["name"], item["title"]) for item in shape])
    )
