"""Which columns no longer go together? Shuffled rows and a join that went wrong keep every margin.

What is named is the column that broke, not each of its pairs.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.columns.nulls import FEWEST_PAST, ChiSquare, usual
from console.analysis.columns.relations import Moments
from console.model import IntegrityIssue, Profile, Relations, Verdict

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.analysis.columns.relations import Flags
    from console.model import Array

LEAST_CHANGE = 0.1  # of a correlation: less is not news
LEAST_Z_CHANGE = 0.15  # the same on Fisher's scale
MOST_NAMED = 3  # columns in the words of one issue


def broken_relations(
    current: Profile,
    baseline: Profile,
    *,
    history: Sequence[Profile] = (),
    alpha: float = 0.01,
    leaving_out: Collection[str] = (),
) -> tuple[IntegrityIssue, ...]:
    """One issue per column that no longer goes with the others as it did, or now goes with those it did not.

    The difference of Fisher's z of every pair of columns is held against sampling noise at these rows (Bonferroni over
    all pairs within `alpha`), against what the pair's correlation does between windows of `history` anyway, and against
    a floor. Columns `leaving_out` are broken otherwise: their relations follow. A change is explained by as few columns
    as it takes: the one with most broken pairs first. Nothing where either side has no relations or too few rows.
    """
    found = _changes(current.relations, baseline, history, alpha, frozenset(leaving_out))
    issues = []
    while found:
        weight: dict[str, tuple[int, float]] = {}
        for change in found:
            for name in change.pair:
                pairs, strength = weight.get(name, (0, 0.0))
                weight[name] = (pairs + 1, strength + change.surprise[name])
        broken = max(weight, key=lambda name: weight[name])
        issues.append(_issue(broken, [change for change in found if broken in change.pair]))
        found = [change for change in found if broken not in change.pair]
    return tuple(issues)


@dataclass(frozen=True, slots=True)
class _Change:
    """A pair of columns whose correlation is another."""

    pair: tuple[str, str]
    scores: tuple[str, str]  # those of the pair's that changed most
    before: float
    now: float
    surprise: Mapping[str, float]  # how much all relations of either column changed

    def other(self, column: str) -> str:
        """The other column, as its score: a category of it where it has categories."""
        return self.scores[1] if self.pair[0] == column else self.scores[0]


def _changes(
    current: Relations | None, baseline: Profile, history: Sequence[Profile], alpha: float, leaving_out: frozenset[str]
) -> list[_Change]:
    """Of each pair of columns the surest change, where it is one."""
    if current is None or baseline.relations is None:
        return []
    owner = {name: _owner(name, baseline) for name in baseline.relations.columns if name in current.columns}
    names = [name for name, column in owner.items() if column not in leaving_out]
    if len(names) < 2:
        return []
    apart = _Apart.of(Moments.of(baseline.relations, names), Moments.of(current, names))
    columns = np.unique([owner[name] for name in names], return_inverse=True)[1]
    asked = np.triu(apart.is_known & (columns[:, None] != columns[None, :]), 1)
    if not asked.any():
        return []
    surprise = np.where(asked | asked.T, apart.value, 0.0).sum(axis=0)
    least = _quantile(alpha / int(asked.sum()))
    sure = asked & apart.is_large & (apart.value > least)
    best: dict[frozenset[str], _Change] = {}
    for a, b in sorted(
        _unusual(np.argwhere(sure), apart, names, history, alpha, least), key=lambda at: -apart.value[at]
    ):
        pair = (owner[names[a]], owner[names[b]])
        moved = {pair[0]: float(surprise[a]), pair[1]: float(surprise[b])}
        change = _Change(pair, (names[a], names[b]), float(apart.before[a, b]), float(apart.now[a, b]), moved)
        best.setdefault(frozenset(pair), change)
    return list(best.values())


@dataclass(frozen=True, slots=True)
class _Apart:
    """How far the correlations of two windows are apart: all of shape (columns, columns)."""

    before: Array
    now: Array
    noise: Array  # the variance of the difference of Fisher's z
    is_known: Flags  # rows enough on both sides, and correlations

    @classmethod
    def of(cls, baseline: Moments, current: Moments) -> _Apart:
        before, now = baseline.correlations(), current.correlations()
        known = baseline.is_full() & current.is_full() & ~np.isnan(before + now)
        return cls(before, now, baseline.noise(before) + current.noise(now), known)

    @property
    def value(self) -> Array:
        """A chi-square of one degree of freedom where nothing but sampling noise parts them."""
        value: Array = (np.arctanh(self.now) - np.arctanh(self.before)) ** 2 / self.noise
        return value

    @property
    def is_large(self) -> Flags:
        """Changes that matter, on both scales."""
        large: Flags = (np.abs(self.now - self.before) >= LEAST_CHANGE) & (
            np.abs(np.arctanh(self.now) - np.arctanh(self.before)) >= LEAST_Z_CHANGE
        )
        return large


def _unusual(
    pairs: npt.NDArray[np.int64],
    apart: _Apart,
    names: Sequence[str],
    history: Sequence[Profile],
    alpha: float,
    least: float,
) -> list[tuple[int, int]]:
    """Those of the pairs whose change is more than what parts past windows, each from all the others, anyway."""
    known = [one.relations for one in history if one.relations is not None and one.relations.rows]
    past = [Moments.of(one, names) for one in known if set(names) <= set(one.columns)]
    if len(past) < FEWEST_PAST:
        return [(a, b) for a, b in pairs.tolist()]
    together = reduce(Moments.__add__, past)
    learned = [_Apart.of(together - one, one) for one in past]
    # What all pairs of a table share, time above all, is learned from all of them: one pair's past holds little.
    everywhere = np.concatenate([one.value[np.triu(one.is_known, 1)] for one in learned])
    shared = max(1.0, float(everywhere.mean())) if everywhere.size else 1.0
    kept = []
    for a, b in pairs.tolist():
        each = [
            ChiSquare(float(one.value[a, b]), 1, 1 / float(one.noise[a, b])) for one in learned if one.is_known[a, b]
        ]
        now = ChiSquare(float(apart.value[a, b]), 1, 1 / float(apart.noise[a, b]))
        wobble = usual(now, each)
        # A pair that most past windows say nothing of, and one that was as far off before, is not judged.
        if wobble is None or wobble.p > alpha / len(pairs) or now.value <= max(one.value for one in each):
            continue
        if now.value / shared > least:
            kept.append((a, b))
    return kept


def _quantile(p: float) -> float:
    """The chi-square of one degree of freedom that is exceeded with probability p, by bisection."""
    low, high = 0.0, 2000.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erfc(math.sqrt(middle / 2)) > p else (low, middle)
    return high


def _owner(score: str, baseline: Profile) -> str:
    """The column that a score is of: `colour=red` is of colour."""
    if baseline.column(score) is not None:
        return score
    return max((one.name for one in baseline.columns if score.startswith(f"{one.name}=")), key=len, default=score)


def _issue(column: str, changes: Sequence[_Change]) -> IntegrityIssue:
    changes = sorted(changes, key=lambda change: -abs(change.now - change.before))
    lost = [one for one in changes if abs(one.now) < abs(one.before)]
    told, words = (lost, "no longer goes with") if lost else (changes, "now goes with")
    others = list(dict.fromkeys(one.other(column) for one in told))
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    first = told[0]
    text = (
        f"column {column} {words} {', '.join(others[:MOST_NAMED])}{more}: "
        f"a correlation of {first.before:+.2f} is {first.now:+.2f}"
    )
    return IntegrityIssue("relation", column, Verdict.DEGRADED, text)
