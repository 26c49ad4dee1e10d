"""Spans of time, windows, and what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from console.model.samples import NO_LABELS, Labels


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
