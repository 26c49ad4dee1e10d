"""A playbook as the engine holds it: checked, compiled, frozen. `loader.py` makes these from YAML."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from console.errors import UsageError
from console.model import NO_LABELS, Check, Labels, Risk, Verdict
from console.playbook.expressions import Expression, Unknown
from console.playbook.template import Template, fill

Weight = Literal["weak", "moderate", "strong", "decisive"]
InputType = Literal["string", "number", "boolean"]
InputValue = str | float | bool

DEFAULT_CURRENT = "15m"
DEFAULT_BASELINE: Mapping[str, Any] = {"offset": "1d"}
DEFAULT_PRIOR = 1 / 30  # odds of a cause before any evidence
JUDGES = ("compare", "now")  # the steps whose verdict is one about a signal


@dataclass(frozen=True, slots=True)
class Input:
    """What a run must be told, or takes from the incident (`source`: incident.labels.model)."""

    name: str
    type: InputType = "string"
    source: str = ""
    default: InputValue | None = None

    def value(self, text: str) -> InputValue:
        """The text of a command line or a label in the input's own type; UsageError where it does not fit."""
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UsageError(f"input {self.name} is not text: {text!r}", "write it in UTF-8") from None
        match self.type:
            case "number":
                try:
                    return float(text)
                except ValueError as error:
                    raise UsageError(f"input {self.name} must be a number, not {text!r}", "") from error
            case "boolean":
                if text not in ("true", "false"):
                    raise UsageError(f"input {self.name} must be true or false, not {text!r}", "")
                return text == "true"
        return text


@dataclass(frozen=True, slots=True)
class Trigger:
    """What makes this playbook worth running: a signal's verdict, or an alert whose labels match (`*` globs)."""

    signal: str | None = None
    verdict: Verdict = Verdict.DEGRADED
    alert: Labels = NO_LABELS
    step: str | None = None  # the step that judges the signal; None: the first that looks at it


