"""How well is the model doing where no label is there yet? What answers of each kind were worth in the baseline.

The estimate assumes that a score of .8, or the answer "cat", is right as often as it was in the baseline. It sees that
harder rows reach the model; that the same rows have other labels now (pure concept drift) it cannot see, nor that the
model itself went blind and stayed sure. So it may raise doubt and never clears anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.answers.differences import REACH, Tolerance, interval, phrase, title, worst_first
from console.analysis.answers.metrics import HIGHER_IS_BETTER, Key, Reading, readings
from console.analysis.answers.outcomes import answered, carried_over, covered, labelled, table_of
from console.analysis.families import benjamini_hochberg
from console.analysis.tails import student_tail
from console.model import Metric, MetricName, Outcomes, Verdict

if TYPE_CHECKING:
    from console.model import Array

BLIND = (
    "what is estimated stands on the baseline's labels, as if each answer were right as often as it was then: "
    "it is blind to a change of what is right (concept drift), and clears nothing"
)
SHORT = "by the baseline's labels, blind to concept drift"
ESTIMATED: frozenset[MetricName] = frozenset({"accuracy", "auroc", "precision", "recall", "f1"})
STANDS: Key = ("accuracy", "")
DRAWS = 100
SEED = 2007
FEWEST_ANSWERS = 100  # current rows, and labels of the baseline


def estimated(current: Outcomes, baseline: Outcomes, tolerance: Tolerance, alpha: float) -> tuple[Metric, ...]:
    """What the answers of `current`, labelled or not, are worth by the baseline's labels; nothing for numbers.

    Confidence-based estimation (as NannyML's CBPE; for its limits: Garg et al., ICLR 2022), calibrated by bin of the
    score, or by class. A loss beyond the tolerance at `alpha` is inconclusive; anything else is no_data: an estimate
    may raise doubt and never clears. Worst first.
    """
    found = list(_estimates(current, baseline))
    p = benjamini_hochberg(np.array([one.p(tolerance) for one in found]))
    total = float(answered(current).sum())
    return worst_first([_metric(one, of_it, total, alpha) for one, of_it in zip(found, p.tolist(), strict=True)])


def explained(current: Outcomes, baseline: Outcomes) -> Iterator[str]:
    """In words, what the baseline's labels make of the labelled current answers: are answers like these less often
    right than they were, or are there more of those that were often wrong? Nothing for numbers.
    """
    if baseline.grid.task == "numbers":
        return
    now = readings(current).get(STANDS)
    likely = readings(carried_over(baseline, labelled(current))).get(STANDS)
    if now is None or likely is None or not (now.is_known(STANDS[0]) and likely.is_known(STANDS[0])):
        return
    low, high = interval(likely, now)
    compared = phrase("answers like these were right", likely.value, now.value, (low, high), points=True)
    if high < 0:
        yield f"{compared}: what is right changed, or the model is wrong where it answers as before"
    elif low <= 0:
        yield f"{compared}: as often as before, so what got worse is which answers are given"


def supported(current: Outcomes, baseline: Outcomes) -> float:
    """The share of current answers that lie where the baseline has labels, 0..1."""
    return covered(baseline, answered(current))


@dataclass(frozen=True, slots=True)
class _Estimate:
    """One metric of the current rows without their labels."""

    key: Key
    baseline: Reading
    value: float
    error: float  # standard, of the value
    error_of_difference: float  # standard, of value - baseline: both stand on the baseline's labels

    @property
    def difference(self) -> float:
        return self.value - self.baseline.value

    def p(self, tolerance: Tolerance) -> float:
        """Against "no worse than the tolerance"."""
        lost = -self.difference if self.key[0] in HIGHER_IS_BETTER else self.difference
        return student_tail((lost - tolerance.of(self.baseline)) / max(self.error_of_difference, 1e-9), math.inf)


def _estimates(current: Outcomes, baseline: Outcomes) -> Iterator[_Estimate]:
    """Errors come from Poisson draws of both sides' counts: that of the calibration and that of the current sample."""
    answers = answered(current)
    if baseline.grid.task == "numbers" or min(answers.sum(), labelled(baseline).sum()) < FEWEST_ANSWERS:
        return
    usual, now = readings(baseline), readings(carried_over(baseline, answers))
    rng = np.random.default_rng(SEED)
    draws = [_drawn(baseline, answers, rng) for _ in range(DRAWS)]
    for key, reading in usual.items():
        if key[0] not in ESTIMATED or key not in now or not reading.is_known(key[0]):
            continue
        pairs = np.array([(one[key].value, other[key].value) for one, other in draws if key in one and key in other])
        if len(pairs) > DRAWS / 2:
            error, apart = float(pairs[:, 1].std()), float((pairs[:, 1] - pairs[:, 0]).std())
            yield _Estimate(key, reading, now[key].value, error, apart)


def _drawn(
    baseline: Outcomes, answers: Array, rng: np.random.Generator
) -> tuple[dict[Key, Reading], dict[Key, Reading]]:
    """Both sides as they might have turned out."""
    table = table_of(baseline)
    drawn = rng.poisson(table).astype(np.float64)
    if baseline.grid.task == "scores":
        drawn[:, 2] = table[:, 2]  # a sum of scores, no count
    one = replace(baseline, table=tuple(map(tuple, drawn.tolist())))
    return readings(one), readings(carried_over(one, rng.poisson(answers).astype(np.float64)))


def _metric(one: _Estimate, p: float, total: float, alpha: float) -> Metric:
    half = REACH * one.error_of_difference
    between = (one.difference - half, one.difference + half)
    text = phrase(title(one.key), one.baseline.value, one.value, between, points=True)
    verdict, reason = (
        (Verdict.INCONCLUSIVE, "worse, as estimated") if p <= alpha else (Verdict.NO_DATA, "absent: no label yet")
    )
    name, of = one.key
    return Metric(
        name, verdict, f"{reason}, {SHORT}", f"{text} {SHORT}", of, one.baseline.value, one.value,
        one.baseline.limits(REACH), (max(0.0, one.value - REACH * one.error), min(1.0, one.value + REACH * one.error)),
        one.difference, between, p, (one.baseline.n, total),
    )  # fmt: skip
