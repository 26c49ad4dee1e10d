"""The situations that drift tools were probed with (baseline 5,000 rows, current 2,000), each with what has to be said.

Rows are columns by name: floats with NaN for missing, or texts with None. Every situation changes one column; `column`
and `words` say which, and one of which words a right answer has (a check's name, `drift`, or `slice`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from console.model import Drift, Verdict

BASELINE, CURRENT = 5000, 2000
COLOURS = ("gray", "white", "blue", "black")
CAMERAS = tuple(f"camera-{number:02}" for number in range(20))

Rows = dict[str, np.ndarray]
Change = Callable[[np.random.Generator, Rows], None]


@dataclass(frozen=True, slots=True)
class Situation:
    """What happened to the current rows, and what has to be said of it."""

    name: str
    column: str | None  # None: nothing happened
    words: tuple[str, ...]
    change: Change
    rows: int = CURRENT


def rows(rng: np.random.Generator, n: int) -> Rows:
    """Six numbers and three texts, some of which go together."""
    common = rng.normal(size=n)
    return {
        "light": rng.normal(10, 1, n),
        "size": 5 + common + 0.5 * rng.normal(size=n),
        "weight": 50 + 10 * (common + 0.5 * rng.normal(size=n)),
        "latency": np.exp(rng.normal(-2, 0.7, n)),
        "score": rng.beta(2, 5, n),
        "retries": rng.poisson(1.5, n).astype(float),
        "colour": _text(COLOURS, rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])),
        "camera": _text(CAMERAS, rng.integers(0, 20, n)),
        "line": _text(("north", "south", "west"), np.searchsorted([-0.6, 0.8], common + rng.normal(size=n))),
    }


def _text(names: tuple[str, ...], at: np.ndarray) -> np.ndarray:
    return np.array(names, object)[at]


def _some(rng: np.random.Generator, n: int, share: float) -> np.ndarray:
    return rng.permutation(n) < round(share * n)


def _set(column: str, share: float, value: object) -> Change:
    def change(rng: np.random.Generator, table: Rows) -> None:
        table[column][_some(rng, table[column].size, share)] = value

    return change


def _map(column: str, function: Callable[[np.ndarray], np.ndarray]) -> Change:
    def change(_rng: np.random.Generator, table: Rows) -> None:
        table[column] = function(table[column])

    return change


def _drop(column: str) -> Change:
    def change(_rng: np.random.Generator, table: Rows) -> None:
        del table[column]

    return change


def _part_times(rng: np.random.Generator, table: Rows) -> None:
    table["latency"][_some(rng, table["latency"].size, 0.03)] *= 100


def _outlier(_rng: np.random.Generator, table: Rows) -> None:
    table["light"] += 0.5
    table["light"][7] = 1e9


def _shuffle(rng: np.random.Generator, table: Rows) -> None:
    table["weight"] = rng.permutation(table["weight"])


def _slice(_rng: np.random.Generator, table: Rows) -> None:
    table["light"][table["camera"] == CAMERAS[7]] += 2


def _nothing(_rng: np.random.Generator, _table: Rows) -> None:
    return


def _words_for(values: np.ndarray) -> np.ndarray:
    return np.array([f"about {value:.0f}" for value in values], object)


def _upper(values: np.ndarray) -> np.ndarray:
    return np.array([value.upper() for value in values], object)


SITUATIONS = (
    Situation("all-null column", "light", ("missing",), _set("light", 1.0, np.nan)),
    Situation("30 % nulls, numeric", "light", ("missing",), _set("light", 0.3, np.nan)),
    Situation("30 % nulls, categorical", "colour", ("missing",), _set("colour", 0.3, None)),
    Situation("column dropped", "light", ("schema",), _drop("light")),
    Situation("number became text", "light", ("type",), _map("light", _words_for)),
    Situation("new category in 2 %", "colour", ("novelty",), _set("colour", 0.02, "purple")),
    Situation("unit ×1000", "light", ("unit",), _map("light", lambda values: values * 1000)),
    Situation("3 % of rows ×100", "latency", ("unit", "range"), _part_times),
    Situation("+0.5 sd and one 1e9", "light", ("drift",), _outlier),
    Situation("stuck at a constant", "light", ("constant",), _set("light", 1.0, 9.5)),
    Situation("+0.1 sd", "light", ("drift",), _map("light", lambda values: values + 0.1)),
    Situation("+0.5 sd", "light", ("drift",), _map("light", lambda values: values + 0.5)),
    Situation("sentinel −999 in 2 %", "light", ("sentinel",), _set("light", 0.02, -999.0)),
    Situation(
        "categories upper-cased", "colour", ("novelty",), _map("colour", _upper)
    ),
    Situation("correlation broken", "weight", ("relation",), _shuffle),
    Situation("5 % slice moved 2 sd", "light", ("relation", "slice"), _slice),
    Situation("clean, 2,000 rows", None, (), _nothing),
    Situation("clean, 200 rows", None, (), _nothing, 200),
    Situation("clean, 50 rows", None, (), _nothing, 50),
)  # fmt: skip


def named(found: Drift, situation: Situation) -> bool:
    """Whether the right column is the first to be named, by a right word; of nothing, whether nothing is said."""
    if situation.column is None:
        return found.verdict is Verdict.OK
    first = found.columns[0]
    said = {issue.check for issue in first.issues} | ({"slice"} if first.slice else set())
    if first.p_sampling is not None and first.p_sampling <= 0.01 and first.effect:
        said.add("drift")
    return first.name == situation.column and first.verdict is not Verdict.OK and bool(said & set(situation.words))


def pair(situation: Situation, seed: int) -> tuple[Rows, Rows]:
    """Baseline and current rows."""
    rng = np.random.default_rng([seed, len(situation.name)])
    baseline, current = rows(rng, BASELINE), rows(rng, situation.rows)
    situation.change(rng, current)
    return baseline, current
