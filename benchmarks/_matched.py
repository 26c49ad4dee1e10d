"""Rules side by side at the same false-positive rate: each one's threshold is moved until it cries wolf as often."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from console.model import Verdict

ALPHAS = (0.01, 0.05)
SURE = 0.025
DRAWS = 400


@dataclass(frozen=True, slots=True)
class Scored:
    """What all rules said of one pair."""

    change: str
    classes: tuple[str, ...]
    has_effect: bool
    verdict: Verdict  # ours
    scores: tuple[float, ...]  # one per rule, -inf where it would pass whatever its threshold


def print_matched(scored: Sequence[Scored]) -> int:
    """The table; answers in how many places Kayenta's rule is shown to have more power than ours."""
    print("\n── power at matched false-positive rates " + "─" * 40)
    rates = ["our own rate", *(f"{alpha:.0%}" for alpha in ALPHAS)]
    print(
        f"{'':25}" + "".join(f"{f'── at {rate} ':─<{width}}" for rate, width in zip(rates, (33, 36, 30), strict=True))
    )
    heads = f"{'ours':>8} {'kayenta':>7}"
    print(f"{'':25}{'rate':>10} {heads}      " + f"{heads}{'welch':>7}{'fixed':>7}      " * len(ALPHAS))
    lost, above, places = 0, 0, 0
    for name in sorted({name for one in scored for name in one.classes}):
        members = [one for one in scored if name in one.classes]
        null = np.array([one.scores for one in members if one.change == "none"])
        own = float(np.mean([one.verdict is Verdict.DEGRADED for one in members if one.change == "none"]))
        for change in sorted({one.change for one in members if one.has_effect}):
            changed = np.array([one.scores for one in members if one.change == change and one.has_effect])
            line = f"{name:14} {change:10} {own:9.2%} "
            for place, alpha in enumerate((own, *ALPHAS)):
                caught = changed > thresholds(null, alpha)
                mark = _mark(null[:, :2], changed[:, :2], alpha)
                lost, above, places = lost + (mark == "▼"), above + (mark == "▲"), places + 1
                shares = caught.mean(axis=0)[: None if place else 2]
                line += f" {shares[0]:7.1%}{mark}" + "".join(f"{share:7.1%}" for share in shares[1:]) + "      "
            print(line.rstrip())
    print(f"\nbeside kayenta in {places} places: more power in {above}, less in {lost}; in the others none is shown")
    return lost


def thresholds(null: np.ndarray, alpha: float) -> np.ndarray:
    """For each rule the score above which at most a share alpha of the unchanged pairs lies; `null` is (pairs, rules).

    >>> thresholds(np.array([[1.0], [2.0], [3.0], [4.0]]), 0.25)
    array([3.])
    """
    ordered = np.sort(null, axis=0)[::-1]
    return ordered[min(math.floor(alpha * len(null) + 1e-9), len(null) - 1)]


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, JASA 22, 1927)."""
    if n == 0:
        return 0.0, 1.0
    z = 1.959964
    centre = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return max(0.0, centre - half), min(1.0, centre + half)


def _mark(null: np.ndarray, changed: np.ndarray, alpha: float) -> str:
    """Which of two rules has more power, where both the unchanged and the changed pairs might have been others."""
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(DRAWS):
        cut = thresholds(null[rng.integers(0, len(null), len(null))], alpha)
        again = changed[rng.integers(0, len(changed), len(changed))]
        ours, theirs = (again > cut).mean(axis=0)
        gains.append(ours - theirs)
    low, high = np.quantile(gains, [SURE, 1 - SURE])
    return "▲" if low > 0 else "▼" if high < 0 else " "
