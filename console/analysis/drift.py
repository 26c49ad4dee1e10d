"""Did the rows change? Counts of a current window against a baseline, past two nulls and an effect floor.

An alarm has to be more than sampling noise at these n and m, more than the column's usual wobble, and large enough to
matter. Two lines: `step` against the trailing baseline (something happened), `creep` against the fixed one (it moved
bit by bit). Nothing here raises for broken data: a broken column is an issue with the column's name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from console.analysis.bins import aligned, counted, counts_of
from console.analysis.distances import jensen_shannon, kolmogorov_smirnov, psi, total_variation, wasserstein
from console.analysis.families import benjamini_hochberg
from console.analysis.integrity import LEAST_ROWS, column_issues, table_issues
from console.analysis.nulls import Usual, chi_square, location, p_sampling, usual
from console.model import ColumnDrift, ColumnProfile, Drift, IntegrityIssue, Profile, Verdict

if TYPE_CHECKING:
    from console.model import Array

Line = Literal["step", "creep"]
GRAVEST_FIRST = (Verdict.DEGRADED, Verdict.INCONCLUSIVE)


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
    much each column differs from its own past anyway. `alpha` holds over all columns (Benjamini-Hochberg);
    `effect_floor` is the share of rows that must have moved. Without `trailing` all drift is a step from the baseline.
    """
    table = tuple(table_issues(current, baseline, history))
    references: list[tuple[Line, Profile]] = [("step", baseline)]
    if trailing is not None:
        references = [("step", trailing), ("creep", baseline)]
    measured = [
        _measure(column, current, line, reference.column(column.name), history)
        for line, reference in references
        for column in baseline.columns
    ]
    drifts = _judged(measured, alpha, effect_floor)
    columns = []
    for column in baseline.columns:
        lines = [one for one in drifts if one.name == column.name]
        gravest = next((one for one in lines if one.verdict is Verdict.DEGRADED), lines[0])
        columns.append(_with_issues(gravest, (*_schema(table, column.name), *_broken(current, column, history))))
    everything = table + tuple(issue for column in columns for issue in column.issues if issue not in table)
    return Drift(_verdict(columns, everything), tuple(columns), everything, (baseline.rows, current.rows))


def effect(baseline: ColumnProfile, current: ColumnProfile) -> float | None:
    """The share of rows that moved between two profiles of a column, 0..1; None where either has too few to tell."""
    if baseline.kind != current.kind or min(counted(baseline), counted(current)) < LEAST_ROWS:
        return None
    before, now = aligned(baseline, current)
    return total_variation(counts_of(before), counts_of(now))


# ── measuring ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _measure(
    column: ColumnProfile, current: Profile, line: Line, reference: ColumnProfile | None, history: Sequence[Profile]
) -> ColumnDrift:
    """One column on one line, before its family has been heard: p-values of this column alone."""
    found = current.column(column.name)
    if current.rows == 0 or found is None or reference is None or found.kind != reference.kind:
        return _no_data(column.name, line, "absent: nothing to compare")
    before, now = aligned(reference, found)
    for name, rows in (("current", counted(now)), ("baseline", counted(before))):
        if rows < LEAST_ROWS:
            return _no_data(column.name, line, f"too few: {rows} values in the {name} window, {LEAST_ROWS} needed")
    a, b = counts_of(before), counts_of(now)
    ordered = column.is_ordered
    past = [one for profile in history if (one := profile.column(column.name)) and one.kind == reference.kind]
    wobble = _usual(a, b, _alike(before, past), ordered=ordered)
    edges = np.asarray(before.edges)
    return ColumnDrift(
        column.name,
        Verdict.OK,
        "",
        line,
        p_sampling=p_sampling(a, b, ordered=ordered),
        p_usual=wobble.p if wobble else None,
        wobble=wobble.wobble if wobble else None,
        effect=total_variation(a, b),
        shift=None if found.mean is None or reference.mean is None else found.mean - reference.mean,
        psi=psi(a, b),
        js=jensen_shannon(a, b),
        ks=kolmogorov_smirnov(a, b) if ordered else None,
        wasserstein=wasserstein(a, b, edges, *_outer(before)) if ordered and edges.size else None,
    )


def _alike(reference: ColumnProfile, history: Sequence[ColumnProfile]) -> list[Array]:
    """The counts of past windows that have enough rows in the reference's bins."""
    found = [aligned(reference, one)[1] for one in history if counted(one) >= LEAST_ROWS]
    return [counts_of(one) for one in found if len(one.counts) == len(reference.counts)]


