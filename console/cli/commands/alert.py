"""`andon alert`: what fires, what keeps it quiet, and silences to make and to end."""

from __future__ import annotations

import sys
from typing import Any

import click

from console.cli.session import Group, Session
from console.errors import Exit, worst

SOURCE_EXITS = {"ok": Exit.HEALTHY, "new": Exit.HEALTHY}


@click.group(cls=Group)
def alert() -> None:
    """List alerts and silences; silence and unsilence them."""


@alert.command(name="list", short_help="Alerts that fire, the silenced ones last.")
@click.argument("matchers", nargs=-1, metavar="[MATCHER]...")
@click.option("--most", default=500, show_default=True, type=click.IntRange(0, 2000), help="How many to list.")
@click.pass_obj
def list_(session: Session, matchers: tuple[str, ...], most: int) -> int:
    """Alerts that fire, the silenced ones last; with MATCHERs (alertname=Slow model=~'gl.*'), those that all fit."""
    from console import words
    from console.report.tables import columns

    shape = session.client.request("alert.list", matchers=list(matchers), most=most)
    rows = [
        (
            each["state"],
            each["name"],
            each["subject"],
            words.lapse(max(shape["now"] - each["started"], 0.0)) if each["started"] else "–",
            each["incident"] or "–",
            each["source"],
            each["text"],
        )
        for each in shape["alerts"]
    ]
    headings = ["state", "alert", "about", "for", "incident", "source", "summary"]
    empty = f"no alert is known that fits {' '.join(matchers)}" if matchers else "no alert fires"
    session.emit_shape(shape, lambda: columns(headings, rows, empty=empty))
    if shape["total"] > len(rows):
        click.echo(f"{shape['total'] - len(rows)} more are not listed", err=True)
    return _how_sources_are(shape, bool(shape["counts"].get("firing")))


@alert.command(short_help="Silences that have not ended.")
@click.pass_obj
def silences(session: Session) -> int:
    """Silences that have not ended, and how many alerts each keeps quiet now."""
    from console import words
    from console.report.tables import columns

    shape = session.client.request("silence.list")
    rows = [
        (
            each["id"],
            words.instant(each["end"]),
            each["alerts"],
            each["author"],
            " ".join(each["matchers"]),
            each["comment"],
        )
        for each in shape["silences"]
    ]
    headings = ["id", "until", "alerts", "by", "matchers", "comment"]
    session.emit_shape(shape, lambda: columns(headings, rows, empty="nothing is silenced"))
    return _how_sources_are(shape, False)


@alert.command(short_help="Keep alerts quiet for a while.")
@click.argument("matchers", nargs=-1, required=True, metavar="MATCHER...")
@click.option("--for", "span", default="2h", show_default=True, help="For how long: 30m, 2h, 1d.")
@click.option("--comment", required=True, help="Why, for who finds it.")
@click.option("--on", "keeper", default="", metavar="SOURCE", help="By which source, where there are several.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.pass_obj
def silence(session: Session, matchers: tuple[str, ...], span: str, comment: str, keeper: str, yes: bool) -> None:
    """Keep alerts that all MATCHERs fit quiet: alertname=Slow, model!=boot, model=~'gl.*', team!~'a|b'."""
    from console.config import duration
    from console.report.clean import clean
    from console.words import instant

    session.refuse_if_locked()
    seconds = duration(span)
    counts = session.client.request("alert.list", matchers=list(matchers), most=0)["total"]
    click.echo(f"these fit {counts} alert{'' if counts == 1 else 's'} now", err=True)
    if sys.stdin.isatty() and not yes:
        click.confirm(f"silence them for {span}?", abort=True, err=True)
    shape = session.client.request(
        "silence.create", matchers=list(matchers), seconds=seconds, comment=comment, source=keeper
    )
    session.emit_shape(
        shape,
        lambda: clean(f"{shape['id']} on {shape['source']} until {instant(shape['end'])}: {shape['alerts']} quiet"),
    )


@alert.command(short_help="End a silence.")
@click.argument("id_", metavar="ID")
@click.option("--on", "keeper", default="", metavar="SOURCE", help="Whose, where there are several.")
@click.pass_obj
def unsilence(session: Session, id_: str, keeper: str) -> None:
    """End a silence: what it keeps quiet is heard again."""
    from console.report.clean import clean

    session.refuse_if_locked()
    shape = session.client.request("silence.end", silence=id_, source=keeper)
    session.emit_shape(shape, lambda: clean(f"{shape['id']} on {shape['source']} has ended"))


def _how_sources_are(shape: dict[str, Any], is_problem: bool) -> Exit:
    """Name on stderr which sources could not be asked; the exit code."""
    from console.report.clean import clean

    exits = [Exit.PROBLEM if is_problem else Exit.HEALTHY]
    for each in shape["sources"]:
        if each["state"] not in SOURCE_EXITS:
            click.echo(f"andon: {clean(each['name'])} is {each['state']}: {clean(each['reason'])}", err=True)
        exits.append(SOURCE_EXITS.get(each["state"], Exit.UNREACHABLE))
    return worst(exits)
