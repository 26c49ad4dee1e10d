"""Which service, or which change, is to blame? Several kinds of evidence, each with its own part of the score."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.anomalies import Anomaly, Meaning, anomalies, meaning_of, service_of
from console.analysis.behaviour import changed_habits
from console.analysis.callgraph import Graph, call_graph, reached, unexplained
from console.analysis.news import log_news, log_scores
from console.analysis.spans import call_paths, losses
from console.model import Candidate, Ranking

if TYPE_CHECKING:
    from console.model import Case

INGREDIENTS = ("symptom", "resource", "latency", "own", "wire", "failures", "habits", "news")
FEW = 10.0
NEWS = lambda one: one.change == "new"
BELOW = True


def _deepest(said: dict[str, Evidence], graph: Graph) -> dict[str, Evidence]:
    if not BELOW:
        return said
    return {
        service: Evidence(
            one.amount * (1 - max((said[below].amount for below in reached(graph, service) - {service} if below in said), default=0.0)),
            one.why,
        )
        for service, one in said.items()
    }


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one ingredient says of one service."""

    amount: float  # 0..1
    why: str
    onset: float | None = None


def rank(case: Case, ingredients: Collection[str] = INGREDIENTS) -> Ranking:
    """Candidates, best first; none where nothing stands out."""
    spoken = evidence(case)
    services: dict[str, dict[str, Evidence]] = {}
    for name in INGREDIENTS:
        if name in ingredients:
            for service, said in spoken.get(name, {}).items():
                if said.amount > 0 and service:
                    services.setdefault(service, {})[name] = said
    candidates = [
        Candidate(
            kind="service",
            target=service,
            score=sum(one.amount for one in said.values()),
            parts={name: one.amount for name, one in said.items()},
            why="; ".join(one.why for one in sorted(said.values(), key=lambda one: -one.amount)[:3]),
        )
        for service, said in services.items()
    ]
    return Ranking(tuple(sorted(candidates, key=lambda one: (-one.score, one.target))))


def evidence(case: Case) -> dict[str, dict[str, Evidence]]:
    graph = call_graph(case.calls, case.spans)
    spoken: dict[str, dict[str, Evidence]] = {}
    found = anomalies(case.metrics, case.current, case.baseline) if case.metrics is not None else ()
    if case.violated is not None:
        spoken["symptom"] = _symptom(case, found, graph)
    spoken["resource"] = _loudest(found, Meaning.RESOURCE, graph)
    spoken["latency"] = _loudest(found, Meaning.LATENCY, graph) if case.violated is None and case.spans is None else {}
    if case.spans is not None:
        paths = call_paths(case.spans)
        lost = losses(case.spans, paths, case.current, case.baseline)
        total = float(np.nansum((case.spans.ends - case.spans.starts)[case.spans.parent < 0]))
        spoken["own"] = _shares(lost.own, total, "its own work takes longer")
        wire: dict[str, float] = {}
        for link, seconds in lost.wire.items():
            for end in link:
                calls = {at: n for at, n in lost.links.items() if end in at}
                slow = sum(n for at, n in calls.items() if at in lost.wire) / sum(calls.values())
                wire[end] = wire.get(end, 0.0) + seconds * slow
        spoken["wire"] = _shares(wire, total, "calls from and to it take longer on the way")
        spoken["failures"] = _shares(lost.failures, sum(lost.failures.values()), "failures begin there")
        habits: dict[str, Evidence] = {}
        for habit in changed_habits(case.spans, paths, case.logs, case.current, case.baseline):
            if habit.service not in habits:
                amount = max(0.0, habit.surprise - 3) / (max(0.0, habit.surprise - 3) + 5)
                words = f"{habit.operation}: {habit.before[0]}/{habit.before[1]} -> {habit.now[0]}/{habit.now[1]} {habit.what}"
                habits[habit.service] = Evidence(amount, words)
        spoken["habits"] = _deepest(habits, graph)
    if case.logs is not None:
        news = log_news(case.logs, case.current, case.baseline)
        scores = log_scores(one for one in news if NEWS(one))
        spoken["news"] = _deepest({
            service: Evidence(score / (score + 5), next(one.template for one in news if one.service == service))
            for service, score in scores.items()
        }, graph)
    return spoken


def _symptom(case: Case, found: tuple[Anomaly, ...], graph: Graph) -> dict[str, Evidence]:
    """Each service's own share of the excess of the violated signal."""
    assert case.violated is not None
    alike = {label for label in case.violated.labels if label[1] != service_of(case.violated.labels)}
    same = [one for one in found if one.key.signal == case.violated.signal and alike <= set(one.key.labels)]
    return _excess(same, found, graph)


def _family(one: Anomaly) -> tuple[object, ...]:
    return (one.key.signal, tuple(pair for pair in one.key.labels if pair[1] != one.service))


def _loudest(found: tuple[Anomaly, ...], meaning: Meaning, graph: Graph) -> dict[str, Evidence]:
    families: dict[tuple[object, ...], list[Anomaly]] = {}
    for one in found:
        if one.meaning is meaning:
            families.setdefault(_family(one), []).append(one)
    best: dict[str, Evidence] = {}
    for members in families.values():
        for service, said in _excess(members, found, graph if meaning is Meaning.LATENCY else {}).items():
            if service not in best or said.amount > best[service].amount:
                best[service] = said
    return best


def _excess(same: list[Anomaly], found: tuple[Anomaly, ...], graph: Graph) -> dict[str, Evidence]:
    traffic = {one.service: one.now for one in found if one.meaning is Meaning.TRAFFIC} if graph else {}
    amounts: dict[str, float] = {}
    total = 0.0
    for one in same:
        excess = one.now - one.before
        times = traffic.get(one.service, 1.0)
        total += one.before * times
        if one.strength > 3 and excess > 0:
            amounts[one.service] = excess * times
    own = unexplained(amounts, graph)
    power = sum(own.values())
    if not power:
        return {}
    if not graph:
        power *= (power + total) / power
    return {
        one.service: Evidence(
            own[one.service] / power * one.strength / (one.strength + FEW),
            f"{one.key.signal} {one.before:.3g} -> {one.now:.3g}",
        )
        for one in same
        if own.get(one.service, 0) > 0
    }


def _shares(amounts: Mapping[str, float], total: float, why: str) -> dict[str, Evidence]:
    return {service: Evidence(amount / total, why) for service, amount in amounts.items() if amount > 0 and total > 0}
