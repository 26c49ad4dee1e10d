"""Labels come late: how many are there, and are the rows that have theirs like the ones that wait?

A row without a label is not a wrong answer. Fast labels are often those of the easy rows, so the labelled rows alone
may flatter the model, or slander it.
"""

from __future__ import annotations

from console.analysis.answers.outcomes import answered, carried_over, labelled, waiting
from console.analysis.columns.distances import total_variation
from console.analysis.columns.nulls import p_sampling
from console.model import Labelling, Outcomes

LEAST_P = 0.01
LEAST_EFFECT = 0.05  # of the rows answered otherwise
FEWEST = 30  # labelled, and waiting, before they are compared


def labelling(current: Outcomes, baseline: Outcomes) -> Labelling:
    """How far the labels of both windows have come, and whether the current ones so far are of other rows."""
    rows = (int(answered(baseline).sum()), int(answered(current).sum()))
    have = (int(labelled(baseline).sum()), int(labelled(current).sum()))
    p, effect = _unlike(current)
    selective = p is not None and effect is not None and p <= LEAST_P and effect >= LEAST_EFFECT
    if rows[1] == 0:
        text = "no row has an answer"
    elif have[1] == rows[1]:
        text = "every row has its label"
    else:
        text = f"{have[1]:,} of {rows[1]:,} rows have their label ({have[1] / rows[1]:.0%}), the others are left out"
    if selective:
        text += (
            "; the labels so far are of other rows: their answers differ from those of rows that wait, so metrics are "
            "carried over to all rows by their answers, and a label that comes sooner for one truth than for another "
            "still misleads"
        )
    return Labelling(rows, have, p, effect, selective, text)


def of_all_rows(outcomes: Outcomes) -> Outcomes:
    """What the labelled rows say of all answered ones: each stratum counts for as many as were answered so."""
    return carried_over(outcomes, answered(outcomes))


def _unlike(outcomes: Outcomes) -> tuple[float | None, float | None]:
    have, wait = labelled(outcomes), waiting(outcomes)
    if min(have.sum(), wait.sum()) < FEWEST:
        return None, None
    return p_sampling(have, wait, ordered=outcomes.grid.task != "classes"), total_variation(have, wait)
