"""`andon playbook`: what there is, what one does, and whether it holds together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.commands.playbook_explain import explain
from console.cli.commands.playbook_new import new
from console.cli.commands.playbook_runs import runs
from console.cli.commands.playbook_test import test
from console.cli.session import Group, Session
from console.errors import Exit, PlaybookError, UsageError

if TYPE_CHECKING:
    from console.playbook.definition import Playbook


@click.group(cls=Group)
def playbook() -> None:
    """List, show, check, write, test and explain playbooks."""


playbook.add_command(explain)
playbook.add_command(new)
playbook.add_command(runs)
playbook.add_command(test)


@playbook.command(name="list")
@click.pass_obj
def list_(session: Session) -> None:
    """Every playbook that a name can run."""
    from console.report.tables import columns

    books = sorted(session.playbooks.values(), key=lambda book: book.name)
    shape = [{"name": book.name, "title": book.title, "path": book.path, "steps": len(book.steps)} for book in books]
    session.emit_shape(shape, lambda: columns(["name", "title"], [(book.name, book.title) for book in books]))


@playbook.command(short_help="The text of one playbook.")
@click.argument("name")
@click.pass_obj
def show(session: Session, name: str) -> None:
    """The text of one playbook; with --format json, its steps and the causes it can name."""
    book = find_playbook(session, name)
    shape = {
        "name": book.name,
        "title": book.title,
        "path": book.path,
        "steps": [{"id": step.id, "title": step.title, "uses": step.uses} for step in book.steps],
        "causes": [{"id": cause.id, "title": cause.title} for cause in book.causes],
    }
    session.emit_shape(shape, lambda: book.source)


@playbook.command(short_help="Say what is wrong with playbook files, and where.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.pass_obj
def check(session: Session, files: tuple[Path, ...]) -> int:
    """Load playbooks and say what is wrong with each, at file:line:column."""
    from console.playbook.checking import check_file_name, check_remedies
    from console.playbook.loader import load

    step_types = session.plugins.by_name("andon_step_types")
    actions = session.plugins.by_name("andon_actions")
    rows = []
    for file in files:
        try:
            book = load(file, step_types)
            check_file_name(book)
            unknown = check_remedies(book, actions)
            counted = f"{len(book.steps)} steps, {len(book.causes)} causes"
            note = {"hint": "\n    ".join(unknown)} if unknown else {}
            rows.append({"file": str(file), "ok": True, "message": counted, **note})
        except PlaybookError as error:
            rows.append({"file": str(file), "ok": False, "message": error.message, "hint": error.hint})
    session.emit_shape(rows, lambda: "\n".join(_checked(row) for row in rows))
    return Exit.HEALTHY if all(row["ok"] for row in rows) else Exit.USAGE


@playbook.command()
@click.pass_obj
def schema(session: Session) -> None:
    """The JSON Schema of the playbook language, for editors."""
    import orjson

    from console.playbook.editing import schema as playbook_schema

    session.emit(orjson.dumps(playbook_schema(), option=orjson.OPT_INDENT_2).decode())


def find_playbook(session: Session, name: str) -> Playbook:
    """By file where the argument is one, else by name."""
    from console.playbook.loader import load

    if Path(name).suffix in (".yaml", ".yml") or "/" in name:
        return load(Path(name), session.plugins.by_name("andon_step_types"))
    if name not in session.playbooks:
        import difflib

        near = difflib.get_close_matches(name, session.playbooks, 1)
        raise UsageError(
            f"there is no playbook {name!r}",
            f"did you mean {near[0]!r}?" if near else "`andon playbook list` shows them; a path to a file works too",
        )
    return session.playbooks[name]


def _checked(row: dict[str, object]) -> str:
    from console.report.clean import clean

    hint = f"\n    {row['hint']}" if row.get("hint") else ""
    return clean(f"{'● ok' if row['ok'] else '▲ wrong'}  {row['file'] if row['ok'] else ''}  {row['message']}{hint}")
