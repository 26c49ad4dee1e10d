"""`andon daemon` and `andon status`."""

from __future__ import annotations

from typing import Any

import click

from console.cli.session import Command, Session
from console.errors import Exit, worst

STATE_EXITS = {"ok": Exit.HEALTHY, "stale": Exit.INCONCLUSIVE}


@click.command(cls=Command)
@click.pass_obj
def daemon(session: Session) -> None:
    """Run the collector and store of this host in the foreground; Ctrl-C ends it."""
    from console.service.daemon import serve

    serve(session.config_with_sources)


@click.command(cls=Command)
@click.pass_obj
def status(session: Session) -> int:
    """Say how the daemon, its sources and its models are."""
    shape = session.client.request("status")
    session.emit_shape(shape, lambda: _status_text(shape))
    exits = [STATE_EXITS.get(source["state"], Exit.UNREACHABLE) for source in shape["sources"]]
    return worst([*exits, Exit.PROBLEM if shape["incidents"] else Exit.HEALTHY])


def _status_text(shape: dict[str, Any]) -> str:
    from console.report import words
    from console.report.clean import clean
    from console.report.tables import columns

    lines = [f"andon {shape['version']} on {shape['data']}, up {words.ago(shape['uptime'])}"]
    rows = [
        (source["name"], source["kind"], source["state"], _age(source.get("age")), source.get("reason", ""))
        for source in shape["sources"]
    ]
    lines += ["", columns(["source", "kind", "state", "age", "why"], rows, empty="no source is configured")]
    rows_open = [(item["id"], item["state"], item["subject"], item["title"]) for item in shape["incidents"]]
    lines += ["", columns(["incident", "state", "subject", "title"], rows_open, empty="no incident is open")]
    lines += [f"problem: {clean(problem)}" for problem in shape.get("problems", ())]
    return "\n".join(lines)


def _age(seconds: float | None) -> str:
    from console.report import words

    return "–" if seconds is None else words.ago(seconds)
