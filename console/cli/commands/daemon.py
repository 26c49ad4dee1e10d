"""`andon daemon` and `andon status`."""

from __future__ import annotations

import os
from typing import Any

import click

from console.cli.opening import how_it_is
from console.cli.session import Command, Session


@click.command(cls=Command)
@click.option("--stop", is_flag=True, help="End the daemon that runs; what it was about goes on with the next one.")
@click.pass_obj
def daemon(session: Session, stop: bool) -> None:
    """Run the collector and store of this host in the foreground; Ctrl-C ends it."""
    if stop:
        session.refuse_if_locked()
        session.client.request("stop")
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is: a thread per core is nothing we need
    from console.service.daemon import serve

    serve(session.config_with_sources)


@click.command(cls=Command)
@click.pass_obj
def status(session: Session) -> int:
    """Say how the daemon, its sources and its models are."""
    shape = session.client.request("status")
    session.emit_shape(shape, lambda: _status_text(shape))
    return how_it_is(shape)


def _status_text(shape: dict[str, Any]) -> str:
    from console import words
    from console.report.clean import clean
    from console.report.tables import columns

    uptime = words.lapse(shape["now"] - shape["started"])
    lines = [f"andon {shape['version']} on {clean(shape['data'])}, up {uptime}, interval {shape['interval']:g} s"]
    models = [(row["model"], *(_light(light) for light in row["lights"].values())) for row in shape["models"]]
    lights = [name for row in shape["models"][:1] for name in row["lights"]]
    lines += ["", columns(["model", *lights], models, empty="no model has been seen yet")]
    sources = [
        (each["name"], each["kind"], each["state"], _age(each.get("age")), each.get("reason") or "")
        for each in shape["sources"]
    ]
    lines += ["", columns(["source", "kind", "state", "age", "why"], sources, empty="no source is configured")]
    open_ones = [(each["id"], each["state"], each["subject"], each["title"]) for each in shape["incidents"]]
    lines += ["", columns(["incident", "state", "subject", "title"], open_ones, empty="no incident is open")]
    lines += [clean(f"{each['id']} {each['text']}: {each['title']} ({each['risk']} risk)") for each in shape["plans"]]
    lines += [f"trouble: {clean(trouble)}" for trouble in shape["troubles"]]
    return "\n".join(lines)


def _light(light: dict[str, Any]) -> str:
    from console import words

    return f"{words.mark(light['state'])} {light['state']}"


def _age(seconds: float | None) -> str:
    from console import words

    return "–" if seconds is None else words.lapse(seconds)
