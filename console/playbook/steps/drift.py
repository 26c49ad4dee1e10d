"""`drift`: did the world that reaches the model change? Rows of a table now against the baseline, as counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from console.errors import NoData
from console.model import (
    ColumnDrift,
    Drift,
    Exemplar,
    Finding,
    Labels,
    Profile,
    SliceShare,
    Span,
    State,
    Verdict,
    Window,
)
from console.playbook.schema import Entry
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps.asking import only_one
from console.playbook.steps.wording import instant, labelled
from console.plugins import StepType
from console.sources.types import ExemplarRequest, ProfileRequest, TableReader

DAY = 86400.0
PAST_WINDOWS = 7  # how many windows of the same hour teach a column's usual wobble
MOST_COLUMNS = 10  # that are told; onset and slice are looked for in as many
MOST_SLICING = 4  # columns that a drift is split by
MOST_VALUES = 32  # of a column that may be sliced by
ONSET_STEPS = 240  # the current window is cut into at most so many

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
    "issues": "list(string)",  # the integrity checks that failed
    "issue_columns": "list(string)",
    "rows.current": "double",
    "rows.baseline": "double",
}

SCHEMA_CHECKS = frozenset({"schema", "type", "unit"})
# What a broken feed does to the values; everything else a column can show is the world's doing.
FEED_CHECKS = SCHEMA_CHECKS | {"missing", "constant"}


class DriftOptions(Entry):
    """Which rows and columns to look at."""

    called = "`drift`"
    table: str | None = Field(None, description="the table; the model's own, or the only one, by default")
    columns: list[str] = Field([], description="all input columns when empty")
    where: dict[str, str] = Field({}, description="only rows with these values; an empty value selects all")
    slices: Annotated[list[str], Field(max_length=MOST_SLICING)] = Field(
        [], description="columns to split a drift by; the table's own, or the categorical ones, when empty"
    )


async def _run(context: StepContext, options: DriftOptions) -> StepOutcome:
    from console.analysis.drift import drift

    if not context.baseline.spans:
        raise NoData(context.baseline.note, "")
    model = context.inputs.get("model", "")
    name = options.table or (model if model in context.estate.tables else None)
    look = _Look(only_one(context.estate.tables, name, "table"), context, options)
    baseline = await look.profile(context.baseline.spans, context.baseline)
    if not baseline.rows:
        raise NoData("absent: the baseline has no row", "")
    current, history = await asyncio.gather(
        look.profile(context.current.spans, context.current, like=baseline), look.history(baseline)
    )
    found = drift(current, baseline, history=history)
    outputs = frozenset(await look.table.outputs())
    worst = [column for column in _gravest_first(found) if column.verdict is not Verdict.OK][:MOST_COLUMNS]
    worst = await look.explained(worst, baseline)
    pair = await look.pair(worst[0], current, baseline) if worst else ()
    return _outcome(context.step, found, worst, pair, outputs)


STEP = StepType(
    name="drift",
    title="The rows of a table now against their baseline",
    options=DriftOptions,
    result=RESULT,
    run=_run,
)


# ── asking the table ─────────────────────────────────────────────────────────────────────────────────────────────────


class _Look:
    """One step's questions to one table."""

    def __init__(self, table: TableReader, context: StepContext, options: DriftOptions) -> None:
        self.table, self.context, self.options = table, context, options

    def where(self, window: Window) -> Labels:
        chosen = {column: value for column, value in self.options.where.items() if value}
        return Labels.of(chosen | dict(window.where))

    async def profile(self, spans: tuple[Span, ...], window: Window, like: Profile | None = None) -> Profile:
        request = ProfileRequest(spans, self.where(window), tuple(self.options.columns), like=like)
        groups = await self.table.profiles(request)
        return groups[0].profile if groups else Profile((), 0)

    async def history(self, baseline: Profile) -> list[Profile]:
        """Past windows of the same phase that have rows: what this table's usual wobble is learned from."""
        windows = past_windows(self.context.current, self.context.baseline, self.context.excluded)
        profiles = await asyncio.gather(
            *(self.profile(spans, self.context.current, like=baseline) for spans in windows)
        )
        return [profile for profile in profiles if profile.rows]

    async def explained(self, columns: list[ColumnDrift], baseline: Profile) -> list[ColumnDrift]:
        """The same columns with their onset and the slice that explains most of each."""
        from console.analysis.slices import counts_onset

        asked = [column for column in columns if column.verdict is Verdict.DEGRADED]
        if not asked:
            return columns
        context = self.context
        length = sum(span.seconds for span in context.current.spans)
        every = max(context.interval, length / ONSET_STEPS)
        steps = await self.table.profiles(
            ProfileRequest(context.current.spans, self.where(context.current), tuple(self.options.columns),
                           like=baseline, every=every)
        )  # fmt: skip
        timed = [(group.start, group.profile) for group in steps if group.start is not None]
        shares = await self._slices([column.name for column in asked], baseline)
        return [
            column
            if column.verdict is not Verdict.DEGRADED
            else replace(column, onset=counts_onset(column.name, baseline, timed), slice=shares.get(column.name))
            for column in columns
        ]

    async def _slices(self, columns: list[str], baseline: Profile) -> dict[str, SliceShare]:
        from console.analysis.slices import explaining_slice

        best: dict[str, SliceShare] = {}
        asked = self.options.slices or list(await self.table.slices()) or slicing_columns(baseline)
        for slicing in asked[:MOST_SLICING]:
            sides = []
            for window in (self.context.baseline, self.context.current):
                groups = await self.table.profiles(
                    ProfileRequest(window.spans, self.where(window), tuple(columns), like=baseline, by=slicing)
                )
                sides.append({group.value: group.profile for group in groups if group.value is not None})
            for column in columns:
                share = explaining_slice(column, sides[0], sides[1], slicing=slicing) if column != slicing else None
                if share is not None and (column not in best or share.share > best[column].share):
                    best[column] = share
        return best

    async def pair(self, column: ColumnDrift, current: Profile, baseline: Profile) -> tuple[Exemplar, ...]:
        """One typical row of each side, the baseline's first; nothing where the table keeps none."""
        now = self.context.current
        since = max(column.onset or now.start, now.start)
        spans = tuple(Span(max(span.start, since), span.end) for span in now.spans if span.end > since)
        asked = (
            ("baseline", self.context.baseline.spans, self.context.baseline, baseline),
            ("current", spans, now, current),
        )
        shown: list[Exemplar] = []
        for side, within, window, profile in asked:
            held = profile.column(column.name)
            shown += await self.table.exemplars(
                ExemplarRequest(
                    side="baseline" if side == "baseline" else "current",
                    spans=within,
                    where=self.where(window),
                    column=column.name if held is not None else None,
                    near=held.mean if held is not None else None,
                )
            )
        return tuple(shown) if len({each.side for each in shown}) == len(asked) else ()


