"""Plans for tests, and an actuator over one object in memory that fails as it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from nouns import NOON

from console.errors import ActRefused, SourceError
from console.model import Act, Blast, Change, Check, Draft, Plan, Verdict
from console.remedy.actuator import Actuator
from console.remedy.doing import Means
from console.remedy.planning import plan_hash
from console.store.audit import Entry
from console.store.store import Store


def plan(**changes: Any) -> Plan:
    """Four replicas instead of two."""
    fields: dict[str, Any] = {
        "title": "kubernetes.scale deployment prod/ranker",
        "incident": "",
        "run": "r1",
        "playbook": "queue_saturation",
        "playbook_hash": "0" * 64,
        "remedy": "scale",
        "cause": "load_increase",
        "subject": "ranker",
        "act": Act("kubernetes.scale", "prod", "deployment prod/ranker", {"replicas": 4}, {"replicas": 2}),
        "changes": (Change("spec.replicas", 2, 4),),
        "risk": "low",
        "operator": "ada",
        "created": NOON,
        "expires": NOON + 900,
        "probability": 0.9,
        "restore": {"replicas": 2},
        "blast": Blast(2, 0.0, "2 → 4 replicas"),
        "check": Check("depth", Verdict.OK, 300.0),
    }
    return Plan(**(fields | changes))


@dataclass
class Thing:
    """What is changed: its values, how often it was, and what goes wrong. `fails` is spent one by one."""

    values: dict[str, Any] = field(default_factory=lambda: {"replicas": 2})
    key: str | None = None
    acts: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    fails: list[str] = field(default_factory=list)  # refused | breaks | before | after | blind

    async def draft(self, _action: str, options: Mapping[str, Any]) -> Draft:
        changes = tuple(Change(name, self.values[name], value) for name, value in options.items())
        return Draft("thing", dict(options), dict(self.values), changes, dict(self.values))

    async def act(self, act: Act, key: str) -> Mapping[str, Any]:
        trouble = self.fails.pop(0) if self.fails else ""
        if trouble == "refused" or not self._is(act.expect):
            raise ActRefused("it is not what it was", "make a new plan")
        if trouble == "breaks":
            raise KeyError("replicas")
        if trouble == "before":
            raise SourceError("the line went dead", "")
        self.values |= act.set
        self.key = key
        self.acts.append((dict(act.set), key))
        if trouble == "after":
            raise SourceError("the line went dead", "")
        return dict(act.set)

    def _is(self, expect: Mapping[str, Any]) -> bool:
        if "key" in expect:
            return self.key == expect["key"]
        return all(self.values.get(name) == told for name, told in expect.items())

    async def did(self, _act: Act, key: str) -> bool | None:
        if self.fails and self.fails[0] == "blind":
            return None
        return self.key == key

    async def close(self) -> None:
        return None


def means(store: Store, thing: Thing, now: float = NOON + 1) -> Means:
    """Everything that doing needs, around one thing."""

    async def change(before: Any, after: Any, line: Entry) -> Any:
        return store.plans.change(before, after, line)

    @asynccontextmanager
    async def opened(_name: str) -> AsyncIterator[Actuator]:
        yield thing

    return Means(change, opened, lambda: now, settle=0.0, tries=(0.0, 0.0))


def kept(store: Store, made: Plan | None = None, **changes: Any) -> Any:
    """A plan in the store, changed as told."""
    made = made or plan()
    line = Entry(made.created, "ada", "planned", "")
    record = store.plans.add(made, plan_hash(made), 1, "", line)
    if not changes:
        return record
    after = replace(record, **changes)
    return store.plans.change(record, after, Entry(NOON, "ada", "changed", record.id))
