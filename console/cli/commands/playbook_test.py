"""`andon playbook test`: the tests of playbooks, each the replay of a bundle; many at once, and no source is asked."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.session import Command, Session
from console.errors import AndonError, Exit, worst

if TYPE_CHECKING:
    from console.playbook.bundles.testing import TestResult
    from console.playbook.definition import Playbook

MOST_JOBS = 64


@click.command(cls=Command, short_help="Replay the bundles of playbooks and say what is not as expected.")
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@click.option("--junit", is_flag=True, help="The same as --format junit.")
@click.option("--jobs", type=click.IntRange(1, MOST_JOBS), metavar="N", help="Processes; as many as there are cores.")
@click.pass_obj
def test(session: Session, names: tuple[str, ...], junit: bool, jobs: int | None) -> int:
    """Run the `tests:` of playbooks (by name or file), or of all there are: each replays a bundle, asking no source.

    Ends with 0 where all is as expected, 1 where something is not, 2 where a bundle or a playbook is broken, 3 where
    there is no test.
    """
    books = _chosen(session, names)
    count = sum(len(book.tests) for book in books)
    results: list[TestResult] = []
    for result in _run(session, books, jobs or os.cpu_count() or 1):
        results.append(result)
        if sys.stderr.isatty():
            click.echo(f"\r{len(results)} of {count} tests", err=True, nl=len(results) == count)
    untested = [book.name for book in books if not book.tests]
    if junit:
        session.format = "junit"
    return show_results(session, results, untested)


def show_results(session: Session, results: Sequence[TestResult], untested: Sequence[str]) -> Exit:
    """Print how tests went, in the format asked for; answers the exit code."""
    from console.report.tested import tested_junit, tested_report, tested_shape

    if session.format == "junit":
        session.emit(tested_junit(results))
    else:
        session.emit_shape(tested_shape(results, untested), lambda: tested_report(results, untested))
    return worst(_exit(result) for result in results) if results else Exit.INCONCLUSIVE  # no check ran


def _exit(result: TestResult) -> Exit:
    if result.error:
        return Exit.USAGE
    return Exit.HEALTHY if result.passed else Exit.PROBLEM


def _chosen(session: Session, names: Sequence[str]) -> list[Playbook]:
    from console.cli.commands.playbook import find_playbook

    if names:
        return [find_playbook(session, name) for name in dict.fromkeys(names)]
    problems: list[AndonError] = []
    books = sorted(_library(session, problems).values(), key=lambda book: book.name)
    if problems:
        raise problems[0]
    return books


def _library(session: Session, problems: list[AndonError]) -> dict[str, Playbook]:
    from console.library import library_dir
    from console.playbook.loader import library

    folders = [library_dir("playbooks"), *session.config.playbook_dirs]
    return library(folders, session.plugins.by_name("andon_step_types"), on_problem=problems.append)


def _run(session: Session, books: Sequence[Playbook], jobs: int) -> Iterator[TestResult]:
    """The results, in the order of the playbooks and of their tests."""
    cases = [(book.path or book.name, at) for book in books for at in range(len(book.tests))]
    if min(jobs, len(cases)) <= 1:
        known = {book.path or book.name: book for book in books}
        yield from (_test(session, known, name, at) for name, at in cases)
        return
    given = (session.config_path, session.data, session.plugins_dir)
    with ProcessPoolExecutor(min(jobs, len(cases)), initializer=_begin, initargs=given) as pool:
        names, places = zip(*cases, strict=True)
        yield from pool.map(_test_there, names, places, chunksize=max(1, min(8, len(cases) // (4 * jobs))))


def _test(session: Session, known: dict[str, Playbook], name: str, at: int) -> TestResult:
    """One test of the playbook of this path, which is loaded where it is not known yet."""
    from console.playbook.bundles.testing import run_test
    from console.playbook.loader import load

    step_types = session.plugins.by_name("andon_step_types")
    book = known.get(name) or known.setdefault(name, load(Path(name), step_types))
    return asyncio.run(run_test(book, book.tests[at], step_types, session.playbooks))


_there: list[tuple[Session, dict[str, Playbook]]] = []  # of a process that tests: its session, what it has loaded


def _begin(config_path: Path | None, data: Path | None, plugins_dir: Path | None) -> None:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each process has a core to itself
    session = Session(config_path=config_path, data=data, plugins_dir=plugins_dir)
    _there.append((session, {book.path or book.name: book for book in session.playbooks.values()}))


def _test_there(name: str, at: int) -> TestResult:
    session, known = _there[0]
    return _test(session, known, name, at)
