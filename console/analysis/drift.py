"""Did the rows change? Counts of a current window against a baseline, past two nulls and an effect floor.

An alarm has to be more than sampling noise at these n and m, more than the column's usual wobble, and large enough to
matter. Two lines: `step` against the trailing baseline (something happened), `creep` against the fixed one (it moved
bit by bit). Nothing here raises for broken data: a broken column is an issue with the column's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from console.analysis.columns.bins import aligned, counted, counts_of
from console.analysis.columns.broken import broken_relations
from console.analysis.columns.distances import total_variation
from console.analysis.columns.faults import LEAST_ROWS, column_issues
from console.analysis.columns.integrity import table_issues
from console.analysis.columns.judging import judged
from console.analysis.columns.measuring import Line, measured
from console.analysis.columns.movers import said
from console.analysis.columns.odd import Level
from console.analysis.columns.swaps import swapped
from console.model import ColumnDrift, ColumnProfile, Drift, IntegrityIssue, Profile, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

GRAVEST_FIRST = (Verdict.DEGRADED, Verdict.INCONCLUSIVE)
ORDER = (Verdict.DEGRADED, Verdict.INCONCLUSIVE, Verdict.NO_DATA, Verdict.IMPROVED, Verdict.OK)
DISTRIBUTIONS, RELATIONS, COLUMNS, TABLE = 0.5, 0.2, 0.2, 0.1  # what each kind of question has of alpha
CHECKS, TABLE_CHECKS = 6, 3


def drift(
    current: Profile,
    baseline: Profile,
    *,
    history: Sequence[Profile] = (),
    trailing: Profile | None = None,
    alpha: float = 0.01,
    effect_floor: float = 0.05,
) -> Drift:
    """Every column of the baseline, judged against it (creep) and, where there is one, against `trailing` (step).

    All profiles count the same bins. `history` are past windows of the current one's phase and length: they teach how
    much each column differs from its own past anyway. `alpha` holds for a whole window: over all columns, both lines,
    integrity and relations together, so many of the windows in which nothing changed raise anything. `effect_floor` is
    the share of rows that must have moved to be `degraded`; half of it, surely moved, is `inconclusive`: to be seen and
    not to be woken for. Without `trailing` all drift is a step from the baseline. Columns come the gravest first.
    """
    table = (
        *table_issues(current, baseline, history, Level(alpha * TABLE / TABLE_CHECKS)),
        *swapped(current, baseline),
    )
    references: list[tuple[Line, Profile]] = [("step", baseline)]
    if trailing is not None:
        references = [("step", trailing), ("creep", baseline)]
    asked = [
        measured(column, current, line, reference.column(column.name), history)
        for line, reference in references
        for column in baseline.columns
    ]
    facets = {column.name: column.of for column in baseline.columns if column.of}
    drifts = judged(asked, facets, alpha * DISTRIBUTIONS, effect_floor)
    level = Level(alpha * COLUMNS / (CHECKS * max(len(baseline.columns), 1)))
    columns = []
    for column in baseline.columns:
        lines = [one for one in drifts if one.name == column.name]
        gravest = _worded(min(lines, key=lambda one: ORDER.index(one.verdict)), references, current)
        columns.append(_with_issues(gravest, (*_of(table, column.name), *_broken(current, column, history, level))))
    columns = _related(columns, current, trailing or baseline, baseline, history, alpha * RELATIONS)
    columns = [_through_facets(column, [one for one in columns if facets.get(one.name) == column.name])
               for column in columns]  # fmt: skip
    everything = table + tuple(issue for column in columns for issue in column.issues if issue not in table)
    return Drift(_verdict(columns, everything), tuple(sorted(columns, key=_gravity)), everything,
                 (baseline.rows, current.rows))  # fmt: skip


def effect(baseline: ColumnProfile, current: ColumnProfile) -> float | None:
    """The share of rows that moved between two profiles of a column, 0..1; None where either has too few to tell."""
    if baseline.kind != current.kind or min(counted(baseline), counted(current)) < LEAST_ROWS:
        return None
    before, now = aligned(baseline, current)
    return total_variation(counts_of(before), counts_of(now))


# ── what is broken ───────────────────────────────────────────────────────────────────────────────────────────────────


def _broken(
    current: Profile, column: ColumnProfile, history: Sequence[Profile], level: Level
) -> tuple[IntegrityIssue, ...]:
    found = current.column(column.name)
    if found is None or current.rows == 0:
        return ()
    past = [one for profile in history if (one := profile.column(column.name)) and one.kind == column.kind]
    return tuple(column_issues(found, column, past, level))


def _related(
    columns: list[ColumnDrift],
    current: Profile,
    reference: Profile,
    baseline: Profile,
    history: Sequence[Profile],
    alpha: float,
) -> list[ColumnDrift]:
    """With the relations that broke. Columns that drifted or are broken otherwise are left out: theirs follow."""
    judged_by_relations = (Verdict.OK, Verdict.INCONCLUSIVE)
    moved = {column.name for column in columns if column.verdict not in judged_by_relations or column.issues}
    reference = reference if reference.relations is not None else baseline
    issues = broken_relations(current, reference, history=history, alpha=alpha, leaving_out=moved)
    return [_with_issues(column, (*column.issues, *_of(issues, column.name))) for column in columns]


def _through_facets(column: ColumnDrift, facets: Sequence[ColumnDrift]) -> ColumnDrift:
    """A column that has facets and no bins says what the gravest of them says, or what is wrong with itself."""
    gravest = min(facets, key=_gravity, default=None)
    if gravest is None or ORDER.index(column.verdict) < ORDER.index(Verdict.NO_DATA):
        return column
    reason = gravest.issues[0].text if gravest.issues else f"{gravest.name}: {gravest.reason}"
    return replace(gravest, name=column.name, reason=reason, issues=column.issues)


def _worded(column: ColumnDrift, references: Sequence[tuple[Line, Profile]], current: Profile) -> ColumnDrift:
    """What moved, with the categories that did."""
    before, now = dict(references)[column.line].column(column.name), current.column(column.name)
    if before is None or now is None or before.is_ordered or column.verdict in (Verdict.OK, Verdict.NO_DATA):
        return column
    words = said(before, now)
    return replace(column, reason=f"{column.reason}; {words}") if words else column


def _of(issues: Iterable[IntegrityIssue], name: str) -> tuple[IntegrityIssue, ...]:
    return tuple(issue for issue in issues if issue.column == name)


def _with_issues(column: ColumnDrift, issues: tuple[IntegrityIssue, ...]) -> ColumnDrift:
    """A broken column speaks through its gravest issue, not through its distribution."""
    for verdict in GRAVEST_FIRST:
        gravest = next((issue for issue in issues if issue.verdict is verdict), None)
        if gravest is not None and column.verdict is not Verdict.DEGRADED:
            return replace(column, verdict=verdict, reason=gravest.text, issues=issues)
    return replace(column, issues=issues)


# ── in which order ───────────────────────────────────────────────────────────────────────────────────────────────────


def _gravity(column: ColumnDrift) -> tuple[int, float, float]:
    """Of equal verdicts the surest first: what is broken, then by the likelier null, then by how much moved."""
    is_broken = any(issue.verdict is Verdict.DEGRADED for issue in column.issues)
    asked = [p for p in (column.p_sampling, column.p_usual) if p is not None]
    return ORDER.index(column.verdict), 0.0 if is_broken else max(asked, default=1.0), -(column.effect or 0.0)


def _verdict(columns: Sequence[ColumnDrift], issues: Sequence[IntegrityIssue]) -> Verdict:
    held = {column.verdict for column in columns} | {issue.verdict for issue in issues}
    for verdict in GRAVEST_FIRST:
        if verdict in held:
            return verdict
    return Verdict.OK if Verdict.OK in held else Verdict.NO_DATA
