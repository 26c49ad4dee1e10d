"""Is a column broken? Type, missing, constant, novelty, sentinel, unit and range, in this order.

Each check yields an issue or none, in words that name the column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from console.analysis.columns.bins import aligned, counted, counts_of, settled
from console.analysis.columns.extremes import beyond
from console.analysis.columns.heavy import MOST_VALUES
from console.analysis.columns.odd import LEAST_SHARE, Level, Share, at_least, is_more, percent
from console.analysis.columns.units import unit
from console.model import ColumnProfile, IntegrityIssue, Verdict

Check = Literal["missing", "novelty", "range", "unit", "constant", "type", "sentinel"]

LEAST_UNPARSABLE = 0.002
LEAST_ROWS = 20
FAR_OUT = 10.0  # usual ranges beyond the usual range: to alarm
DISCRETE = 0.5  # of the rows share a value with many others: the column takes few values
MOST_NAMED = 3
LEAST_KEPT = 200  # a value that fewer than one in so many rows share is not among the heavy ones
RARE = 4  # a category that so small a part of the past windows knows comes in bursts, if it does


def column_issues(
    current: ColumnProfile, baseline: ColumnProfile, history: Sequence[ColumnProfile], level: Level
) -> Iterator[IntegrityIssue]:
    """What is wrong with one column against its baseline; `level` is that of each check."""

    def issue(check: Check, text: str, verdict: Verdict = Verdict.DEGRADED) -> IntegrityIssue:
        return IntegrityIssue(check, baseline.name, verdict, f"column {baseline.name}: {text}")

    if current.kind != baseline.kind:
        yield issue("type", f"was {baseline.kind} ({baseline.dtype}), is {current.kind} ({current.dtype})")
        return
    odd = (current.unparsable, current.rows)
    if is_more(odd, (baseline.unparsable, baseline.rows), [], level, least=LEAST_UNPARSABLE):
        yield issue("type", f"{percent(odd)} of the values are no longer {baseline.kind}")
    gone, before = (current.missing, current.rows), (baseline.missing, baseline.rows)
    if is_more(gone, before, [(one.missing, one.rows) for one in history], level, least=_least_missing(current)):
        share = "every value is" if current.missing == current.rows else f"{percent(gone)} of the values are"
        yield issue("missing", f"{share} missing, {percent(before)} before")
    gone, before = (current.infinite, current.rows), (baseline.infinite, baseline.rows)
    if is_more(gone, before, [(one.infinite, one.rows) for one in history], level):
        yield issue("range", f"{percent(gone)} of the values are infinite, {percent(before)} before")
    if min(counted(current), counted(baseline)) < LEAST_ROWS:
        return
    if stuck := _stuck(current, baseline, history, level):
        yield issue("constant", f"stuck at {stuck}")
    if not current.is_ordered:
        if novelty := _novelty(current, baseline, history, level):
            yield issue("novelty", novelty)
        return
    if words := unit(current, baseline, level):
        yield issue("unit", f"the values are {words}")
        return
    if _is_constant(baseline) and all(_is_constant(one) for one in history):
        other = counted(current) - aligned(baseline, current)[1].counts[int(np.argmax(counts_of(baseline)))]
        if at_least((other, counted(current)), (0, counted(baseline))) <= level.sampling:
            text = f"was always {baseline.minimum:.6g}, reaches from {current.minimum:.6g} to {current.maximum:.6g}"
            yield issue("range", text, Verdict.INCONCLUSIVE)
        return
    spiked = _spike(current, baseline, history, level)
    if spiked is not None and not stuck:
        yield issue(*spiked)
        return
    widths, end = beyond(current, baseline, history, level)
    if widths:
        verdict = Verdict.DEGRADED if widths > FAR_OUT else Verdict.INCONCLUSIVE
        yield issue("range", f"reaches {end:.6g}, {widths:.3g} times the usual range beyond it", verdict)


def _least_missing(current: ColumnProfile) -> float:
    """A column that has gone altogether is news however little of it there was."""
    return 0.0 if current.missing == current.rows else LEAST_SHARE


# ── stuck, new, spiked ───────────────────────────────────────────────────────────────────────────────────────────────


def _stuck(
    current: ColumnProfile, baseline: ColumnProfile, history: Sequence[ColumnProfile], level: Level
) -> str | None:
    """Where it is stuck, if every row says the same and that is not what a rare change does anyway."""
    if not _is_constant(current) or _is_constant(baseline):
        return None
    before, now = aligned(baseline, current)
    at = int(np.argmax(counts_of(now)))
    past = [(one.counts[at], counted(one)) for one in (aligned(before, past)[1] for past in history)]
    shares: list[Share] = [share for share in past if share[1] > 0]
    if any(part == whole for part, whole in shares):
        return None
    if not is_more((now.counts[at], counted(now)), (before.counts[at], counted(before)), shares, level, least=0.0):
        return None
    return f"{current.minimum:.6g}" if current.is_ordered else _category(now, current, at)


def _category(now: ColumnProfile, current: ColumnProfile, at: int) -> str:
    if at < len(now.categories):
        return now.categories[at]
    return current.heavy[0][0] if current.heavy else "one category"


def _is_constant(column: ColumnProfile) -> bool:
    if column.is_ordered:
        return column.minimum is not None and column.minimum == column.maximum
    if column.counts and column.counts[-1] == counted(column):  # all others: one or many, the sample tells
        return bool(column.heavy) and column.heavy[0][1] == column.sampled
    return max(column.counts[:-1], default=0) == counted(column)


def _novelty(
    current: ColumnProfile, baseline: ColumnProfile, history: Sequence[ColumnProfile], level: Level
) -> str | None:
    """Values of no known category, by name where the sample has them, and whether they are old ones in new letters."""
    if not baseline.categories:
        return None
    sure = settled(baseline)
    known = [aligned(sure, one)[1] for one in history]
    new, before = ((aligned(sure, one)[1].counts[-1], counted(one)) for one in (current, baseline))
    if not is_more(new, before, _new_in_turn(known), level, burst=_burst(known)):
        return None
    names = [name for name, _rows in current.heavy if name not in baseline.categories]
    if len(baseline.categories) == 1 and before[0] == 0 and names:
        return f"was always {baseline.categories[0]!r}, {percent(new)} of the values are {names[0]!r}"
    spelled = {_letters(category): category for category in baseline.categories}
    same = {name: spelled[_letters(name)] for name in names if _letters(name) in spelled}
    if same and len(same) == len(names):
        told = ", ".join(f"{now!r} was {then!r}" for now, then in list(same.items())[:MOST_NAMED])
        return f"{percent(new)} of the values are known categories in other letters: {told}"
    told = ", ".join(map(repr, names[:MOST_NAMED]))
    more = f": {told}" if told else f", {percent(before)} before"
    return f"{percent(new)} of the values are of no known category{more}"


def _burst(history: Sequence[ColumnProfile]) -> float:
    """How many rows of one category come at once, as past windows have it; 1 where rows come one by one.

    By how much more than independent rows the shares differ between windows (Pearson's chi-square over its freedom),
    and by how many rows the rare categories have where they are at all.
    """
    if not history:
        return 1.0
    counts = np.array([counts_of(one) for one in history])
    counts = counts[:, counts.sum(axis=0) > 0]
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(counts.sum(), 1.0)
    freedom = max((counts.shape[0] - 1) * (counts.shape[1] - 1), 1)
    dispersion = float(np.sum((counts - expected) ** 2 / np.maximum(expected, 1e-9))) / freedom
    windows = (counts > 0).sum(axis=0)
    rare = windows <= max(1, len(history) // RARE)
    at_once = float(counts[:, rare].sum() / windows[rare].sum()) if rare.any() else 1.0
    return float(max(1.0, dispersion, at_once))


def _letters(category: str) -> str:
    return "".join(category.casefold().split()).replace("_", "").replace("-", "")


def _new_in_turn(history: Sequence[ColumnProfile]) -> list[Share]:
    """What of each past window no other past window knew: the novelty that this column shows anyway."""
    if not history:
        return []
    counts = np.array([counts_of(one) for one in history])
    alone = np.where(counts.sum(axis=0) == counts, counts, 0.0)[:, :-1].sum(axis=1) + counts[:, -1]
    return [(int(new), counted(one)) for new, one in zip(alone.tolist(), history, strict=True)]


def _spike(
    current: ColumnProfile, baseline: ColumnProfile, history: Sequence[ColumnProfile], level: Level
) -> tuple[Check, str] | None:
    """One value that many rows have now and few had: a sentinel, a default, or what a discrete column never said."""
    if not current.sampled or not baseline.sampled:
        return None
    known = dict(baseline.heavy)
    for value, rows in current.heavy:
        before = _most_before(value, baseline)
        past = [(dict(one.heavy).get(value, 0), one.sampled) for one in history]
        if not is_more((rows, current.sampled), (before, baseline.sampled), past, level):
            continue
        share = percent((rows, current.sampled))
        if sum(known.values()) >= DISCRETE * baseline.sampled:
            if value in known or _is_within(float(value), baseline):
                continue  # moved shares of known values are drift
            return "novelty", f"{share} of the values are {value}, which it never was"
        return "sentinel", f"{share} of the values are exactly {value}: a sentinel or a default?"
    return None


def _most_before(value: str, baseline: ColumnProfile) -> int:
    """How many sampled rows of the baseline may have had a value: what is not among the heavy ones may have had some.

    A full list tells little of what is not on it, and one that was merged counts a value only where it was heavy: then
    all rows of the value's bin may have had it.
    """
    known = dict(baseline.heavy).get(value, 0)
    if known and len(baseline.heavy) < MOST_VALUES:
        return known
    if not _is_within(float(value), baseline):
        return 0
    if len(baseline.heavy) < MOST_VALUES:
        return baseline.sampled // LEAST_KEPT
    held = baseline.counts[int(np.searchsorted(baseline.edges, float(value)))]
    return max(known, baseline.sampled * held // counted(baseline))


def _is_within(value: float, baseline: ColumnProfile) -> bool:
    return (
        baseline.minimum is not None and baseline.maximum is not None and baseline.minimum <= value <= baseline.maximum
    )
