"""The drift of one model's rows as a screen shows it: every column over the last hour, both distributions, examples.

It looks as the playbooks' own `drift` step looks: the same table, the same windows, the same verdicts. But it looks
again and again, so it follows the table: its windows are whole minutes, and its bins serve for an hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from console.analysis.drift import effect
from console.errors import NoData
from console.model import ColumnDrift, Drift, Exemplar, Finding, Labels, Profile, Question, Run, Span, Verdict
from console.playbook.definition import Playbook, Step
from console.playbook.expressions import Unknown
from console.playbook.step import StepContext
from console.playbook.steps.drift import STEP, DriftOptions, Found, compared, look_of, outcome
from console.playbook.template import fill
from console.report import phrases
from console.service.following_rows import FollowedTable, Memory, whole_minutes
from console.service.shares import shares
from console.sources.estate import Estate, Situation
from console.sources.types import Progress, TableReader
from console.sources.windows import baseline_window, current_window
from console.triage.world_or_model import signs_of, world_or_model
from console.words import labelled, lapse

SLOTS = 12
SLOT_SECONDS = 300.0
MOST_COLUMNS = 200
PROBE = "probe"
LABELS = "model.feedback"  # signals of this name say how many answers were right

View = Mapping[str, Any]


def models_with_rows(estate: Estate, seen: Sequence[str]) -> list[str]:
    """The models that tables are about, of those seen and those named in the configuration.

    A table that names none is about the only model there is; else it is shown by its own name.
    """
    known = {*seen, *estate.models.values()}
    default = next(iter(known)) if len(known) == 1 else ""
    about = {estate.models.get(table) or (table if table in known else default or table) for table in estate.tables}
    return sorted(about)


def blank(model: str, reason: str, looked: float | None = None) -> View:
    """What there is to show where nothing could be looked at."""
    return {
        "model": model, "table": "", "looked": looked, "verdict": "no_data", "reason": reason, "windows": "",
        "issues": [], "rows": [0, 0], "read": None, "world_or_model": {"verdict": "unknown", "text": ""}, "times": [],
        "columns": [], "exemplars": [],
    }  # fmt: skip


async def view(
    model: str,
    situation: Situation,
    playbooks: Mapping[str, Playbook],
    findings: Sequence[Finding],
    runs: Sequence[Run],
    memory: Memory,
) -> View:
    """What the rows of a model say right now, as plain JSON types.

    `findings` are the newest of the triggers, `runs` those of the last hour, the newest first: they say whether answers
    are worse, and whether golden inputs are answered as before. Nothing is sent to the model for this. `memory` is what
    the last look at this model left: only rows that came since are counted.
    """
    playbook, step = _asked(playbooks)
    looked, situation = situation.now, whole_minutes(situation)
    current = current_window(step.current or playbook.current, situation.now)
    tables: dict[str, TableReader] = {
        name: FollowedTable(table, memory, looked) for name, table in situation.estate.tables.items()
    }
    context = StepContext(
        step=step.id,
        estate=replace(situation.estate, tables=tables),
        current=current,
        baseline=baseline_window(playbook.baseline, current, situation),
        inputs={"model": model},
        results={},
        now=situation.now,
        ask=_nobody,
        excluded=situation.excluded,
        interval=situation.interval,
    )
    filled = fill(step.options, step.templates, {"inputs.model": model})
    look = look_of(context, DriftOptions.model_validate({} if isinstance(filled, Unknown) else filled))
    table = look.current.table
    assert isinstance(table, FollowedTable), "look_of chose it among these"
    found = await table.explain(look, await compared(look))
    hour = Span(current.end - SLOTS * SLOT_SECONDS, current.end)
    slots = await replace(look.current, spans=(hour,)).steps(SLOT_SECONDS, found.baseline)
    said = outcome(step.id, found)
    signs = signs_of(said.values, labels=labels_are_worse(model, findings), golden=golden_changed(model, runs))
    judged = world_or_model(signs)
    progress = await table.how_far()
    return {
        "model": model,
        "table": next((name for name, each in tables.items() if each is table), ""),
        "looked": looked,
        "verdict": str(found.drift.verdict),
        "reason": said.reason,
        "issues": _issues(found.drift, progress),
        "windows": f"the last {lapse(current.end - current.start)} against {phrases.window(context.baseline)}",
        "rows": list(found.drift.rows),
        "read": None if progress is None else {"rows": progress.rows, "newest": progress.newest, "left": progress.left},
        "world_or_model": {"verdict": judged.verdict, "text": judged.text},
        "times": [hour.start + slot * SLOT_SECONDS for slot in range(SLOTS)],
        "columns": [_column(each, found, _by_slot(slots, hour.start)) for each in found.columns[:MOST_COLUMNS]],
        "exemplars": [_exemplar(each) for each in found.pair],
    }


def labels_are_worse(model: str, findings: Sequence[Finding]) -> bool | None:
    """Whether fewer of a model's answers are right, by the newest findings of the triggers; None: nobody knows."""
    for finding in findings:
        is_about = (finding.signal or "").startswith(LABELS) and finding.labels.value("model") in (model, None)
        if is_about and finding.verdict in (Verdict.DEGRADED, Verdict.OK, Verdict.IMPROVED):
            return finding.verdict is Verdict.DEGRADED
    return None


