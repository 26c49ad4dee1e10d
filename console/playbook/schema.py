"""The playbook language as pydantic models: where YAML is checked, and what the JSON Schema for editors says."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from console.config import duration
from console.errors import ConfigError, UsageError
from console.signals.catalogue import find_signal


class Entry(BaseModel):
    """What every mapping of the language has in common: no unknown keys, no silent conversions."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
    called: ClassVar[str] = "this"  # in messages


def _known_signal(name: str) -> str:
    try:
        return find_signal(name).name
    except UsageError as error:
        raise PydanticCustomError("signal", "{message}", {"message": error.message, "hint": error.hint}) from error


def _offset(text: str) -> str:
    _duration(text.removeprefix("-"))
    return text


def _duration(text: str) -> str:
    try:
        duration(text)
    except ConfigError as error:
        raise PydanticCustomError("duration", "{message}", {"message": error.message, "hint": error.hint}) from error
    return text


def _share(value: object) -> float:
    """`20%` or 0.2."""
    percent = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value) if isinstance(value, str) else None
    share = float(percent[1]) / 100 if percent else value
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 10:
        raise PydanticCustomError(
            "share", "{value} is not a share", {"value": repr(value), "hint": "write it like 20%"}
        )
    return float(share)


def _pause(text: str) -> str:
    if not 0 <= duration(_duration(text)) <= LONGEST_PAUSE:
        raise PydanticCustomError("pause", "{value} is too long", {"value": text, "hint": "at most 5m"})
    return text


def _constant(value: object) -> str | float | bool:
    if isinstance(value, bool | str):
        return value
    if not isinstance(value, int | float):
        raise PydanticCustomError("constant", "this is neither text nor a number, true or false")
    return float(value)


def _items(value: object) -> object:
    """What `foreach` may be: an expression in a hole, or a list of texts or of numbers."""
    if isinstance(value, str):
        if not re.fullmatch(r"\s*\$\{\{.*\}\}\s*", value, re.DOTALL):
            raise PydanticCustomError(
                "items", "{value} is no list", {"value": repr(value[:60]), "hint": "write [a, b], or ${{ … }}"}
            )
        return value
    if not isinstance(value, list) or not value:
        raise PydanticCustomError("items", "this is no list with at least one item", {"hint": "write [a, b]"})
    if len(value) > MOST_ITEMS:
        raise PydanticCustomError("items", "{count} items are too many", {"count": len(value), "hint": "at most 1,000"})
    is_text = all(isinstance(item, str) and item and "${{" not in item for item in value)
    is_number = all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
    if not is_text and not is_number:
        hint = "a hole stands for the whole list: foreach: ${{ … }}"
        raise PydanticCustomError("items", "the items are neither all text nor all numbers", {"hint": hint})
    return value


def odds(text: str) -> float:
    """The odds that `1:30` says."""
    sides = re.fullmatch(r"(\d+(?:\.\d+)?)\s*:\s*(\d+(?:\.\d+)?)", text)
    value = float(sides[1]) / (float(sides[2]) or math.inf) if sides else 0.0
    if value <= 0:
        raise PydanticCustomError("odds", "{value} are not odds", {"value": repr(text), "hint": "write them like 1:30"})
    return value


def _odds(text: str) -> str:
    odds(text)
    return text


MOST_ITEMS = 1_000
LONGEST_PAUSE = 300.0  # seconds

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=64)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500)]
SIGNAL_MARK = "x-signal"  # in the JSON Schema, until the signals themselves stand there
SignalName = Annotated[str, AfterValidator(_known_signal), WithJsonSchema({"type": "string", SIGNAL_MARK: True})]
Duration = Annotated[
    str, AfterValidator(_duration), WithJsonSchema({"type": "string", "examples": ["15s", "15m", "1h30m", "7d"]})
]
Pause = Annotated[str, AfterValidator(_pause)]
Constant = Annotated[Any, BeforeValidator(_constant), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Items = Annotated[
    Any,
    BeforeValidator(_items),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"\$\{\{"},
                {"type": "array", "items": {"type": ["string", "number"]}, "minItems": 1, "maxItems": MOST_ITEMS},
            ]
        }
    ),
]
Share = Annotated[float, BeforeValidator(_share), WithJsonSchema({"type": ["string", "number"], "examples": ["20%"]})]
Odds = Annotated[str, AfterValidator(_odds)]
Cel = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
VerdictName = Literal["ok", "degraded", "improved", "inconclusive", "no_data"]


