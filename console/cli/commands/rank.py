"""`andon rank`: which service, or which change, is to blame? From a folder of files, no daemon."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.session import Command, Session
from console.errors import Exit

if TYPE_CHECKING:
    from console.model import Candidate, Case, Window


def _place(one: Candidate, places: Counter[str]) -> int:
    """Which of its kind it is, from 1 on: services must not crowd out changes."""
    places[one.kind] += 1
    return places[one.kind]


def _unseen(case: Case) -> list[str]:
    """Windows in which the case holds nothing: then nothing can stand out, and most often a time is wrong."""
    seen = [
        times
        for times in (
            None if case.metrics is None else case.metrics.times,
            None if case.logs is None else case.logs.times,
            None if case.spans is None else case.spans.starts,
        )
        if times is not None
    ]
    if case.events and not seen:
        return []  # changes alone are a case
    windows: list[tuple[str, Window]] = [("current", case.current), ("baseline", case.baseline)]
    return [
        f"no metric, log line or span lies in the {name} window: are onset and windows right, in seconds or RFC 3339?"
        for name, window in windows
        if not any(((times >= span.start) & (times < span.end)).any() for times in seen for span in window.spans)
    ]


@click.command(cls=Command)
@click.argument("case", type=click.Path(path_type=Path), metavar="CASE")
@click.option(
    "--top", default=10, show_default=True, type=click.IntRange(1), help="How many candidates of each kind to tell."
)
@click.pass_obj
def rank(session: Session, case: Path, top: int) -> Exit:
    """Rank what may be the root cause of an incident, best first, each score taken apart.

    CASE is a folder with case.json (when it was) and what there is of metrics.csv, logs.jsonl, spans.jsonl and
    events.jsonl; docs/ranking.md says all of the layout. Its short form:

    \b
      case.json     {"onset": "2026-05-18T12:20:00Z", "calls": [["web", "db"]]}
      metrics.csv   time,latency{service="web"},"cpu{service=""db"",pod=""a""}"
      logs.jsonl    {"time": …, "service": "db", "severity": "ERROR", "body": "…"}
      spans.jsonl   {"trace": …, "span": …, "parent": …, "service": "web",
                     "name": "GET /", "start": …, "end": …, "error": false}
      events.jsonl  {"time": …, "kind": "deploy", "service": "db", "id": "r41",
                     "title": "db 2.3.1"}

    Times are seconds since 1970, or RFC 3339. Ends with 1 where something is to blame, 3 where nothing stands out.
    """
    from dataclasses import asdict

    from console.analysis.incidents.changes import NONE
    from console.analysis.rank import rank as ranked
    from console.model import Ranking
    from console.report.clean import clean
    from console.sources.cases import read_case

    incident = read_case(case)
    for note in (*incident.notes, *_unseen(incident)):
        click.echo(f"andon: {clean(note)}", err=True)
    found = ranked(incident)
    told = [one for kind in ("service", "event") for one in [c for c in found.candidates if c.kind == kind][:top]]
    told.sort(key=found.candidates.index)

    def text() -> str:
        from console.report.ranked import ranking_report

        left_out = len(found.candidates) - len(told)
        return ranking_report(told, left_out=left_out, width=session.width)

    session.emit_shape(asdict(Ranking(tuple(told))), text)
    return Exit.PROBLEM if any(one.target != NONE for one in told) else Exit.INCONCLUSIVE
