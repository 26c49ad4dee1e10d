"""`python -m console.lab.scenes`: plays scenes through their playbooks, and writes the library's bundles.

For who writes playbooks; operators have `andon replay` and `andon playbook test`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from console.errors import AndonError
from console.lab.scenes.playing import Played, chosen, play_all
from console.model import State


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="Write NAME.andon into this folder.")
@click.option("--seed", default=0, show_default=True, help="Another seed is another estate of the same kind.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Scenes that are played at once.")
@click.option("--steps", is_flag=True, help="Say what every step found, too.")
def main(names: tuple[str, ...], into: Path | None, seed: int, jobs: int, steps: bool) -> None:
    """Play scenes (all, where none is named) and print which causes are named."""
    try:
        for played in play_all(chosen(names), seed, into, jobs):
            click.echo("\n".join(lines(played, steps)))
    except AndonError as error:
        sys.exit(f"{error.message}\n{error.hint}".rstrip())


def lines(played: Played, steps: bool) -> list[str]:
    """What is printed of one scene."""
    diagnosis = played.diagnosis
    told = [f"{played.name}: {diagnosis.verdict}, exit {int(diagnosis.exit)}   {played.title}"]
    told += [f"  there is no playbook {name}" for name in played.missing]
    for run in diagnosis.runs:
        told.append(f"  {run.playbook}: {run.verdict} {dict(run.inputs)}")
        if steps:
            told += [f"    {step.id:<14} {step.state:<12} {step.reason}" for step in run.steps]
            told += [f"      {each.id} {each.text}" for step in run.steps for each in step.findings]
        for cause in run.causes:
            if cause.is_named or steps:
                moves = "; ".join(
                    f"{'-' if move.against else '+'}{move.weight} {move.text}" for move in cause.moves if move.counted
                )
                told.append(f"    {cause.id} of {cause.subject or '?'} {cause.odds:.3g}:1   {moves}")
    waiting = [step.id for run in diagnosis.runs for step in run.steps if step.state in (State.ERROR, State.WAITING)]
    told += [f"  these steps did not end well: {', '.join(waiting)}"] if waiting else []
    told += [f"  written: {played.bundle}"] if played.bundle else []
    return told


if __name__ == "__main__":
    main()
