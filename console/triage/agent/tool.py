"""What a tool of the model is, and what all of them look at. A tool reads; none changes anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from console.errors import UsageError
from console.model import Diagnosis, Finding, Incident, Question, Verdict
from console.playbook.definition import Playbook
from console.plugins import AgentTool, StepType
from console.sources.estate import Situation

Ask = Callable[[Question], Awaitable[str | None]]
"""Puts a question to the operator: the answer, or None where nobody is there or says anything."""


@dataclass(frozen=True, slots=True)
class Past:
    """An incident that is over, and what was found and done."""

    incident: Incident
    diagnosis: Diagnosis
    fixed_by: tuple[str, ...] = ()  # what verified plans did, in words


Remember = Callable[[], Awaitable[Sequence[Past]]]
"""Earlier incidents, the newest first."""


async def _nothing() -> Sequence[Past]:
    return ()


@dataclass(frozen=True, slots=True)
class Scene:
    """Whatever tools may look at."""

    situation: Situation
    step_types: Mapping[str, StepType]
    diagnosis: Diagnosis
    playbooks: Mapping[str, Playbook] = field(default_factory=dict)
    remember: Remember = _nothing
    ask: Ask | None = None  # None: nobody can be asked
    offered: tuple[AgentTool, ...] = ()  # by plugins


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look gave: words, and findings that can be cited."""

    said: str
    findings: tuple[Finding, ...] = ()
    whole: str = ""  # all that somebody said, where the one finding is its beginning


@dataclass(frozen=True, slots=True)
class Tool:
    """What the model may call."""

    name: str
    description: str
    schema: Mapping[str, Any]
    call: Callable[[Mapping[str, Any]], Awaitable[Seen]]

    @property
    def told(self) -> dict[str, Any]:
        """As the Messages API has it."""
        return {"name": self.name, "description": self.description, "input_schema": self.schema}


class Arguments(BaseModel):
    """The arguments of a tool."""

    model_config = ConfigDict(extra="forbid")


def checked(kind: type[Arguments], given: Mapping[str, Any]) -> Any:
    """The arguments as they have to be; UsageError, worded for the model, where they are not."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{where}: {first['msg']}" if where else str(first["msg"]), "mend it and call again") from None


def schema_of(kind: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of arguments, without what tells a model nothing: it is sent with every request."""
    schema: dict[str, Any] = _spare(kind.model_json_schema())
    return {"type": "object", **schema}


def _spare(part: Any, *, is_names: bool = False) -> Any:
    if isinstance(part, list):
        return [_spare(each) for each in part]
    if not isinstance(part, Mapping):
        return part
    kept = {
        name: _spare(each, is_names=name in ("properties", "$defs"))
        for name, each in part.items()
        if is_names or (name not in ("title", "default", "additionalProperties") and not name.startswith("x-"))
    }
    options = kept.get("anyOf")
    if not is_names and isinstance(options, list) and {"type": "null"} in options:  # that it may be left out is plain
        (kept["anyOf"]) = [each for each in options if each != {"type": "null"}]
        if len(kept["anyOf"]) == 1:
            kept |= kept.pop("anyOf")[0] | {name: kept[name] for name in ("description",) if name in kept}
    return kept


def note(text: str, step: str, verdict: Verdict = Verdict.OK) -> Finding:
    """A finding that says what was seen, and judges nothing."""
    return Finding(id="", kind="check", step=step, text=text, verdict=verdict)
