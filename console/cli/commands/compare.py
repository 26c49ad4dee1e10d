"""`andon compare`: did it get worse? Two files of samples, or two selections of a Prometheus; no daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.cli.session import Command, Session
from console.errors import UsageError

if TYPE_CHECKING:
    from console.errors import Exit
    from console.model import Stat
    from console.triage.comparing import Judged

STATS = ("p50", "p90", "p95", "p99", "mean")


@click.command(cls=Command)
@click.argument("baseline", metavar="BASELINE")
@click.argument("current", metavar="CURRENT")
@click.option("--column", "columns", multiple=True, metavar="COL", help="Only this metric; may be repeated.")
@click.option("--by", multiple=True, metavar="COL", help="Compare each value of this column apart; may be repeated.")
@click.option("--time", metavar="COL", help="The time of each row: says since when, and what neighbours share.")
@click.option("--stat", "stats", multiple=True, type=click.Choice(STATS), help="p50 and p95 (p99 where many rows are).")
@click.option("--tolerance", default="20%", show_default=True, metavar="SHARE", help="How much worse is still well.")
@click.option("--bad", type=click.Choice(["up", "down", "either"]), help="Which way is worse; either by default.")
@click.option("--floor", type=click.FloatRange(min=0), metavar="SIZE", help="Differences up to this are never news.")
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
) -> Exit:
    """Judge CURRENT by BASELINE, as a canary by the stable release: which metrics got worse, and how sure is that?

    Each is a .csv, .parquet or .jsonl file of samples (or a quoted glob of many) whose columns of numbers are metrics.
    """
    from console.model import Direction
    from console.triage.comparing import Asked, compare_files
    from console.triage.diagnose import EXITS

    asked = Asked(columns, by, time, stats, _share(tolerance), Direction(bad) if bad else None, floor, min_samples)
    judged = compare_files(baseline, current, asked)
    _say(session, judged)
    return EXITS[judged.diagnosis.verdict]


def _say(session: Session, judged: Judged) -> None:
    from console.report.compared import compare_report
    from console.wire import dump

    if session.format in ("junit", "markdown"):
        session.emit_diagnosis(judged.diagnosis)
        return
    diagnosis = judged.diagnosis
    shape = {"verdict": str(diagnosis.verdict), "comparisons": [dump(one) for one in diagnosis.findings]}
    session.emit_shape(shape, lambda: compare_report(judged, width=session.width, colours=session.colours))


def _share(text: str) -> float:
    """`20%` or `0.2`."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < 100:
        raise UsageError(f"--tolerance {text!r} is not a share", "write it like 20% or 0.2")
    return share