def golden_changed(model: str, runs: Sequence[Run]) -> bool | None:
    """Whether a model answers its golden inputs differently, by the newest run that sent them; None: nobody knows."""
    for run in runs:
        for step in run.steps:
            if step.uses == PROBE and run.inputs.get("model") in (model, "") and "same" in step.values:
                return not step.values["same"]
    return None


def brief(shown: View, most: int = 8) -> dict[str, Any]:
    """The row of the board."""
    row = {name: shown[name] for name in ("model", "table", "verdict", "reason", "looked", "rows")}
    names = ("name", "verdict", "effect", "line", "onset", "shift", "issues")
    columns = [{name: column[name] for name in names} for column in shown["columns"][:most]]
    return row | {"columns": columns, "world_or_model": shown["world_or_model"]["text"]}


def _asked(playbooks: Mapping[str, Playbook]) -> tuple[Playbook, Step]:
    """The playbook whose windows are looked at, and its step: the first that compares rows as the playbook says."""
    for playbook in playbooks.values():
        for step in playbook.steps:
            if step.uses == STEP.name and step.baseline is None and "before" not in playbook.baseline:
                return playbook, step
    raise NoData("absent: no playbook compares rows", "")


def _column(column: ColumnDrift, found: Found, slots: Sequence[Profile | None]) -> dict[str, Any]:
    baseline = found.baseline.column(column.name)
    assert baseline is not None, "every drift is of a column of the baseline"
    share = column.slice
    explains = ""
    if share is not None:
        of = labelled(Labels.of({share.column: share.value})).removeprefix(" of ")
        explains = f"{of} explains {share.share:.0%} of it"
    names = ("name", "reason", "line", "effect", "psi", "ks", "js", "shift", "onset", "wobble", "p_sampling", "p_usual")
    at = [None if profile is None else profile.column(column.name) for profile in slots]
    return {name: getattr(column, name) for name in names} | {
        "kind": baseline.kind,
        "verdict": str(column.verdict),
        "slice": explains,
        "issues": [issue.text for issue in column.issues],
        "slots": [None if one is None else effect(baseline, one) for one in at],
        "bins": shares(baseline, found.current.column(column.name)),
    }


def _issues(found: Drift, progress: Progress | None) -> list[str]:
    """What is wrong with the table as a whole, and with columns that the baseline does not have; the gravest first."""
    told = {column.name for column in found.columns}
    issues = [issue for issue in found.integrity if issue.column not in told and issue.verdict is not Verdict.OK]
    many = 0 if progress is None else progress.ahead
    ahead = [f"{many:,} rows are of the future: a clock is wrong"] if many else []
    return ahead + [issue.text for issue in sorted(issues, key=lambda issue: issue.verdict is not Verdict.DEGRADED)]


def _by_slot(slots: Sequence[tuple[float, Profile]], start: float) -> list[Profile | None]:
    placed = {round((at - start) / SLOT_SECONDS): profile for at, profile in slots}
    return [placed.get(slot) for slot in range(SLOTS)]


def _exemplar(exemplar: Exemplar) -> dict[str, Any]:
    return {
        "side": exemplar.side,
        "time": exemplar.time,
        "kind": exemplar.kind,
        "caption": exemplar.caption,
        "fields": dict(exemplar.fields),
        "pixels": [list(row) for row in exemplar.pixels],
    }


async def _nobody(_question: Question) -> str | None:
    return None