def past_windows(current: Window, baseline: Window, excluded: Any = ()) -> list[tuple[Span, ...]]:
    """Earlier windows of the current one's length and hour: the pooled seasons, or the same hour of the days before."""
    if baseline.kind == "seasonal" and len(baseline.spans) > 1:
        return [(span,) for span in baseline.spans]
    shifted = [
        tuple(Span(span.start - day * DAY, span.end - day * DAY) for span in current.spans)
        for day in range(1, PAST_WINDOWS + 1)
    ]
    return [
        spans
        for spans in shifted
        if spans != baseline.spans and not any(_overlap(span, hole) for span in spans for hole in excluded)
    ]


def slicing_columns(profile: Profile) -> list[str]:
    """Categorical columns with few enough values to split by, the coarsest first."""
    fitting = [
        column
        for column in profile.columns
        if column.kind == "categorical" and 2 <= len(column.categories) <= MOST_VALUES
    ]
    return [column.name for column in sorted(fitting, key=lambda column: len(column.categories))][:MOST_SLICING]


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


# ── telling it ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _gravest_first(found: Drift) -> list[ColumnDrift]:
    order = (Verdict.DEGRADED, Verdict.INCONCLUSIVE, Verdict.NO_DATA, Verdict.IMPROVED, Verdict.OK)
    return sorted(found.columns, key=lambda column: (order.index(column.verdict), -(column.effect or 0.0)))


def _outcome(
    step: str, found: Drift, worst: list[ColumnDrift], pair: tuple[Exemplar, ...], outputs: frozenset[str]
) -> StepOutcome:
    issues = [issue for issue in found.integrity if issue.verdict is Verdict.DEGRADED]
    for column in worst:
        issues += [issue for issue in column.issues if issue.verdict is Verdict.DEGRADED and issue not in issues]
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
        findings=_findings(step, found, worst, issues, pair),
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
            "issues": sorted({issue.check for issue in issues}),
            "issue_columns": sorted({issue.column for issue in issues if issue.column}),
            "rows.current": found.rows[1],
            "rows.baseline": found.rows[0],
        },
    )


def _findings(
    step: str, found: Drift, worst: list[ColumnDrift], issues: list[Any], pair: tuple[Exemplar, ...]
) -> tuple[Finding, ...]:
    findings = [
        Finding(id="", kind="drift", step=step, text=_told(column), verdict=column.verdict, reason=column.reason,
                onset=column.onset, drift=column)
        for column in worst
    ] + [
        Finding(id="", kind="integrity", step=step, text=issue.text, verdict=issue.verdict, reason=issue.check,
                labels=Labels.of(column=issue.column) if issue.column else Labels())
        for issue in issues
    ]  # fmt: skip
    if pair:
        text = f"baseline: {pair[0].caption} · current: {pair[1].caption}"
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
