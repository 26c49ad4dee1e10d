"""`andon run`: one playbook, the same for a person and for a release gate; and how a run that waits goes on."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from console.cli.asking import ask_operator, ask_outright
from console.cli.commands.playbook import find_playbook
from console.cli.session import Command, Session
from console.errors import DaemonUnreachable, UsageError

if TYPE_CHECKING:
    from console.model import Diagnosis, Question, Run
    from console.playbook.definition import Playbook
    from console.triage.planning import PlannedRun

RUN_SECONDS = 4.1 * 3600  # more than the daemon gives any run: what it says of one that takes too long is worth hearing
NOBODY_THERE = (FileNotFoundError, NotADirectoryError, ConnectionRefusedError, PermissionError)  # a run needs no daemon


@click.command(cls=Command)
@click.argument("playbook", metavar="PLAYBOOK", required=False)
@click.option("-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the playbook.")
@click.option("--current", metavar="SPAN", help="The current window: 15m, or START..END (RFC 3339).")
@click.option(
    "--baseline", metavar="SPEC", help="offset:1d, seasonal:1wx4, pinned:NAME, where:LABEL=VALUE or START..END."
)
@click.option("--dry-run", is_flag=True, help="Say what would be asked of which window, and ask nothing.")
@click.option("--resume", metavar="RUN_ID", help="Go on with a run that waits or failed; see `andon playbook runs`.")
@click.option("--answer", "answers", multiple=True, metavar="STEP=VALUE", help="With --resume: what a step asks.")
@click.option("--from", "from_step", metavar="STEP", help="With --resume: run again from this step on.")
@click.option(
    "--approve",
    type=click.Choice(["none", "policy"]),
    default="none",
    show_default=True,
    help="policy: have the likeliest cause's first remedy applied that the policy allows unattended, and wait for it.",
)
@click.option(
    "--policy-sha256",
    envvar="ANDON_POLICY_SHA256",
    default="",
    help="With --approve policy: no other policy than this one; see `andon plan policy`.  [env: ANDON_POLICY_SHA256]",
)
@click.pass_obj
def run(
    session: Session,
    playbook: str | None,
    inputs: tuple[str, ...],
    current: str | None,
    baseline: str | None,
    dry_run: bool,
    resume: str | None,
    answers: tuple[str, ...],
    from_step: str | None,
    approve: str,
    policy_sha256: str,
) -> int | None:
    """Run PLAYBOOK (a name or a file): current against baseline, to a root cause.

    With a daemon running, it runs there and is kept; with --source, or without a daemon, it runs here and now. Where
    only a person knows, it asks at a terminal; elsewhere it pauses, and goes on with --resume.
    """
    if resume is not None:
        if playbook is not None or inputs or current or baseline or dry_run:
            raise UsageError("--resume goes on with a run as it began", "give it --answer and --from alone")
        return _resumed(session, resume, dict(pair(text, "--answer STEP=VALUE") for text in answers), from_step)
    if playbook is None:
        raise click.UsageError("Missing argument 'PLAYBOOK'.")
    if answers or from_step:
        raise UsageError("--answer and --from go on with a run", "name it with --resume RUN_ID")
    book = find_playbook(session, playbook)
    given = dict(pair(text, "-i model=glove") for text in inputs)
    if dry_run:
        from console.triage.planning import plan_run

        _show_plan(session, plan_run(book, given, session.config_with_sources, current, baseline))
        return None
    diagnosis, is_kept = run_playbook(session, book, given, current, baseline)
    if approve == "none" or not diagnosis.causes:
        return emit_run(session, diagnosis, is_kept)
    code = diagnosis.exit
    try:
        diagnosis, code = _remedied(session, diagnosis, is_kept, policy_sha256)
    finally:  # what was found is told, whatever came of the remedy
        emit_run(session, diagnosis, is_kept)
    return code


def _remedied(session: Session, diagnosis: Diagnosis, is_kept: bool, policy_sha256: str) -> tuple[Diagnosis, int]:
    from console.cli.remedying import remedied

    if not is_kept:
        raise UsageError("what is changed has to be kept and watched, by a daemon", "start `andon daemon` first")
    return remedied(session, diagnosis, policy_sha256)


def run_playbook(
    session: Session, book: Playbook, inputs: dict[str, str], current: str | None = None, baseline: str | None = None
) -> tuple[Diagnosis, bool]:
    """In the daemon, where one runs and no source is named here, else in this process; and whether it was kept."""
    from console.triage.headless import run_here

    if not session.source:
        try:
            return _run_there(session, book, inputs, current, baseline), True
        except DaemonUnreachable as error:
            if not isinstance(error.__cause__, NOBODY_THERE):
                raise DaemonUnreachable(error.message, "the run may go on there: see andon playbook runs") from error
    ask = ask_operator(session.config.roles)
    here = run_here(
        book, inputs, session.config_with_sources, session.plugins, current, baseline, ask, session.playbooks
    )
    diagnosis = asyncio.run(here)
    session.say_without_daemon()
    return diagnosis, False


def _run_there(
    session: Session, book: Playbook, inputs: dict[str, str], current: str | None, baseline: str | None
) -> Diagnosis:
    from pathlib import Path

    path = str(Path(book.path).absolute()) if book.path else ""
    diagnosis = _there(
        session, "run", playbook=book.source, path=path, inputs=inputs, current=current, baseline=baseline
    )
    return _asked_on(session, diagnosis)


def _resumed(session: Session, id_: str, answers: dict[str, str], from_step: str | None) -> int:
    """A run that waits goes on, in the daemon: nobody else has it."""
    session.refuse_if_locked()
    try:
        diagnosis = _there(session, "run.resume", run=id_, answers=answers, from_step=from_step)
    except DaemonUnreachable as error:
        raise DaemonUnreachable(f"a run goes on in the daemon: {error.message}", error.hint) from error
    return emit_run(session, _asked_on(session, diagnosis), is_kept=True)


def _asked_on(session: Session, diagnosis: Diagnosis) -> Diagnosis:
    """At a terminal, ask what only a person knows until the run has ended or nobody answers."""
    asked: set[str] = set()
    while sys.stdin.isatty() and not session.locked:
        answers: dict[str, str] = {}
        for step, question in _questions(diagnosis.runs[0]):
            said = ask_outright(question) if question.text not in asked else None
            asked.add(question.text)
            if said is not None:
                answers[step] = said
        if not answers:
            break
        try:
            diagnosis = _there(session, "run.resume", run=diagnosis.runs[0].id, answers=answers)
        except UsageError as error:  # another has to answer
            _say(f"{error.message}: {error.hint}")
    return diagnosis


def _there(session: Session, op: str, **arguments: Any) -> Diagnosis:
    from console.model import Diagnosis
    from console.wire import load

    try:
        return load(Diagnosis, session.client.request(op, timeout=RUN_SECONDS, **arguments))
    except KeyboardInterrupt:
        _say("the run goes on in the daemon: andon playbook runs")
        raise


def emit_run(session: Session, diagnosis: Diagnosis, is_kept: bool) -> int:
    """Print a diagnosis and, beside it, how each of its runs that waits goes on; answers its exit code."""
    code = session.emit_diagnosis(diagnosis)
    for run_ in diagnosis.runs:
        for line in paused_lines(run_, is_kept):
            _say(line)
    return code


def paused_lines(run: Run, is_kept: bool) -> Iterable[str]:
    """What a run waits for and how it goes on; nothing for one that has ended."""
    if run.state != "paused":
        return
    from console.model import State
    from console.playbook.answers import offered

    asking = [
        (step.id, step.question) for step in run.steps if step.state is State.WAITING and step.question is not None
    ]
    for step, question in asking:
        who = f", by {' or '.join(question.roles)}" if question.roles else ""
        yield f"paused: waits for an answer to {question.text!r} ({offered(question)}{who}), step {step}"
    if is_kept:
        given = "".join(f" --answer {shlex.quote(step)}=VALUE" for step, _question in asking)
        yield f"go on with: andon run --resume {run.id}{given}"
    else:
        yield "it cannot go on, since no daemon keeps it: run it at a terminal, or start `andon daemon` first"


def _questions(run: Run) -> list[tuple[str, Question]]:
    return [(step.id, step.question) for step in run.steps if step.question is not None]


def _say(line: str) -> None:
    from console.report.clean import clean

    click.echo(clean(line), err=True)


def _show_plan(session: Session, plan: PlannedRun) -> None:
    from console.report.planned import planned_report
    from console.wire import dump

    session.emit_shape(dump(plan), lambda: planned_report(plan))


def pair(text: str, example: str) -> tuple[str, str]:
    """The two sides of NAME=VALUE; UsageError where it has none."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise UsageError(f"{text!r} is not NAME=VALUE", f"write {example}")
    return name, value
