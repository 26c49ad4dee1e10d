"""Every action that is done over HTTP, and every way in which a server may answer it: a trial is one plan that goes its
usual way through a store, one write of it that meets the answer, and what became of both.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from gate import Gate, Trouble, gated
from kubeheld import Held, Refused
from kuberanker import EACH, furnish
from litellmproxy import Proxy
from mlflowregistry import Registry
from nouns import NOON
from plans import kept, plan

from console.config import ActuatorConfig
from console.model import Act, PlanRecord, PlanState
from console.plugins import Plugins
from console.remedy.actuator import Actuator
from console.remedy.doing import Means, apply, take_back
from console.store.audit import Entry
from console.store.store import DATABASE_NAME, Store

ANSWERS: Mapping[str, Trouble] = {  # "!" where it was done all the same
    "403": Trouble("code", 403),
    "409": Trouble("code", 409),
    "422": Trouble("code", 422),
    "429": Trouble("code", 429),
    "500": Trouble("code", 500),
    "500!": Trouble("code", 500, is_done=True),
    "cut": Trouble("cut"),
    "cut!": Trouble("cut", is_done=True),
    "hang": Trouble("hang"),
    "hang!": Trouble("hang", is_done=True),
    "late!": Trouble("hang", is_done=True, after=1.4),  # when nobody listens any more
    "junk": Trouble("junk"),
    "junk!": Trouble("junk", is_done=True),
}
Does = Literal["apply", "take back"]
DOES: tuple[Does, ...] = ("apply", "take back")
Really = Literal["not", "done", "partly"]
RIGHT: Mapping[tuple[Does, Really], PlanState] = {
    ("apply", "not"): PlanState.FAILED,
    ("apply", "done"): PlanState.APPLIED,
    ("apply", "partly"): PlanState.UNKNOWN,
    ("take back", "not"): PlanState.APPLIED,
    ("take back", "done"): PlanState.ROLLED_BACK,
    ("take back", "partly"): PlanState.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Way:
    """An action, by one kind of actuator."""

    kind: str
    action: str
    options: Mapping[str, Any]
    is_blind: bool = False  # nothing tells afterwards whether it was done

    @property
    def name(self) -> str:
        """The action, what it is done to, and by what kind of actuator where its name does not say."""
        about = " rollout" if self.options.get("workload") == "canaried" else ""
        return f"{self.action}{about}" + ("" if self.action.startswith(self.kind) else f" ({self.kind})")


WAYS = (
    *(Way("kubernetes", action, options) for action, options in EACH.items()),
    Way("kubernetes", "kubernetes.shift_weight", {"workload": "canaried", "to": "stable"}),
    Way("litellm", "litellm.fallback", {"model": "chat", "to": ["small"]}),
    Way("mlflow", "model.rollback", {"model": "fraud"}),
    Way("webhook", "webhook.call", {"ask": "for more quota"}, is_blind=True),
    Way("webhook", "model.retrain", {"model": "fraud"}, is_blind=True),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What was said of one act, and what became of it."""

    way: Way
    does: Does
    write: int  # the one that met the answer, of those that the act takes
    answer: str
    state: PlanState | None  # none: it raised
    really: Really
    is_twice: bool
    reason: str

    @property
    def is_silent(self) -> bool:
        """Whether the plan does not say what became of it, or not why."""
        is_as_wanted = self.state is RIGHT[self.does, "done"]
        return self.state in (PlanState.APPLYING, None) or not (self.reason or is_as_wanted)

    @property
    def is_traceback(self) -> bool:
        """Whether it ended in an error that nobody worded."""
        return self.state is None or " raised " in self.reason

    @property
    def is_right(self) -> bool:
        """Whether what is said is what became of it; what leaves no trace may be unknown."""
        is_open = self.way.is_blind and self.state is PlanState.UNKNOWN
        return is_open or self.state is RIGHT[self.does, self.really]

    @property
    def is_well(self) -> bool:
        """Whether nothing is to be said against it."""
        return self.is_right and not (self.is_silent or self.is_traceback or self.is_twice)


@dataclass(frozen=True, slots=True)
class House:
    """What a trial needs around it."""

    plugins: Plugins
    opened: Callable[[ActuatorConfig, Plugins], AbstractAsyncContextManager[Actuator]]
    timeout: float  # of one answer, seconds
    settle: float  # before it is looked once more whether it happened
    tries: tuple[float, ...] = (0.0, 0.2)


def usual(way: Way, does: Does, house: House) -> list[str]:
    """The writes that it takes where nothing goes wrong; none where nothing leads back."""
    with _served(way.kind, house) as (server, folder):
        record = asyncio.run(_went(way, does, server, folder, house, server.gate.done.clear))
        return [] if record is None else [*server.gate.done]


