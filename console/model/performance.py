"""How well a model answers: answers against labels, by segment and by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from console.model.comparing import Verdict
from console.model.samples import NO_LABELS, Labels

Task = Literal["scores", "classes", "numbers"]
"""What answers are: the probability of the positive one of two classes, a class, or a number."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What answers and labels are counted by. It is the baseline's, so that windows, days and shards add up."""

    task: Task
    classes: tuple[
        str, ...
    ] = ()  # scores: (negative, positive); classes: the most frequent, what is no such is `other`
    edges: tuple[float, ...] = ()  # scores, numbers: inner edges of the answer's bins; an edge belongs to the bin above
    centre: float = 0.0  # numbers: what is taken from labels before their powers are summed

    @property
    def positive(self) -> str | None:
        """The class that precision and recall are about; None where no class is special."""
        return self.classes[1] if self.task == "scores" or self.classes == ("0", "1") else None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """A window's answers and how they turned out, as counts: one row per stratum (a bin or a class of the answer).

    `analysis.answers.outcomes` says what each column of `table` counts; the last one counts rows without a label yet.
    """

    grid: Grid
    rows: int
    table: tuple[tuple[float, ...], ...]  # (strata, cells)
    unanswered: int = 0  # rows without a prediction
    outside: int = 0  # predictions that are none: a probability beyond 0..1, an infinite number, text for a number
    odd: int = 0  # labels that are none: a third class beside scores, text for a number


@dataclass(frozen=True, slots=True)
class SegmentOutcomes:
    """The outcomes of the rows with one value of a segmenting column."""

    column: str
    value: str | None  # None: every value that the baseline does not list
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class StepOutcomes:
    """The outcomes of one step of time. Scores are counted here as the classes that they amount to."""

    start: float
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class Record:
    """How a window's rows were answered: as a whole, by segment, by step of time."""

    whole: Outcomes
    segments: tuple[SegmentOutcomes, ...] = ()
    steps: tuple[StepOutcomes, ...] = ()
    step: float | None = None  # seconds


MetricName = Literal[
    "accuracy", "precision", "recall", "f1", "auroc", "brier", "calibration", "false_positive_rate", "selection_rate",
    "mae", "rmse", "bias", "r2",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a model's answers on both sides."""

    name: MetricName
    verdict: Verdict
    reason: str
    text: str  # "recall .91 → .74 (−.17, −.21 … −.13)"
    of: str = ""  # the class it is about, where there are more than two
    baseline: float | None = None
    current: float | None = None
    baseline_interval: tuple[float, float] | None = None
    current_interval: tuple[float, float] | None = None
    difference: float | None = None  # current - baseline
    interval: tuple[float, float] | None = None  # of the difference
    p: float | None = None  # against "no worse than the tolerance", after Benjamini-Hochberg over the family
    n: tuple[float, float] = (0.0, 0.0)  # what it stands on: baseline, current


@dataclass(frozen=True, slots=True)
class SegmentPerformance:
    """How well the rows of one segment are answered."""

    column: str
    value: str | None
    verdict: Verdict
    metrics: tuple[Metric, ...]  # worst first

    @property
    def name(self) -> str:
        return _segment_name(self.column, self.value)


@dataclass(frozen=True, slots=True)
class Disparity:
    """How far one segment is treated otherwise than all the others, now and in the baseline."""

    column: str
    value: str | None
    metric: Metric  # of the size of the gap: the segment's value less that of all other rows

    @property
    def name(self) -> str:
        return _segment_name(self.column, self.value)


def _segment_name(column: str, value: str | None) -> str:
    return f"other {column}" if value is None else f"{column}={value}" if value else f"no {column}"


@dataclass(frozen=True, slots=True)
class Labelling:
    """How many of the current rows have their label yet, and whether those are like the ones that wait."""

    rows: tuple[int, int]  # answered: baseline, current
    labelled: tuple[int, int]
    p: float | None = None  # that labelled and waiting current rows are answered alike
    effect: float | None = None  # how far their answers are apart: total variation, 0..1
    is_selective: bool = False  # the labels so far are of other rows
    text: str = ""


@dataclass(frozen=True, slots=True)
class Performance:
    """How well a model answers now, against the baseline."""

    verdict: Verdict
    reason: str
    task: Task
    metrics: tuple[Metric, ...]  # worst first; carried over to all rows where the labels so far are of other rows
    segments: tuple[SegmentPerformance, ...] = ()  # worst first
    disparities: tuple[Disparity, ...] = ()  # worst first
    labelling: Labelling | None = None
    as_labelled: tuple[Metric, ...] = ()  # of the labelled rows alone, where `metrics` are carried over
    estimated: tuple[Metric, ...] = ()  # without labels: may raise doubt, never clears
    onset: float | None = None
    dispersion: float = 1.0  # how much more steps of the baseline differ than independent rows would
    notes: tuple[str, ...] = ()  # what has to be known beside the numbers

    @property
    def is_worse(self) -> bool | None:
        """Whether fewer answers are right; None where nobody can tell."""
        return {Verdict.DEGRADED: True, Verdict.OK: False, Verdict.IMPROVED: False}.get(self.verdict)


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A kept example input of a window, redacted."""

    side: Literal["current", "baseline"]
    time: float
    kind: Literal["image", "row", "text"]
    caption: str
    fields: Labels = NO_LABELS
    pixels: tuple[tuple[int, ...], ...] = ()  # image: rows of 0..255 grey values, at most 32 x 32
