"""`andon eval`: recorded incidents diagnosed again and graded, without a model once and with it several times."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.session import Command, Session

if TYPE_CHECKING:
    from console.config import LlmConfig
    from console.triage.evaluating import Graded

MOST_RUNS = 100
LIVE_CELLS = 79  # of a line that is written over


@click.command(cls=Command)
@click.argument("bundles", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="BUNDLE...")
@click.option(
    "-n", "runs", type=click.IntRange(1, MOST_RUNS), default=5, show_default=True, help="Runs of each with the model."
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    metavar="SHARE",
    help="The share of right answers below which it fails.",
)
@click.option("--no-llm", is_flag=True, help="Ask no language model, though one is configured.")
@click.pass_obj
def eval(session: Session, bundles: tuple[Path, ...], runs: int, fail_under: float, no_llm: bool) -> int:
    """Diagnose recorded incidents again, without the model and with it, and say how often the answer is right.

    Each BUNDLE, a file or a folder of them, is looked at alone, and no source is asked. Right is the cause that the
    tests of playbooks expect in it, else the first that it was recorded with.

    Ends with 0 where the share of right answers is large enough, 1 where it is not, 2 where a bundle is broken, 3 where
    none could be graded.
    """
    from console.report.clean import clean
    from console.report.evaluated import evaluated_junit, evaluated_report, evaluated_shape
    from console.triage.evaluating import Evaluation, bundles_in

    session.refuse_other_forms_than("text", "json", "junit")
    llm = None if no_llm else session.config.llm
    if llm is None:
        click.echo("no model is asked: only what the numbers say is graded, and nothing leaves this machine", err=True)
    else:
        click.echo(clean(f"{llm.model} is asked {runs}× about each; Ctrl-C ends it with what is known then"), err=True)
    paths = bundles_in(bundles)
    graded: dict[str, Graded] = {}
    is_interrupted = False
    try:
        asyncio.run(_through(session, paths, llm, runs, graded))
    except KeyboardInterrupt:
        is_interrupted = True
    told = Evaluation(tuple(graded.values()), llm.model if llm else "", runs if llm else 0, fail_under, is_interrupted)
    if session.format == "junit":
        session.emit(evaluated_junit(told))
    else:
        session.emit_shape(evaluated_shape(told), lambda: evaluated_report(told))
    return told.exit


async def _through(
    session: Session, paths: Sequence[Path], llm: LlmConfig | None, runs: int, graded: dict[str, Graded]
) -> None:
    """Grade one after the other into `graded`, a line on stderr for each; at a terminal it grows with each run."""
    from console.report.evaluated import progress
    from console.triage.evaluating import evaluate

    is_live, line = sys.stderr.isatty(), ""
    step_types = session.plugins.by_name("andon_step_types")
    try:
        async for each in evaluate(paths, session.playbooks, step_types, llm, runs):
            if line and each.bundle not in graded:
                click.echo("" if is_live else line, err=True)
            graded[each.bundle] = each
            line = f"{len(graded)} of {len(paths)}  {progress(each, runs)}"
            if is_live:
                click.echo(f"\r\x1b[K{line[:LIVE_CELLS]}", err=True, nl=False)
    finally:
        if line:
            click.echo("" if is_live else line, err=True)
