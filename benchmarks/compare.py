"""How often does `compare` cry wolf, and how often does it miss? Simulated pairs whose truth is known, peers beside it.

    python benchmarks/compare.py [--pairs 28800] [--seed 0] [--tolerance 0.2]

Every pair is a current window of 15 minutes in steps of 15 s against a baseline: for the seasonal process the same hour
of four earlier weeks, pooled, each with a level of its own; for the others the 15 minutes of a day before. Half of the
pairs did not change. Each pair is a latency as a histogram of requests, as a gauge, or as the rows of a file without a
time, by turns. The frames come from `simulate`, so another path (a scraped page, PromQL) can be fed the same pairs.

The first table: per class, the share judged `degraded` with its 95 % Wilson interval. Exits 1 where a class without
change has more than 5 %.

The second table: power beside Kayenta's judge (`_kayenta.py`) at matched false-positive rates. Every rule answers a
score for every pair (ours: the p-value against "no worse than the tolerance"; Kayenta's: the confidence at which its
interval of the shift still clears its 25 %, the effect size held at our tolerance; Welch: t; fixed: the ratio of
means). For each class and each rule anew, the threshold on the score is moved to where at most a share alpha of that
class' unchanged pairs lies above it; power is the share of the changed pairs above the same threshold. What a rule
cannot judge is never above it. alpha is our own measured rate in that class, 1 % and 5 %. Only changes of at least
twice the tolerance count: the mean ×1.5 for every statistic; the tail ×4 (of a tenth of the values) for p95 alone, for
it hardly moves the median. A rule that reads one value per step gets what it would get in the field: of a histogram,
the quantile asked for, computed in each step. ▲ and ▼: ours has more, or less, power than Kayenta's, by the 95 %
interval of their difference over bootstrap draws of the unchanged pairs (which move both thresholds) and of the changed
ones. Exits 1 where there is a ▼.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if __package__ in (None, ""):
    if __name__ == "__main__":
        sys.path.pop(0)  # this folder, whose console.py is another
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._kayenta import PASS, fixed, kayenta, welch
from benchmarks._matched import Scored, print_matched, wilson
from console.analysis.compare import measured
from console.analysis.frames import concatenate
from console.analysis.samples import Samples
from console.analysis.samples import measured as measured_rows
from console.analysis.series.quantiles import histogram_quantile
from console.analysis.series.statistic import QUANTILES
from console.analysis.series.verdicts import Limits, Measured, judged
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
ROWS = "rows"  # of a file: neither a kind of series nor a process in time
SIZES = {"plain": 200, "few": 16, "gaps": 60, "zeros": 60}  # of rows
AT_ONCE = 2  # processes
PARTS = 16
PHI = {"iid": 0.0, "ar .5": 0.5, "ar .9": 0.9, "seasonal": 0.5}


@dataclass(frozen=True, slots=True)
class Case:
    """What one pair is made of."""

    process: str
    stat: Stat
    condition: str
    change: str  # "none" or one of CHANGES
    kind: str  # of its series, or ROWS

    @property
    def has_effect(self) -> bool:
        """Whether the statistic moved by at least twice the tolerance."""
        return self.change == "mean ×1.5" or (self.change == "tail ×4" and self.stat == "p95")

    @property
    def classes(self) -> tuple[str, ...]:
        kind = () if self.kind == ROWS else (str(self.kind),)
        return f"{self.process} {self.stat}", self.condition, *kind, "all"


@dataclass(frozen=True, slots=True)
class Simulated:
    """One pair of windows, or of files, and what is true of it."""

    case: Case
    current: Frame | Samples
    baseline: Frame | Samples


def cases(pairs: int) -> Iterator[Case]:
    """As many cases as asked for, every second one without change, all classes by turns."""
    made = [*itertools.product(KINDS, PROCESSES), (ROWS, ROWS)]
    nothing = itertools.cycle(itertools.product(made, STATS, CONDITIONS))
    something = itertools.cycle(itertools.product(made, CHANGES, STATS, CONDITIONS))
    for number in range(pairs):
        if number % 2 == 0:
            (kind, process), stat, condition = next(nothing)
            yield Case(process, stat, condition, "none", kind)
        else:
            (kind, process), change, stat, condition = next(something)
            yield Case(process, stat, condition, change, kind)


def simulate(case: Case, rng: np.random.Generator) -> Simulated:
    """One pair of frames in increase form, or of the rows of two files."""
    if case.kind == ROWS:
        law = rng.choice(("lognormal", "gamma"))  # the same on both sides
        return Simulated(case, _rows(case, law, case.change, rng), _rows(case, law, "none", rng))
    offsets = [WEEK * week for week in range(WEEKS, 0, -1)] if case.process == "seasonal" else [DAY]
    baseline = concatenate([_window(case, START - offset, False, rng) for offset in offsets])
    return Simulated(case, _window(case, START, case.change != "none", rng), baseline)


def judge(pair: Simulated, tolerance: float) -> Verdict:
    """What `compare` says of it."""
    return judged([_measured(pair, tolerance)])[0].verdict


def score(pair: Simulated, tolerance: float) -> Scored:
    """What `compare` says of it, and the scores of all rules."""
    one, case = _measured(pair, tolerance), pair.case
    a, b = _points(pair.baseline, case.stat), _points(pair.current, case.stat)
    scores = _surety(one), kayenta(a, b, allowed=tolerance), welch(a, b), fixed(a, b)
    return Scored(case.change, case.classes, case.has_effect, judged([one])[0].verdict, scores)


def _measured(pair: Simulated, tolerance: float) -> Measured:
    case, limits = pair.case, Limits(tolerance, Direction.UP)
    if isinstance(pair.current, Samples) and isinstance(pair.baseline, Samples):
        return measured_rows(pair.current, pair.baseline, case.stat, limits)
    assert isinstance(pair.current, Frame) and isinstance(pair.baseline, Frame)
    kind = "seasonal" if case.process == "seasonal" else "offset"
    (one,) = measured(pair.current, pair.baseline, case.stat, limits, baseline_kind=kind)
    return one


def _surety(one: Measured) -> float:
    """The higher, the surer: minus the p-value, and how many standard errors where that is as good as 0."""
    found = one.contrast
    if found is None or not found.is_higher:
        return PASS
    return -found.p_higher if found.p_higher > 1e-12 else (found.shift - found.margin) / found.minus


def _points(side: Frame | Samples, stat: Stat) -> np.ndarray:
    """The rows of a file, or one value per step, as a rule without histograms would ask for it."""
    if isinstance(side, Samples):
        return side.values
    series = side.series[0]
    if series.key.kind is Kind.GAUGE:
        return series.values
    edges = np.asarray(series.key.edges)
    return np.array([float(histogram_quantile(np.nan_to_num(row), edges, QUANTILES[stat])) for row in series.values])


# ── the processes ────────────────────────────────────────────────────────────────────────────────────────────────────


def _window(case: Case, start: float, changed: bool, rng: np.random.Generator) -> Frame:
    steps = {Kind.GAUGE: 16, Kind.HISTOGRAM: 12}[Kind(case.kind)] if case.condition == "few" else STEPS
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


def _rows(case: Case, law: str, change: str, rng: np.random.Generator) -> Samples:
    """Latencies, in no order."""
    size = SIZES[case.condition]
    values = rng.lognormal(0, 0.5, size) if law == "lognormal" else rng.gamma(2, 0.5, size)
    if change == "mean ×1.5":
        values = values * 1.5
    if change == "tail ×4":
        values = np.where(rng.random(size) < 0.1, 4 * values, values)
    if case.condition == "gaps":
        values = np.where(rng.random(size) < 0.2, np.nan, values)
    if case.condition == "zeros":
        values = np.where(rng.random(size) < 0.3, 0.0, values)
    return Samples.of("latency", values)


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=28800)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tolerance", type=float, default=0.2)
    chosen = parser.parse_args()
    began = time.perf_counter()
    scored = _scored(chosen.pairs, chosen.seed, chosen.tolerance)
    seconds = time.perf_counter() - began
    worst = _print(scored, chosen.tolerance)
    lost = print_matched(scored)
    print(f"\n{chosen.pairs} pairs, seed {chosen.seed}, {seconds:.1f} s in {AT_ONCE} processes")
    return 1 if worst > MOST_FALSE or lost else 0


def _scored(pairs: int, seed: int, tolerance: float) -> list[Scored]:
    """The same for the same seed, whatever runs where."""
    chosen = list(cases(pairs))
    parts = [chosen[place::PARTS] for place in range(PARTS)]
    with ProcessPoolExecutor(AT_ONCE) as pool:
        done = pool.map(_part, parts, [(seed, place) for place in range(PARTS)], [tolerance] * PARTS)
        return [one for part in done for one in part]


def _part(part: Sequence[Case], seed: tuple[int, int], tolerance: float) -> list[Scored]:
    rng = np.random.default_rng(seed)
    return [score(simulate(case, rng), tolerance) for case in part]


def _print(scored: Sequence[Scored], tolerance: float) -> float:
    heard: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for one in scored:
        for name in one.classes:
            heard[one.change, name].append(one.verdict)
    print(f"tolerance {tolerance:.0%}; share judged degraded with its 95 % Wilson interval; n/d: no_data\n")
    worst = 0.0
    for change in ("none", *CHANGES):
        print(f"── {'no change: false degraded' if change == 'none' else f'{change}: power'} " + "─" * 40)
        for name, verdicts in sorted((name, said) for (one, name), said in heard.items() if one == change):
            decided = [one for one in verdicts if one is not Verdict.NO_DATA]
            hits = sum(one is Verdict.DEGRADED for one in decided)
            low, high = wilson(hits, len(decided))
            share = hits / len(decided) if decided else 0.0
            unsure = sum(one is Verdict.INCONCLUSIVE for one in decided)
            if change == "none":
                worst = max(worst, share)
            print(
                f"{name:14} {len(verdicts):5} pairs  {share:6.1%}  [{low:6.1%}, {high:6.1%}]"
                f"   inconclusive {unsure:4}   n/d {len(verdicts) - len(decided):4}"
            )
    print(f"\nworst class without change: {worst:.1%} (at most {MOST_FALSE:.0%} allowed)")
    return worst


if __name__ == "__main__":
    raise SystemExit(main())