def _usual(baseline: Array, current: Array, past: Sequence[Array], *, ordered: bool) -> Usual | None:
    """The current difference against those of past windows, each measured against all the others.

    As with sampling noise, ordered bins are asked twice, for their shape and for a shift, and the surer one answers.
    """
    everything = sum(past, np.zeros_like(baseline))
    asked = [
        usual(apart(baseline, current), [apart(everything - one, one) for one in past])
        for apart in ((chi_square, location) if ordered else (chi_square,))
    ]
    answers = [answer for answer in asked if answer is not None]
    surest = min(answers, key=lambda answer: answer.p, default=None)
    return surest and replace(surest, p=min(1.0, surest.p * len(answers)))


def _outer(before: ColumnProfile) -> tuple[float, float]:
    """The ends of the first and last bin: the baseline's, or one wild value now would stretch a whole bin."""
    low, high = before.minimum, before.maximum
    return before.edges[0] if low is None else low, before.edges[-1] if high is None else high


def _broken(current: Profile, column: ColumnProfile, history: Sequence[Profile]) -> tuple[IntegrityIssue, ...]:
    found = current.column(column.name)
    if found is None or current.rows == 0:
        return ()
    return tuple(column_issues(found, column, [one for past in history if (one := past.column(column.name))]))


def _schema(issues: Sequence[IntegrityIssue], name: str) -> tuple[IntegrityIssue, ...]:
    return tuple(issue for issue in issues if issue.check == "schema" and issue.column == name)


# ── judging ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _judged(measured: Sequence[ColumnDrift], alpha: float, effect_floor: float) -> list[ColumnDrift]:
    """Verdicts after Benjamini-Hochberg over all columns and lines, for each null by itself."""
    sampling, learned = (
        benjamini_hochberg(np.array([math.nan if p is None else p for p in ps]))
        for ps in ([one.p_sampling for one in measured], [one.p_usual for one in measured])
    )
    judged = []
    for one, p, q in zip(measured, sampling.tolist(), learned.tolist(), strict=True):
        if one.p_sampling is None:
            judged.append(one)
            continue
        p_usual = None if one.p_usual is None else q
        verdict, reason = _decision(one, p, p_usual, alpha, effect_floor)
        judged.append(replace(one, verdict=verdict, reason=reason, p_sampling=p, p_usual=p_usual))
    return judged


def _decision(
    one: ColumnDrift, p: float, p_usual: float | None, alpha: float, effect_floor: float
) -> tuple[Verdict, str]:
    """The verdict of one column, in the order in which an alarm could be wrong."""
    moved = f"{one.effect:.0%} of the rows moved"
    if one.shift is not None:
        moved += f", the mean by {one.shift:+.3g}"
    wobbles = f"×{one.wobble:.3g}" if one.wobble is not None else "unknown"
    if p > alpha:
        return Verdict.OK, f"{moved}: sampling noise (p {p:.2g})"
    if (one.effect or 0.0) < effect_floor:
        return Verdict.OK, f"{moved}: less than the {effect_floor:.0%} that matter"
    if p_usual is not None and p_usual > alpha:
        return Verdict.OK, f"{moved}: this column wobbles {wobbles} by itself (p {p_usual:.2g})"
    return Verdict.DEGRADED, f"{moved}: more than sampling noise (p {p:.2g}) and than its usual wobble ({wobbles})"


def _with_issues(column: ColumnDrift, issues: tuple[IntegrityIssue, ...]) -> ColumnDrift:
    """A broken column speaks through its gravest issue, not through its distribution."""
    for verdict in GRAVEST_FIRST:
        gravest = next((issue for issue in issues if issue.verdict is verdict), None)
        if gravest is not None and column.verdict is not Verdict.DEGRADED:
            return replace(column, verdict=verdict, reason=gravest.text, issues=issues)
    return replace(column, issues=issues)


def _verdict(columns: Sequence[ColumnDrift], issues: Sequence[IntegrityIssue]) -> Verdict:
    held = {column.verdict for column in columns} | {issue.verdict for issue in issues}
    for verdict in GRAVEST_FIRST:
        if verdict in held:
            return verdict
    return Verdict.OK if Verdict.OK in held else Verdict.NO_DATA


def _no_data(name: str, line: Line, reason: str) -> ColumnDrift:
    return ColumnDrift(name, Verdict.NO_DATA, reason, line)
