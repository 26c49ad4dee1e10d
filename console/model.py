"""The nouns every floor speaks: frozen dataclasses, no behaviour beyond reading themselves.

numpy appears in annotations only, so that a screen can import this module without paying for it.
Times are epoch seconds (UTC); durations are seconds; shapes are given as (steps,) or (steps, buckets).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.intp]  # positions in a tuple of names, or in another column
    Flags = npt.NDArray[np.bool_]


class Labels(tuple[tuple[str, str], ...]):
    """Label pairs sorted by name: hashable, so a label set can be a key; an object in JSON."""

    __slots__ = ()

    @classmethod
    def of(cls, pairs: Mapping[str, str] | Iterable[tuple[str, str]] = (), **more: str) -> Labels:
        """The one spelling of a label set.

        >>> Labels.of(model="glove", az="b")
        (('az', 'b'), ('model', 'glove'))
        """
        told = dict(pairs, **more) if more else dict(pairs)
        if not _is_plain(told):
            told = {_text(name): _text(value) for name, value in told.items()}
        return cls(sorted(told.items()))

    def value(self, name: str) -> str | None:
        """The value of one label, or None."""
        return next((value for key, value in self if key == name), None)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> Any:
        from pydantic_core import core_schema as schema

        return schema.no_info_after_validator_function(
            lambda pairs: _interned(tuple(pairs.items())),
            schema.dict_schema(schema.str_schema(), schema.str_schema()),
            serialization=schema.plain_serializer_function_ser_schema(
                dict, return_schema=schema.dict_schema(schema.str_schema(), schema.str_schema())
            ),
        )


@lru_cache(maxsize=50_000)
def _interned(pairs: tuple[tuple[str, str], ...]) -> Labels:
    """A label set that was read: sources say the same ones over and over."""
    return Labels.of(pairs)


def _is_plain(told: Mapping[str, str]) -> bool:
    """Whether any encoder takes it as it is: nearly always, so it is asked at once."""
    try:
        return "".join((*told, *told.values())).isascii()
    except TypeError:  # something is no text yet
        return False


def _text(value: object) -> str:
    """What any encoder takes: half a character, which none does, becomes a question mark."""
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


NO_LABELS = Labels()


# ── signals and samples ──────────────────────────────────────────────────────────────────────────────────────────────


class Kind(StrEnum):
    """How a signal's values are to be read."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Direction(StrEnum):
    """Which way is bad."""

    UP = "up"
    DOWN = "down"
    EITHER = "either"


Scope = Literal["gpu", "model", "host", "workload", "data"]
Across = Literal["sum", "mean", "max"]


@dataclass(frozen=True, slots=True)
class Signal:
    """A quantity with one meaning, whatever exports it."""

    name: str
    title: str
    unit: str  # UCUM-like: s, By, 1 (a ratio), {request}, Cel, W, Hz …
    kind: Kind
    bad: Direction
    scope: Scope
    across: Across = "sum"  # how gauges of several label sets become one, counters and histograms always add; with
    # "max" a step has its largest value too: a code or a bit mask has no mean
    floor: float = 0.0  # differences below this, in the signal's unit, are never news
    otel: str | None = None  # OpenTelemetry's name where one exists


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """One signal with one label set."""

    signal: str
    labels: Labels
    kind: Kind
    edges: tuple[float, ...] = ()  # histograms only: upper bounds `le`, the last one inf


@dataclass(frozen=True, slots=True)
class Reading:
    """One sample as an exporter gave it: a gauge's value, or a counter's or histogram's total so far."""

    series: SeriesKey
    time: float
    value: float  # histograms: the sum of observations so far
    counts: tuple[float, ...] = ()  # histograms only: cumulative counts, one per edge


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series over a frame's steps. NaN means no data; it is never 0."""

    key: SeriesKey
    values: (
        Array  # gauge: mean of each step (steps,); counter: increase (steps,); histogram: observations (steps, buckets)
    )
    sums: Array | None = None  # histogram only: sum of the observations of each step (steps,)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Many series on one time axis. Steps may have gaps between them: pooled windows lie weeks apart."""

    times: Array  # (steps,) the end of each step
    step: float  # seconds, the same for every step
    series: tuple[Series, ...] = ()


# ── windows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Span:
    """From start up to, but not including, end."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Whether the two share an instant."""
        return self.start < other.end and other.start < self.end