def asked(way: Way, does: Does, writes: list[str]) -> Iterator[tuple[Way, Does, list[str], int, str]]:
    """What there is to try: every answer to each of these writes."""
    for write in range(len(writes)):
        for answer in ANSWERS:
            if not (answer == "junk" and way.is_blind):  # what a receiver says beside 200 is nobody's business
                yield way, does, writes, write, answer


def trial(way: Way, does: Does, writes: list[str], write: int, answer: str, house: House) -> Trial:
    """One answer to one of its usual writes."""
    with _served(way.kind, house) as (server, folder):
        before: list[str] = []

        def begin() -> None:
            before.append(_text(server.state()))
            server.gate.arm(ANSWERS[answer], write)

        state, reason = None, ""
        try:
            if (record := asyncio.run(_went(way, does, server, folder, house, begin))) is not None:
                state, reason = record.state, record.reason
        except Exception as error:  # that is what is looked for
            if not before:
                raise
            reason = f"{type(error).__name__}: {error}"
        done, whole = Counter(server.gate.done), Counter(writes)
        is_same = _text(server.state()) == before[0]
        really: Really = "not" if is_same else "done" if done >= whole else "partly"
        return Trial(way, does, write, answer, state, really, not done <= whole, reason)


async def _went(
    way: Way, does: Does, server: Server, folder: Path, house: House, begin: Callable[[], object]
) -> PlanRecord | None:
    """The plan at its end, `begin` called right before the step that is looked at. None where nothing leads back."""
    options = house.plugins.by_name("andon_actions")[way.action].options(**way.options).model_dump(mode="json")
    there = partial(house.opened, server.config, house.plugins)
    async with there() as actuator:
        draft = await actuator.draft(way.action, options)
    act = Act(way.action, server.config.name, draft.target, draft.set, draft.expect)
    with Store.open(folder / DATABASE_NAME) as store:

        async def change(before: PlanRecord, after: PlanRecord, line: Entry) -> PlanRecord:
            return store.plans.change(before, after, line)

        around = Means(change, lambda _name: there(), lambda: NOON + 1, house.settle, house.tries)
        record = kept(store, plan(act=act, restore=draft.restore, check=None), state=PlanState.APPROVED)
        if does == "apply":
            begin()
            return await apply(record, "ada", around)
        if draft.restore is None:
            return None
        record = await apply(record, "ada", around)
        begin()
        return await take_back(record, "ada", around)


# ── what is changed ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Server:
    """What is changed, behind its gate."""

    gate: Gate
    config: ActuatorConfig
    state: Callable[[], Any]  # all that an act may be about


@dataclass
class Receiver:
    """Somebody who does what a webhook asks for."""

    heard: list[Any] = field(default_factory=list)

    def answer(self, _method: str, _path: str, _query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        self.heard.append(body["ask"])
        return 200, {}


@contextmanager
def _served(kind: str, house: House) -> Iterator[tuple[Server, Path]]:
    """A fresh server of a kind, as an actuator of it is configured, and a folder for the store."""
    answering, state = _fresh(kind)
    with tempfile.TemporaryDirectory(prefix="andon-answers-") as temporary, gated(answering) as gate:
        folder = Path(temporary)
        is_cluster = kind == "kubernetes"
        way_in = {"kubeconfig": Held(port=gate.port).kubeconfig(folder)} if is_cluster else {"url": gate.url}
        yield Server(gate, ActuatorConfig(kind, kind, {**way_in, "timeout": house.timeout}), state), folder


def _fresh(kind: str) -> tuple[Callable[..., tuple[int, Any]], Callable[[], Any]]:
    """(what answers, what it holds)."""
    match kind:
        case "kubernetes":
            held = Held()
            furnish(held)
            return lambda *asked: _of_cluster(held, *asked), lambda: _held(held)
        case "litellm":
            proxy = Proxy([{"chat": ["haiku"]}])
            return proxy.answer, lambda: proxy.rules
        case "mlflow":
            registry = Registry()
            return registry.answer, lambda: registry.aliases
        case _:
            receiver = Receiver()
            return receiver.answer, lambda: receiver.heard


def _of_cluster(held: Held, *asked: Any) -> tuple[int, Any]:
    try:
        return 200, held.answer(*asked)
    except Refused as error:
        return error.code, error.status


def _held(held: Held) -> Any:
    """What a cluster holds, but for versions and keys of acts."""
    left = ("annotations", "resourceVersion")
    return {
        path: {**each, "metadata": {name: told for name, told in each["metadata"].items() if name not in left}}
        for path, each in held.objects.items()
    }


def _text(state: Any) -> str:
    return json.dumps(state, sort_keys=True)
