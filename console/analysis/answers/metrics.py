"""How good are the answers? Each metric from counts, with the limits that sampling leaves it.

Everything between 0 and 1 has Wilson's limits at the n that its variance amounts to, so that no interval leaves 0..1
and none is empty where nothing went wrong yet (Wilson, JASA 22, 1927).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.answers.outcomes import answered, confusion, is_positive, labelled, table_of
from console.model import MetricName, Outcomes

if TYPE_CHECKING:
    from console.model import Array

CALIBRATION_GROUPS = 15
HIGHER_IS_BETTER: frozenset[MetricName] = frozenset({"accuracy", "precision", "recall", "f1", "auroc", "r2"})
FEWEST: Mapping[MetricName, int] = {"calibration": 200, "r2": 50, "rmse": 50}
FEWEST_ELSE = 30
FEWEST_OF_CLASS = 10  # rows of the rarest class, in truth or answer: a mean over classes is no surer than its weakest


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric of one window."""

    value: float
    n: float  # what it stands on: the rows of its denominator, of the rarer class for AUROC
    limits: Callable[[float], tuple[float, float]]  # so many standard errors down and up
    scale: float | None = None  # what a relative tolerance is of; None: tolerances are in points
    side: str = ""  # of what was folded into a size: on which side it lies, in words

    def is_known(self, name: MetricName) -> bool:
        """Whether it stands on enough to be judged."""
        return self.n >= FEWEST.get(name, FEWEST_ELSE)


Key = tuple[MetricName, str]
"""A metric and the class that it is about ("" for none)."""


def readings(outcomes: Outcomes) -> dict[Key, Reading]:
    """Every metric of these outcomes that its labelled rows can say, the one that stands for all of them first.

    scores: accuracy at 0.5, AUROC, precision, recall, F1, Brier score, calibration error; classes: accuracy, F1 (macro
    where no class is special), precision and recall (of each class); numbers: MAE, RMSE, bias, R².
    """
    return dict(_readings(outcomes))


def gap_readings(outcomes: Outcomes) -> dict[Key, Reading]:
    """What is compared between segments: recall, false positive rate and selection rate where there is a positive class
    (equal opportunity, predictive equality, demographic parity: Hardt et al., NeurIPS 2016); accuracy or MAE else.
    """
    if outcomes.grid.positive is None:
        return dict(itertools.islice(_readings(outcomes), 1))
    (tn, fn), (fp, tp) = confusion(outcomes).tolist()
    every = answered(outcomes)
    rates: tuple[tuple[MetricName, float, float], ...] = (
        ("recall", tp, tp + fn),
        ("false_positive_rate", fp, fp + tn),
        ("selection_rate", float(every[is_positive(outcomes.grid)].sum()), float(every.sum())),
    )
    return {(name, ""): share(part, whole) for name, part, whole in rates if whole > 0}


def share(part: float, whole: float) -> Reading:
    """A part of a whole."""
    return _between_0_and_1(float(part / whole), float(whole), float(whole))