WindowKind = Literal["current", "offset", "seasonal", "before", "pinned", "where", "peers", "span", "dataset"]


@dataclass(frozen=True, slots=True)
class Window:
    """One or more spans of time (several when seasons are pooled) plus a selector."""

    spans: tuple[Span, ...]
    kind: WindowKind = "current"
    where: Labels = NO_LABELS  # added to the step's own selector
    name: str = ""  # pinned: its name; dataset: its path
    note: str = ""  # what was left out or pooled, in words

    @property
    def start(self) -> float:
        return min(span.start for span in self.spans)

    @property
    def end(self) -> float:
        return max(span.end for span in self.spans)


@dataclass(frozen=True, slots=True)
class Query:
    """Give me this signal over that window."""

    signal: str
    window: Window
    step: float
    where: Labels = NO_LABELS
    by: tuple[str, ...] = ()  # labels to keep apart; everything else is aggregated


# ── comparing ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Verdict(StrEnum):
    """What a comparison concludes."""

    OK = "ok"
    DEGRADED = "degraded"
    IMPROVED = "improved"
    INCONCLUSIVE = "inconclusive"
    NO_DATA = "no_data"


class State(StrEnum):
    """How a step ended: its verdict, or one of three that are none."""

    OK = "ok"
    DEGRADED = "degraded"
    IMPROVED = "improved"
    INCONCLUSIVE = "inconclusive"
    NO_DATA = "no_data"
    SKIPPED = "skipped"
    ERROR = "error"
    WAITING = "waiting"  # for a person; the run is paused


Stat = Literal["p50", "p90", "p95", "p99", "mean", "rate", "ratio", "sum", "max"]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison."""

    value: float | None
    n: float  # observations for histograms and counters, samples for gauges, rows for tables
    start: float
    end: float
    kind: str = "current"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Current against baseline for one series."""

    signal: str
    labels: Labels
    stat: Stat
    verdict: Verdict
    reason: str  # for a person; no_data: absent | stale | too few | partial | denied, then detail
    current: Side
    baseline: Side
    ratio: float | None = None  # current / baseline; None where a difference was compared instead (baseline near 0)
    difference: float | None = None  # current - baseline, in the signal's unit
    interval: tuple[float, float] | None = None  # of the ratio, or of the difference where ratio is None
    p: float | None = None  # against "no worse than the tolerance", after Benjamini-Hochberg over the family
    onset: float | None = None
    dispersion: float = 1.0  # how much more the data wobbles than independent observations would


# ── tables and drift ─────────────────────────────────────────────────────────────────────────────────────────────────

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


# ── how well a model answers ─────────────────────────────────────────────────────────────────────────────────────────

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


# ── what runs on a GPU ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that has the GPU open. What is not known is empty."""

    pid: int
    user: str = ""
    command: str = ""  # cut, and without secrets
    container: str = ""  # the first letters of its id
    pod: str = ""  # its uid
    memory: float | None = None  # bytes of the GPU's
    utilization: float | None = None  # of the GPU's time, 0..1
    kind: Literal["compute", "graphics"] = "compute"


@dataclass(frozen=True, slots=True)
class GpuLink:
    """One link to another GPU or to a switch."""

    link: int
    up: bool | None  # None: it does not tell
    errors: Mapping[str, float] = field(default_factory=dict)  # kind -> how many so far


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as it is now: what it is, what runs on it, what it is linked to."""

    gpu: str  # its number on its host
    host: str
    uuid: str
    name: str
    facts: Labels = NO_LABELS  # what else is worth knowing, in words
    processes: tuple[GpuProcess, ...] = ()
    links: tuple[GpuLink, ...] = ()


# ── what happened ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at an instant: a deploy, a config change, an XID, an alert, a restart."""

    time: float
    kind: str
    target: str
    title: str
    id: str = ""
    detail: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody's alerting rule says."""

    id: str  # the alert manager's own, the same for as long as its labels are
    labels: Labels
    text: str  # its summary
    started: float
    ended: float | None = None
    state: Literal["firing", "silenced", "inhibited", "resolved"] = "firing"
    silences: tuple[str, ...] = ()  # ids of those that keep it quiet
    url: str = ""  # the page of the rule
    source: str = ""
    annotations: Labels = NO_LABELS  # what the rule says beside: a description, pages such as a runbook


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on an alert's labels."""

    label: str
    value: str
    is_equal: bool = True  # False: it must not be
    is_regex: bool = False  # a whole value, as RE2 reads it


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch of time in which alerts with these labels tell nobody."""

    matchers: tuple[Matcher, ...]  # all of which must hold
    start: float
    end: float
    author: str
    comment: str
    id: str = ""  # empty: not created yet
    state: Literal["active", "pending", "expired"] = "pending"
    source: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a service wrote."""

    time: float
    service: str
    severity: str  # as analysis.incidents knows it: error, warning, info …; empty where the line does not say
    body: str
    trace: str = ""  # the id of the trace that it was written in
    stands_for: float = 1.0  # lines: more than itself, where a source thinned them out


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """One call of a distributed trace."""

    trace: str
    id: str
    parent: str  # empty: the trace begins here, or its caller was not kept
    service: str
    operation: str
    start: float
    end: float
    failed: bool = False


