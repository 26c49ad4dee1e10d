"""`drift`: did the world that reaches the model change? Rows of a table now against the baseline, as counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from console.analysis.drift import drift
from console.errors import NoData
from console.model import (
    ColumnDrift,
    Drift,
    Exemplar,
    Finding,
    IntegrityIssue,
    Labels,
    Profile,
    State,
    Verdict,
    Window,
)
from console.playbook.schema import Entry
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps.asking import check_baseline, only_one
from console.playbook.steps.dataset import Dataset
from console.playbook.steps.rows import MOST_SLICING, Look, Rows, past_places, with_neighbours
from console.plugins import StepType
from console.words import instant, labelled

MOST_COLUMNS = 10  # that are told; onset and slice are looked for in as many

RESULT = {
    "verdict": "string",
    "reason": "string",
    "moved": "bool",  # the inputs' values themselves: shape, location, new categories
    "outputs_moved": "bool",  # what the model answered
    "column": "string",  # the one that moved most
    "columns": "list(string)",
    "shift": "double",  # of its mean, in its own unit
    "effect": "double",
    "onset": "double",
    "slice.column": "string",
    "slice.value": "string",
    "slice.share": "double",
    "schema_changed": "bool",  # a column vanished, came, or holds another type or unit
    "missing_column": "string",
    "new_columns": "list(string)",  # where one vanished or went missing, it may be there under such a name
    "issues": "list(string)",  # the integrity checks that failed
    "issue_columns": "list(string)",
    "rows.current": "double",
    "rows.baseline": "double",
}

SCHEMA_CHECKS = frozenset({"schema", "type", "unit", "missing"})
# What a broken feed does to the values; everything else a column can show is the world's doing.
FEED_CHECKS = SCHEMA_CHECKS | {"missing", "constant", "sentinel", "swapped"}


class DriftOptions(Entry):
    """Which rows and columns to look at."""

    called = "`drift`"
    table: str | None = Field(None, description="the table; the model's own, or the only one, by default")
    columns: list[str] = Field([], description="all input columns when empty")
    where: dict[str, str] = Field({}, description="only rows with these values; an empty value selects all")
    slices: Annotated[list[str], Field(max_length=MOST_SLICING)] = Field(
        [], description="columns to split a drift by; the table's own, or the categorical ones, when empty"
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at one table found."""

    drift: Drift
    baseline: Profile
    current: Profile
    outputs: frozenset[str]
    worst: tuple[ColumnDrift, ...]  # those that are not well, the gravest first, with onset and slice
    pair: tuple[Exemplar, ...]  # one row of each side, of the gravest

    @property
    def columns(self) -> list[ColumnDrift]:
        """All of them, the gravest first."""
        told = {column.name: column for column in self.worst}
        return [told.get(column.name, column) for column in _gravest_first(self.drift, self.outputs)]


def look_of(context: StepContext, options: DriftOptions) -> Look:
    """What a step of these options asks, and of which table; NoData or UsageError where it is not clear which."""
    check_baseline(context.baseline, "dataset")
    model = context.inputs.get("model", "")
    name = options.table or (model if model in context.estate.tables else None)
    table = only_one(context.estate.tables, name, "table", context)
    chosen = {column: value for column, value in options.where.items() if value}

    def rows(window: Window) -> Rows:
        of = (context.estate.dataset or Dataset)(window.name) if window.kind == "dataset" else table
        return Rows(of, window.spans, Labels.of(chosen | dict(window.where)), tuple(options.columns))

    places = past_places(context.current, context.baseline)
    return Look(
        current=rows(context.current),
        baseline=rows(context.baseline),
        past=replace(rows(context.current), spans=tuple(with_neighbours(place) for place in places)),
        slices=tuple(options.slices),
        excluded=context.excluded,
        interval=context.interval,
    )


async def look_at(look: Look) -> Found:
    """The rows now against their baseline, with what explains the gravest columns. Raises NoData without a baseline."""
    return await explained(look, await compared(look))


async def compared(look: Look) -> Found:
    """The rows now against their baseline. Raises NoData without a baseline."""
    baseline = await look.baseline.profile()
    if not baseline.rows:
        raise NoData("absent: the baseline has no row", "")
    current, history = await asyncio.gather(look.current.profile(like=baseline), look.history(baseline))
    found = drift(current, baseline, history=history, trailing=look.newest(history))
    outputs = frozenset(await look.current.table.outputs())
    worst = [column for column in _gravest_first(found, outputs) if column.verdict is not Verdict.OK][:MOST_COLUMNS]
    return Found(found, baseline, current, outputs, tuple(worst), ())


async def explained(look: Look, found: Found) -> Found:
    """The same, the gravest columns with their onset and slice, and a row of each side."""
    worst = await look.explained([*found.worst], found.baseline, found.current)
    pair = await look.pair(worst[0], found.baseline) if worst else ()
    return replace(found, worst=tuple(worst), pair=pair)


