"""Steps as playbooks use them, one at a time, and steps of the playbooks that there are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeGuard

from pydantic import Field

from console.errors import AndonError, UsageError
from console.model import Diagnosis, StepResult, Window
from console.playbook.engine import run
from console.playbook.loader import load_text
from console.plugins import StepType
from console.remedy.verifying import only
from console.sources.redact import shown_line
from console.triage.agent.tool import Arguments, Scene, Seen, Tool, checked, schema_of
from console.words import instant, nearest

READ = ("compare", "now", "events", "logs", "drift", "traces")  # a probe asks the live model: not without a person
SPAN = {"type": "string", "description": "the current window: 15m, or START..END (RFC 3339); the diagnosis' own"}
BASELINE = {
    "type": "object",
    "description": '{"offset": "1d"} or {"seasonal": {"period": "1d", "count": 7}}; as the diagnosis has it',
}


class StepAsked(Arguments):
    """A step of a playbook, to be run again."""

    playbook: str
    step: str = Field(description="its id; those that it needs run too")
    inputs: dict[str, str] = Field({}, description="of the playbook, where its defaults do not do")


def tools(scene: Scene) -> Iterator[Tool]:
    """One tool for each kind of step that reads, and one for the steps of playbooks."""
    windows = windows_of(scene.diagnosis)
    for name in READ:
        if name in scene.step_types:
            kind = scene.step_types[name]
            yield Tool(name, f"{kind.title}. Gives findings.", _schema(kind), partial(_step, scene, windows, name))
    if scene.playbooks:
        described = "Run one step of a playbook again, in the windows of the diagnosis. Gives findings."
        yield Tool("playbook_step", described, schema_of(StepAsked), partial(_playbook_step, scene))


def windows_of(diagnosis: Diagnosis) -> dict[str, Any]:
    """The windows of a diagnosis as a playbook says them."""
    current, baseline = diagnosis.windows.current, diagnosis.windows.baseline
    told: dict[str, Any] = {"current": "15m", "baseline": {"offset": "1d"}}
    if _is_one(current):
        told["current"] = f"{instant(current.start)}..{instant(current.end)}"
        if _is_one(baseline) and baseline.start < current.start:
            told["baseline"] = {"offset": f"{round(current.start - baseline.start)}s"}
    return told


def _is_one(window: Window | None) -> TypeGuard[Window]:
    return window is not None and len(window.spans) == 1


def _schema(kind: StepType) -> dict[str, Any]:
    schema = schema_of(kind.options)
    schema["properties"] = {**schema.get("properties", {}), "current": SPAN, "baseline": BASELINE}
    return schema


async def _step(scene: Scene, windows: Mapping[str, Any], name: str, arguments: Mapping[str, Any]) -> Seen:
    """A step, checked as a playbook is: what it cannot be in one is refused here too."""
    given = dict(arguments)
    book = {
        "schema": "andon/v1", "name": "look", "title": "A look",
        "windows": {side: given.pop(side, usual) for side, usual in windows.items()},
        "steps": [{"id": "look", "title": "A look", "uses": name, "with": given}],
    }  # fmt: skip
    text = json.dumps(book)
    if "${{" in text:
        raise UsageError("nothing fills holes here", "give the values themselves")
    try:
        playbook = load_text(text, "look", scene.step_types)
        done = await run(playbook, {}, scene.situation, step_types=scene.step_types)
    except AndonError as error:
        raise UsageError(error.message, error.hint) from None
    return _seen(done.steps[0])


async def _playbook_step(scene: Scene, arguments: Mapping[str, Any]) -> Seen:
    asked: StepAsked = checked(StepAsked, arguments)
    playbook = scene.playbooks.get(asked.playbook)
    if playbook is None:
        raise UsageError(
            f"there is no playbook {shown_line(asked.playbook, 60)!r}", nearest(asked.playbook, scene.playbooks)
        )
    steps = {step.id: step for step in playbook.steps}
    if asked.step not in steps:
        raise UsageError(f"{playbook.name} has no step {shown_line(asked.step, 60)!r}", f"it has {', '.join(steps)}")
    part = only(playbook, [asked.step])
    if kinds := {step.uses for step in part.steps} - {*READ}:
        raise UsageError(f"it needs {', '.join(sorted(kinds))}, which is not for a model to run", "use another step")
    known = next((each.inputs for each in scene.diagnosis.runs if each.playbook == playbook.name), {})
    windows = scene.diagnosis.windows
    try:
        done = await run(
            part, {**known, **asked.inputs}, scene.situation, step_types=scene.step_types,
            current=windows.current if _is_one(windows.current) else None, baseline=windows.baseline,
        )  # fmt: skip
    except AndonError as error:
        raise UsageError(error.message, error.hint) from None
    return _seen(next(each for each in done.steps if each.id == asked.step))


def _seen(result: StepResult) -> Seen:
    return Seen(f"{result.state}{': ' * bool(result.reason)}{shown_line(result.reason)}", result.findings)