FindingKind = Literal[
    "comparison", "drift", "event", "probe", "exemplar", "integrity", "rank", "answer", "log", "trace", "check"
]


@dataclass(frozen=True, slots=True)
class Finding:
    """A comparison, event, exemplar pair or check worth citing. The published shape of DESIGN §12."""

    id: str
    kind: FindingKind
    step: str
    text: str
    verdict: Verdict
    signal: str | None = None
    labels: Labels = NO_LABELS
    reason: str = ""
    stat: str | None = None
    current: Side | None = None
    baseline: Side | None = None
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    onset: float | None = None
    drift: ColumnDrift | None = None
    exemplars: tuple[Exemplar, ...] = ()
    event: Event | None = None


# ── ranking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class LogLines:
    """Log lines as columns, sorted by time. Every column has shape (lines,)."""

    times: Array
    service: Codes  # of `services`
    severity: Codes  # of `severities`
    span: Codes  # of the case's spans: the one that a line was written in; -1 where it does not say
    bodies: tuple[str, ...]
    services: tuple[str, ...]
    severities: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TraceSpans:
    """Spans of distributed traces as columns, sorted by start. Every column has shape (spans,)."""

    starts: Array
    ends: Array
    service: Codes  # of `services`
    operation: Codes  # of `operations`
    parent: Codes  # of these very spans; -1 where it has none or it was not kept
    failed: Flags
    services: tuple[str, ...]
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """An incident with whatever is there to find its cause by. What is missing is None or empty."""

    current: Window
    baseline: Window  # may lie before or after the current one
    onset: float | None = None
    violated: SeriesKey | None = None  # the series whose objective was missed: the symptom
    alert: Labels = NO_LABELS
    services: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()  # caller, callee
    metrics: Frame | None = None
    logs: LogLines | None = None
    spans: TraceSpans | None = None
    events: tuple[Event, ...] = ()
    notes: tuple[str, ...] = ()  # what was skipped or thinned out while reading, in words


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be the root cause, with its score taken apart."""

    kind: Literal["service", "event"]
    target: str  # a service, an event's id, or `none`: no event is to blame
    score: float  # comparable within one kind, only roughly across kinds
    parts: Mapping[str, float]  # ingredient -> what it added
    why: str
    onset: float | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates, best first; empty where nothing stands out."""

    candidates: tuple[Candidate, ...] = ()


# ── playbook runs ────────────────────────────────────────────────────────────────────────────────────────────────────


AnswerKind = Literal["choice", "number", "text", "boolean"]


@dataclass(frozen=True, slots=True)
class Question:
    """What only a person can answer, and nobody has."""

    text: str
    answers: tuple[str, ...]  # choice: one of these
    kind: AnswerKind = "choice"
    roles: tuple[str, ...] = ()  # who may answer; empty: whoever is there
    expires: float | None = None  # from then on the run goes on as if nobody were there


