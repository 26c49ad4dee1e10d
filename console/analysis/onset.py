"""Since when? The step at which the current window left the level it shared with the baseline."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.series.wobble import lag_one
from console.model import Direction

if TYPE_CHECKING:
    from console.model import Array

MOST_STEPS = 400  # shifts that end again are looked for in windows up to here: that scan is quadratic
CLIP = 4.0  # in scales: one wild step is not a shift
LEAST_SCORE = 10.0  # of the log-likelihood ratio: fewer than 1 in 100 still windows of 60 steps reach it
PRIOR_STEPS = 4.0  # how many steps the baseline's level weighs against the current window's own quiet part
MEDIAN_VARIANCE = math.pi / 2  # of a median, against that of a mean
SCALE_FLOOR = 0.005  # of the level: a flat baseline has no scale of its own


def onset(
    baseline: Array, current: Array, times: Array, bad: Direction, *, step: float | None = None, margin: float = 0.0
) -> float | None:
    """When the shift began: the start of its first step in epoch seconds; None where nothing shifted.

    `baseline` (any length) and `current` (steps,) hold one value per step, NaN for no data; `times` (steps,) are the
    ends of the current steps, `step` seconds long. Only shifts in the bad direction by more than `margin` count. A
    window that was shifted from its first step on answers that step: the true onset may lie before.
    """
    known = ~np.isnan(current)
    before = baseline[~np.isnan(baseline)]
    if known.sum() < 2 or before.size < 2:
        return None
    values, ends = current[known], times[known]
    step = float(np.median(np.diff(ends))) if step is None else step
    centre = float(np.median(before))
    scale = _scale(before, centre, float(np.abs(values).max()))
    far = (values - centre) / scale
    phi = lag_one(np.clip((before - centre) / scale, -CLIP, CLIP), np.zeros(before.size, dtype=np.int64))
    grows = (1 + phi) / (1 - phi)
    slack = margin / scale
    signs = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.EITHER: (1, -1)}[bad]
    score, sign, end = max(_scored(sign, _clipped(sign * far - slack), before.size) for sign in signs)
    if score / grows < LEAST_SCORE:
        return None
    # Where it began shows best unclipped: two wild steps are cut down to the third.
    third = max(CLIP, float(np.sort(np.abs(far[:end]))[-3:][0]))
    return float(ends[_first_shifted(sign * np.clip(far[:end], -third, third))]) - step


def _clipped(z: Array) -> Array:
    """One or two wild steps are cut down to `CLIP`; three or more are a shift, and count for up to twice as much."""
    bound = float(np.clip(np.sort(z)[-3:][0], CLIP, 2 * CLIP))
    return np.clip(z, -bound, bound)


def _scored(sign: int, z: Array, baseline: int) -> tuple[float, int, int]:
    """(score, sign, end) of the run least likely at the level of a baseline of so many steps, itself an estimate."""
    n = z.size
    upto = np.concatenate([[0.0], np.cumsum(z)])
    ends = np.arange(1, n + 1) if n <= MOST_STEPS else np.array([n])
    starts = np.arange(n)
    length = ends[None, :] - starts[:, None]
    gain = np.where(length > 0, upto[ends][None, :] - upto[starts][:, None], 0.0)
    doubt = np.maximum(length, 1) * (1 + MEDIAN_VARIANCE * length / baseline)
    score = np.where(gain > 0, gain**2 / (2 * doubt), 0.0)
    best = int(np.argmax(score))
    return float(score.flat[best]), sign, int(ends[best % ends.size])


def _first_shifted(z: Array) -> int:
    """The split that leaves least unexplained when each side has its own level; the early side's leans on 0."""
    n = z.size
    at = np.arange(n)
    upto = np.concatenate([[0.0], np.cumsum(z)])
    early, late = upto[at], upto[n] - upto[at]
    explained = early**2 / (at + PRIOR_STEPS) + late**2 / (n - at)
    rises = late / (n - at) > early / (at + PRIOR_STEPS)
    return int(np.argmax(np.where(rises, explained, -np.inf)))


def _scale(before: Array, centre: float, largest: float) -> float:
    spread = 1.4826 * float(np.median(np.abs(before - centre)))
    # More than half the steps may be equal (a queue that is mostly empty): then the ordinary spread speaks.
    if spread <= 0:
        spread = float(np.std(before))
    return max(spread, SCALE_FLOOR * max(abs(centre), largest), 1e-300)