def wilson(value: float, n: float, z: float) -> tuple[float, float]:
    """Limits of a share of n rows, z standard errors away."""
    grown = z * z / n
    middle = (value + grown / 2) / (1 + grown)
    half = z / (1 + grown) * math.sqrt(max(value * (1 - value), 0.0) / n + grown / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def folded(low: float, high: float) -> tuple[float, float]:
    """The limits of an absolute value."""
    return (0.0 if low < 0 < high else min(abs(low), abs(high))), max(abs(low), abs(high))


def _between_0_and_1(value: float, n: float, worth: float) -> Reading:
    """`worth`: how many independent rows have its variance."""
    return Reading(value, n, lambda z: wilson(value, worth, z))


def _with_variance(value: float, n: float, variance: float) -> Reading:
    spread = value * (1 - value)
    return _between_0_and_1(value, n, spread / variance if min(spread, variance) > 1e-12 else max(n, 1.0))


def _readings(outcomes: Outcomes) -> Iterator[tuple[Key, Reading]]:
    if labelled(outcomes).sum() <= 0:
        return
    match outcomes.grid.task:
        case "scores":
            yield from _of_scores(outcomes)
        case "classes":
            yield from _of_classes(outcomes)
        case "numbers":
            yield from _of_numbers(table_of(outcomes)[:, :-1].sum(axis=0))


# ── classes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_classes(outcomes: Outcomes) -> Iterator[tuple[Key, Reading]]:
    cells, classes = table_of(outcomes)[:, :-1], outcomes.grid.classes
    right, total = float(np.trace(cells)), float(cells.sum())
    yield ("accuracy", ""), share(right, total)
    if outcomes.grid.positive is not None:
        yield from _of_positives(confusion(outcomes))
        return
    said, actual = cells.sum(axis=1)[: len(classes)], cells.sum(axis=0)[: len(classes)]
    yield ("f1", ""), _macro_f1(cells, said, actual)
    for at, name in enumerate(classes):
        if said[at] > 0:
            yield ("precision", name), share(cells[at, at], said[at])
        if actual[at] > 0:
            yield ("recall", name), share(cells[at, at], actual[at])


def _of_positives(counts: Array) -> Iterator[tuple[Key, Reading]]:
    (_tn, fn), (fp, tp) = counts.tolist()
    if tp + fp > 0:
        yield ("precision", ""), share(tp, tp + fp)
    if tp + fn > 0:
        yield ("recall", ""), share(tp, tp + fn)
    if tp + fp + fn > 0:
        yield ("f1", ""), _f1(tp, tp + fp + fn)


def _f1(hits: float, involved: float) -> Reading:
    """F1 = 2J / (1 + J) of the share J of true positives among all that is positive in truth or answer: a binomial
    share, whose Wilson limits F1 therefore has.
    """

    def from_jaccard(one: float) -> float:
        return 2 * one / (1 + one)

    def limits(z: float) -> tuple[float, float]:
        low, high = wilson(hits / involved, involved, z)
        return from_jaccard(low), from_jaccard(high)

    return Reading(from_jaccard(hits / involved), involved, limits)


def _macro_f1(cells: Array, said: Array, actual: Array) -> Reading:
    """The mean F1 of the classes that there are; its variance by the delta method over the multinomial cells
    (Takahashi et al., Applied Intelligence 52, 2022).
    """
    classes, total = said.size, float(cells.sum())
    either = said + actual
    there = either > 0
    if not there.any():
        return _between_0_and_1(0.0, 0.0, 1.0)
    f1 = np.zeros(classes)
    f1[there] = 2 * np.diagonal(cells)[:classes][there] / either[there]
    slope = np.zeros(classes)
    slope[there] = 1 / (either[there] * there.sum())
    by_class = np.append(f1 * slope, 0.0)  # the last answer is `other`
    by_label = np.append(f1 * slope, [0.0] * (cells.shape[1] - classes))
    gradient = -by_class[:, None] - by_label[None, :]
    gradient[np.arange(classes), np.arange(classes)] += 2 * slope
    known = min(total, FEWEST_ELSE / FEWEST_OF_CLASS * float(either[there].min()))
    return _with_variance(float(f1[there].mean()), known, float((cells * gradient**2).sum()))


# ── scores ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_scores(outcomes: Outcomes) -> Iterator[tuple[Key, Reading]]:
    table, counts = table_of(outcomes), confusion(outcomes)
    yield ("accuracy", ""), share(float(np.trace(counts)), float(counts.sum()))
    negatives, positives = table[:, 0], table[:, 1]
    if min(negatives.sum(), positives.sum()) > 0:
        yield ("auroc", ""), _auroc(negatives, positives)
    yield from _of_positives(counts)
    there = table[:, [0, 1, 3]].sum(axis=1) > 0
    score = table[there, 2] / table[there][:, [0, 1, 3]].sum(axis=1)
    yield ("brier", ""), _brier(negatives[there], positives[there], score)
    yield ("calibration", ""), _calibration(negatives[there], positives[there], score)


def _auroc(negatives: Array, positives: Array) -> Reading:
    """The chance that a positive scores above a negative; DeLong's variance (DeLong et al., Biometrics 44, 1988).

    Scores of one bin count as ties, which is exact where bins part the scores that there are.
    """
    m, n = float(positives.sum()), float(negatives.sum())
    below = (np.cumsum(negatives) - negatives / 2) / n  # what each positive beats
    above = (m - np.cumsum(positives) + positives / 2) / m
    area = float(positives @ below) / m
    variance = sum(
        float(weights @ (part - area) ** 2) / max(size - 1, 1.0) / size
        for weights, part, size in ((positives, below, m), (negatives, above, n))
    )
    return _with_variance(area, min(m, n), variance)


def _brier(negatives: Array, positives: Array, score: Array) -> Reading:
    """The mean squared distance of score and label (Brier, Monthly Weather Review 78, 1950)."""
    total = float(negatives.sum() + positives.sum())
    errors = np.concatenate([score**2, (1 - score) ** 2])
    weights = np.concatenate([negatives, positives])
    mean = float(weights @ errors) / total
    error = math.sqrt(float(weights @ (errors - mean) ** 2)) / total
    return Reading(mean, total, _positive_limits(mean, error), scale=mean)


def _calibration(negatives: Array, positives: Array, score: Array) -> Reading:
    """How far scores lie from the share of positives, root mean square over equally full groups, freed of what noise
    alone would show (Kumar, Liang and Ma, NeurIPS 2019).
    """
    rows = negatives + positives
    total = float(rows.sum())
    group = np.minimum(((np.cumsum(rows) - rows / 2) / total * CALIBRATION_GROUPS).astype(np.int64), CALIBRATION_GROUPS)
    n = np.bincount(group, weights=rows)
    full = n > 1
    n, hits, said = (one[full] for one in (n, np.bincount(group, weights=positives), np.bincount(group, rows * score)))
    if not n.size:
        return Reading(0.0, 0.0, lambda _z: (0.0, 1.0))
    rate = hits / n
    # The noise that a calibrated model has: a group without any hit is not free of it.
    noise = np.maximum(rate * (1 - rate), said / n * (1 - said / n)) / n
    excess = (rate - said / n) ** 2 - rate * (1 - rate) / (n - 1)
    weight = n / n.sum()
    square = float(weight @ excess)
    spread = math.sqrt(float(weight**2 @ (4 * np.maximum(excess, 0) * noise + 2 * noise**2)))

    def limits(z: float) -> tuple[float, float]:
        return math.sqrt(max(square - z * spread, 0.0)), math.sqrt(max(square + z * spread, 0.0))

    return Reading(math.sqrt(max(square, 0.0)), total, limits)


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_numbers(moments: Array) -> Iterator[tuple[Key, Reading]]:
    n = float(moments[0])
    error, absolute, square, fourth, y, y2, y3, y4, ey, ey2 = (moments[1:] / n).tolist()
    yield ("mae", ""), Reading(absolute, n, _positive_limits(absolute, _error(square - absolute**2, n)), scale=absolute)
    root = math.sqrt(square)
    of_square = _positive_limits(square, _error(fourth - square**2, n))
    yield ("rmse", ""), Reading(root, n, lambda z: (math.sqrt(of_square(z)[0]), math.sqrt(of_square(z)[1])), scale=root)
    aside = _error(square - error**2, n)
    side = f"answers too {'low' if error < 0 else 'high'}"
    yield ("bias", ""), Reading(abs(error), n, lambda z: folded(error - z * aside, error + z * aside), absolute, side)
    variance = y2 - y * y
    if variance > 1e-12 * max(y2, 1e-300):
        yield (
            ("r2", ""),
            _explained(n, square, variance, fourth, _central(y, y2, y3, y4), ey2 - 2 * y * ey + y * y * square),
        )


def _explained(n: float, square: float, variance: float, fourth: float, spread: float, both: float) -> Reading:
    """R² = 1 - MSE / variance of the label, by the delta method."""
    ratio = square / variance
    influence = fourth - 2 * ratio * both + ratio**2 * spread
    limits = _positive_limits(ratio, math.sqrt(max(influence, 0.0) / n) / variance)
    return Reading(1 - ratio, n, lambda z: (1 - limits(z)[1], 1 - limits(z)[0]))


def _central(y: float, y2: float, y3: float, y4: float) -> float:
    """The fourth central moment from raw ones."""
    return y4 - 4 * y * y3 + 6 * y * y * y2 - 3 * y**4


def _error(variance: float, n: float) -> float:
    return math.sqrt(max(variance, 0.0) / n)


def _positive_limits(value: float, error: float) -> Callable[[float], tuple[float, float]]:
    """Limits of what cannot be negative: symmetric in its logarithm."""
    if value <= 0:
        return lambda z: (0.0, z * error)
    return lambda z: (value * math.exp(-z * error / value), value * math.exp(min(z * error / value, 50.0)))
