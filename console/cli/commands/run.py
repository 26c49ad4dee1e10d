"""`andon run`: one playbook, the same for a person and for a release gate."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from console.cli.asking import ask_operator
from console.cli.commands.playbook import find_playbook
from console.cli.session import Command, Session
from console.errors import DaemonUnreachable, UsageError

if TYPE_CHECKING:
    from console.model import Diagnosis
    from console.playbook.definition import Playbook
    from console.triage.headless import PlannedRun

RUN_SECONDS = 300.0


@click.command(cls=Command)
@click.argument("playbook", metavar="PLAYBOOK")
@click.option("-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the playbook.")
@click.option("--current", metavar="SPAN", help="The current window: 15m, or START..END (RFC 3339).")
@click.option(
    "--baseline", metavar="SPEC", help="offset:1d, seasonal:1wx4, pinned:NAME, where:LABEL=VALUE or START..END."
)
@click.option("--dry-run", is_flag=True, help="Say what would be asked of which window, and ask nothing.")
@click.pass_obj
def run(
    session: Session, playbook: str, inputs: tuple[str, ...], current: str | None, baseline: str | None, dry_run: bool
) -> int | None:
    """Run PLAYBOOK (a name or a file): current against baseline, to a root cause.

    With a daemon running, it runs there and is kept; with --source, or without a daemon, it runs here and now.
    """
    from console.triage.headless import plan_run, run_here

    book = find_playbook(session, playbook)
    given = dict(_pair(text) for text in inputs)
    if dry_run:
        _show_plan(session, plan_run(book, given, session.config_with_sources, current, baseline))
        return None
    if not session.source:
        try:
            return session.emit_diagnosis(_run_there(session, book, given, current, baseline))
        except DaemonUnreachable:
            pass  # no daemon: a run needs none
    here = run_here(book, given, session.config_with_sources, session.plugins, current, baseline, ask_operator())
    diagnosis = asyncio.run(here)
    session.say_without_daemon()
    return session.emit_diagnosis(diagnosis)


def _run_there(
    session: Session, book: Playbook, inputs: dict[str, str], current: str | None, baseline: str | None
) -> Diagnosis:
    from console.model import Diagnosis
    from console.wire import load

    answer = session.client.request(
        "run", timeout=RUN_SECONDS, playbook=book.source, inputs=inputs, current=current, baseline=baseline
    )
    return load(Diagnosis, answer)


def _show_plan(session: Session, plan: PlannedRun) -> None:
    from console.report import phrases
    from console.report.tables import columns
    from console.wire import dump

    head = [
        f"current   {phrases.window(plan.windows.current)}",
        f"baseline  {phrases.window(plan.windows.baseline) if plan.windows.baseline else dict(plan.baseline)}",
        f"sources   {', '.join(plan.sources) or 'none configured; the daemon and its store, where one runs'}",
        "",
    ]
    rows = [(step.id, step.uses, step.title) for step in plan.steps]
    session.emit_shape(dump(plan), lambda: "\n".join(head) + columns(["step", "uses", "question"], rows))


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise UsageError(f"{text!r} is not NAME=VALUE", "write -i model=glove")
    return name, value
