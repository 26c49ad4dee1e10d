"""`andon triage`: from an alert, a symptom or an incident to its root cause."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

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
@click.option("--show-prompt", is_flag=True, help="Print what would be sent to the language model, and send nothing.")
@click.pass_obj
def triage(
    session: Session, alert: Path | None, symptom: str | None, id_: str | None, no_llm: bool, show_prompt: bool
) -> int:
    """Pick the playbooks that fit, run them, and weigh every cause they can name.

    With [llm] in the configuration, a language model then says what it makes of that, citing the findings.
    """
    from dataclasses import replace

    from console.cli.explaining import is_model_there, progress, said_there
    from console.model import Diagnosis
    from console.report.clean import clean
    from console.triage.headless import prompt_here, triage_here
    from console.triage.symptoms import read_alert, symptom_in_words
    from console.wire import dump, load

    if sum(option is not None for option in (alert, symptom, id_)) != 1:
        raise UsageError("triage needs one thing to start from", "give --alert FILE, --symptom TEXT or --incident ID")
    if id_ is not None:
        if show_prompt:
            return _emit_prompt(session, session.client.request("explain.prompt", incident=id_))
        diagnosis = load(Diagnosis, session.client.request("triage", timeout=TRIAGE_SECONDS, incident=id_, llm=False))
        if not no_llm and diagnosis.findings and is_model_there(session, id_):
            try:
                diagnosis = replace(diagnosis, agent=said_there(session, id_))
            except UsageError as error:  # it is busy: the diagnosis stands
                click.echo(clean(f"no model is asked: {error.message}; {error.hint}"), err=True)
        return session.emit_diagnosis(diagnosis)
    noticed = read_alert(alert) if alert else symptom_in_words(symptom or "")
    if show_prompt:
        prompt = prompt_here(noticed, session.playbooks, session.config_with_sources, session.plugins)
        return _emit_prompt(session, asyncio.run(prompt))
    if not no_llm and session.config.llm is not None:
        progress(f"once the playbooks have run {session.config.llm.model} is asked; Ctrl-C ends it")
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


def _emit_prompt(session: Session, request: dict[str, Any]) -> int:
    """The request as it would be sent; in words it is the same, without the marks of JSON."""
    from console.report.transcript import request_text

    session.emit_shape(request, lambda: request_text(request))
    return 0