@dataclass(frozen=True, slots=True)
class Shown:
    """What a playbook shows a person: words in Markdown, and a command to copy."""

    markdown: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step of one run."""

    id: str
    title: str
    uses: str
    state: State
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)  # what expressions see, plain JSON types
    seconds: float = 0.0
    unreachable: bool = False  # the error was a source that could not be reached: exit 4
    question: Question | None = None  # that the step put to nobody: an answer would let it say more
    shown: Shown | None = None
    attempts: int = 1
    is_optional: bool = False  # `on_error: continue`: its error is told, and decides nothing
    is_dry: bool = False  # `dry_run`: measured and told, never decisive
    inside: Run | None = None  # of a playbook inside that waits for a person: as far as it came


@dataclass(frozen=True, slots=True)
class Move:
    """One line of evidence that moved a cause."""

    text: str  # the expression, or its title
    weight: Literal["weak", "moderate", "strong", "decisive"]
    against: bool
    findings: tuple[str, ...]
    group: str | None = None
    counted: bool = True  # only the strongest of a group counts


@dataclass(frozen=True, slots=True)
class Cause:
    """A named root cause with its own odds."""

    id: str
    playbook: str
    title: str
    subject: str
    odds: float  # posterior odds of this cause, its own, not a share
    probability: float
    evidence: tuple[str, ...]  # finding ids that speak for it
    against: tuple[str, ...]
    moves: tuple[Move, ...] = ()
    remedies: tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        return self.odds >= 3

    @property
    def is_likely(self) -> bool:
        return self.odds >= 20


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of one playbook."""

    id: str
    playbook: str
    title: str
    started: float
    finished: float | None
    verdict: Verdict
    steps: tuple[StepResult, ...]
    causes: tuple[Cause, ...]  # best first, those below 3:1 too
    inputs: Mapping[str, str] = field(default_factory=dict)
    current: Window | None = None
    baseline: Window | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)  # what the playbook says it gives, plain JSON types
    state: Literal["finished", "paused"] = "finished"  # paused: a step waits for a person
    playbook_hash: str = ""  # SHA-256 of the playbook's text: a changed one cannot go on with this run
    seconds: float = 0.0  # that it was at work, by the wall clock; not those between a question and its answer

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for step in self.steps for finding in step.findings)


@dataclass(frozen=True, slots=True)
class Symptom:
    """What was noticed: a trigger's verdict, an alert or an operator's words."""

    text: str
    signal: str | None = None
    labels: Labels = NO_LABELS
    verdict: Verdict | None = None
    alert: Labels = NO_LABELS


@dataclass(frozen=True, slots=True)
class Note:
    """A line of an incident's timeline."""

    time: float
    operator: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operator said to a playbook's question."""

    time: float
    operator: str
    question: str
    answer: str


IncidentState = Literal["open", "acknowledged", "closed"]


@dataclass(frozen=True, slots=True)
class Incident:
    """A symptom with everything that belongs to it."""

    id: str  # I-1, I-2 …
    title: str
    state: IncidentState
    opened: float
    symptom: Symptom
    subject: str = ""  # the model, node or pipeline it is about
    owner: str = ""
    closed: float | None = None
    notes: tuple[Note, ...] = ()
    runs: tuple[str, ...] = ()  # run ids
    answers: tuple[Answer, ...] = ()  # the last one to each question
    is_imported: bool = False  # from a bundle: it happened elsewhere, or long ago


@dataclass(frozen=True, slots=True)
class Offer:
    """A remedy that a named cause points to; its plan, once one was made."""

    id: str
    cause: str
    plan: None = None


@dataclass(frozen=True, slots=True)
class Windows:
    """The two windows of a diagnosis."""

    current: Window | None = None
    baseline: Window | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What andon says about a run or an incident. The published shape of DESIGN §12."""

    verdict: Verdict
    exit: int
    incident: Incident | None
    causes: tuple[Cause, ...]  # named ones (odds >= 3), best first
    findings: tuple[Finding, ...]
    unexplained: tuple[str, ...]  # ids of findings worth a look that no named cause cites
    remedies: tuple[Offer, ...] = ()
    windows: Windows = Windows()
    agent: None = None  # what a language model added, where one is configured
    runs: tuple[Run, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told of an incident: that it was opened, what its cause is, that it is over."""

    what: Literal["opened", "cause", "closed", "test"]
    time: float
    incident: Incident
    diagnosis: Diagnosis | None = None  # once it was examined
    command: str = ""  # what shows all of it
    url: str = ""  # a page that does, where one is configured

    @property
    def cause(self) -> Cause | None:
        """The likeliest cause, where one is named."""
        return self.diagnosis.causes[0] if self.diagnosis and self.diagnosis.causes else None

    @property
    def cited(self) -> tuple[Finding, ...]:
        """The findings that speak for that cause."""
        named = set(self.cause.evidence) if self.cause else set()
        return tuple(each for each in (self.diagnosis.findings if self.diagnosis else ()) if each.id in named)
