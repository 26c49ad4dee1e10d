"""`andon compare`: did it get worse? Two files of samples, or two selections of a Prometheus; no daemon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.session import Command, Session
from console.errors import UsageError

if TYPE_CHECKING:
    from console.errors import Exit
    from console.model import Stat
    from console.triage.comparing import Asked, Judged

STATS = ("p50", "p90", "p95", "p99", "mean")


@click.command(cls=Command)
@click.argument("baseline", metavar="BASELINE")
@click.argument("current", metavar="CURRENT")
@click.option("--column", "columns", multiple=True, metavar="COL", help="Only this metric; may be repeated.")
@click.option(
    "--by", multiple=True, metavar="COL", help="Compare rows with equal values here, such as a route; may be repeated."
)
@click.option("--time", metavar="COL", help="The time of each row: says since when, and what neighbours share.")
@click.option(
    "--stat",
    "stats",
    multiple=True,
    type=click.Choice(STATS),
    help="What to compare; p50, p95, and p99 of many rows by default.",
)
@click.option("--tolerance", default="20%", show_default=True, metavar="SHARE", help="How much worse is still well.")
@click.option(
    "--bad",
    type=click.Choice(["up", "down", "either"]),
    help="Which way is worse: up for latency, down for throughput; either by default.",
)
@click.option(
    "--floor",
    type=click.FloatRange(min=0),
    metavar="SIZE",
    help="Differences up to this never count; in the metric's own unit.",
)
@click.option("--current", "span", metavar="SPAN", help="Of selections: the window, 15m by default.")
@click.option("--baseline", "against", metavar="SPEC", help="Of selections: the baseline's window, such as offset:1d.")
@click.option("--min-samples", type=click.IntRange(min=2), metavar="N", help="Judge nothing by fewer than these.")
@click.pass_obj
def compare(
    session: Session,
    baseline: str,
    current: str,
    columns: tuple[str, ...],
    by: tuple[str, ...],
    time: str | None,
    stats: tuple[Stat, ...],
    tolerance: str,
    bad: str | None,
    floor: float | None,
    min_samples: int | None,
    span: str | None,
    against: str | None,
) -> Exit:
    """Judge CURRENT by BASELINE, as a canary by the stable release: which metrics got worse, and how sure is that?

    Each is a .csv, .parquet or .jsonl file of samples (or a quoted glob of many) whose columns of numbers are metrics.
    Or, with --source, each is a PromQL expression: of the canary and of the stable ones, or one twice with --baseline.

    \b
      andon compare stable.csv canary.csv --bad up
      andon compare a.csv b.csv --column latency --by route --tolerance 10%
      andon compare k6-a.csv k6-b.csv --column metric_value --by metric_name

    Ends with 0 where nothing got worse, 1 where something did, 3 where nobody can tell.
    """
    from console.model import Direction
    from console.playbook.concluding import EXITS
    from console.sources.shards import matching
    from console.triage.comparing import Asked
    from console.triage.sampled import compare_files

    asked = Asked(columns, by, time, stats, _share(tolerance), Direction(bad) if bad else None, floor, min_samples)
    missing = [path for path in (baseline, current) if not any(matching(Path(path).absolute()))]
    if len(missing) == 2 and session.source:
        judged = _selected(session, baseline, current, asked, span, against)
    elif missing:
        raise UsageError(
            f"there is no file {missing[0]}", "name a .csv, .parquet or .jsonl file, or say with --source whom to ask"
        )
    elif span or against:
        raise UsageError("--current and --baseline are for selections", "files hold the rows that they hold")
    else:
        judged = compare_files(baseline, current, asked)
    _say(session, judged)
    return EXITS[judged.diagnosis.verdict]


def _selected(
    session: Session, baseline: str, current: str, asked: Asked, span: str | None, against: str | None
) -> Judged:
    import asyncio
    from dataclasses import replace

    from console.triage.selecting import compare_selections

    if asked.columns or asked.by or asked.time:
        raise UsageError("--column, --by and --time are for files", "write it into the expressions: sum by (…) (…)")
    named = {text.partition("=")[0] for text in session.source}
    config = session.config_with_sources
    config = replace(config, sources=tuple(source for source in config.sources if source.name in named))
    return asyncio.run(compare_selections(baseline, current, config, session.plugins, asked, span or "15m", against))


def _say(session: Session, judged: Judged) -> None:
    from console.wire import dump

    if session.format in ("junit", "markdown"):
        session.emit_diagnosis(judged.diagnosis)
        return
    session.emit_shape(dump(judged.report), lambda: _told(session, judged))


def _told(session: Session, judged: Judged) -> str:
    from console.report.compared import compare_report

    return compare_report(judged, width=session.width, colours=session.colours)


def _share(text: str) -> float:
    """`20%` or `0.2`; a bare `20` would tolerate everything, and let every release through."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < 100 or (share > 1 and not text.endswith("%")):
        hint = f"did you mean {text}%?" if share > 1 else "write it like 20% or 0.2"
        raise UsageError(f"--tolerance {text!r} is not a share", hint)
    return share
