"""A daemon with an incident whose cause has a remedy: a lever of a machine, which is a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from household import Clock

from console.model import Kind as SignalKind
from console.model import Labels, Reading, SeriesKey
from console.service.house import House
from console.service.operation import perform
from console.service.operations import all_operations
from console.service.peer import Peer
from console.service.protocol import Request

ACTUATOR = """
import json
from pathlib import Path
from pydantic import BaseModel
from console.errors import ActRefused, SourceError
from console.model import Blast, Change, Draft
from console.plugins import ActionType, ActuatorType, hookimpl

class Lever(BaseModel):
    workload: str
    replicas: int = 4

class Place(BaseModel):
    file: str

class Machine:
    def __init__(self, options):
        self.path = Path(options.file)
    def read(self):
        return json.loads(self.path.read_text())
    async def draft(self, action, options):
        now = self.read()["replicas"]
        changes = () if now == options["replicas"] else (Change("replicas", now, options["replicas"]),)
        return Draft(f"machine {options['workload']}", {"replicas": options["replicas"]}, {"replicas": now}, changes,
                     {"replicas": now}, Blast(1, 0.0, "a lever"))
    async def act(self, act, key):
        now = self.read()
        if now.get("trouble") == "refuses" or now["replicas"] != act.expect["replicas"]:
            raise ActRefused("it is not what it was")
        self.path.write_text(json.dumps({**now, **act.set, "key": key, "times": now.get("times", 0) + 1}))
        if now.get("trouble") == "drops":
            raise SourceError("the line went dead")
        return {"replicas": act.set["replicas"]}
    async def did(self, act, key):
        return self.read().get("key") == key
    async def close(self):
        pass

@hookimpl
def andon_actions():
    return [ActionType("lever.pull", "Pull a lever", Lever)]

@hookimpl
def andon_actuators():
    return [ActuatorType("machine", "A machine", Place, lambda name, options: Machine(options), ("lever.pull",))]
"""
PLAYBOOK = """
schema: andon/v1
name: deep_queue
title: The queue is deep
triggers: [{signal: model.queue.depth, verdict: degraded}]
inputs: {model: {from: incident.labels.model, default: glove}}
windows: {current: 5m, baseline: {offset: 30m}}
steps:
  - {id: depth, title: Deeper?, uses: compare, with: {signal: model.queue.depth, stat: mean, tolerance: 50%}}
causes:
  - id: too_few
    title: Too few replicas
    evidence: [{if: 'steps.depth.verdict == "degraded"', weight: decisive}]
    remedies: [scale]
remedies:
  - id: scale
    uses: lever.pull
    with: {workload: "${{ inputs.model }}"}
    risk: medium
    verify: {step: depth, want: ok, within: 5m}
"""
POLICY = '[[allow]]\nname = "levers"\nactions = ["lever.*"]\n'
DEPTH = SeriesKey("model.queue.depth", Labels.of(model="glove"), SignalKind.GAUGE)


class Stage:
    """A house with an incident whose cause has a remedy, and the machine that it changes."""

    def __init__(self, house: House, clock: Clock, machine: Path) -> None:
        self.house, self.clock, self.machine = house, clock, machine

    async def live(self, seconds: float, depth: float) -> None:
        """Live through some time with a queue of this depth, a reading each 15 s, as a daemon does."""
        for _ in range(int(seconds / 15)):
            self.clock.set(self.clock.now + 15)
            await self.house.keep([Reading(DEPTH, self.clock.now, depth)], self.clock.now)
            await self.house.writer.commit()
            await self.house.remedying.round()

    def values(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.machine.read_text())
        return found

    async def ask(self, op: str, *, by: str = "ada", uid: int = 1, **args: Any) -> Any:
        return await perform(all_operations(self.house), Request(1, op, args), Peer(uid, by))

    async def approved(self) -> dict[str, Any]:
        made = await self.ask("plan.make", incident="I-1", remedy="scale")
        done: dict[str, Any] = await self.ask("plan.approve", plan=made["id"], hash=made["hash"])
        return done
