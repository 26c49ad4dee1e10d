"""How well does andon know how well a model answers? Simulated windows whose truth is known.

    python benchmarks/performance.py [--windows 80] [--seed 0]

Tables: alarms without a change and with one, and where accuracy wanders by itself; how often a 95 % interval holds the
true difference; what estimates without labels are worth when rows get harder and when what is right changes, with
NannyML's CBPE and its realised performance beside on the same windows; what labels that come late for some rows do;
CPU seconds of counting a file.
NannyML is run from .venv-nannyml where that is there. Exits 1 where more than 2 % of quiet windows raise an alarm.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from answers import of_classes, of_numbers, of_scores, record  # noqa: E402

from console.analysis.answers.differences import interval  # noqa: E402
from console.analysis.answers.metrics import readings  # noqa: E402
from console.analysis.answers.outcomes import added  # noqa: E402
from console.analysis.performance import performance  # noqa: E402
from console.model import Grid, Outcomes, Performance, Record, Verdict  # noqa: E402
from console.sources.options import TableOptions  # noqa: E402
from console.sources.tables import Table  # noqa: E402
from console.sources.types import OutcomesRequest  # noqa: E402

NANNYML = ROOT / ".venv-nannyml" / "bin" / "python"
BASELINE = 8000
BASELINES = 3  # windows are judged against so many different ones
LARGE = 400_000  # rows that tell the truth
MOST_FALSE = 0.02
PETS = Grid("classes", ("a", "b", "c", "d", "e"))
BINARY = Grid("classes", ("0", "1"))
NUMBERS = Grid("numbers", (), tuple(np.linspace(30, 70, 19).tolist()), 50.0)

Rows = tuple[np.ndarray, np.ndarray]
"""Answers and labels, shape (rows,)."""


def scores(n: int, rng: np.random.Generator, *, sure: float = 2.0, level: float = 0.0, wrong: float = 0.0) -> Rows:
    """Calibrated probabilities, and labels of which a share is flipped."""
    score = np.round(1 / (1 + np.exp(-rng.normal(level, sure, n))), 6)
    label = (rng.random(n) < score).astype(float)
    return score, np.where(rng.random(n) < wrong, 1 - label, label)


def rare(n: int, rng: np.random.Generator, *, wrong: float = 0.0) -> Rows:
    """Six positives in a hundred."""
    return scores(n, rng, level=-4.0, wrong=wrong)


def binary(n: int, rng: np.random.Generator, *, right: float = 0.9) -> Rows:
    truth = (rng.random(n) < 0.2).astype(int)
    return np.where(rng.random(n) < right, truth, 1 - truth).astype(str), truth.astype(str)


def classes(n: int, rng: np.random.Generator, *, right: float = 0.9) -> Rows:
    truth = rng.choice(list("abcde"), n, p=[0.5, 0.25, 0.15, 0.07, 0.03])
    return np.where(rng.random(n) < right, truth, rng.choice(list("abcde"), n)), truth


def numbers(n: int, rng: np.random.Generator, *, off: float = 1.0) -> Rows:
    answer = rng.normal(50, 10, n)
    return answer, answer + rng.standard_t(4, n) * 2 * off


@dataclass(frozen=True, slots=True)
class Model:
    """A kind of answers, and what makes five points of accuracy (a sixth of the error) of it."""

    name: str
    draw: Callable[..., Rows]
    count: Callable[[np.ndarray, np.ndarray], Outcomes]
    worse: Mapping[str, float] = field(default_factory=dict)


MODELS = (
    Model("scores", scores, of_scores, {"wrong": 0.09}),
    Model("rare positives", rare, of_scores, {"wrong": 0.05}),
    Model("two classes", binary, lambda a, b: of_classes(a, b, BINARY), {"right": 0.85}),
    Model("five classes", classes, lambda a, b: of_classes(a, b, PETS), {"right": 0.9 - 0.05 / 0.66}),
    Model("numbers", numbers, lambda a, b: of_numbers(a, b, NUMBERS), {"off": 7 / 6}),
)


# ── alarms ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def alarms(windows: int, seed: int) -> float:
    """Print the shares of windows judged degraded; the largest one without a change, at its lower Wilson limit."""
    print("\nalarms: share of windows judged degraded [95 % Wilson interval]")
    print(f"{'model':<16}{'labels':>7}  {'no change':<22}{'same, 6 segments':<22}{'five points worse':<22}")
    worst = 0.0
    for model in MODELS:
        for size in (100, 500, 2000):
            quiet = [found.verdict is Verdict.DEGRADED for found in _judged(model, size, windows, seed)]
            parted = [
                found.verdict is Verdict.DEGRADED for found in _judged(model, size, windows // 2, seed, segments=6)
            ]
            worse = [
                found.verdict is Verdict.DEGRADED
                for found in _judged(model, size, windows // 2, seed + 1, change=model.worse)
            ]
            print(f"{model.name:<16}{size:>7}  {_share(quiet):<22}{_share(parted):<22}{_share(worse):<22}")
            worst = max(worst, _wilson(quiet)[0], _wilson(parted)[0])
    return worst


def _judged(
    model: Model, size: int, windows: int, seed: int, *, segments: int = 0, change: Mapping[str, float] | None = None
) -> Iterator[Performance]:
    for number in range(windows):
        rng = np.random.default_rng([seed, size, number])
        before, now = model.draw(BASELINE, rng), model.draw(size, rng, **(change or {}))
        yield performance(_record(model, now, segments, rng), _record(model, before, segments, rng))


def _record(model: Model, rows: Rows, segments: int, rng: np.random.Generator) -> Record:
    if not segments:
        return record(model.count(*rows))
    of = rng.integers(0, segments, rows[0].size)
    parts = {f"s{at}": model.count(rows[0][of == at], rows[1][of == at]) for at in range(segments)}
    return record(added(list(parts.values())), {"site": parts})


WANDERING = (  # name, correlation of neighbouring hours, spread of accuracy between hours, swing over the day
    ("still", 0.0, 0.0, 0.0),
    ("each hour its own", 0.0, 0.03, 0.0),
    ("slowly", 0.95, 0.03, 0.0),
    ("with the hour of the day", 0.0, 0.0, 0.05),
)


def wandering(windows: int, seed: int) -> None:
    """Print the alarms where accuracy wanders from hour to hour by itself, with the steps that show it and without."""
    print("\nan accuracy that wanders: a week of hours with 60 labels each, then 6 hours; share judged degraded")
    for name, phi, spread, daily in WANDERING:
        stepped, whole = [], []
        for number in range(windows):
            rng = np.random.default_rng([seed, 19, number])
            baseline = _hours(24 * 7, 0, rng, phi, spread, daily)
            now = _hours(6, int(rng.integers(24)), rng, phi, spread, daily)
            stepped.append(performance(now, baseline).verdict is Verdict.DEGRADED)
            whole.append(performance(record(now.whole), record(baseline.whole)).verdict is Verdict.DEGRADED)
        print(f"{name:<26} with steps {_share(stepped):<22} without {_share(whole)}")


def _hours(hours: int, first: int, rng: np.random.Generator, phi: float, spread: float, daily: float) -> Record:
    steps, level = {}, rng.normal(0, spread)
    for hour in range(hours):
        level = phi * level + rng.normal(0, spread * math.sqrt(1 - phi**2))
        right = float(np.clip(0.85 + level + daily * math.sin(2 * math.pi * (first + hour) / 24), 0.5, 0.99))
        steps[3600.0 * hour] = of_classes(*binary(60, rng, right=right), BINARY)
    return record(added(list(steps.values())), None, steps, 3600.0)


# ── intervals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def coverage(windows: int, seed: int) -> None:
    """Print how often the interval of a difference holds the true one."""
    print("\nintervals: share of 95 % intervals of current - baseline that hold the truth, 1,000 labels, worse model")
    for model in MODELS:
        rng = np.random.default_rng([seed, 99])
        usual, truth = (readings(model.count(*model.draw(LARGE, rng, **how))) for how in ({}, model.worse))
        held: dict[str, list[bool]] = {}
        for number in range(windows):
            rng = np.random.default_rng([seed, 7, number])
            before = readings(model.count(*model.draw(BASELINE, rng)))
            now = readings(model.count(*model.draw(1000, rng, **model.worse)))
            for key in truth:
                if key in now and key in before and now[key].is_known(key[0]):
                    low, high = interval(before[key], now[key])
                    inside = low <= truth[key].value - usual[key].value <= high
                    held.setdefault(key[0], []).append(inside)
        print(f"{model.name:<16}" + "  ".join(f"{name} {np.mean(one):.2f}" for name, one in held.items()))


# ── estimates ────────────────────────────────────────────────────────────────────────────────────────────────────────

SITUATIONS: Mapping[str, Mapping[str, float]] = {
    "no change": {},
    "harder rows": {"sure": 1.4},
    "more positives": {"level": 0.8},
    "concept drift, labels flipped": {"wrong": 1.0},
    "concept drift, a tenth flipped": {"wrong": 0.1},
}


def estimates(windows: int, seed: int) -> None:
    """Print what is said without labels, and with them, beside NannyML on the very same windows."""
    size, each = 2000, max(1, windows // BASELINES)
    cases: dict[str, np.ndarray] = {}
    for at, (name, change) in enumerate(SITUATIONS.items()):
        for number in range(BASELINES):
            rng = np.random.default_rng([seed, 13, at, number])
            cases[f"{name}/{number}.baseline"] = np.stack(scores(BASELINE, rng), axis=1)
            cases[f"{name}/{number}.windows"] = np.stack(
                [np.stack(scores(size, rng, **change), axis=1) for _ in range(each)]
            )
    peer = _nannyml(cases)
    print(f"\nscores, {size} rows a window, {each * BASELINES} windows: without labels (estimated), and with them")
    print(f"{'':<32}{'true':>6} │ {'andon':>6}{'off by':>8}{'inside':>8}{'doubt':>7}{'cleared':>9}{'degraded':>10} │ "
          f"{'CBPE':>6}{'off by':>8}{'alarm':>7}{'with labels':>13}")  # fmt: skip
    for name in SITUATIONS:
        columns = ("true", "value", "off", "in", "doubt", "cleared", "degraded")
        ours: dict[str, list[float]] = {key: [] for key in columns}
        theirs: dict[str, list[float]] = {key: [] for key in ("value", "off", "alarm", "labelled")}
        for number in range(BASELINES):
            baseline = record(of_scores(*cases[f"{name}/{number}.baseline"].T))
            found = peer.get(f"{name}/{number}")
            for at, window in enumerate(cases[f"{name}/{number}.windows"]):
                score, label = window.T
                true = float(np.mean((score >= 0.5) == label))
                blind = performance(record(of_scores(score, np.full(size, np.nan))), baseline)
                accuracy = next(one for one in blind.estimated if one.name == "accuracy")
                low, high = accuracy.current_interval or (0.0, 1.0)
                value = accuracy.current or 0.0
                ours["true"].append(true)
                ours["value"].append(value)
                ours["off"].append(abs(value - true))
                noise = 2 * math.sqrt(true * (1 - true) / size)  # of the truth itself, which is of so many rows
                ours["in"].append(low - noise <= true <= high + noise)
                ours["doubt"].append(blind.verdict is Verdict.INCONCLUSIVE)
                ours["cleared"].append(blind.verdict is Verdict.OK)
                ours["degraded"].append(
                    performance(record(of_scores(score, label)), baseline).verdict is Verdict.DEGRADED
                )
                if found:
                    theirs["value"].append(found["accuracy"][at])
                    theirs["off"].append(abs(found["accuracy"][at] - true))
                    theirs["alarm"].append(found["estimated_alarms"][at])
                    theirs["labelled"].append(found["alarms"][at])
        a = {key: statistics.mean(values) for key, values in ours.items()}
        line = (f"{name:<32}{a['true']:>6.3f} │ {a['value']:>6.3f}{a['off']:>8.4f}{a['in']:>8.2f}{a['doubt']:>7.2f}"
                f"{a['cleared']:>9.2f}{a['degraded']:>10.2f} │ ")  # fmt: skip
        if theirs["value"]:
            b = {key: statistics.mean(values) for key, values in theirs.items()}
            line += f"{b['value']:>6.3f}{b['off']:>8.4f}{b['alarm']:>7.2f}{b['labelled']:>13.2f}"
        print(line)
    if not peer:
        print("NannyML is not installed (.venv-nannyml): nothing beside")


def _nannyml(cases: Mapping[str, np.ndarray]) -> dict[str, dict[str, list[float]]]:
    if not NANNYML.exists():
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "windows.npz"
        np.savez(path, **dict(cases))
        script = Path(__file__).with_name("_nannyml_performance.py")
        done = subprocess.run([str(NANNYML), str(script), str(path)], capture_output=True, text=True, timeout=300)
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1], file=sys.stderr)
        return {}
    answer: dict[str, dict[str, list[float]]] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


# ── late labels ──────────────────────────────────────────────────────────────────────────────────────────────────────


def late_labels(windows: int, seed: int) -> None:
    """Print what is said while the labels of rows with high scores wait longer."""
    print("\nlate labels: an unchanged model, 4,000 rows; a row waits with a chance of half its score, or of all of it")
    for waits in (0.5, 1.0):
        plain, carried, said = [], [], []
        for number in range(windows):
            rng = np.random.default_rng([seed, 17, number])
            baseline = record(of_scores(*scores(BASELINE, rng)))
            score, label = scores(4000, rng)
            true = float(np.mean(score[label == 1] >= 0.5))
            label = np.where(rng.random(4000) < waits * score, np.nan, label)
            found = performance(record(of_scores(score, label)), baseline)
            recall = {one.name: one.current or 0.0 for one in found.metrics}["recall"]
            counted = {one.name: one.current or 0.0 for one in found.as_labelled or found.metrics}["recall"]
            plain.append(abs(counted - true))
            carried.append(abs(recall - true))
            said.append(found.verdict is Verdict.DEGRADED)
        off = (
            f"recall of the labelled rows is off by {np.mean(plain):.3f}, carried over to all by {np.mean(carried):.3f}"
        )
        print(f"waits {waits:.1f} × score: {off}; false alarms {_share(said)}")


# ── cost ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def cost(seed: int) -> None:
    """Print what counting and judging 1 M × 1 M rows of Parquet takes."""
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.parquet"
        duckdb.execute(f"SELECT setseed({(seed % 100) / 100})")
        duckdb.execute(
            "COPY (SELECT score, (random() < score)::INT AS label, 'site ' || (random() * 8)::INT AS site, "
            "1700000000 + random() * 86400 AS time FROM (SELECT random() AS score FROM range(1000000))) "
            f"TO '{path}' (FORMAT parquet)"
        )
        for name, more in (("scores", {}), ("scores, by site and in 96 steps", {"by": ("site",), "every": 900.0})):
            source = Table("answers", TableOptions(path=str(path)))
            times = []
            for _ in range(5):
                began = _cpu()
                baseline = source.outcomes(OutcomesRequest("label", "score", **more))
                counted = _cpu()
                current = source.outcomes(OutcomesRequest("label", "score", like=baseline, **more))
                again = _cpu()
                performance(current, baseline)
                times.append((counted - began, again - counted, _cpu() - again))
            first, like, judging = (statistics.median(one) for one in zip(*times, strict=True))
            took = f"baseline {first:.2f} s, current {like:.2f} s, judged in {judging:.3f} s"
            print(f"{name:<34} {took} (CPU, 1 M rows each)")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


# ── shares ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _share(hits: Sequence[bool]) -> str:
    low, high = _wilson(hits)
    return f"{np.mean(hits):.3f} [{low:.3f}, {high:.3f}]"


def _wilson(hits: Sequence[bool]) -> tuple[float, float]:
    from console.analysis.answers.metrics import wilson

    return wilson(float(np.mean(hits)), len(hits), 1.96)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    worst = alarms(options.windows, options.seed)
    wandering(options.windows // 2, options.seed)
    coverage(options.windows, options.seed)
    estimates(options.windows // 4, options.seed)
    late_labels(options.windows // 4, options.seed)
    print("\ncost")
    cost(options.seed)
    return int(worst > MOST_FALSE)


if __name__ == "__main__":
    sys.exit(main())
