"""What a bundle holds, as nouns: who was asked what and said what, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from console.errors import FAMILY, AndonError
from console.model import Diagnosis, Incident, Profile, Record, Span, Symptom, Transcript

FORMAT = 1
SUFFIX = ".andon"

CALLS: Mapping[str, tuple[str, ...]] = {
    "readers": ("signals", "read", "coverage"),
    "tables": ("profiles", "exemplars", "slices", "outputs", "outcomes"),
    "datasets": ("profiles", "exemplars", "slices", "outputs"),
    "events": ("events",),
    "probers": ("probe",),
    "logs": ("logs",),
    "traces": ("spans",),
    "alerts": ("alerts",),
}
"""What is recorded of a source, by its place in the estate. Whatever a step can ask is among it."""

Origin = Literal["recorded", "simulated"]


@dataclass(frozen=True, slots=True)
class Told:
    """A source that was there: under which capability, its name (of a reader its number), and what it can be asked."""

    place: str
    name: str
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a source did not answer: an error of andon's own family."""

    kind: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: AndonError) -> Failure:
        """The error in plain words."""
        return cls(type(error).__name__, error.message, error.hint)

    @property
    def error(self) -> AndonError:
        """The same error, to be raised again."""
        return FAMILY.get(self.kind, AndonError)(self.message, self.hint)


@dataclass(frozen=True, slots=True)
class Held:
    """One question, as plain JSON types, with its answer or why there was none."""

    place: str
    name: str
    call: str
    question: Mapping[str, Any]
    answer: Any = None  # as the call gives it
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """All an incident needs to be looked at, replayed and tested."""

    origin: Origin
    now: float  # the clock stood there while the playbooks looked
    interval: float
    andon: str  # the version that wrote it
    created: float
    symptoms: tuple[Symptom, ...] = ()
    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by playbook: those of its recorded run
    incident: Incident | None = None
    diagnosis: Diagnosis | None = None
    playbooks: Mapping[str, str] = field(default_factory=dict)  # the texts that were run, by name
    answers: Mapping[str, str] = field(default_factory=dict)  # what people said, by question
    pins: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    excluded: tuple[Span, ...] = ()
    sources: tuple[Told, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, Failure] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()  # what was too much to be kept, in words
    held: Sequence[Held] = ()
    transcripts: tuple[Transcript, ...] = ()  # of what was said to a language model and what it answered, oldest first
    likes: Mapping[str, Profile | Record] = field(default_factory=dict)  # by digest: what questions compare with
