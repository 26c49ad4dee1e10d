"""What a source can do. Each capability is one method; a source has those that make sense for it.

A source that can hang in a way no timeout reaches (NVML, a stuck mount, the kernel log) is written as plain blocking
functions with the same names and runs in a child process, where `child.py` gives it these coroutines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from console.model import (
    NO_LABELS,
    Alert,
    Event,
    Exemplar,
    Frame,
    Gpu,
    Labels,
    LogLine,
    Profile,
    Query,
    Reading,
    Record,
    Silence,
    Span,
    Thing,
    TraceSpan,
)
from console.signals.spoken import Spoken

if TYPE_CHECKING:
    from console.signals.dialect import Dialect


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What `andon source check` says of one source."""

    name: str
    kind: str
    state: Literal["ok", "stale", "partial", "denied", "malformed", "misconfigured", "unreachable"]
    reason: str = ""
    dialects: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()  # (signal, why)
    spoken: tuple[Spoken, ...] = ()  # the same, dialect by dialect
    newest: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """Count these rows into bins. With `like`, into the bins of that profile; without, into fresh ones."""

    spans: tuple[Span, ...]
    where: Labels = NO_LABELS
    columns: tuple[str, ...] = ()  # empty: all but time, image and label-only ones
    like: Profile | None = None
    by: str | None = None  # one profile per value of this column
    every: float | None = None  # one profile per so many seconds
    sampled: bool = True  # also what a sample of the rows says: values that many share, how columns go together
    look: float | None = None  # when the look began that this belongs to: its rows are those that were there by then,
    # and what was counted at earlier looks is not counted again. None: all is counted anew


@dataclass(frozen=True, slots=True)
class ProfileGroup:
    """One profile of a request: of a value of `by`, or of a step that starts at `start`, or of all rows."""

    value: str | None
    start: float | None
    profile: Profile


@dataclass(frozen=True, slots=True)
class OutcomesRequest:
    """Count answers against labels. With `like`, by its grid and segments; without, by ones that fit these rows."""

    target: str  # the column of labels; a row without one waits for it
    prediction: str  # a class, the probability of one of two classes, or a number
    spans: tuple[Span, ...] = ()
    where: Labels = NO_LABELS
    by: tuple[str, ...] = ()  # segmenting columns
    every: float | None = None  # steps of so many seconds, from multiples of it on
    like: Record | None = None


@dataclass(frozen=True, slots=True)
class ExemplarRequest:
    """Show rows of these spans, the most typical (`near`) of `column` within [low, high] first."""

    side: Literal["current", "baseline"]
    spans: tuple[Span, ...]
    where: Labels = NO_LABELS
    column: str | None = None
    near: float | None = None
    limit: int = 1
    look: float | None = None  # as of profiles


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the rows of a growing table were read."""

    rows: int  # since it was opened
    bytes: int
    left: int  # bytes that are there and were not read yet
    newest: float | None  # time of the newest row, those of the future left out
    ahead: int = 0  # rows whose time had not come when they were read: a clock is wrong


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """Pinned golden inputs sent through the live model."""

    sent: int
    answered: int
    changed: int  # answers that differ from the pinned ones by more than the tolerance
    largest: float  # largest absolute difference of any output
    median_seconds: float
    examples: tuple[str, ...] = ()  # a few changed ones in words
    error: str = ""  # why some were not answered


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Give me lines of this span; where there are more than `most`, an even thinning of them or the newest."""

    span: Span
    where: Labels = NO_LABELS  # common labels: model, workload, service, namespace, pod …
    words: str = ""  # only lines that contain this text, whatever their case
    grave: bool = False  # only lines of trouble, where the source can tell them; others may be among the answer
    most: int = 5_000


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """Give me the spans of traces that began in this span of time; of whole traces, `most` spans at the most."""

    span: Span
    where: Labels = NO_LABELS
    most: int = 20_000


@runtime_checkable
class Collectable(Protocol):
    """Gives samples of this instant, for the collector to keep."""

    async def collect(self, now: float) -> Sequence[Reading]: ...


@runtime_checkable
class SignalReader(Protocol):
    """Answers queries over any window: the store, a Prometheus."""

    async def read(self, query: Query) -> Frame: ...

    async def signals(self) -> Sequence[str]: ...


@runtime_checkable
class Covering(Protocol):
    """Knows when it was collecting, so that what is missing can be told from what nobody looked at."""

    async def coverage(self, span: Span, step: float) -> float: ...  # the share of the steps in which it was, 0..1


@runtime_checkable
class Selecting(Protocol):
    """Answers queries in a language of its own; what a step of an answer is made of, only the query knows."""

    async def select(self, text: str, span: Span, step: float) -> Frame: ...  # gauges


@runtime_checkable
class TableReader(Protocol):
    """Counts rows where they lie."""

    async def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup]: ...

    async def exemplars(self, request: ExemplarRequest) -> Sequence[Exemplar]: ...

    async def slices(self) -> Sequence[str]: ...  # the columns to slice by

    async def outputs(self) -> Sequence[str]: ...  # the columns that the model itself wrote: no inputs


@runtime_checkable
class Follower(Protocol):
    """Counts the rows of a growing table once, and says how far it has come."""

    async def progress(self) -> Progress: ...


@runtime_checkable
class EventReader(Protocol):
    """Knows what changed and when."""

    async def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]: ...


@runtime_checkable
class LogReader(Protocol):
    """Finds lines that services wrote."""

    async def logs(self, request: LogRequest) -> Sequence[LogLine]: ...  # in order of time


@runtime_checkable
class ObjectReader(Protocol):
    """Knows what there is: pods, workloads, nodes."""

    async def objects(self, kind: str, name: str) -> Sequence[Thing]: ...  # empty: any; a part of a name


@runtime_checkable
class TraceReader(Protocol):
    """Finds the calls of distributed traces."""

    async def spans(self, request: TraceRequest) -> Sequence[TraceSpan]: ...  # in order of start


@runtime_checkable
class AlertReader(Protocol):
    """Knows which alerts fire."""

    async def alerts(self) -> Sequence[Alert]: ...


@runtime_checkable
class Silencer(Protocol):
    """Keeps alerts quiet for a while."""

    async def silences(self) -> Sequence[Silence]: ...  # those that have not ended

    async def silence(self, silence: Silence) -> str: ...  # its id

    async def unsilence(self, id_: str) -> None: ...


@runtime_checkable
class Prober(Protocol):
    """Can send golden inputs through a live model."""

    async def probe(self) -> ProbeAnswer: ...


@runtime_checkable
class GpuReader(Protocol):
    """Sees into GPUs: what runs on each, and what it is linked to."""

    async def gpus(self, gpu: str | None) -> Sequence[Gpu]: ...  # the one of this number; None: all


@runtime_checkable
class Checkable(Protocol):
    """Says how it is."""

    async def check(self) -> SourceStatus: ...


@runtime_checkable
class Speaking(Protocol):
    """Reads exporters: it is given every known dialect by name before it is asked for anything."""

    def speak(self, dialects: Mapping[str, Dialect]) -> None: ...


@runtime_checkable
class Closable(Protocol):
    """Holds something that has to be let go."""

    async def close(self) -> None: ...
