"""`andon drift`: did the rows change? Two sets of files, no daemon."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from console.cli.session import Command, Session
from console.errors import UsageError

if TYPE_CHECKING:
    from console.errors import Exit
    from console.triage.rows_drift import Examined


@click.command(cls=Command)
@click.argument("baseline", metavar="BASELINE")
@click.argument("current", metavar="CURRENT")
@click.option(
    "--time",
    metavar="COL",
    help="The time of each row: says since when, and how much each column wobbles. A column called time, timestamp or "
    "ts is one by itself.",
)
@click.option(
    "--segment",
    "segments",
    multiple=True,
    metavar="COL",
    help="Split by this column: which of its values explains a change? May be repeated.",
)
@click.option("--target", metavar="COL", help="The true answer of each row, where it is known by now.")
@click.option("--prediction", metavar="COL", help="What the model answered: a class, a score 0..1 or a number.")
@click.option(
    "--labels",
    metavar="PATH",
    help="Where true answers come to later: a file or a quoted glob with --key and --target, or a table of the same "
    "database.",
)
@click.option("--key", metavar="COL", help="The column, of rows and of labels, that says which belong together.")
@click.option("--label-time", metavar="COL", help="When a label came: of several of one row the newest counts.")
@click.option("--embedding", "embeddings", multiple=True, metavar="COL", help="A column of vectors.")
@click.option("--text", "texts", multiple=True, metavar="COL", help="A column of free text.")
@click.pass_obj
def drift(
    session: Session,
    baseline: str,
    current: str,
    time: str | None,
    segments: tuple[str, ...],
    target: str | None,
    prediction: str | None,
    labels: str | None,
    key: str | None,
    label_time: str | None,
    embeddings: tuple[str, ...],
    texts: tuple[str, ...],
) -> Exit:
    """Compare the rows of CURRENT with those of BASELINE: what moved, how far, since when, and in which part.

    Each is a .csv, .parquet or .jsonl file, or a quoted glob of many. Kinds of column are found out; --text and
    --embedding are for what is not plain. Name the model's answer with --prediction: else it counts as an input, and
    world and model cannot be told apart.

    \b
      andon drift train.parquet today.parquet
      andon drift 'june/*.jsonl' today.jsonl --prediction score --target label
      andon baseline pin june --rows 'june/*.jsonl'
      andon drift pinned:june today.jsonl

    Ends with 0 where nothing moved, 1 where something did, 3 where nobody can tell.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is: idle threads spin

    from console.playbook.concluding import EXITS
    from console.report.clean import clean
    from console.sources.at_hand import AtHand, usual_time
    from console.sources.late import LateLabels
    from console.sources.pinned import Kept, pinned_at
    from console.sources.types import OutcomesRequest
    from console.triage.rows_drift import examine
    from console.wire import dump

    if labels is not None and (key is None or target is None):
        raise UsageError("--labels needs --key and --target", "name the column they share, and that of the true answer")
    late = None if labels is None else LateLabels(labels, str(key), str(target), label_time)
    pinned = pinned_at(session.config.data, baseline)
    if time is None:
        time = pinned.time if pinned else usual_time([baseline, current])

    def opened(path: str) -> AtHand:
        return AtHand(
            [path], time=time, label=target, prediction=prediction, text=texts, embedding=embeddings, labels=late
        )

    before = Kept(pinned) if pinned else opened(baseline)
    now = opened(current)
    there = target if late is None else key  # the labels' own column is asked for where they are
    named = [name for name in (time, *segments, there, prediction, *embeddings, *texts) if name is not None]
    if isinstance(before, AtHand):
        before.must_have(named)
        named = [name for name in (time,) if name is not None]
    now.must_have(named)
    for side in (before, now):
        if isinstance(side, AtHand) and (lines := side.unread()):
            click.echo(
                f"andon: {clean(side.name)}: {lines:,} lines are not UTF-8: left out where their text is read", err=True
            )
    answers = None
    if target is not None:
        if prediction is None:
            raise UsageError("--target needs --prediction", "name the column of the model's answers")
        answers = OutcomesRequest(target, prediction, by=segments)
    slices = [segment for segment in segments if segment in now.columns()]
    examined = asyncio.run(examine(before, now, (before.extent(), now.extent()), slices, session.plugins, answers))
    session.emit_shape(dump(examined.report), lambda: _told(session, examined))
    return EXITS[examined.report.verdict]


def _told(session: Session, examined: Examined) -> str:
    from console.report.drifted import drift_report

    return drift_report(examined, width=session.width, colours=session.colours)
