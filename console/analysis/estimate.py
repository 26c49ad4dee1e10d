"""How sure may we be of a statistic? Both windows are asked together: without a change they wander alike."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from console.analysis.statistic import Doubt, Statistic
from console.analysis.wobble import Wobble, usual_wobble, without_step, wobble


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic with its standard errors downwards and upwards, in the statistic's own unit."""

    value: float
    n: float  # observations, or samples of a gauge
    samples: int  # steps with data
    minus: float = 0.0
    plus: float = 0.0
    freedom: float = float("inf")
    dispersion: float = 1.0
    between: float = 0.0  # variance by which one more season would differ, beyond what its own steps explain
    seasons: int = 1
    centre: Estimate | None = None  # of a quantile: where all of the values lie, as a logarithm
    together: float = 0.0  # correlation of this estimate's error with the centre's

    def scaled(self, factor: float) -> Estimate:
        """The same in another unit."""
        return replace(
            self,
            value=self.value * factor,
            minus=self.minus * factor,
            plus=self.plus * factor,
            between=self.between * factor**2,
        )


def estimates(current: Statistic, baseline: Statistic) -> tuple[Estimate, Estimate]:
    """Both sides with their errors; they share one wobble, because without a change they are one series."""
    shared = usual_wobble(
        *(wobble(one.influence, one.span) for one in (current, baseline)),
        *(wobble(without_step(one.influence), one.span) for one in (current, baseline)),
    )
    sides = (current, baseline)
    calm = _calm(sides)
    mine, its = _estimate(current, shared, calm[0]), _estimate(baseline, shared, calm[1])
    if current.centre is None or baseline.centre is None:
        return mine, its
    centres = estimates(current.centre, baseline.centre)
    return _with_centre(mine, centres[0], current), _with_centre(its, centres[1], baseline)


def _with_centre(one: Estimate, centre: Estimate, of: Statistic) -> Estimate:
    assert of.centre is not None
    known = ~np.isnan(of.influence)
    # The influence of a quantile is the share of values below it: more of them, and it is lower.
    mine, its = -of.influence[known], of.centre.influence[known]
    scale = float(np.std(mine) * np.std(its))
    together = float(np.mean((mine - mine.mean()) * (its - its.mean()))) / scale if scale > 0 else 0.0
    return replace(one, centre=centre, together=together)


def _calm(sides: tuple[Statistic, Statistic]) -> tuple[float, float]:
    """What share of each side's variance per step is usual: the rule of `usual_wobble`, for the spread of steps."""
    if min(one.noise for one in sides) <= 0:
        return 1.0, 1.0
    whole = [float(np.nanvar(one.influence)) / one.noise for one in sides]
    levelled = [float(np.nanvar(without_step(one.influence))) / one.noise for one in sides]
    common = max(min(whole), *levelled)
    a, b = (min(1.0, common / one) if one > 0 else 1.0 for one in whole)
    return a, b


def _estimate(one: Statistic, shared: Wobble, calm: float) -> Estimate:
    """`calm` is the usual share of the variance of its steps."""
    # The spread around the window's own mean misses what all of its steps share.
    variance = calm * shared.inflation * float(np.nanvar(one.influence)) / max(one.samples - shared.inflation, 1.0)
    freedom = shared.freedom(one.samples)
    minus, plus, dispersion = one.error(Doubt(variance, freedom, shared))
    between, seasons = _between(one, max(minus, plus))
    return Estimate(one.value, one.n, one.samples, minus, plus, freedom, dispersion, between, seasons)


def _between(one: Statistic, error: float) -> tuple[float, int]:
    """(variance that one more season brings beyond its own noise, number of seasons).

    `error` is the standard error of the pooled statistic. Spans with less than half the usual data do not vote.
    """
    known = ~np.isnan(one.influence)
    filled = [np.flatnonzero((one.span == season) & known) for season in np.unique(one.span)]
    usual = np.median([part.size for part in filled])
    values = np.array([one.of_season(part) for part in filled if part.size > 0 and part.size >= usual / 2])
    values = values[~np.isnan(values)]
    if values.size < 2:
        return 0.0, 1
    within = error**2 * values.size
    return max(0.0, float(np.var(values, ddof=1)) - within) * (1 + 1 / values.size), values.size
