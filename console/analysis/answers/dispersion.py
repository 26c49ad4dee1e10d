"""Do rows of one step share their luck? Then a window of them is worth fewer rows than it has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from console.analysis.answers.outcomes import table_of
from console.analysis.tails import chi_square_tail
from console.model import Outcomes, StepOutcomes

FEWEST_STEPS = 8  # sub-windows from which it shows that they differ more than chance makes them
LEAST_P = 0.01


def dispersion(steps: Sequence[StepOutcomes]) -> float:
    """How many times more the share of right answers (or the mean error) differs between steps than between
    independent rows; at least 1, and 1 where nothing shows it.

    Sub-windows of 1, 2, 4 … steps are looked at, because what wanders slowly shows in long ones only.
    """
    sums = np.array([_sums(one.outcomes) for one in sorted(steps, key=lambda one: one.start)]).reshape(-1, 3)
    sums = sums[sums[:, 0] > 0]
    found = 1.0
    while len(sums) >= FEWEST_STEPS:
        n, total, squares = sums.sum(axis=0)
        variance = squares / n - (total / n) ** 2
        if variance <= 0:
            break
        value = float(np.sum((sums[:, 1] - sums[:, 0] * total / n) ** 2 / sums[:, 0]) / variance)
        if chi_square_tail(value, len(sums) - 1) <= LEAST_P:
            found = max(found, value / (len(sums) - 1))
        sums = sums[: len(sums) // 2 * 2].reshape(-1, 2, 3).sum(axis=1)
    return found


def _sums(outcomes: Outcomes) -> tuple[float, float, float]:
    """(n, sum, sum of squares) of what each labelled row is worth: 1 for a right answer, or its absolute error."""
    table = table_of(outcomes)
    if outcomes.grid.task == "numbers":
        n, _error, absolute, squares = table[:, :4].sum(axis=0).tolist()
        return n, absolute, squares
    right = float(np.trace(table[:, :-1]))
    return float(table[:, :-1].sum()), right, right
