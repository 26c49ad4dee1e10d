"""Which service, or which change, is to blame? Several kinds of evidence, each with its own part of the score."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.anomalies import Anomaly, Meaning, anomalies, meaning_of, of_others, service_of
from console.analysis.behaviour import changed_habits
from console.analysis.callgraph import Graph, call_graph, reached, unexplained
from console.analysis.news import log_news, log_scores
from console.analysis.spans import call_paths, losses
from console.model import Candidate, Ranking

if TYPE_CHECKING:
    from console.model import Case

INGREDIENTS = ("symptom", "resource", "own", "wire", "failures", "habits", "news")
FEW = 10.0
NOTICED = (Meaning.LATENCY, Meaning.ERRORS, Meaning.SUCCESS)
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


def rank(case: Case) -> Ranking:
    """Candidates, best first; none where nothing stands out."""
    return fused(case, evidence(case))


def fused(case: Case, spoken: Mapping[str, Mapping[str, Evidence]], ingredients: Collection[str] = INGREDIENTS) -> Ranking:
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
    if case.violated is not None or case.spans is None:
        spoken["symptom"] = _trouble(case, found, graph)
    spoken["resource"] = _loudest([one for one in found if one.meaning is Meaning.RESOURCE], found, graph)
    if case.spans is not None:
        paths = call_paths(case.spans)
        lost = losses(case.spans, paths, case.current, case.baseline)
        total = float(np.nansum((case.spans.ends - case.spans.starts)[case.spans.parent < 0]))
        spoken["own"] = _shares(lost.own, 0.1 * total, "its own work takes longer")
        wire: dict[str, float] = {}
        for link, seconds in lost.wire.items():
            for end in link:
                calls = {at: n for at, n in lost.links.items() if end in at}
                slow = sum(n for at, n in calls.items() if at in lost.wire) / sum(calls.values())
                wire[end] = wire.get(end, 0.0) + seconds * slow
        spoken["wire"] = _shares(wire, 0.1 * total, "calls from and to it take longer on the way")
        spoken["failures"] = _shares(lost.failures, 3, "failures begin there")
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


def _trouble(case: Case, found: tuple[Anomaly, ...], graph: Graph) -> dict[str, Evidence]:
    """Whose own share of what users notice is it? Of the violated signal where one is named."""
    if case.violated is None:
        return _loudest([one for one in found if one.meaning in NOTICED and not of_others(one.key.signal)], found, graph)
    symptom = service_of(case.violated.labels)
    others = set(case.violated.labels) - {("", "")}
    nearest: dict[str, Anomaly] = {}
    for one in found:
        if one.key.signal == case.violated.signal:
            known = nearest.get(one.service)
            if known is None or len(others & set(one.key.labels)) > len(others & set(known.key.labels)):
                nearest[one.service] = one
    said = _excess(list(nearest.values()), found, graph)
    if symptom in said and not graph.get(symptom):
        said[symptom] = replace(said[symptom], amount=said[symptom].amount / 2)
    return said


def _loudest(members: list[Anomaly], found: tuple[Anomaly, ...], graph: Graph) -> dict[str, Evidence]:
    families: dict[tuple[object, ...], list[Anomaly]] = {}
    for one in members:
        rest = tuple(pair for pair in one.key.labels if pair[1] != one.service)
        families.setdefault((one.meaning, one.key.signal, rest), []).append(one)
    best: dict[str, Evidence] = {}
    for family in families.values():
        for service, said in _excess(family, found, graph).items():
            if service not in best or said.amount > best[service].amount:
                best[service] = said
    return best


def _excess(same: list[Anomaly], found: tuple[Anomaly, ...], graph: Graph) -> dict[str, Evidence]:
    traffic: dict[str, float] = {}
    if same and same[0].meaning in NOTICED:
        for one in found:
            if one.meaning is Meaning.TRAFFIC and one.now > traffic.get(one.service, 0.0):
                traffic[one.service] = one.now
    usual = float(np.median(list(traffic.values()))) if traffic else 1.0
    amounts: dict[str, float] = {}
    total = 0.0
    for one in same:
        times = traffic.get(one.service, usual)
        total += abs(one.before) * times
        if one.strength > 3 and one.now > one.before:
            amounts[one.service] = (one.now - one.before) * times
    own = unexplained(amounts, graph) if same and same[0].meaning in NOTICED else amounts
    power = sum(own.values())
    if not power:
        return {}
    size = sum(amounts.values())
    return {
        one.service: Evidence(own[one.service] / power * size / (size + total) * one.strength / (one.strength + FEW), f"{one.key.signal} {one.before:.3g} -> {one.now:.3g}")
        for one in same
        if own.get(one.service, 0) > 0
    }


def _shares(amounts: Mapping[str, float], total: float, why: str) -> dict[str, Evidence]:
    return {service: Evidence(amount / sum(amounts.values()) * sum(amounts.values()) / (sum(amounts.values()) + total), why) for service, amount in amounts.items() if amount > 0 and total > 0}
