"""`andon triage`: from an alert, a symptom or an incident to its root cause."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from console.cli.asking import ask_operator
from console.cli.commands.run import emit_run
from console.cli.session import Command, Session
from console.errors import DaemonUnreachable, UsageError

TRIAGE_SECONDS = 600.0  # the playbooks' time, and a model's


@click.command(cls=Command)
@click.option(
    "--alert",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="An Alertmanager alert or webhook as JSON; - reads it from stdin.",
)
@click.option("--symptom", metavar="TEXT", help="What was noticed, in words: 'users wait longer'.")
@click.option("--incident", "id_", metavar="ID", help="An open incident.")
@click.option("--no-llm", is_flag=True, help="Ask no language model, though one is configured.")
@click.pass_obj
def triage(session: Session, alert: Path | None, symptom: str | None, id_: str | None, no_llm: bool) -> int:
    """Pick the playbooks that fit, run them, and weigh every cause they can name.

    With [llm] in the configuration, a language model then says what it makes of that, citing the findings.
    """
    from console.model import Diagnosis
    from console.triage.headless import triage_here
    from console.triage.symptoms import read_alert, symptom_in_words
    from console.wire import dump, load

    if sum(option is not None for option in (alert, symptom, id_)) != 1:
        raise UsageError("triage needs one thing to start from", "give --alert FILE, --symptom TEXT or --incident ID")
    if id_ is not None:
        return session.emit_diagnosis(
            load(Diagnosis, session.client.request("triage", timeout=TRIAGE_SECONDS, incident=id_, llm=not no_llm))
        )
    noticed = read_alert(alert) if alert else symptom_in_words(symptom or "")
    if not session.source:
        try:
            there = session.client.request("triage", timeout=TRIAGE_SECONDS, symptom=dump(noticed), llm=not no_llm)
            return emit_run(session, load(Diagnosis, there), is_kept=True)
        except DaemonUnreachable:
            pass  # no daemon: triage needs none
    here = triage_here(
        noticed, session.playbooks, session.config_with_sources, session.plugins, ask_operator(session.config.roles),
        is_explained=not no_llm,
    )  # fmt: skip
    diagnosis = asyncio.run(here)
    session.say_without_daemon()
    return emit_run(session, diagnosis, is_kept=False)
