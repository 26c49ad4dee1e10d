"""Which service, or which change, is to blame? Several kinds of evidence, each a part of the score of its own.

Services are ranked by what metrics, spans and logs say of each, changes by `changes.rank_changes`; both in one list.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.incidents.anomalies import anomalies, ended
from console.analysis.incidents.behaviour import LEAST_SURPRISE, Habit, changed_habits
from console.analysis.incidents.callgraph import call_graph
from console.analysis.incidents.changes import rank_changes
from console.analysis.incidents.evidence import Evidence, Said, deepest, distinct, shares
from console.analysis.incidents.news import LogNews, log_news, log_scores
from console.analysis.incidents.spans import Losses, call_paths, losses
from console.analysis.incidents.trouble import resources, silence, symptom
from console.model import Candidate, Ranking

if TYPE_CHECKING:
    from console.model import Case

INGREDIENTS = ("symptom", "resource", "silence", "own", "wire", "failures", "habits", "news")
LEAST_SCORE = 0.05  # of a service: below, it does not stand out
USUAL_LOSS = 0.1  # of all the time that traces take: a loss like that has half its weight
USUAL_FAILURES = 3.0
USUAL_SURPRISE = 5.0  # nats beyond LEAST_SURPRISE at which half of a habit's weight is reached
USUAL_NEWS = 5.0
MOST_WORDS = 90  # characters of a template


def rank(case: Case) -> Ranking:
    """Candidates, best first; none where nothing stands out.

    Scores are comparable within a kind, and only roughly across: a service's is the sum of its parts (0..1 each), a
    change's is the probability that it is to blame.
    """
    news = news_of(case)
    return fused(case, news, evidence(case, news))


def news_of(case: Case) -> tuple[LogNews, ...]:
    """What the logs say that they did not say before; nothing without logs."""
    return () if case.logs is None else log_news(case.logs, case.current, case.baseline)


def evidence(case: Case, news: Sequence[LogNews]) -> dict[str, Said]:
    """What each ingredient says of each service; ingredients that have nothing to go by are absent."""
    graph = call_graph(case.calls, case.spans)
    said: dict[str, Said] = {}
    if case.metrics is not None:
        found = anomalies(case.metrics, case.current, case.baseline)
        said["symptom"] = symptom(found, case.violated, graph)
        said["resource"] = resources(found)
        said["silence"] = silence(ended(case.metrics, case.current, case.baseline), graph)
    if case.spans is not None:
        paths = call_paths(case.spans)
        lost = losses(case.spans, paths, case.current, case.baseline)
        took = float(np.nansum((case.spans.ends - case.spans.starts)[case.spans.parent < 0]))
        said["own"] = shares(lost.own, USUAL_LOSS * took, lambda of: f"{lost.own[of]:.3g} s more of its own work")
        said["wire"] = _wire(lost, USUAL_LOSS * took)
        said["failures"] = shares(
            lost.failures, USUAL_FAILURES, lambda of: f"failures begin there: {lost.failures[of]:.0f}"
        )
        habits = changed_habits(case.spans, paths, case.logs, case.current, case.baseline)
        said["habits"] = distinct(deepest(_habits(habits), graph))
    if case.logs is not None:
        said["news"] = distinct(deepest(_news([one for one in news if one.change == "new"]), graph))
    return said


def fused(
    case: Case, news: Sequence[LogNews], said: Mapping[str, Said], ingredients: Collection[str] = INGREDIENTS
) -> Ranking:
    """One list of what `evidence` found and of the case's changes: a service's score is the sum of its parts."""
    services: dict[str, dict[str, Evidence]] = {}
    for name in INGREDIENTS:
        for service, one in said.get(name, {}).items() if name in ingredients else ():
            if service and one.amount > 0:
                services.setdefault(service, {})[name] = one
    candidates = [_candidate(service, parts) for service, parts in services.items()]
    candidates = [one for one in candidates if one.score >= LEAST_SCORE]
    if case.events:
        candidates += rank_changes(case, news, {one.target: one.score for one in candidates})
    return Ranking(tuple(sorted(candidates, key=_order)))


def _order(one: Candidate) -> tuple[float, float, str]:
    """Best first; of equal ones the earlier."""
    return -one.score, math.inf if one.onset is None else one.onset, one.target


def _candidate(service: str, parts: Mapping[str, Evidence]) -> Candidate:
    plainest = sorted(parts.values(), key=lambda one: -one.amount)
    return Candidate(
        kind="service",
        target=service,
        score=sum(one.amount for one in parts.values()),
        parts={name: one.amount for name, one in parts.items()},
        why="; ".join(one.why for one in plainest[:3]),
        onset=min((one.onset for one in plainest if one.onset is not None), default=None),
    )


def _wire(lost: Losses, usual: float) -> Said:
    """Time between two services is charged to the one whose other calls lose time as well."""
    seconds: dict[str, float] = {}
    for service in {end for link in lost.wire for end in link}:
        links = {link: calls for link, calls in lost.links.items() if service in link}
        slow = {link: calls for link, calls in links.items() if link in lost.wire}
        seconds[service] = sum(lost.wire[link] for link in slow) * sum(slow.values()) / sum(links.values())
    whole = sum(lost.wire.values())
    scale = whole / sum(seconds.values()) if seconds else 0.0
    charged = {service: each * scale for service, each in seconds.items()}
    return shares(charged, usual, lambda of: f"{seconds[of]:.3g} s more between it and its neighbours")


def _habits(habits: tuple[Habit, ...]) -> Said:
    said: Said = {}
    for one in habits:
        surprise = max(0.0, one.surprise - LEAST_SURPRISE)
        if one.service not in said and surprise > 0:
            did, of = one.before
            does, among = one.now
            words = f"{one.operation}: {_cut(one.what)} {does}× in {among} spans, was {did}× in {of}"
            said[one.service] = Evidence(surprise / (surprise + USUAL_SURPRISE), words)
    return said


def _news(news: list[LogNews]) -> Said:
    said: Said = {}
    for service, score in log_scores(news).items():
        gravest = next(one for one in news if one.service == service)
        words = f"new log line, {gravest.current}×: {_cut(gravest.template)}"
        said[service] = Evidence(score / (score + USUAL_NEWS), words, gravest.first)
    return said


def _cut(template: str) -> str:
    return template if len(template) <= MOST_WORDS else template[: MOST_WORDS - 1] + "…"
