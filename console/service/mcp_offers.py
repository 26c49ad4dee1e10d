"""What agents elsewhere may ask of the daemon: tools, what each takes, and the operations behind, which only read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from console.config import duration
from console.errors import UsageError
from console.model import Diagnosis
from console.service.client import REQUEST_SECONDS, Client
from console.triage.agent.prompt import facts
from console.wire import load

READ_ONLY = frozenset(
    """alert.list baseline.list curve diagnosis drift events gpu gpu.page incident.list incident.show look look.list
    plan.list run.list status""".split()
)
LOOK_SECONDS = 75.0  # the daemon gives up before
MOST_ROWS = 100
STATUS = ("now", "version", "models", "sources", "incidents", "plans", "troubles")
INCIDENT = ("id", "title", "state", "subject", "owner", "opened", "closed")


@dataclass(frozen=True, slots=True)
class Reader:
    """The daemon, as far as it only tells: no other operation can be asked through this."""

    client: Client

    def ask(self, op: str, *, timeout: float = REQUEST_SECONDS, **args: Any) -> Any:
        """The daemon's answer; UsageError for an operation that does more than read."""
        if op not in READ_ONLY:
            raise UsageError(f"{op} does more than read", "an operator can ask for it, on the command line")
        return self.client.request(op, timeout=timeout, **args)


class Asked(BaseModel):
    """What a tool takes."""

    model_config = ConfigDict(extra="forbid")


class _All(Asked):
    all: bool = Field(False, description="also those that are over")


class _Incident(Asked):
    incident: str = Field(max_length=64, description="its id: I-3")


class _Timeline(Asked):
    last: str = Field("6h", description="how far back: 30m, 6h, 7d")
    kinds: list[str] = Field([], max_length=20, description="deploy, config, alert, restart, xid …; none: all")
    target: str | None = Field(None, max_length=400, description="what they happened to")


class _Curve(Asked):
    signal: str = Field(max_length=200, description="a name that `signals` lists")
    stat: str | None = Field(None, max_length=20, description="p50, p90, p95, p99, mean, rate, ratio, sum, max")
    where: dict[str, str] = Field({}, description="labels: {model: chat}")
    last: str = Field("1h", description="how far back: 30m, 6h, 7d")
    baseline: str | None = Field(None, max_length=200, description="what is laid over it: 1d, seasonal:1wx4")


class _Model(Asked):
    model: str = Field(max_length=400)


class _Gpus(Asked):
    filter: str = Field("", max_length=200, description="words, or host:node-3")
    first: int = Field(0, ge=0)


class _Gpu(Asked):
    host: str = Field(max_length=400)
    gpu: str = Field(max_length=400, description="its number, or its UUID")


class _Alerts(Asked):
    matchers: list[str] = Field([], max_length=20, description='all of which must fit: severity="critical"')


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool: its name, one line for a model, what it takes, and what answers it."""

    name: str
    line: str
    arguments: type[Asked]
    answer: Callable[[Reader, Any], Any]


def _status(reader: Reader, _asked: Asked) -> Any:
    told = reader.ask("status")
    return {name: _few(told[name]) for name in STATUS if name in told}


def _incidents(reader: Reader, asked: _All) -> Any:
    return _few([_only(each, INCIDENT) for each in reader.ask("incident.list", all=asked.all)])


def _incident(reader: Reader, asked: _Incident) -> Any:
    return reader.ask("incident.show", incident=asked.incident)


def _diagnosis(reader: Reader, asked: _Incident) -> str:
    return facts(load(Diagnosis, reader.ask("diagnosis", incident=asked.incident)))


def _timeline(reader: Reader, asked: _Timeline) -> Any:
    now, seconds = reader.ask("status")["now"], duration(asked.last)
    found = reader.ask("events", start=now - seconds, end=now, kinds=asked.kinds, target=asked.target)
    return _few(found[::-1])


def _curve(reader: Reader, asked: _Curve) -> Any:
    now, seconds = reader.ask("status")["now"], duration(asked.last)
    return reader.ask(
        "curve", signal=asked.signal, stat=asked.stat, where=asked.where, baseline=asked.baseline,
        start=now - seconds, end=now, steps=60,
    )  # fmt: skip


def _gpus(reader: Reader, asked: _Gpus) -> Any:
    return reader.ask("gpu.page", filter=asked.filter, first=asked.first, count=50)


def _gpu(reader: Reader, asked: _Gpu) -> Any:
    return reader.ask("gpu", host=asked.host, gpu=asked.gpu)


def _drift(reader: Reader, asked: _Model) -> Any:
    return reader.ask("drift", model=asked.model)


def _alerts(reader: Reader, asked: _Alerts) -> Any:
    return reader.ask("alert.list", matchers=asked.matchers, most=MOST_ROWS)


def _plans(reader: Reader, asked: _All) -> Any:
    return _few(reader.ask("plan.list", all=asked.all))


def _runs(reader: Reader, _asked: Asked) -> Any:
    return reader.ask("run.list", limit=50)


def _baselines(reader: Reader, _asked: Asked) -> Any:
    return _few(reader.ask("baseline.list"))


OFFERS = (
    Offer("status", "How every model, source and open incident is right now.", Asked, _status),
    Offer("incidents", "Open incidents, the newest last; with `all` closed ones too.", _All, _incidents),
    Offer("incident", "One incident: its symptom, notes, answers and owner.", _Incident, _incident),
    Offer("diagnosis", "What was found about an incident: causes, best first, with findings.", _Incident, _diagnosis),
    Offer("timeline", "Deploys, configuration changes, alerts and faults, the newest first.", _Timeline, _timeline),
    Offer("curve", "One statistic of one signal over time, with its baseline.", _Curve, _curve),
    Offer("gpus", "GPUs, the worst first, 50 at a time.", _Gpus, _gpus),
    Offer("gpu", "One GPU: facts, processes, links and its last minutes.", _Gpu, _gpu),
    Offer("model_drift", "The rows of a model now against their baseline, by column.", _Model, _drift),
    Offer("alerts", "What alert managers say fires, and what is silenced.", _Alerts, _alerts),
    Offer("plans", "Remedies that were planned, and how far each is.", _All, _plans),
    Offer("runs", "The newest runs of playbooks, and which wait for a person.", Asked, _runs),
    Offer("baselines", "Pinned spans of time that are worth comparing with.", Asked, _baselines),
)


def _few(found: Any) -> Any:
    """A list that has an end; whatever is none as it is."""
    if not isinstance(found, list) or len(found) <= MOST_ROWS:
        return found
    return [*found[:MOST_ROWS], f"… and {len(found) - MOST_ROWS} more"]


def _only(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names if row.get(name) is not None}
