"""How often does `compare` cry wolf, and how often does it miss? Simulated pairs whose truth is known.

    python benchmarks/compare.py [--pairs 2000] [--seed 0] [--tolerance 0.2]

Every pair is a current window of 15 minutes in steps of 15 s against a baseline: for the seasonal process the same hour
of four earlier weeks, pooled, each with a level of its own; for the others the 15 minutes of a day before. Half of the
pairs did not change. Each pair is a latency as a histogram of requests or as a gauge, by turns.
Prints, per class, the share judged `degraded` with its 95 % Wilson interval; exits 1 where a class without change has
more than 5 %. The frames come from `simulate`, so another path (a scraped page, PromQL) can be fed the same pairs.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from console.analysis.compare import compare
from console.analysis.frames import concatenate
from console.model import NO_LABELS, Direction, Frame, Kind, Series, SeriesKey, Stat, Verdict

STEP = 15.0
STEPS = 60
DAY, WEEK = 86400.0, 604800.0
START = 1_760_000_000.0
WEEKS = 4
EDGES = (*np.round(np.geomspace(0.01, 10.0, 25), 4).tolist(), math.inf)
MOST_FALSE = 0.05

PROCESSES = ("iid", "ar .5", "ar .9", "seasonal")
STATS: tuple[Stat, ...] = ("p50", "p95")
CONDITIONS = ("plain", "few", "gaps", "zeros")
CHANGES = ("mean ×1.5", "tail ×4")
KINDS = (Kind.HISTOGRAM, Kind.GAUGE)
PHI = {"iid": 0.0, "ar .5": 0.5, "ar .9": 0.9, "seasonal": 0.5}


@dataclass(frozen=True, slots=True)
class Case:
    """What one pair is made of."""

    process: str
    stat: Stat
    condition: str
    change: str  # "none" or one of CHANGES
    kind: Kind


@dataclass(frozen=True, slots=True)
class Simulated:
    """One pair of windows and what is true of it."""

    case: Case
    current: Frame
    baseline: Frame


def cases(pairs: int) -> Iterator[Case]:
    """As many cases as asked for, every second one without change, all classes by turns."""
    nothing = itertools.cycle(itertools.product(KINDS, PROCESSES, STATS, CONDITIONS))
    something = itertools.cycle(itertools.product(KINDS, CHANGES, PROCESSES, STATS, CONDITIONS))
    for number in range(pairs):
        if number % 2 == 0:
            kind, process, stat, condition = next(nothing)
            yield Case(process, stat, condition, "none", kind)
        else:
            kind, change, process, stat, condition = next(something)
            yield Case(process, stat, condition, change, kind)


def simulate(case: Case, rng: np.random.Generator) -> Simulated:
    """One pair of frames in increase form."""
    offsets = [WEEK * week for week in range(WEEKS, 0, -1)] if case.process == "seasonal" else [DAY]
    baseline = concatenate([_window(case, START - offset, False, rng) for offset in offsets])
    return Simulated(case, _window(case, START, case.change != "none", rng), baseline)


def judge(pair: Simulated, tolerance: float) -> Verdict:
    """What `compare` says of it."""
    kind = "seasonal" if pair.case.process == "seasonal" else "offset"
    (found,) = compare(
        pair.current, pair.baseline, stat=pair.case.stat, tolerance=tolerance, bad=Direction.UP, baseline_kind=kind
    )
    return found.verdict


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, JASA 22, 1927)."""
    if n == 0:
        return 0.0, 1.0
    z = 1.959964
    centre = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return max(0.0, centre - half), min(1.0, centre + half)


# ── the processes ────────────────────────────────────────────────────────────────────────────────────────────────────


def _window(case: Case, start: float, changed: bool, rng: np.random.Generator) -> Frame:
    steps = {Kind.GAUGE: 16, Kind.HISTOGRAM: 12}[case.kind] if case.condition == "few" else STEPS
    times = start + STEP * np.arange(1, steps + 1)
    level = 0.2 * np.exp(_wander(case, steps, rng))
    if case.process == "seasonal":
        # The day's curve, and a week that is a little different from every other week.
        level = level * (1 + 0.3 * np.sin(2 * np.pi * times / DAY)) * np.exp(rng.normal(0, 0.08))
    if changed and case.change == "mean ×1.5":
        level = level * 1.5
    tail = 0.1 if changed and case.change == "tail ×4" else 0.0
    make = _histogram if case.kind is Kind.HISTOGRAM else _gauge
    series = make(case, level, tail, rng)
    if case.condition == "gaps":
        hole = rng.integers(0, steps - 8)
        blank = (rng.random(steps) < 0.2) | ((np.arange(steps) >= hole) & (np.arange(steps) < hole + 8))
        series.values[blank] = np.nan
        if series.sums is not None:
            series.sums[blank] = np.nan
    return Frame(times, STEP, (series,))


