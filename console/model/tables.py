"""Rows counted into bins, and how far two sides are apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from console.model.comparing import Verdict

ColumnKind = Literal["numeric", "categorical", "boolean", "datetime", "text", "embedding"]
"""What a column holds. Times are counted by their age in seconds, as numbers are; of texts and embeddings only facets
are counted, each as a column of its own (`prompt [length]`), and the column itself has no bins."""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """A column as counts: fixed bins or top categories, with the odd ones counted apart."""

    name: str
    kind: ColumnKind
    dtype: str  # as the engine that holds the rows calls it: DOUBLE, VARCHAR …
    rows: int
    missing: int = 0
    infinite: int = 0
    edges: tuple[float, ...] = ()  # numeric: inner edges; len(counts) == len(edges) + 1
    categories: tuple[
        str, ...
    ] = ()  # categorical: the top ones; len(counts) == len(categories) + 1, the last is `other`
    counts: tuple[int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    unparsable: int = 0  # values that are not of the baseline's kind any more
    of: str = ""  # the column that this is a facet of
    heavy: tuple[tuple[str, int], ...] = ()  # (value, rows): the window's own most frequent, in a bounded sample of it
    sampled: int = 0  # rows of that sample that have a value
    basis: str = ""  # facets: what they are read by (known words, directions), so that a current window is read alike

    @property
    def is_ordered(self) -> bool:
        """Whether its bins lie between edges."""
        return self.kind in ("numeric", "datetime")


@dataclass(frozen=True, slots=True)
class Relations:
    """How columns go together: sums of products of their scores over a bounded sample of rows. Shards add up."""

    columns: tuple[str, ...]
    rows: int
    products: tuple[float, ...]  # the upper triangle of (columns, columns), row by row, with the diagonal
    sums: tuple[float, ...] = ()  # of each column's scores
    gaps: tuple[str, ...] = ()  # those of the columns that miss a score somewhere
    missing: tuple[int, ...] = ()  # the upper triangle of (gaps, gaps): rows in which both are missing


@dataclass(frozen=True, slots=True)
class Profile:
    """A window of rows as counts."""

    columns: tuple[ColumnProfile, ...]
    rows: int
    start: float | None = None
    end: float | None = None
    duplicates: int = 0
    newest: float | None = None  # time of the newest row: freshness
    relations: Relations | None = None

    def column(self, name: str) -> ColumnProfile | None:
        """One column's profile, or None where the window has no such column."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class IntegrityIssue:
    """Something wrong with the data itself, before any question of distribution."""

    check: Literal[
        "schema", "volume", "missing", "novelty", "range", "unit", "constant", "type", "duplicates", "freshness",
        "relation", "sentinel", "swapped",
    ]  # fmt: skip
    column: str | None
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class SliceShare:
    """Which part of the rows explains a column's drift."""

    column: str
    value: str
    share: float  # of the column's G statistic, 0..1
    rows: float = 0.0  # its share of the rows, 0..1

    @property
    def excess(self) -> float:
        """How far the share lies from that of the rows (0) to all of it (1)."""
        return (self.share - self.rows) / (1 - self.rows) if self.rows < 1 else 0.0


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How one column moved, past both nulls."""

    name: str
    verdict: Verdict
    reason: str
    line: Literal["step", "creep"] = "step"
    p_sampling: float | None = None
    p_usual: float | None = None
    wobble: float | None = None  # over-dispersion of this column's own past: "×34: this column wobbles"
    effect: float | None = None  # bias-corrected total variation, 0..1
    shift: float | None = None  # of the mean, in the column's own unit (numeric)
    psi: float | None = None
    js: float | None = None
    ks: float | None = None
    wasserstein: float | None = None
    onset: float | None = None
    slice: SliceShare | None = None
    issues: tuple[IntegrityIssue, ...] = ()
    measures: tuple[tuple[str, float], ...] = ()  # what plugins measure beside


@dataclass(frozen=True, slots=True)
class Drift:
    """A window of rows against a baseline."""

    verdict: Verdict
    columns: tuple[ColumnDrift, ...]
    integrity: tuple[IntegrityIssue, ...] = ()
    rows: tuple[int, int] = (0, 0)  # baseline, current
