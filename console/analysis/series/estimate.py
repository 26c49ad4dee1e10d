"""How sure may we be of a statistic? Both windows are asked together: without a change they wander alike."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.series.statistic import Doubt, Statistic
from console.analysis.series.wobble import Wobble, usual_wobble, without_step, wobble

if TYPE_CHECKING:
    from console.model import Array

PRIOR = 2.0  # values beyond a quantile that the spread of all values is worth


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
    sides = (current, baseline)
    shared = _shared(sides)
    if current.centre is None or baseline.centre is None:
        return _estimate(current, shared, _calm(sides)[0]), _estimate(baseline, shared, _calm(sides)[1])
    centres = current.centre, baseline.centre
    of_centre = _shared(centres)
    usual, centre_usual = _calm(sides), _calm(centres)
    mine, its = (
        with_centre(
            _estimate(one, shared, usual[place]),
            _estimate(centres[place], of_centre, centre_usual[place]),
            _together(one, centres[place]),
            one.q,
        )
        for place, one in enumerate(sides)
    )
    return mine, its


def with_centre(one: Estimate, centre: Estimate, together: float, q: float | None) -> Estimate:
    """A quantile's estimate with the centre to lean on; `together` is the correlation of their errors.

    The error of a tail is read from the few values that lie in it. It is moderated by what the spread of all values
    would make it, as if that came from `PRIOR` more (Smyth, Stat. Appl. Genet. Mol. Biol. 3, 2004).
    """
    leaning = replace(one, centre=centre, together=together)
    if q is None or not one.value > 0:
        return leaning
    density = NormalDist().pdf(NormalDist().inv_cdf(q))
    minus, plus = one.minus / one.value, one.plus / one.value
    seen = (minus * minus + plus * plus) / 2
    usual = centre.plus * centre.plus * q * (1 - q) / density**2 * one.dispersion / centre.dispersion
    if not math.isfinite(seen + usual):
        return one
    beyond = one.n * min(q, 1 - q)
    moderated = math.sqrt((beyond * seen + PRIOR * usual) / (beyond + PRIOR))
    if seen <= 0:
        return replace(leaning, minus=moderated * one.value, plus=moderated * one.value)
    factor = moderated / math.sqrt(seen)
    return replace(leaning, minus=one.minus * factor, plus=one.plus * factor)


def _shared(sides: tuple[Statistic, Statistic]) -> Wobble:
    current, baseline = sides
    return usual_wobble(
        wobble(current.influence, current.span),
        wobble(baseline.influence, baseline.span),
        _both([one.influence for one in sides], sides),
        _both([without_step(one.influence) for one in sides], sides),
    )


def _both(influence: list[Array], sides: tuple[Statistic, Statistic]) -> Wobble:
    """What both windows wobble together; each around its own statistic, so that a shift between them is no wobble."""
    spans = [sides[0].span, sides[1].span + sides[0].span.max(initial=0) + 1]
    centred = [(one - np.mean(known)) / (np.std(known) or 1.0) for one in influence for known in (_known(one),)]
    return wobble(np.concatenate(centred), np.concatenate(spans))


def _together(quantile: Statistic, centre: Statistic) -> float:
    """The correlation of the errors of a quantile and of the centre, from what each step contributed to both."""
    known = ~np.isnan(quantile.influence)
    # The influence of a quantile is the share of values below it: more of them, and it is lower.
    mine, its = -quantile.influence[known], centre.influence[known]
    scale = float(np.std(mine) * np.std(its))
    return float(np.mean((mine - mine.mean()) * (its - its.mean()))) / scale if scale > 0 else 0.0


def _calm(sides: tuple[Statistic, Statistic]) -> tuple[float, float]:
    """What share of each side's variance per step is usual: the rule of `usual_wobble`, for the spread of steps."""
    if min(one.noise for one in sides) <= 0:
        return 1.0, 1.0
    whole = [float(np.var(_known(one.influence))) / one.noise for one in sides]
    levelled = [float(np.var(_known(without_step(one.influence)))) / one.noise for one in sides]
    common = max(min(whole), *levelled)
    a, b = (min(1.0, common / one) if one > 0 else 1.0 for one in whole)
    return a, b


def _estimate(one: Statistic, shared: Wobble, calm: float) -> Estimate:
    """`calm` is the usual share of the variance of its steps."""
    # The spread around the window's own mean misses what all of its steps share.
    variance = calm * shared.inflation * float(np.var(_known(one.influence))) / max(one.samples - shared.inflation, 1.0)
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


def _known(values: Array) -> Array:
    return values[~np.isnan(values)]