class TriggerEntry(Entry):
    """What makes this playbook worth running: a signal's verdict, or an alert."""

    called = "a trigger"

    signal: SignalName | None = Field(None, description="judged as the first step that looks at it judges it")
    step: Id | None = Field(None, description="judged as this step does, in its windows; else as the first that looks")
    verdict: VerdictName = Field("degraded", description="the verdict that makes it worth running")
    alert: dict[str, str] | None = Field(None, description="labels of the alert; `*` stands for anything")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.signal is None) == (self.alert is None):
            raise PydanticCustomError("one_of", "a trigger has either `signal` or `alert`")
        if self.step is not None and self.signal is None:
            raise PydanticCustomError("one_of", "`step` says how a `signal` is judged")
        return self


class InputEntry(Entry):
    """What a run must be told."""

    called = "an input"

    type: Literal["string", "number", "boolean"] = Field("string", description="what it is in expressions")
    source: str | None = Field(
        None,
        alias="from",
        pattern=r"^incident\.labels\.[A-Za-z_][A-Za-z0-9_]*$",
        description="where triage takes it from",
    )
    default: str | float | bool | None = Field(None, description="where it is not given; without one it must be")

    @model_validator(mode="after")
    def _default_fits(self) -> Self:
        kinds: dict[str, type | tuple[type, ...]] = {"string": str, "number": (int, float), "boolean": bool}
        if self.default is not None:
            fits = isinstance(self.default, kinds[self.type])
            if not fits or (self.type == "number" and isinstance(self.default, bool)):
                raise PydanticCustomError("default", "the default of this input is not a {type}", {"type": self.type})
        return self


class SeasonalEntry(Entry):
    """The same hours of earlier periods, pooled."""

    called = "a seasonal baseline"

    period: Duration = Field(description="1d, 1w")
    count: int = Field(1, ge=1, le=60, description="so many earlier ones, as far as they are known")


class BaselineEntry(Entry):
    """What current data is compared with: exactly one of these."""

    called = "a baseline"

    offset: Annotated[str, AfterValidator(_offset)] | None = Field(None, description="so long before current: 1d")
    seasonal: SeasonalEntry | None = Field(None, description="the same hours of earlier periods, pooled")
    before: Literal["onset"] | None = Field(None, description="as long as current, before the onset of a step")
    of: Id | None = Field(None, description="the step whose onset `before` means")
    pinned: str | None = Field(None, description="one kept under this name: andon baseline pin")
    where: dict[str, str] | None = Field(None, description="siblings with these labels, at the same time")
    span: str | None = Field(None, description="START..END in RFC 3339")
    dataset: str | None = Field(None, min_length=1, description="rows of a file or an object, for steps on tables")
    peers: Literal[True] | None = Field(None, description="healthy siblings, at the same time")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in type(self).model_fields if name != "of" and getattr(self, name) is not None]
        if len(given) != 1:
            one_of = ", ".join(name for name in type(self).model_fields if name != "of")
            raise PydanticCustomError("one_of", "a baseline is exactly one of {one_of}", {"one_of": one_of})
        if (self.of is None) != (self.before is None):
            raise PydanticCustomError("one_of", "`before: onset` and `of: STEP` go together")
        return self


class WindowsEntry(Entry):
    """Which data is looked at, and what it is compared with."""

    called = "`windows`"

    current: str | None = Field(None, description="15m, 24h, or START..END in RFC 3339")
    baseline: BaselineEntry | None = Field(None, description="what it is compared with")


class RetryEntry(Entry):
    """How often a source that does not answer is asked again."""

    called = "`retry`"

    times: int = Field(ge=1, le=5, description="further tries; verdicts are never tried again")
    wait: Pause = Field("1s", description="between two tries")


class StepEntry(Entry):
    """One look at the data. Steps only read."""

    called = "a step"

    id: Id = Field(description="what expressions and other steps call it")
    title: Words = Field(description="the question it answers, for a person")
    uses: str = Field(description="the step type")
    options: dict[str, Any] = Field({}, alias="with", description="the options of the step type")
    condition: Cel | None = Field(None, alias="if", description="CEL; only true runs the step")
    needs: list[Id] = Field([], description="steps to wait for; a reference is a need too")
    timeout: Duration | None = Field(None, description="after so long it is cut off: 30s")
    windows: WindowsEntry | None = Field(None, description="where this step looks at others than the playbook")
    foreach: Items | None = Field(
        None, description="done once for each of these, `each` inside: a list, or `${{ }}` giving list(string)"
    )
    most: int | None = Field(None, ge=1, le=MOST_ITEMS, description="more items than this are an error; 50")
    retry: RetryEntry | None = Field(None, description="where a source does not answer")
    on_error: Literal["fail", "continue"] = Field(
        "fail", description="fail: what needs it is skipped; continue: its error is told and decides nothing"
    )
    dry_run: bool = Field(False, description="measured and told, never decisive")

    @model_validator(mode="after")
    def _most_of_something(self) -> Self:
        if self.most is not None and self.foreach is None:
            raise PydanticCustomError("most", "`most` bounds a `foreach`, and this step has none")
        return self


