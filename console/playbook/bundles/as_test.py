"""A recorded outage becomes a regression test: its bundle beside the playbook, and an entry under `tests:`."""

from __future__ import annotations

import re
from pathlib import Path

from console.errors import PlaybookError, UsageError
from console.model import Cause
from console.playbook.bundles.bundle import SUFFIX, Bundle
from console.playbook.bundles.file import save
from console.playbook.definition import Playbook
from console.playbook.loader import load
from console.plugins import StepType

FOLDER = "bundles"
HALF = 0.5  # of the recorded odds: the weakest line that gets lost costs more than that
BLOCK = re.compile(r"^tests:[ \t]*(?:#.*)?$", re.MULTILINE)
FLOW = re.compile(r"^tests:[ \t]*[^#\s]", re.MULTILINE)
NEXT_KEY = re.compile(r"^[^\s#-]", re.MULTILINE)


def add_test(bundle: Bundle, path: Path, name: str, step_types: dict[str, StepType]) -> Playbook:
    """The playbook with one more test, that today's diagnosis of this bundle stays what it is.

    Comments and layout of the file stay. Raises UsageError where the playbook was not run in the bundle, and where a
    bundle of this name lies there already; PlaybookError, with the file untouched, where the entry does not fit.
    """
    playbook = load(path, step_types)
    if bundle.diagnosis is None or playbook.name not in bundle.inputs:
        ran = ", ".join(bundle.inputs) or "none"
        raise UsageError(f"{playbook.name} was not run in this incident", f"these were: {ran}")
    run = next(each for each in bundle.diagnosis.runs if each.playbook == playbook.name)
    named = [cause for cause in run.causes if cause.is_named]
    target = path.parent / FOLDER / f"{name}{SUFFIX}"
    if target.exists():
        raise UsageError(f"{target} is there already", "name another: -o NAME.andon")
    before = path.read_text("utf-8")
    after = with_entry(before, f"- {{bundle: {FOLDER}/{name}{SUFFIX}, expect: {_expect(named)}}}")
    target.parent.mkdir(exist_ok=True)
    save(bundle, target)
    path.write_text(after, "utf-8")
    try:
        return load(path, step_types)
    except PlaybookError:
        path.write_text(before, "utf-8")
        target.unlink()
        raise


def with_entry(text: str, entry: str) -> str:
    """The text of a playbook with an entry at the end of its tests; UsageError where they stand in one line."""
    if FLOW.search(text):
        raise UsageError("the tests of this playbook stand in one line", "write them one below the other")
    found = BLOCK.search(text)
    if found is None:
        return f"{text.rstrip()}\n\ntests:\n  {entry}\n"
    end = NEXT_KEY.search(text, found.end())
    block, rest = (text[: end.start()], text[end.start() :]) if end else (text, "")
    dash = re.search(r"^([ \t]*)- ", block[found.end() :], re.MULTILINE)
    body = block.rstrip()
    return f"{body}\n{dash[1] if dash else '  '}{entry}\n{block[len(body) + 1 :]}{rest}"


def _expect(named: list[Cause]) -> str:
    if not named:
        return "{cause: none}"
    cause = named[0]
    subject = f', subject: "{cause.subject}"' if cause.subject and '"' not in cause.subject else ""
    return f"{{cause: {cause.id}{subject}, odds: {max(3.0, cause.odds * HALF):.3g}}}"
