"""Operations on runs of playbooks: begin one, go on with one, list them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from console.errors import UsageError
from console.model import Run, State
from console.playbook.answers import MOST_TEXT
from console.playbook.definition import Playbook
from console.playbook.loader import load_text
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.peer import Peer
from console.sources.windows import parse_baseline
from console.store.runs import Origin
from console.triage import diagnose
from console.wire import dump
from console.words import nearest

MOST_LISTED = 200


class RunAsked(Arguments):
    """A playbook by name, or its text with the file that it stands in, and what it needs to know."""

    playbook: str
    inputs: dict[str, str] = Field(default_factory=dict)
    current: str | None = None
    baseline: str | dict[str, Any] | None = None
    path: str = Field("", max_length=4096)


class OneRun(Arguments):
    """A run by id."""

    run: str = Field(max_length=64)


class Resumed(OneRun):
    """Answers by step, and the step to run again from."""

    answers: dict[str, Annotated[str, StringConstraints(max_length=MOST_TEXT)]] = Field(default_factory=dict)
    from_step: str | None = None


class Newest(Arguments):
    """How many."""

    limit: int = Field(50, ge=1, le=MOST_LISTED)


def operations(house: House) -> tuple[Operation, ...]:
    """What can be done with runs."""

    async def run(arguments: RunAsked, peer: Peer) -> Any:
        asked = arguments.baseline
        done = await house.running.start(
            _playbook(house, arguments.playbook, arguments.path),
            arguments.inputs,
            peer.name,
            current=arguments.current,
            baseline=parse_baseline(asked) if isinstance(asked, str) else asked,
            path=arguments.path,
        )
        return dump(diagnose([done]))

    async def resume(arguments: Resumed, peer: Peer) -> Any:
        done = await house.running.go_on(
            arguments.run, peer.name, answers=arguments.answers, from_step=arguments.from_step
        )
        return dump(diagnose([done]))

    async def list_them(arguments: Newest, _peer: Peer) -> Any:
        return [_row(house, *each) for each in await house.records.newest_runs(arguments.limit)]

    async def show(arguments: OneRun, _peer: Peer) -> Any:
        found, origin = await house.records.run_with_origin(arguments.run)
        return {"run": dump(found), "text": origin.text, "path": origin.path, "incident": origin.incident}

    return (
        Operation("run", RunAsked, run),
        Operation("run.resume", Resumed, resume),
        Operation("run.list", Newest, list_them),
        Operation("run.show", OneRun, show),
    )


def _row(house: House, run: Run, origin: Origin, state: str) -> dict[str, Any]:
    is_under_way = house.running.is_under_way(run.id)
    waits = [step for step in run.steps if step.state is State.WAITING and step.question is not None]
    return {
        "id": run.id,
        "playbook": run.playbook,
        "state": "under way" if is_under_way else state,
        "started": run.started,
        "operator": origin.operator,
        "verdict": None if is_under_way else run.verdict,  # it has said nothing yet
        "incident": origin.incident,
        "waits": [{"step": step.id, "question": dump(step.question)} for step in waits],
    }


def _playbook(house: House, text: str, path: str) -> Playbook:
    known: Mapping[str, Playbook] = house.playbooks
    if text in known:
        return known[text]
    if "\n" in text:
        return load_text(text, path or "playbook.yaml", house.step_types, known)
    raise UsageError(f"there is no playbook {text[:60]!r}", nearest(text[:60], known))
