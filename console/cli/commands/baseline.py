"""`andon baseline`: spans of time worth comparing with, kept beyond the retention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.cli.session import Group, Session
from console.errors import UsageError

if TYPE_CHECKING:
    from console.model import Profile


@click.group(cls=Group)
def baseline() -> None:
    """List, pin and drop pinned baselines."""


@baseline.command(name="list")
@click.pass_obj
def list_(session: Session) -> None:
    """Spans of time that the daemon keeps, and rows kept as counts."""
    from console import words
    from console.errors import DaemonUnreachable
    from console.report.clean import clean
    from console.report.tables import columns
    from console.sources.pinned import path_of, pinned_names, read_pinned

    data = session.config.data
    try:
        pins = session.client.request("baseline.list")
    except DaemonUnreachable:
        pins = []  # rows are pinned without one
    rows = [
        (
            pin["name"],
            " and ".join(f"{words.instant(span['start'])} to {words.instant(span['end'])}" for span in pin["spans"]),
        )
        for pin in pins
    ]
    for name in pinned_names(data):
        try:
            profile = read_pinned(path_of(data, name)).profile
        except UsageError as error:  # one broken file hides no other
            click.echo(f"andon: {clean(error.message)}", err=True)
            continue
        pins.append(_brief(name, profile))
        rows.append((name, f"{profile.rows:,} rows of {len(profile.columns)} columns"))
    session.emit_shape(pins, lambda: columns(["name", "what"], rows, empty="nothing is pinned"))


@baseline.command(short_help="Pin a span of time, or rows as counts, under a name.")
@click.argument("name")
@click.argument("span", metavar="[SPAN]", required=False)
@click.option("--rows", "files", multiple=True, metavar="FILE", help="Pin these rows, as counts; may be repeated.")
@click.option("--add", is_flag=True, help="Add the rows to those that are pinned already, in the same bins.")
@click.option("--time", metavar="COL", help="The time of each row; time, timestamp or ts by itself.")
@click.option("--segment", "segments", multiple=True, metavar="COL", help="A column to split answers by.")
@click.option("--target", metavar="COL", help="The true answer of each row.")
@click.option("--prediction", metavar="COL", help="What the model answered.")
@click.option("--embedding", "embeddings", multiple=True, metavar="COL", help="A column of vectors.")
@click.option("--text", "texts", multiple=True, metavar="COL", help="A column of free text.")
@click.pass_obj
def pin(
    session: Session,
    name: str,
    span: str | None,
    files: tuple[str, ...],
    add: bool,
    time: str | None,
    segments: tuple[str, ...],
    target: str | None,
    prediction: str | None,
    embeddings: tuple[str, ...],
    texts: tuple[str, ...],
) -> None:
    """Pin SPAN (24h, or START..END) as NAME; `--baseline pinned:NAME` uses it.

    Or pin the rows of files with --rows: a small file of counts, however many rows; `andon drift pinned:NAME CURRENT`
    uses it. Pinning a NAME again replaces it, unless --add is given.

    \b
      andon baseline pin june --rows 'june/*.jsonl' --prediction score
      andon baseline pin june --rows july-01.jsonl --add
      andon drift pinned:june today.jsonl --prediction score
    """
    session.refuse_if_locked()
    if (span is None) == (not files):
        raise UsageError("a baseline is either a SPAN or --rows", "andon baseline pin NAME 24h, or … NAME --rows FILE")
    if files:
        from console.sources.at_hand import AtHand, usual_time
        from console.sources.pinned import one_at_a_time, path_of, pin_rows, read_pinned
        from console.sources.types import OutcomesRequest

        path = path_of(session.config.data, name)
        if target is not None and prediction is None:
            raise UsageError("--target needs --prediction", "name the column of the model's answers")
        answers = OutcomesRequest(target, prediction, by=segments) if target and prediction else None
        with one_at_a_time(path):
            known = read_pinned(path) if add else None
            if time is None:
                time = known.time if known else usual_time(files)
            rows = AtHand(files, time=time, label=target, prediction=prediction, text=texts, embedding=embeddings)
            pinned = pin_rows(path, rows, answers, known)
        shape = _brief(name, pinned)
        said = f"pinned {pinned.rows:,} rows as {name}; use them with: andon drift pinned:{name} CURRENT"
    else:
        shape = session.client.request("baseline.pin", name=name, span=span)
        said = f"pinned {name}; use it with --baseline pinned:{name}"
    session.emit_shape(shape, lambda: said)


@baseline.command()
@click.argument("name")
@click.pass_obj
def drop(session: Session, name: str) -> None:
    """Forget a pinned baseline.

    The samples of a span then age like all others.
    """
    from console.sources.pinned import path_of, pinned_names

    session.refuse_if_locked()
    if name in pinned_names(session.config.data):
        path_of(session.config.data, name).unlink()
        dropped = {"name": name, "spans": []}
    else:
        dropped = session.client.request("baseline.drop", name=name)
    session.emit_shape(dropped, lambda: f"dropped {name}")


def _brief(name: str, rows: Profile) -> dict[str, Any]:
    return {"name": name, "spans": [], "rows": rows.rows, "columns": len(rows.columns)}