async def _run(context: StepContext, options: DriftOptions) -> StepOutcome:
    return outcome(context.step, await look_at(look_of(context, options)))


STEP = StepType(
    name="drift",
    title="The rows of a table now against their baseline",
    options=DriftOptions,
    result=RESULT,
    run=_run,
)


def _gravest_first(found: Drift, outputs: frozenset[str]) -> list[ColumnDrift]:
    """Of equal verdicts inputs before outputs, for answers follow questions; then as `drift` has them."""
    order = (Verdict.DEGRADED, Verdict.INCONCLUSIVE, Verdict.NO_DATA, Verdict.IMPROVED, Verdict.OK)
    return sorted(
        found.columns,
        key=lambda column: (order.index(column.verdict), column.name in outputs),
    )


def outcome(step: str, looked: Found) -> StepOutcome:
    """What a step says of it."""
    found, worst, outputs = looked.drift, looked.worst, looked.outputs
    issues = [issue for issue in found.integrity if issue.verdict is Verdict.DEGRADED]
    broken = {issue.column for issue in issues if issue.check in FEED_CHECKS}
    drifted = [column for column in worst if column.verdict is Verdict.DEGRADED]
    moved = [column for column in drifted if column.name not in broken | outputs]
    changed = [issue for issue in issues if issue.check in SCHEMA_CHECKS and issue.column not in outputs]
    gone = next((issue.column for issue in changed if issue.check == "schema" and issue.column), None)
    judged = found.verdict is not Verdict.NO_DATA
    top = moved[0] if moved else worst[0] if worst else None
    share = top.slice if top else None
    return StepOutcome(
        state=State(found.verdict),
        reason=top.reason if top else issues[0].text if issues else f"no column of {len(found.columns)} drifted",
        findings=_findings(step, found, worst, issues, looked.pair),
        values={
            "verdict": found.verdict,
            "reason": top.reason if top else "",
            "moved": bool(moved) if judged else None,
            "outputs_moved": any(column.name in outputs for column in drifted) if judged and outputs else None,
            "column": top.name if top else None,
            "columns": [column.name for column in drifted],
            "shift": top.shift if top else None,
            "effect": top.effect if top else None,
            "onset": top.onset if top else None,
            "slice.column": share.column if share else None,
            "slice.value": share.value if share else None,
            "slice.share": share.share if share else None,
            "schema_changed": bool(changed) if judged else None,
            "missing_column": gone,
            "new_columns": _new_columns(found),
            "issues": sorted({issue.check for issue in issues}),
            "issue_columns": sorted({issue.column for issue in issues if issue.column}),
            "rows.current": found.rows[1],
            "rows.baseline": found.rows[0],
        },
    )


def _new_columns(found: Drift) -> list[str]:
    issues = (issue for issue in found.integrity if issue.check == "schema" and issue.verdict is Verdict.INCONCLUSIVE)
    return [issue.column for issue in issues if issue.column]


def _findings(
    step: str, found: Drift, worst: Sequence[ColumnDrift], issues: list[IntegrityIssue], pair: tuple[Exemplar, ...]
) -> tuple[Finding, ...]:
    findings = [
        Finding(id="", kind="drift", step=step, text=_told(column), verdict=column.verdict, reason=column.reason,
                onset=column.onset, drift=column)
        for column in worst
    ] + [
        Finding(id="", kind="integrity", step=step, text=issue.text, verdict=issue.verdict, reason=issue.check,
                labels=Labels.of(column=issue.column) if issue.column else Labels())
        for issue in issues
        if issue.text not in {column.reason for column in worst}  # said already
    ]  # fmt: skip
    if pair:
        of = f"{worst[0].slice.column}={worst[0].slice.value}, " if worst[0].slice else ""
        text = f"{of}baseline: {pair[0].caption} · current: {pair[1].caption}"
        findings.append(Finding(id="", kind="exemplar", step=step, text=text, verdict=worst[0].verdict, exemplars=pair))
    if not findings:
        text = f"{found.rows[1]:,} rows against {found.rows[0]:,}: no column of {len(found.columns)} drifted"
        findings.append(Finding(id="", kind="drift", step=step, text=text, verdict=found.verdict))
    return tuple(findings)


def _told(column: ColumnDrift) -> str:
    words = {Verdict.DEGRADED: "drifted", Verdict.INCONCLUSIVE: "may have drifted", Verdict.NO_DATA: "has no data"}
    text = f"{column.name} {words.get(column.verdict, str(column.verdict))}"
    if column.shift is not None:
        text += f", its mean by {column.shift:+.3g}"
    if column.onset is not None:
        text += f", since {instant(column.onset)}"
    if column.slice is not None:
        of = labelled(Labels.of({column.slice.column: column.slice.value})).removeprefix(" of ")
        text += f"; {of} explains {column.slice.share:.0%} of it"
    return text if column.shift is not None or not column.reason else f"{text}: {column.reason}"
