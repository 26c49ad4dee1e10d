"""`andon replay`: a bundle diagnosed again, with no source and no network."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import click

from console.cli.opening import has_screen
from console.cli.session import Command, Session


@click.command(cls=Command)
@click.argument("bundle", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--as-recorded", "recorded", is_flag=True, help="By the playbooks that it was recorded with.")
@click.pass_obj
def replay(session: Session, bundle: Path, recorded: bool) -> int:
    """Diagnose a BUNDLE again by today's playbooks, and say where they say otherwise than those of its day.

    Nothing is asked but the file. At a terminal it opens the console on it; elsewhere, or with --plain, it prints the
    diagnosis and exits as `andon run` does.
    """
    from console.playbook.bundles.file import load
    from console.report.clean import clean
    from console.triage.replay import as_recorded, changed
    from console.triage.replay import replay as replay_bundle

    held = load(bundle)
    step_types = session.plugins.by_name("andon_step_types")
    playbooks = as_recorded(held, step_types) if recorded else session.playbooks
    for name in held.inputs:
        if name not in playbooks:
            click.echo(clean(f"there is no playbook {name} any more: try --as-recorded"), err=True)
    diagnosis = asyncio.run(replay_bundle(held, playbooks, step_types))
    if has_screen(session):
        from console.service.replayed import standing_replay
        from console.tui import open_console

        with standing_replay(replace(held, diagnosis=diagnosis)) as (data, incident):
            code = open_console(data, lambda: None, locked=True, incident=incident)
    else:
        code = session.emit_diagnosis(diagnosis)
    if held.origin == "simulated":
        click.echo("what this bundle holds is simulated", err=True)
    for each in (*held.left_out, changed(diagnosis, held)):
        if each:
            click.echo(clean(each), err=True)
    return code
