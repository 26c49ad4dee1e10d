"""`andon lab`: a real, tiny production line to practise on."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.session import FOLDER, Group, Session
from console.errors import Exit, UsageError

if TYPE_CHECKING:
    from console.lab.score import Rate, Score
    from console.lab.standing import Standing

dir_option = click.option(
    "--dir",
    "folder",
    type=FOLDER,
    metavar="DIR",
    help="The folder that the line stands in; lab/ in the data folder unless given.",
)


@click.group(cls=Group)
def lab() -> None:
    """The practice line: start it, break it, heal it, score the diagnosis."""


@lab.command(name="list")
@click.pass_obj
def list_(session: Session) -> None:
    """The faults there are, and their parameters."""
    from numpy.random import default_rng

    from console.report.tables import columns

    faults = session.plugins.by_name("andon_lab_faults").values()
    drawn = [sorted(fault.draw(default_rng(0))) for fault in faults]
    shape = [
        {
            "name": fault.name,
            "title": fault.title,
            "place": fault.place,
            "simulated": fault.is_simulated,
            "expect": dict(fault.expect),
            "parameters": parameters,
        }
        for fault, parameters in zip(faults, drawn, strict=True)
    ]
    rows = [
        (
            fault.name,
            fault.place,
            "simulated" if fault.is_simulated else "real",
            fault.title,
            ", ".join(parameters) or "–",
        )
        for fault, parameters in zip(faults, drawn, strict=True)
    ]
    session.emit_shape(shape, lambda: columns(["fault", "place", "", "what it does", "parameters"], rows))


@lab.command(short_help="Start a line, and a daemon that watches it.")
@dir_option
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another plant.")
@click.option(
    "--place",
    type=click.Choice(["vision", "generation", "site"]),
    default="vision",
    show_default=True,
    help="Which part of the line: a vision model, a generation server, or a simulated site.",
)
@click.pass_obj
def up(session: Session, folder: Path | None, seed: int, place: str) -> None:
    """Start a line in the background, with four weeks of past and a daemon that watches it."""
    from console.lab.standing import up as start

    session.refuse_if_locked()
    click.echo("starting the line and living through four weeks of traffic …", err=True)
    _show(session, start(_folder(session, folder), seed=seed, place=place))


@lab.command()
@click.argument("fault")
@click.option(
    "-p",
    "--parameter",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="One of its parameters; the others are drawn at random.",
)
@dir_option
@click.pass_obj
def inject(session: Session, fault: str, pairs: tuple[str, ...], folder: Path | None) -> None:
    """Break the line with FAULT.

    A fault that is there already is undone first.
    """
    from console.lab.standing import inject as break_it

    session.refuse_if_locked()
    _show(session, break_it(_folder(session, folder), fault, dict(_parameter(pair) for pair in pairs)))


@lab.command()
@dir_option
@click.pass_obj
def heal(session: Session, folder: Path | None) -> None:
    """Undo the present fault."""
    from console.lab.standing import heal as mend

    session.refuse_if_locked()
    _show(session, mend(_folder(session, folder)))


@lab.command()
@dir_option
@click.pass_obj
def down(session: Session, folder: Path | None) -> None:
    """End the line and everything it started."""
    from console.lab.standing import down as end

    session.refuse_if_locked()
    where = _folder(session, folder)
    end(where)
    session.emit_shape({"folder": str(where)}, lambda: f"the line in {where} has ended")


@lab.command(short_help="Play many episodes, and say how often the diagnosis was right.")
@click.option("--seeds", type=click.IntRange(1, 1000), default=3, show_default=True, help="Episodes of each fault.")
@click.option(
    "--healthy", type=click.IntRange(0, 10000), help="Episodes without a fault; 60 times --seeds unless given."
)
@click.option("--compound", type=click.IntRange(0, 1000), help="Episodes of two faults; 8 times --seeds unless given.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Episodes at a time; as many as there are cores unless given.")
@click.option("--seed", type=int, help="The first seed, to repeat a score; drawn anew unless given.")
@click.option("--fault", "faults", multiple=True, metavar="FAULT", help="This fault alone; may be repeated.")
@click.option("--bundles", type=FOLDER, metavar="DIR", help="Export each incident to a file in this folder.")
@click.pass_obj
def score(
    session: Session,
    seeds: int,
    healthy: int | None,
    compound: int | None,
    jobs: int | None,
    seed: int | None,
    faults: tuple[str, ...],
    bundles: Path | None,
) -> int:
    """Play many episodes, and say how often the diagnosis was right and how often it was a false alarm.

    A third of the ranges that faults draw their parameters from is drawn anew. Exits 1 when the runs
    refute that the true cause comes first in 95 % of those with one fault, or among the first two in 90 % of those with
    two (their interval lies below), and when something healthy raised an alarm; else 0.
    """
    from console.lab.scoring import draw_seed
    from console.lab.scoring import score as play

    known = session.plugins.by_name("andon_lab_faults")
    unknown = [fault for fault in faults if fault not in known]
    if unknown:
        raise UsageError(f"there is no fault {unknown[0]!r}", f"there are: {', '.join(known)}")
    first = draw_seed() if seed is None else seed
    click.echo(f"seed {first}", err=True)
    result = play(
        {name: known[name] for name in faults or known},
        seeds=seeds,
        first_seed=first,
        healthy=60 * seeds if healthy is None else healthy,
        compound=8 * seeds if compound is None else compound,
        jobs=jobs,
        bundles=bundles,
        on_result=lambda each: click.echo(each.line, err=True),
    )
    _show_score(session, result)
    return Exit.HEALTHY if result.passes else Exit.PROBLEM


def _folder(session: Session, folder: Path | None) -> Path:
    return folder or session.config.data / "lab"


def _parameter(pair: str) -> tuple[str, Any]:
    name, equals, value = pair.partition("=")
    if not equals:
        raise UsageError(f"{pair!r} is not NAME=VALUE", "write -p line=press-2")
    try:
        return name, float(value)
    except ValueError:
        return name, value


def _show(session: Session, standing: Standing) -> None:
    from console import words
    from console.wire import dump

    given = " ".join(f"{name}={value}" for name, value in standing.parameters.items())
    fault = f"broken: {standing.fault} {given}".rstrip() if standing.fault else "all is well"
    session.emit_shape(
        dump(standing),
        lambda: (
            f"the line in {standing.folder}: {fault}; lab time {words.instant(standing.now)}\n"
            f"look at it with: andon --config {shlex.quote(str(standing.config))}"
        ),
    )


def _show_score(session: Session, result: Score) -> None:
    from console.report.tables import columns
    from console.wire import dump
    from console.words import number

    rows = [
        (
            each.fault,
            each.runs,
            _rate(each.first),
            _rate(each.top3),
            number(each.onset_error_intervals),
            number(each.triage_seconds),
            number(each.seconds),
        )
        for each in result.faults
    ]
    headings = ["fault", "runs", "first", "top 3", "onset error, intervals", "triage s", "wall s"]
    compound = result.compound
    told = [
        f"one fault: {result.first.of} runs, its cause first {_rate(result.first)}",
        f"two faults: {compound.runs} runs, a true cause first {_rate(compound.first)}, "
        f"among the first two {_rate(compound.top2)}, both among the first three {_rate(compound.both_in_top3)}",
        f"healthy: {result.healthy.runs} runs, false alarms {_rate(result.healthy.false_alarms)}",
        f"triage {number(result.triage_seconds)} s (median), an episode {number(result.seconds_p95)} s (p95), "
        f"{result.broken} broken",
        "ranges drawn anew: "
        + (", ".join(f"{name} {span['low']:g}–{span['high']:g}" for name, span in result.redrawn.items()) or "none"),
    ]
    session.emit_shape(dump(result), lambda: "\n".join([columns(headings, rows), *told]))


def _rate(rate: Rate) -> str:
    return f"{rate.count}/{rate.of} [{rate.low:.2f}, {rate.high:.2f}]"
