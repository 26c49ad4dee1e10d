"""Is it worse than it was? Two readings of one metric, a tolerance, and a family of such questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from console.analysis.answers.metrics import HIGHER_IS_BETTER, Key, Reading
from console.analysis.families import benjamini_hochberg
from console.analysis.tails import student_tail
from console.model import Metric, MetricName, Verdict

REACH = 1.96  # standard errors of a 95 % interval
FARTHEST = 40.0
TOO_VAGUE = 5.0  # tolerances: what has to be ruled out before nothing is said to be worse
TITLES: dict[MetricName, str] = {
    "f1": "F1", "auroc": "AUROC", "brier": "Brier score", "calibration": "calibration error",
    "mae": "mean absolute error", "rmse": "root mean squared error", "r2": "R²",
    "false_positive_rate": "false positive rate", "selection_rate": "selection rate",
}  # fmt: skip
GRAVITY = (Verdict.DEGRADED, Verdict.INCONCLUSIVE, Verdict.IMPROVED, Verdict.OK, Verdict.NO_DATA)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is not worth a word: in points for what lies between 0 and 1, as a share of the baseline's for errors."""

    points: float = 0.01
    share: float = 0.05

    def of(self, baseline: Reading) -> float:
        """In the metric's own unit."""
        return self.points if baseline.scale is None else self.share * baseline.scale


@dataclass(frozen=True, slots=True)
class Question:
    """One metric on both sides, before its family has been heard."""

    key: Key
    baseline: Reading | None
    current: Reading | None
    tolerance: Tolerance
    title: str = ""  # instead of the metric's own
    grows_worse: bool | None = None  # None: as the metric does

    @property
    def is_better_high(self) -> bool:
        """Whether more of it is good."""
        return self.key[0] in HIGHER_IS_BETTER if self.grows_worse is None else not self.grows_worse

    @property
    def asked(self) -> tuple[Reading, Reading] | None:
        """Both readings, where they stand on enough to be judged."""
        sides = [one for one in (self.baseline, self.current) if one is not None and one.is_known(self.key[0])]
        return (sides[0], sides[1]) if len(sides) == 2 else None


def judged(questions: Sequence[Question], alpha: float) -> list[Metric]:
    """The questions' metrics in their order, each with its verdict; one family (Benjamini-Hochberg) each way.

    degraded, improved: by more than the tolerance, at `alpha`. inconclusive: worse, and perhaps by more than the
    tolerance, or too vague to rule out five tolerances.
    """
    worse = benjamini_hochberg(np.array([_p(one, 1) for one in questions]))
    better = benjamini_hochberg(np.array([_p(one, -1) for one in questions]))
    return [_metric(*one, alpha) for one in zip(questions, worse.tolist(), better.tolist(), strict=True)]


def worst_first(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """By verdict, then by how sure it is."""
    return tuple(sorted(metrics, key=lambda one: (GRAVITY.index(one.verdict), 1.0 if one.p is None else one.p)))


def interval(baseline: Reading, current: Reading, reach: float = REACH) -> tuple[float, float]:
    """Of current - baseline, from the limits of each (Newcombe, Stat. Med. 17, 1998; Zou and Donner, 27, 2008)."""
    (low, high), (under, over) = baseline.limits(reach), current.limits(reach)
    difference = current.value - baseline.value
    return (
        difference - math.hypot(current.value - under, high - baseline.value),
        difference + math.hypot(over - current.value, baseline.value - low),
    )


def title(key: Key) -> str:
    """A metric in words."""
    name = TITLES.get(key[0], key[0])
    return f"{name} of {key[1]}" if key[1] else name


def phrase(name: str, baseline: float, current: float, between: tuple[float, float], *, points: bool) -> str:
    """`recall .91 → .74 (−.17, −.21 … −.13)`."""
    half = (between[1] - between[0]) / 2
    if points:
        digits = 2 if half > 0.005 else 3 if half > 0.0005 else 4
    else:  # as many as are not noise
        digits = 2 if half <= 0 else min(max(0, 1 - math.floor(math.log10(half))), 9)
    before, now = (_number(one, digits) for one in (baseline, current))
    moved, low, high = (_number(one, digits, signed=True) for one in (current - baseline, *between))
    return f"{name} {before} → {now} ({moved}, {low} … {high})"


def _p(question: Question, way: int) -> float:
    """That it got worse (way 1) or better (-1) by no more than the tolerance: where the interval's limit meets it."""
    if question.asked is None:
        return math.nan
    baseline, current = question.asked
    tolerance = question.tolerance.of(baseline)
    sign = -way if question.is_better_high else way

    def least(reach: float) -> float:
        """By how much it got worse at least, so many standard errors down (up, where negative)."""
        low, high = interval(baseline, current, abs(reach))
        ends = (low, high) if sign > 0 else (-high, -low)
        return ends[0] if reach >= 0 else ends[1]

    low, high = -FARTHEST, FARTHEST
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if least(middle) > tolerance else (low, middle)
    return student_tail((low + high) / 2, math.inf)


def _metric(question: Question, worse: float, better: float, alpha: float) -> Metric:
    name, of = question.key
    called = question.title or title(question.key)
    n = _n(question.baseline), _n(question.current)
    if question.asked is None:
        reason = f"too few: it stands on {n[0]:.0f} rows of the baseline and {n[1]:.0f} of the current window"
        before, now = (None if one is None else one.value for one in (question.baseline, question.current))
        return Metric(name, Verdict.NO_DATA, reason, f"{called}: {reason}", of, before, now, n=n)
    baseline, current = question.asked
    tolerance = question.tolerance.of(baseline)
    between = interval(baseline, current)
    text = phrase(called, baseline.value, current.value, between, points=baseline.scale is None)
    if current.side:
        text += f", {current.side}"
    lost = (-between[1], -between[0]) if question.is_better_high else between
    verdict, reason = _verdict(lost, worse <= alpha, better <= alpha, tolerance)
    return Metric(
        name, verdict, reason, text, of, baseline.value, current.value, baseline.limits(REACH), current.limits(REACH),
        current.value - baseline.value, between, worse, n,
    )  # fmt: skip


def _verdict(lost: tuple[float, float], is_worse: bool, is_better: bool, tolerance: float) -> tuple[Verdict, str]:
    """`lost`: the interval of how much worse it is."""
    if is_worse:
        return Verdict.DEGRADED, "worse by more than the tolerance"
    if is_better:
        return Verdict.IMPROVED, "better by more than the tolerance"
    if lost[0] > 0 and sum(lost) / 2 > tolerance:
        return Verdict.INCONCLUSIVE, "worse, but nobody can tell whether by more than the tolerance"
    if lost[1] > TOO_VAGUE * tolerance:
        return Verdict.INCONCLUSIVE, "too few rows to rule out a loss"
    return Verdict.OK, "as before"


def _n(reading: Reading | None) -> float:
    return 0.0 if reading is None else reading.n


def _number(value: float, digits: int, *, signed: bool = False) -> str:
    sign = "−" if value < 0 else "+" if signed else ""
    shown = f"{abs(value):,.{digits}f}"
    return sign + (shown[1:] if shown.startswith("0.") else shown)
