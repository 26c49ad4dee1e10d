"""The steps of an incident's runs as rows: those that ended, those under way, and what they found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.tui.screens.triage_shown import gist_of
from console.tui.screens.triage_words import Json, gist, gravest, gravity
from console.tui.text import Span
from console.words import MARKS

MOST_FINDINGS = 6  # of one step that have a row of their own
SINGLE = ("comparison", "drift", "exemplar", "integrity")  # findings that are looked at one by one
TABLES = ("log", "trace")  # findings of which the gravest is told, and all are a table


@dataclass(frozen=True, slots=True)
class Place:
    """A row: a run's heading, a step, or one finding of it."""

    key: str
    state: str  # a step's state, `question`, or empty: not ended
    title: str
    said: str
    kind: str  # run | step | finding
    run: Json
    step: Json
    finding: Json | None = None

    @property
    def mark(self) -> Span:
        """The shape of how it ended."""
        if self.kind == "finding":
            return ("", "")
        if self.state == "question":
            return ("?", "warn")
        return (MARKS[self.state], self.state) if self.state in MARKS else ("…", "dim")

    @property
    def question(self) -> Json | None:
        """What a person is asked here, and nobody has answered."""
        return self.step.get("question") if self.kind != "run" else None


def places(runs: Sequence[Json], examining: Json | None, *, inline: bool, today: str = "") -> list[Place]:
    """Every row; what is being examined now stands in its last run's place. Not `inline`: findings below their step."""
    under_way = str((examining or {}).get("playbook") or "")
    shown = [run for run in runs if run.get("playbook") != under_way]
    several = len(shown) + bool(under_way) > 1
    rows: list[Place] = []
    if examining and under_way:
        rows += _live(examining, several)
    for run in shown:
        if several:
            state = "waiting" if run.get("state") == "paused" else str(run.get("verdict") or "")
            rows.append(_heading(run, f"run {run.get('playbook')}", state))
        for step in run.get("steps") or ():
            rows += _step(run, step, inline=inline, today=today)
    return rows


def gravest_place(rows: Sequence[Place]) -> Place | None:
    """Where to look first: the first degraded step, or the worst there is."""
    return min((row for row in rows if row.kind == "step"), key=lambda row: gravity(row.state), default=None)


def as_row(place: Place) -> Mapping[str, Any]:
    """What a table is given."""
    return {"place": place}


def _heading(run: Json, key: str, state: str) -> Place:
    return Place(key, state, str(run.get("title") or run.get("playbook") or ""), "", "run", run, {})


def _live(examining: Json, several: bool) -> Iterator[Place]:
    playbook = examining.get("playbook")
    if several:
        yield _heading(examining, f"run {playbook}", "")
    for step in examining.get("steps") or ():
        state = str(step.get("state") or "")
        said = state.replace("_", " ") or "being looked at"
        yield Place(
            f"{playbook}/{step.get('id')}", state, str(step.get("title") or step.get("id") or ""), said, "step",
            examining, step,
        )  # fmt: skip


def _step(run: Json, step: Json, *, inline: bool, today: str) -> Iterator[Place]:
    key = f"{run.get('playbook')}/{step.get('id')}"
    findings = step.get("findings") or ()
    first = gravest(findings)
    state = str(step.get("state") or "")
    if step.get("question"):
        waits = "waits for an answer: " if state == "waiting" else ""
        state = state if waits else "question"
        said = f"{waits}{step['question'].get('text')} Enter answers"
    elif step.get("shown"):
        said = gist_of(step["shown"])
    elif first is None or state in ("skipped", "error", "no_data"):
        said = str(step.get("reason") or state)
    else:
        said = gist(first, today)
        if len(findings) > 1 and not (_is_single(first) or first.get("kind") in TABLES):
            said = f"{len(findings)} found; {_nearest(step) or said}"
    said = _weighed(step, state, said)
    title = str(step.get("title") or step.get("id") or "")
    yield Place(key, state, title, said if inline else "", "step", run, step, first)
    own = [each for each in findings if _is_single(each)] if len(findings) > 1 else []
    if not inline and not own:
        yield Place(f"{key} said", state, f"└ {said}", "", "finding", run, step, first)
    for finding in own[:MOST_FINDINGS]:
        if inline and finding is first:
            continue
        told = f"{finding.get('id')} {gist(finding, today)}"
        title, said = ("", told) if inline else (f"└ {told}", "")
        yield Place(f"{key} {finding.get('id')}", str(finding.get("verdict") or ""), title, said, "finding", run, step,
                    finding)  # fmt: skip


def _weighed(step: Json, state: str, said: str) -> str:
    """What it found, with a word where that decides nothing."""
    if step.get("is_dry"):
        return f"dry run, decides nothing: {said}"
    if step.get("is_optional") and state == "error":
        return f"optional, decides nothing: {said}"
    return said


def _is_single(finding: Json) -> bool:
    """Whether it has a row of its own; what says how many lines were read has none."""
    return finding.get("kind") in SINGLE or (finding.get("kind") == "log" and bool(finding.get("labels")))


def _nearest(step: Json) -> str:
    """The event that lies nearest to the onset, in words; empty where the step is about something else."""
    values = step.get("values") or {}
    if not values.get("nearest.title"):
        return ""
    return f"nearest: {values.get('nearest.kind')} of {values.get('nearest.target')}: {values['nearest.title']}"