@dataclass(frozen=True, slots=True)
class TriggerCheck:
    """How a signal trigger is looked at while nobody asks: options of `compare` or `now`, for every label set at once.

    A selector that an input would fill (`where: {model: "${{ inputs.model }}"}`) is a label to keep apart here, and the
    label set that is degraded fills the input of the run (`Playbook.inputs_from`).
    """

    signal: str
    verdict: Verdict
    step: str | None  # the step whose statistic, tolerance and selector it takes; None: the signal's defaults
    options: Mapping[str, Any]
    uses: str = "compare"
    current: str | None = None  # where its step looks at other windows than the playbook
    baseline: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Foreach:
    """What a step is done for, one after the other or at once: a list, or an expression that gives one."""

    items: tuple[str | float, ...] | Expression
    most: int  # items beyond this are an error


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a source that did not answer is asked again."""

    times: int
    wait: float  # seconds in between


@dataclass(frozen=True, slots=True)
class Step:
    """One entry under `steps`."""

    id: str
    title: str
    uses: str
    options: Mapping[str, Any]  # `with`, as written
    templates: Mapping[tuple[str | int, ...], Template] = field(default_factory=dict)  # by path in `options`
    condition: Expression | None = None
    needs: tuple[str, ...] = ()  # written, and implied by every reference
    timeout: float | None = None  # seconds; None: what its step type allows
    current: str | None = None  # where the step looks at other windows than the playbook
    baseline: Mapping[str, Any] | None = None
    heading: Template | None = None  # the title, where it has holes
    foreach: Foreach | None = None
    retry: Retry | None = None
    is_optional: bool = False  # `on_error: continue`
    is_dry: bool = False
    expressions: Mapping[str, tuple[Expression, ...]] = field(default_factory=dict)  # options that are CEL themselves
    outputs: Mapping[str, str] = field(default_factory=dict)  # `uses: playbook`: that one's outputs with their types


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line that moves a cause when it is true."""

    expression: Expression
    weight: Weight
    against: bool = False
    group: str | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class CauseRule:
    """A root cause that the playbook can conclude, and what speaks for and against it."""

    id: str
    title: str
    evidence: tuple[Evidence, ...]
    prior: float = DEFAULT_PRIOR  # odds
    subject: Template | None = None  # None: the input `model`
    remedies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a replayed bundle must say. What is None is not looked at."""

    cause: str | None = None  # the first cause named; `none` where none may be
    subject: str | None = None
    odds: float | None = None  # of that cause, at least
    never: tuple[str, ...] = ()  # causes that must not be named
    verdict: Verdict | None = None
    exit: int | None = None


@dataclass(frozen=True, slots=True)
class PlaybookTest:
    """A recorded incident that the playbook must still read correctly."""

    bundle: str  # a file, from the playbook's own folder
    expect: Expectation
    inputs: Mapping[str, str] = field(default_factory=dict)  # where they differ from the recorded ones


@dataclass(frozen=True, slots=True)
class Remedy:
    """A named fix."""

    id: str
    uses: str
    options: Mapping[str, Any]  # `with`, as written
    risk: Risk
    verify: Check | None = None
    templates: Mapping[tuple[str | int, ...], Template] = field(default_factory=dict)  # by path in `options`


@dataclass(frozen=True, slots=True)
class Throttle:
    """How often a playbook may be run by itself for the same inputs."""

    every: float  # seconds
    per: tuple[str, ...] = ()  # the inputs that tell runs apart; empty: all of them


@dataclass(frozen=True, slots=True)
class Playbook:
    """A checked playbook."""

    name: str
    title: str
    steps: tuple[Step, ...]
    causes: tuple[CauseRule, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    inputs: Mapping[str, Input] = field(default_factory=dict)
    current: str = DEFAULT_CURRENT
    baseline: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULT_BASELINE))
    tests: tuple[PlaybookTest, ...] = ()
    description: str = ""
    constants: Mapping[str, InputValue] = field(default_factory=dict)  # `vars`
    outputs: Mapping[str, Expression] = field(default_factory=dict)
    remedies: tuple[Remedy, ...] = ()
    throttle: Throttle | None = None
    path: str = ""  # the file, or the name it was given
    source: str = ""  # the text itself

    @property
    def hash(self) -> str:
        """SHA-256 of its text: by this a run knows whether its playbook is still the same."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    @property
    def trigger_checks(self) -> tuple[TriggerCheck, ...]:
        """One check per signal trigger, taken from the step that it names or the first that judges the same signal."""
        return tuple(_check(trigger, trigger.signal, self) for trigger in self.triggers if trigger.signal is not None)

    def inputs_from(self, labels: Labels) -> dict[str, str]:
        """The inputs that say `from: incident.labels.NAME`, where the labels have them."""
        found = {name: labels.value(each.source.removeprefix("incident.labels.")) for name, each in self.inputs.items()}
        return {name: value for name, value in found.items() if value is not None}


def judges(step: Step, signal: str) -> bool:
    """Whether a step says how well a signal is, by itself and once."""
    is_one_check = not step.is_dry and step.foreach is None
    return is_one_check and step.uses in JUDGES and step.options.get("signal") == signal


def _check(trigger: Trigger, signal: str, playbook: Playbook) -> TriggerCheck:
    for step in playbook.steps:
        if judges(step, signal) and trigger.step in (None, step.id):
            options = _for_every_label_set(step, playbook)
            windows = (step.current, step.baseline) if trigger.step else (None, None)
            return TriggerCheck(signal, trigger.verdict, step.id, options, step.uses, *windows)
    return TriggerCheck(signal, trigger.verdict, None, {"signal": signal})


def _for_every_label_set(step: Step, playbook: Playbook) -> dict[str, Any]:
    where = step.options.get("where", {})
    by = list(step.options.get("by", ()))
    asked = [label for label in where if ("where", label) in step.templates]
    known = {f"inputs.{name}": each.default for name, each in playbook.inputs.items()}
    rest = {key: value for key, value in step.options.items() if key not in ("where", "by")}
    filled = {key: fill(value, step.templates, known, (key,)) for key, value in rest.items()}
    options = {key: value for key, value in filled.items() if not isinstance(value, Unknown)}
    fixed = {label: value for label, value in where.items() if label not in asked}
    return options | {"where": fixed, "by": [*by, *(label for label in asked if label not in by)]}
