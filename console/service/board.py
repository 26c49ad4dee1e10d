"""The board and the status: one consistent picture of models, incidents and sources, as plain JSON types."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import console
from console.config import default_config_path
from console.model import Incident, PlanRecord, PlanState, Symptom
from console.service.fleet import state_of
from console.service.hosts import ALLOCATABLE, REQUESTED
from console.service.house import SHOW_SECONDS, House
from console.service.sightings import COLUMNS, column_of
from console.service.watching import subject_of
from console.wire import dump

STALE_SECONDS = 120.0
MOST_ROWS = 200  # of GPUs; an operation gives the others
MOST_HOSTS = 8  # named for what is wrong with their GPUs
BUSY = 0.05  # of its time, from which a GPU counts as in use
LATE_SECONDS = 5.0  # at least, until a GPU is stale
LATE_PACES = 3  # rounds that may be missed
EXAMPLE = ("  [sources.chat]", '  kind = "metrics"', '  url = "http://HOST:8000/metrics"')
MOST_PLANS = 20
_WAITS = (PlanState.UNKNOWN, PlanState.PLANNED, PlanState.APPROVED, PlanState.APPLYING, PlanState.VERIFYING)
_RANK = {"degraded": 0, "stale": 1, "ok": 2, "no_data": 3}


async def status(house: House, *, clients: int) -> dict[str, Any]:
    """How the daemon and everything it looks after are."""
    board = await read_board(house)
    watch = house.watch
    return board | {
        "pid": os.getpid(),
        "started": house.started,
        "data": str(house.config.data),
        "clients": clients,
        "store": house.writer.counts,
        "watch": {"on": house.config.watch, "looked": watch.looked, "examining": watch.examinations},
        "plugins": house.plugins.names(),
        "playbooks": sorted(house.playbooks),
    }


async def read_board(house: House) -> dict[str, Any]:
    """What the home screen shows."""
    now = house.clock()
    # With a store that cannot be read there are no incidents to show, and `troubles` says why.
    incidents = await house.incidents_or_none()
    outlook = await house.outlook.of(incidents)
    return {
        "now": now,
        "interval": house.config.interval,
        "version": console.__version__,
        "config": str(house.config.path or ""),
        "models": models(house, incidents, now),
        "gpus": house.live.gpus.rows(now, lambda source: late(house, source), MOST_ROWS),
        "fleet": fleet(house, now),
        "latency": latency(house, now),
        "drift": house.drifts.rows(),
        "incidents": [_brief(incident) | outlook[incident.id] for incident in incidents],
        "plans": plans(await house.open_plans_or_none()),
        "sources": sources(house, now),
        "troubles": troubles(house),
        "links": dict(house.config.links),
        "hints": hints(house),
    }


def late(house: House, source: str | None = None) -> float:
    """From which age on the newest samples of a source are stale; soon, where it is asked every second."""
    pace = house.config.interval or STALE_SECONDS
    if source is not None and source in house.fleet.health:
        return house.fleet.late(source)
    if source in house.collector.live and house.is_watched:
        pace = min(pace, SHOW_SECONDS)
    return max(LATE_SECONDS, LATE_PACES * pace)


def hints(house: House) -> list[str]:
    """What to type where there is nothing to see yet."""
    found: list[str] = []
    if not house.sightings.newest:
        found += [f"name what is to be watched in {house.config.path or default_config_path()}, for example", *EXAMPLE]
    if not len(house.live.gpus):
        found += [offer.hint for _plugin, offer in house.plugins.offers("andon_sources") if offer.hint]
        found.append("or look from the machine that has GPUs: ssh NODE andon")
    if not house.config.sources:
        found.append("to see andon at work without anything of yours: andon demo")
    return found


def models(house: House, incidents: Sequence[Incident], now: float) -> list[dict[str, Any]]:
    """One row per model, the worst first; one light per column."""
    symptoms = [*house.watch.symptoms, *(incident.symptom for incident in incidents)]
    rows = [_row(name, times, symptoms, incidents, now) for name, times in house.sightings.newest.items()]
    return sorted(rows, key=lambda row: (min(_RANK[light["state"]] for light in row["lights"].values()), row["model"]))


def plans(records: Sequence[PlanRecord]) -> list[dict[str, Any]]:
    """What somebody has to say yes to, do or settle, those first that wait for people longest; then what is at work."""
    rows = sorted(records, key=lambda each: (_WAITS.index(each.state), each.changed))
    return [
        {"id": each.id, "title": each.plan.title, "state": each.state, "text": waiting_for(each),
         "risk": each.plan.risk, "operator": each.plan.operator, "incident": each.plan.incident,
         "changed": each.changed, "expires": each.plan.expires}
        for each in rows[:MOST_PLANS]
    ]  # fmt: skip


def waiting_for(record: PlanRecord) -> str:
    """What happens next to a plan that is not over, and who is to do it.

    >>> from console.model import Act, Plan
    >>> act = Act("kubernetes.scale", "prod", "deployment prod/chat", {})
    >>> plan = Plan("scale", "I-1", "r", "p", "h", "scale", "c", "chat", act, (), "high", "ada", 0.0, 900.0)
    >>> waiting_for(PlanRecord("P-1", "h", plan, approvers=2))
    'waits for 2 operators to approve it'
    """
    left = record.approvers - len(record.approvals)
    match record.state:
        case PlanState.PLANNED if record.approvals:
            said = " and ".join(each.operator for each in record.approvals)
            return f"waits for another operator to approve it, {said} did"
        case PlanState.PLANNED:
            return "waits for somebody to approve it" if left <= 1 else f"waits for {left} operators to approve it"
        case PlanState.APPROVED:
            return "is approved and not applied"
        case PlanState.UNKNOWN:
            return "may have happened or not: somebody has to look"
        case PlanState.VERIFYING:
            return "is done; whether it helped is being watched"
    return "is being done"


def latency(house: House, now: float) -> list[dict[str, Any]]:
    """One row per model and duration."""
    return house.live.latency.rows(now, lambda source: late(house, source or None), house.compared)


def fleet(house: House, now: float) -> dict[str, Any]:
    """All GPUs in a few numbers: how many there are, how they are, which hosts have the most that are not well."""
    live = house.live
    by_host = live.gpus.states(now, lambda source: late(house, source))
    states: Counter[str] = Counter()
    unwell: Counter[str] = Counter()
    for (host, state), count in by_host.items():
        states[state] += count
        if state in ("degraded", "stale"):
            unwell[host] += count
    return {
        "gpus": states.total(),
        "hosts": len({host for host, _state in by_host}),
        "states": dict(states),
        "busy": sum(gpu.values.get("gpu.utilization", 0.0) >= BUSY for gpu in live.gpus.all(now)),
        "unwell": [{"host": host, "gpus": count} for host, count in unwell.most_common(MOST_HOSTS)],
        "allocatable": live.hosts.total(ALLOCATABLE, now),
        "requested": live.hosts.total(REQUESTED, now),
    }


def sources(house: House, now: float) -> list[dict[str, Any]]:
    """Every configured source: its state, why, and how old its newest samples are."""
    return [_source(house, name, kind, now) for name, kind in ((each.name, each.kind) for each in house.config.sources)]


def troubles(house: House) -> list[str]:
    """What is wrong with the daemon itself, one sentence each."""
    found = [
        *house.troubles.values(),
        house.writer.trouble,
        house.watch.trouble,
        *(problem.message for problem in house.plugins.problems),
    ]
    return [text for text in dict.fromkeys(found) if text]


def _row(
    model: str, times: dict[str, float], symptoms: Sequence[Symptom], incidents: Sequence[Incident], now: float
) -> dict[str, Any]:
    bad = {column_of(each.signal) for each in symptoms if each.signal and subject_of(each) == model}
    incident = next((each for each in incidents if each.subject == model), None)
    lights = {column: _light(column in bad, times.get(column), now) for column in COLUMNS}
    return {
        "model": model,
        "lights": lights,
        "incident": incident.id if incident else None,
        "owner": incident.owner if incident else "",
    }


def _light(is_bad: bool, newest: float | None, now: float) -> dict[str, Any]:
    age = None if newest is None else now - newest
    if is_bad:
        state = "degraded"
    elif age is None:
        state = "no_data"
    else:
        state = "stale" if age > STALE_SECONDS else "ok"
    return {"state": state, "age": age}


def _source(house: House, name: str, kind: str, now: float) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "kind": kind, "state": "ok", "reason": "", "newest": None, "age": None}
    if name in house.estate.failed:
        return row | {"state": "unreachable", "reason": house.estate.failed[name].message}
    health = house.collector.health.get(name)
    if health is None and house.board.subscribers:
        health = house.fleet.health.get(name)
    if health is None or (health.state == "new" and name in house.fleet.health):  # it is asked when somebody looks
        if trouble := house.timeline.troubles.get(name):
            return row | {"state": "unreachable", "reason": trouble}
        # Nobody looks, but triggers and playbooks ask it too.
        error = next(iter(getattr(house.estate.sources.get(name), "troubles", {}).values()), None)
        if error is not None:
            return row | {"state": state_of(error), "reason": error.message}
        checked = house.checkups.states.get(name)
        return row if checked is None else row | {"state": checked.state, "reason": checked.reason}
    age = None if health.newest is None else now - health.newest
    more = {"readings": health.readings, "seconds": health.seconds, "failures": health.failures}
    state, reason = "stale" if health.state == "new" else health.state, health.reason
    if state == "ok" and age is not None and age > late(house, name):
        state, reason = "stale", "it is at it longer than usual"
    return row | {"state": state, "reason": reason, "newest": health.newest, "age": age} | more


def _brief(incident: Incident) -> dict[str, Any]:
    full: dict[str, Any] = dump(incident)
    return {key: full[key] for key in ("id", "title", "state", "opened", "subject", "owner", "runs")}
