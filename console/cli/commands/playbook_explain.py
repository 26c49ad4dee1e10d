"""`andon playbook explain`: which missing evidence would change an answer most cheaply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.cli.session import Command, Session
from console.errors import UsageError

if TYPE_CHECKING:
    from console.model import Run
    from console.playbook.definition import Playbook


@click.command(cls=Command, short_help="Which missing evidence would change the answer most cheaply.")
@click.argument("name", metavar="NAME|FILE")
@click.option("-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the playbook.")
@click.option("--incident", metavar="ID", help="Its last run for this incident, in place of a new one.")
@click.option("--run", "run_id", metavar="RUN_ID", help="A run that the daemon keeps, in place of a new one.")
@click.pass_obj
def explain(session: Session, name: str, inputs: tuple[str, ...], incident: str | None, run_id: str | None) -> None:
    """Say which missing evidence would change the answer of a run most cheaply, and how to get it.

    It runs NAME as `andon run` does, or takes what --incident or --run names.
    """
    from console.cli.commands.playbook import find_playbook
    from console.playbook.explaining import explain as explained
    from console.report.explained import explained_report
    from console.wire import dump

    if sum(each is not None for each in (incident, run_id)) + bool(inputs) > 1:
        raise UsageError("an explanation is of one run", "give -i, --incident or --run")
    book = find_playbook(session, name)
    if incident is not None:
        run = _of_incident(session, incident, book.name)
    elif run_id is not None:
        run, incident = _kept(session, run_id, book.name)
    else:
        run = _anew(session, book, inputs)
    _refuse_if_changed(book, run)
    told = explained(book, run, dialects=session.plugins.by_name("andon_dialects").values(), incident=incident or "")
    session.emit_shape(dump(told), lambda: explained_report(told, width=session.width))


def _of_incident(session: Session, id_: str, playbook: str) -> Run:
    from console.model import Diagnosis
    from console.wire import load

    runs = load(Diagnosis, session.client.request("diagnosis", incident=id_)).runs
    found = next((run for run in runs if run.playbook == playbook), None)
    if found is None:
        ran = ", ".join(run.playbook for run in runs) or "nothing was run"
        raise UsageError(f"{playbook} was not run for {id_}", f"there is: {ran}")
    return found


def _kept(session: Session, id_: str, playbook: str) -> tuple[Run, str]:
    from console.model import Run
    from console.wire import load

    told: dict[str, Any] = session.client.request("run.show", run=id_)
    run = load(Run, told["run"])
    if run.playbook != playbook:
        raise UsageError(f"run {id_} is one of {run.playbook}", f"andon playbook explain {run.playbook} --run {id_}")
    return run, told["incident"]


def _anew(session: Session, book: Playbook, inputs: tuple[str, ...]) -> Run:
    from console.cli.commands.run import pair, run_playbook

    diagnosis, _is_kept = run_playbook(session, book, dict(pair(text, "-i model=glove") for text in inputs))
    return diagnosis.runs[0]


def _refuse_if_changed(book: Playbook, run: Run) -> None:
    """What a line of evidence says now may not be what it said then."""
    if run.playbook_hash and run.playbook_hash != book.hash:
        raise UsageError(f"the playbook {book.name} changed since run {run.id}", "run it anew to explain it")
