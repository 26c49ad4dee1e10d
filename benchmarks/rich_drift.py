"""How often do text and embedding columns cry wolf, and what do they see? Beside a domain classifier.

    python benchmarks/rich_drift.py [--windows 24] [--seed 0]

A column is a baseline of 20,000 rows and windows of 50 to 20,000, judged by `drift` alone in its table. Prints the
share of windows without change that raise anything, and of changed ones that are found, with 95 % Wilson intervals;
then CPU seconds, the size of a baseline, and how many sentences are told their language. The classifier is linear
discriminant analysis of both sides' rows (ridge, two folds, area under the ROC curve against Mann-Whitney's null).
Exits 1 where more than 1 % of the windows without change raise anything, by the lower end of the interval.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # CPU seconds, not those that threads wait for each other

import numpy as np
import orjson

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    sys.path.append(str(Path(__file__).resolve().parent))

from _sentences import SENTENCES

from console.analysis.drift import drift
from console.model import ColumnProfile, Profile, Verdict
from console.sources.rich import facets, language_of

ROWS = 20_000
SIZES = (50, 200, 1000, 5000, 20_000)
BASELINES = 4
MOST_FALSE = 0.01
ALPHA = 0.01

Rng = np.random.Generator


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Vectors:
    """Unit vectors as encoders give them: far from the origin, in clusters, most of them in few directions."""

    width, clusters = 384, 30

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        decay = np.arange(1, self.width + 1)
        self.far = rng.normal(size=self.width) * 1.5
        self.spread = 2 * decay**-0.5
        self.reach = 1.2 * decay**-0.4
        self.centres = rng.normal(size=(self.clusters, self.width)) * self.reach
        self.weights = rng.dirichlet(np.full(self.clusters, 2.0))
        self.new = rng.normal(size=self.width) * self.reach
        self.aside = rng.normal(size=self.width) * self.reach
        self.way = rng.normal(size=self.width)
        self.way *= math.sqrt(float(np.sum(self.spread**2 + self.reach**2))) / np.linalg.norm(self.way)

    def draw(self, rows: int, rng: Rng, change: str = "", amount: float = 0.0) -> np.ndarray:
        """Rows after a change: `new` cluster, `mix` of clusters, `turn` of one (radians), `shift`, `noise`, `same`."""
        cluster = rng.choice(self.clusters, rows, p=self.weights)
        middle = int(np.argsort(self.weights)[self.clusters // 2])
        if change == "mix":
            cluster = np.where(rng.random(rows) < amount, middle, cluster)
        centres = self.centres
        if change == "turn":
            centres = centres.copy()
            centre = centres[int(np.argmax(self.weights))]
            aside = self.aside - self.aside @ centre / (centre @ centre) * centre
            aside *= np.linalg.norm(centre) / np.linalg.norm(aside)
            centre[:] = math.cos(amount) * centre + math.sin(amount) * aside
        found = centres[cluster]
        if change == "new":
            found[rng.random(rows) < amount] = self.new
        found = self.far + found + rng.normal(size=(rows, self.width)) * self.spread
        if change == "shift":
            found += amount * self.way
        if change == "noise":
            found += rng.normal(size=found.shape) * amount * np.linalg.norm(self.way) / math.sqrt(self.width)
        if change == "same":
            found[rng.random(rows) < amount] = found[0]
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


class Texts:
    """Texts of many topics, whose words follow Zipf's law; a third of a text's words are its topic's own."""

    words, topics, own = 6000, 20, 60

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        usual = 1 / np.arange(1, self.words + 1) ** 1.05
        shares = []
        for _ in range(self.topics + 1):
            share = usual / usual.sum()
            share[rng.choice(np.arange(60, self.words), self.own, replace=False)] += 0.35 / self.own
            shares.append(np.cumsum(share / share.sum()))
        self.upto = np.array(shares)
        syllables = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou"]
        spelled = rng.permutation(len(syllables) ** 3)[: self.words]
        self.names = np.array(["".join(syllables[at // 60**place % 60] for place in range(3)) for at in spelled])
        self.others = [one for language in ("de", "fr") for one in SENTENCES[language]]

    def draw(self, rows: int, rng: Rng, change: str = "", amount: float = 0.0) -> np.ndarray:
        """Rows after a change: `new` topic, `mix` of topics, `longer` by a factor, `language`, `same`."""
        topic = rng.integers(0, self.topics, rows)
        changed = rng.random(rows) < amount
        if change in ("new", "mix"):
            topic[changed] = self.topics if change == "new" else 3
        longer = 1 + amount if change == "longer" else 1.0
        sizes = np.maximum(3, rng.lognormal(3.2, 0.5, rows) * longer).astype(int)
        ends = np.cumsum(sizes)
        whose = np.repeat(topic, sizes)
        spoken = np.empty(whose.size, dtype=object)
        for one in range(self.topics + 1):
            held = whose == one
            drawn = np.searchsorted(self.upto[one], rng.random(int(held.sum())))
            spoken[held] = self.names[np.minimum(drawn, self.words - 1)]
        texts = [" ".join(spoken[end - size : end]) for end, size in zip(ends, sizes, strict=True)]
        if change == "language":
            texts = [self.others[rng.integers(8)] if one else text for one, text in zip(changed, texts, strict=True)]
        if change == "same":
            texts = [texts[0] if one else text for one, text in zip(changed, texts, strict=True)]
        return np.array(texts, dtype=object)


# ── judging ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def counted(values: np.ndarray, like: Profile | None = None) -> Profile:
    """One column and its facets, as a table of their own."""
    kind = "embedding" if values.ndim == 2 else "text"
    column = ColumnProfile("it", kind, "", len(values))
    return Profile((column, *facets("it", kind, values, like.columns if like else ())), len(values))


def judged(current: Profile, baseline: Profile) -> tuple[Verdict, str]:
    """(what `drift` says of the table, the facet that it says first)."""
    found = drift(current, baseline)
    return found.verdict, next(one.name.partition(" ")[2] for one in found.columns if one.name != "it")


def classified(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether a domain classifier tells the sides apart at ALPHA; of the larger side 4,000 rows."""
    rows = np.vstack([a[:4000], b[:4000]]).astype(np.float64)
    side = np.repeat([0, 1], [min(len(a), 4000), min(len(b), 4000)])
    fold = np.random.default_rng(0).integers(0, 2, side.size)
    z = 0.0
    for held in (0, 1):
        train, test = fold != held, fold == held
        means = [rows[train & (side == one)].mean(axis=0) for one in (0, 1)]
        centred = np.vstack([rows[train & (side == one)] - means[one] for one in (0, 1)])
        within = centred.T @ centred / len(centred)
        within += 0.01 * np.trace(within) / len(within) * np.eye(len(within))
        score = rows[test] @ np.linalg.solve(within, means[1] - means[0])
        rank = np.argsort(np.argsort(score)) + 1
        n, m = int((side[test] == 0).sum()), int((side[test] == 1).sum())
        u = rank[side[test] == 1].sum() - m * (m + 1) / 2
        z += (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(z / 2) / 2 <= ALPHA  # z is the sum of two


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    z, share = 1.96, hits / max(n, 1)
    middle, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z * z / n)), (middle + half) / (1 + z * z / n)


def shown(hits: int, n: int) -> str:
    low, high = wilson(hits, n)
    return f"{hits / n:5.3f} [{low:.3f}, {high:.3f}]"


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def quiet(world: Vectors | Texts, windows: int, rng: Rng) -> bool:
    """Windows without change, against several baselines; whether few enough raise anything."""
    fine = True
    baselines = [counted(world.draw(ROWS, rng)) for _ in range(BASELINES)]
    print(f"\n{type(world).__name__.lower()}: windows without change\n{'rows':>8}  degraded               not ok")
    for size in SIZES:
        many = windows if size >= 5000 else windows * 4
        verdicts = [judged(counted(world.draw(size, rng), one), one)[0] for one in baselines for _ in range(many // 4)]
        alarms = sum(one is Verdict.DEGRADED for one in verdicts)
        raised = sum(one is not Verdict.OK for one in verdicts)
        print(f"{size:>8}  {shown(alarms, len(verdicts)):<22} {shown(raised, len(verdicts))}", flush=True)
        fine &= wilson(alarms, len(verdicts))[0] <= MOST_FALSE
    return fine


def power(world: Vectors | Texts, changes: Sequence[tuple[str, float]], windows: int, rng: Rng) -> None:
    """Windows of 1,000 and 10,000 rows after each change."""
    rows = world.draw(ROWS, rng)
    baseline = counted(rows)
    beside = "   classifier" if rows.ndim == 2 else ""
    print(
        f"\n{type(world).__name__.lower()}: windows after a change\n{'':<16}{'rows':>8}  degraded   seen{beside}   by"
    )
    for change, amount in changes:
        for size in (1000, 10_000):
            many = windows // 2 if size == 1000 else max(4, windows // 8)
            drawn = [world.draw(size, rng, change, amount) for _ in range(many)]
            found = [judged(counted(one, baseline), baseline) for one in drawn]
            alarms = sum(verdict is Verdict.DEGRADED for verdict, _by in found) / many
            seen = sum(verdict is not Verdict.OK for verdict, _by in found) / many
            by = max({name for _verdict, name in found}, key=[name for _verdict, name in found].count)
            line = f"{f'{change} {amount:g}':<16}{size:>8}  {alarms:8.2f} {seen:6.2f}"
            if rows.ndim == 2:
                few = drawn[:4]
                line += f"   {sum(classified(rows, one) for one in few) / len(few):10.2f}"
            print(f"{line}   {by if seen else ''}", flush=True)


def cost(name: str, values: np.ndarray) -> None:
    """CPU seconds to fit and to count, and how large the baseline is."""
    facets("it", "embedding" if values.ndim == 2 else "text", values[:100])  # loads what has to be loaded
    began = time.process_time()
    baseline = counted(values)
    fitted = time.process_time()
    counted(values, baseline)
    ended = time.process_time()
    size = len(orjson.dumps([asdict(one) for one in baseline.columns]))
    print(f"{name:<32} fitted {fitted - began:.2f} s, counted {ended - fitted:.2f} s, baseline {size / 1000:.0f} kB")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    vectors, texts = Vectors(options.seed), Texts(options.seed)
    fine = quiet(vectors, options.windows, rng) & quiet(texts, options.windows, rng)
    power(
        vectors,
        [("shift", 0.05), ("shift", 0.1), ("turn", 0.3), ("turn", 0.6), ("new", 0.05), ("mix", 0.05), ("noise", 0.1),
         ("same", 0.05), ("same", 1.0)],
        options.windows, rng,
    )  # fmt: skip
    power(
        texts,
        [("new", 0.05), ("mix", 0.05), ("new", 0.1), ("mix", 0.1), ("longer", 0.1), ("language", 0.03), ("same", 0.05)],
        options.windows, rng,
    )  # fmt: skip
    print()
    cost(
        "20,000 texts of 200 characters",
        np.array([one[:200] for one in texts.draw(ROWS, rng, "longer", 0.6)], dtype=object),
    )
    wide = rng.normal(size=(ROWS, 64)).astype(np.float32) @ rng.normal(size=(64, 768)).astype(np.float32)
    cost("20,000 vectors of 768", wide)
    right = sum(language_of(one) == language for language, held in SENTENCES.items() for one in held)
    print(f"languages told right: {right} of {sum(map(len, SENTENCES.values()))} sentences in {len(SENTENCES)}")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