def _wander(case: Case, steps: int, rng: np.random.Generator) -> np.ndarray:
    """A stationary AR(1) on the log scale: sd 0.3 for a gauge, 0.15 where requests add their own spread."""
    phi = PHI[case.process]
    spread = 0.3 if case.kind is Kind.GAUGE else 0.15
    shocks = rng.normal(0, 1, steps)
    walk = np.empty(steps)
    walk[0] = shocks[0]
    for at in range(1, steps):
        walk[at] = phi * walk[at - 1] + math.sqrt(1 - phi**2) * shocks[at]
    return spread * walk


def _gauge(case: Case, level: np.ndarray, tail: float, rng: np.random.Generator) -> Series:
    values = np.where(rng.random(level.size) < tail, 4 * level, level)
    if case.condition == "zeros":
        values = np.where(rng.random(level.size) < 0.3, 0.0, values)
    return Series(SeriesKey("model.latency", NO_LABELS, Kind.GAUGE), values)


def _histogram(case: Case, level: np.ndarray, tail: float, rng: np.random.Generator) -> Series:
    rate = np.full(level.size, 6.0 if case.condition == "few" else 20.0)
    if case.condition == "zeros":
        rate = np.where(rng.random(level.size) < 0.5, 0.0, rate)
    counts = rng.poisson(rate)
    step = np.repeat(np.arange(level.size), counts)
    seconds = level[step] * np.exp(rng.normal(0, 0.5, step.size))
    seconds = np.where(rng.random(step.size) < tail, 4 * seconds, seconds)
    values = np.zeros((level.size, len(EDGES)))
    np.add.at(values, (step, np.searchsorted(EDGES, seconds)), 1)
    sums = np.bincount(step, weights=seconds, minlength=level.size)
    return Series(SeriesKey("model.latency", NO_LABELS, Kind.HISTOGRAM, EDGES), values, sums)


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tolerance", type=float, default=0.2)
    chosen = parser.parse_args()
    rng = np.random.default_rng(chosen.seed)
    began = time.perf_counter()
    heard: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    everything: dict[str, list[Verdict]] = defaultdict(list)
    for case in cases(chosen.pairs):
        verdict = judge(simulate(case, rng), chosen.tolerance)
        everything[case.change].append(verdict)
        for name in (f"{case.process} {case.stat}", case.condition, str(case.kind)):
            heard[(case.change, name)].append(verdict)
    seconds = time.perf_counter() - began
    worst = _print(heard, everything, chosen.tolerance)
    print(f"\n{chosen.pairs} pairs, seed {chosen.seed}, {seconds:.1f} s, {1000 * seconds / chosen.pairs:.1f} ms a pair")
    return 1 if worst > MOST_FALSE else 0


def _print(
    heard: dict[tuple[str, str], list[Verdict]], everything: dict[str, list[Verdict]], tolerance: float
) -> float:
    print(f"tolerance {tolerance:.0%}; share judged degraded with its 95 % Wilson interval; n/d: no_data\n")
    worst = 0.0
    for change in ("none", *CHANGES):
        print(f"── {'no change: false degraded' if change == 'none' else f'{change}: power'} " + "─" * 40)
        rows = [(name, verdicts) for (one, name), verdicts in heard.items() if one == change]
        for name, verdicts in [*sorted(rows), ("all", everything[change])]:
            judged = [one for one in verdicts if one is not Verdict.NO_DATA]
            hits = sum(one is Verdict.DEGRADED for one in judged)
            low, high = wilson(hits, len(judged))
            share = hits / len(judged) if judged else 0.0
            unsure = sum(one is Verdict.INCONCLUSIVE for one in judged)
            if change == "none":
                worst = max(worst, share)
            print(
                f"{name:14} {len(verdicts):5} pairs  {share:6.1%}  [{low:6.1%}, {high:6.1%}]"
                f"   inconclusive {unsure:4}   n/d {len(verdicts) - len(judged):4}"
            )
    print(f"\nworst class without change: {worst:.1%} (at most {MOST_FALSE:.0%} allowed)")
    return worst


if __name__ == "__main__":
    raise SystemExit(main())
