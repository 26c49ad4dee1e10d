"""How surprising is a number? Tail probabilities of the few laws the other modules test against.

Written out because scipy is the oracle of our tests and not a dependency; agreement is tested to 1e-8.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from console.model import Array

TAIL = 0.025  # beyond each end of an interval, and the level of a verdict

NORMAL = 1e7  # degrees of freedom from which on Student's law is the normal one

_SERIES_TERMS = 10_000
_TINY = 1e-300
_SMALL = 1e-3


def student_tail(t: float, freedom: float) -> float:
    """P(T > t) for Student's t; `freedom` need not be whole and may be inf."""
    if freedom > NORMAL:
        return 0.5 * math.erfc(t / math.sqrt(2))
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    if abs(t) < _SMALL:  # freedom / (freedom + t * t) would round to 1
        both = 1 - _incomplete_beta(t * t / (freedom + t * t), 0.5, freedom / 2)
    else:
        both = _incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5)
    return both / 2 if t >= 0 else 1 - both / 2


def student_quantile(p: float, freedom: float) -> float:
    """The t with P(T > t) = p, for 0 < p < 0.5.

    By Newton's steps from 0: the tail is convex there, so they come nearer from the left and never pass it.
    """
    t = 0.0
    while True:
        step = (student_tail(t, freedom) - p) / _student_density(t, freedom)
        t += step
        if not step > 1e-14 * t:  # nor where a step is no number
            return t


def _student_density(t: float, freedom: float) -> float:
    if freedom > NORMAL:
        return math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    at_zero = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
    return at_zero * float((1 + t * t / freedom) ** (-(freedom + 1) / 2))


def chi_square_tail(x: float, freedom: float) -> float:
    """P(X > x) for chi-square; `freedom` need not be whole."""
    if x < _TINY:
        return 1.0
    if math.isinf(x):
        return 0.0
    return _upper_gamma(freedom / 2, x / 2)


def weighted_chi_square_tail(x: float, weights: Array) -> float:
    """P(sum of weights[i] * chi-square(1) > x), from three matched moments.

    The approximation of Hall, Buckley and Eagleson (Bodenham and Adams, Stat. Comput. 26, 2016). `weights` are not
    negative, shape (k,).
    """
    first, second, third = (float(np.sum(weights**power)) for power in (1, 2, 3))
    if first <= 0:
        return 1.0
    freedom = second**3 / third**2
    return chi_square_tail(freedom + (x - first) * math.sqrt(freedom / second), freedom)


def _upper_gamma(a: float, x: float) -> float:
    """Regularised upper incomplete gamma: the series below a + 1, Lentz's continued fraction above (DLMF 8.7, 8.9)."""
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for k in range(1, _SERIES_TERMS):
            term *= x / (a + k)
            total += term
            if term < total * 1e-16:
                break
        return max(0.0, 1 - total * scale)
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    h = d
    for k in range(1, _SERIES_TERMS):
        step = -k * (k - a)
        b += 2
        d = 1 / _nonzero(step * d + b)
        c = _nonzero(b + step / c)
        h *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return scale * h


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta by Lentz's continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    c, d = 1.0, 1 / _nonzero(1 - (a + b) * x / (a + 1))
    h = d
    for k in range(1, _SERIES_TERMS):
        for step in (
            k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)),
            -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)),
        ):
            d = 1 / _nonzero(1 + step * d)
            c = _nonzero(1 + step / c)
            h *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return front * h / a


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