class EvidenceEntry(Entry):
    """A line that moves its cause when it is true."""

    called = "a line of evidence"

    condition: Cel = Field(alias="if", description="CEL about the results of steps; only true counts")
    weight: Literal["weak", "moderate", "strong", "decisive"] = Field(
        description="how much the odds move: 3, 10, 30 or 100 times"
    )
    against: bool = Field(False, description="it speaks against the cause")
    group: Id | None = Field(None, description="lines that tell the same thing; only the strongest counts")
    title: Words | None = Field(None, description="what it means, for a person")


class CauseEntry(Entry):
    """A root cause that this playbook can conclude."""

    called = "a cause"

    id: Id = Field(description="one name means the same cause in every playbook")
    title: Words = Field(description="what is wrong, for a person")
    subject: str | None = Field(None, description="what it is about; the input `model` where nothing is said")
    prior: Odds | None = Field(None, description="odds before any evidence; 1:30 where nothing is said")
    evidence: list[EvidenceEntry] = Field(min_length=1, description="what speaks for it and against it")
    remedies: list[Id] = Field([], description="fixes of this playbook that help")


class VerifyEntry(Entry):
    """How a remedy is seen to have worked."""

    called = "`verify`"

    step: Id = Field(description="the step that is run again")
    want: VerdictName = Field(description="what it must say")
    within: Duration = Field(description="after so long at the latest")
    guards: list[Id] = Field([], description="steps that must not turn degraded meanwhile: it is taken back at once")


class RemedyEntry(Entry):
    """A named fix."""

    called = "a remedy"

    id: Id = Field(description="what causes call it")
    uses: str = Field(description="the act, such as model.rollback")
    options: dict[str, Any] = Field({}, alias="with", description="the options of the act")
    risk: Literal["low", "medium", "high"] = Field(description="what it may break")
    verify: VerifyEntry | None = Field(None, description="how it is seen to have worked")


class ExpectEntry(Entry):
    """What a replayed bundle must say."""

    called = "`expect`"

    cause: Id | None = Field(None, description="the first cause named; `none` where none may be")
    subject: str | None = Field(None, description="what that cause is about")
    odds: float | None = Field(None, gt=0, description="that cause's odds, at least")
    never: list[Id] = Field([], description="causes that must not be named")
    verdict: VerdictName | None = Field(None, description="of the run")
    exit: Literal[0, 1, 3, 4] | None = Field(None, description="1 a problem, 0 well, 3 nobody can tell, 4 unreachable")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("expect", "this expects nothing")
        if self.cause in (None, "none") and (self.subject is not None or self.odds is not None):
            raise PydanticCustomError("expect", "`subject` and `odds` are about a `cause`")
        return self


class TestEntry(Entry):
    """A recorded incident that this playbook must still read correctly."""

    called = "a test"

    __test__ = False  # not a test of pytest's
    bundle: str = Field(min_length=1, description="a file, from the playbook's own folder")
    inputs: dict[Id, str] = Field({}, description="where they differ from what the bundle was recorded with")
    expect: ExpectEntry = Field(description="what the run must say")


class ThrottleEntry(Entry):
    """How often a playbook is run by itself at most. A person may always run it."""

    called = "`throttle`"

    every: Duration = Field(description="at most once in so long: 10m")
    per: list[Id] = Field([], description="for the same values of these inputs; of all of them where nothing is said")


class PlaybookFile(Entry):
    """A playbook."""

    called = "a playbook"

    schema_version: Literal["andon/v1"] = Field(alias="schema", description="the version of this language")
    name: Name = Field(description="what it is run by; the file's name")
    title: Words = Field(description="what went wrong, for a person")
    description: str = Field("", description="what it looks at and why, in a few lines")
    triggers: list[TriggerEntry] = Field([], description="what makes it worth running; none: it is run by name only")
    inputs: dict[Id, InputEntry] = Field({}, description="what a run must be told")
    constants: dict[Id, Constant] = Field({}, alias="vars", description="constants, read as `vars.NAME`")
    windows: WindowsEntry = Field(WindowsEntry(), description="which data is compared")
    throttle: ThrottleEntry | None = Field(None, description="how often it is run by itself at most")
    steps: list[StepEntry] = Field(min_length=1, max_length=500, description="what is looked at")
    causes: list[CauseEntry] = Field([], description="the root causes that it can conclude")
    remedies: list[RemedyEntry] = Field([], description="named fixes that causes point to")
    outputs: dict[Id, Cel] = Field({}, description="what it gives to a playbook that uses it: NAME: CEL")
    tests: list[TestEntry] = Field([], description="recorded incidents that it must still read correctly")
