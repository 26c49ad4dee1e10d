"""`andon incident export` and `import`: an incident as one file, and a recorded outage as a regression test."""

from __future__ import annotations

import asyncio
import base64
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.session import Command, Session
from console.errors import BundleError, UsageError

if TYPE_CHECKING:
    from console.playbook.definition import Playbook


@click.command(cls=Command, name="export", short_help="Write an incident into one file, redacted.")
@click.argument("id_", metavar="ID")
@click.option("-o", "--to", "path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="The file; ID.andon here where none is named.")  # fmt: skip
@click.option("--as-test", "playbook", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Also make it a test of this playbook: its file beside it, and an entry under `tests`.")  # fmt: skip
@click.pass_obj
def export(session: Session, id_: str, path: Path | None, playbook: Path | None) -> int | None:
    """Write what was asked and answered when an incident was examined, with its diagnosis, into one file.

    Secrets, people's addresses and machines' are replaced. With --as-test the outage becomes a regression test: the
    playbook FILE must go on to name the same cause, and that test is run at once.
    """
    from console.playbook.bundles.bundle import SUFFIX
    from console.playbook.bundles.file import from_bytes, save
    from console.report.clean import clean

    session.refuse_if_locked()
    path, session.output = path or session.output, None  # --output is where the bundle goes
    told = session.client.request("incident.export", incident=id_)
    bundle = from_bytes(base64.b64decode(told["bundle"]))
    for each in told["left_out"]:
        click.echo(clean(f"left out: {each}"), err=True)
    if playbook is None:
        target = path or Path(f"{id_}{SUFFIX}")
        save(bundle, target)
        session.emit_shape({"file": str(target)}, lambda: clean(f"{id_} is in {target}"))
        return None
    from console.cli.commands.playbook_test import show_results
    from console.playbook.bundles.as_test import add_test
    from console.playbook.bundles.testing import run_test

    if path is not None and path.suffix != SUFFIX:
        raise UsageError(f"{path} does not end with {SUFFIX}", "name it so: the playbook's tests read it")
    step_types = session.plugins.by_name("andon_step_types")
    book = add_test(bundle, playbook, path.stem if path else id_.lower(), step_types)
    click.echo(clean(f"{playbook} has a test more: {book.tests[-1].bundle}"), err=True)
    for each in _about_others(book, session.playbooks.get(book.name)):
        click.echo(clean(each), err=True)
    result = asyncio.run(run_test(book, book.tests[-1], step_types, session.playbooks))
    return show_results(session, [result], [])


def _about_others(book: Playbook, origin: Playbook | None) -> list[str]:
    """What to do about tests whose bundles stayed behind when the file was copied; nothing where none did."""
    from console.playbook.bundles.testing import bundle_path

    lacking = [test for test in book.tests if not bundle_path(book, test).exists()]
    if not lacking:
        return []
    said = [f"{len(lacking)} of its tests cannot run, for their bundles are not beside it: copy them, "
            f"or take their entries out of `tests:` in {book.path}"]  # fmt: skip
    for test in lacking:
        there = bundle_path(origin, test) if origin else None
        here = shlex.quote(str(bundle_path(book, test)))
        known = there is not None and there.exists()
        said.append(f"  cp {shlex.quote(str(there))} {here}" if known else f"  to {here} from where it was recorded")
    return said


@click.command(cls=Command, name="import", short_help="Add an incident from a file, closed.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def import_(session: Session, file: Path) -> None:
    """Add the incident of a bundle to this daemon's, closed and marked; it counts for no baseline."""
    from console.playbook.bundles.file import MOST_FILE, read
    from console.report.clean import clean

    session.refuse_if_locked()
    data = read(file)
    if len(data) > MOST_FILE // 4:
        raise BundleError(f"{file} is too large to be imported", "`andon replay FILE` reads it without a daemon")
    item = session.client.request("incident.import", bundle=base64.b64encode(data).decode())
    session.emit_shape(item, lambda: clean(f"{item['id']} is imported: {item['title']}"))
