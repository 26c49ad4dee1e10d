"""What a step type gets and gives: the interface that plugins write against."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.errors import UsageError
from console.model import Finding, Question, Run, Shown, Span, State, StepResult, Window
from console.sources.estate import Estate

Ask = Callable[[Question], Awaitable[str | None]]
"""Puts a question to the operator: the text of an answer that fits it, or None where nobody is there."""


Play = Callable[[str, Mapping[str, str]], Awaitable[Run]]
"""Runs another playbook inside this one: (name, inputs) -> its run. One that waited goes on."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An expression of an option, and whether it is so."""

    source: str
    is_so: bool | None  # None: nobody can tell
    why: str = ""  # nobody can


async def _alone(name: str, _inputs: Mapping[str, str]) -> Run:
    raise UsageError(f"there is no playbook {name!r} here", "")


@dataclass(frozen=True, slots=True)
class StepContext:
    """All a step may look at."""

    step: str
    estate: Estate
    current: Window
    baseline: Window
    inputs: Mapping[str, str]
    results: Mapping[str, StepResult]  # of the steps it needs
    now: float
    ask: Ask
    excluded: Sequence[Span] = ()  # known incidents: left out of every look at the past
    interval: float = 15.0  # seconds between samples
    expires: Mapping[str, float] = field(default_factory=dict)  # questions that wait since an earlier look: until when
    claims: Mapping[str, tuple[Claim, ...]] = field(default_factory=dict)  # options that are expressions: what they say
    play: Play = _alone
    is_replay: bool = False  # what is asked was recorded: no time passes
    is_glance: bool = False  # verdicts alone are wanted: how sure what is well is need not be known


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What a step found. Findings get their ids from the engine; `values` has the keys of StepType.result."""

    state: State
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    question: Question | None = None  # where the step needed an answer and got none
    inside: Run | None = None  # of a playbook inside that waits for that answer: as far as it came
    shown: Shown | None = None  # what a person is to see
    outputs: Mapping[str, Any] = field(default_factory=dict)  # of a playbook inside: what expressions read typed
    unreachable: bool = False  # what it used could not reach a source
