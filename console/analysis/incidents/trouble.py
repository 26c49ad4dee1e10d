"""Whose is it, of all that metrics show? What users notice, taken apart along the calls; and what explains it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from console.analysis.incidents.anomalies import Anomaly, Meaning, is_of_others
from console.analysis.incidents.callgraph import Graph, turned, unexplained
from console.analysis.incidents.evidence import Evidence, Said, deepest
from console.model import SeriesKey

NOTICED = (Meaning.LATENCY, Meaning.ERRORS, Meaning.SUCCESS)  # what users notice; it adds up along calls
STATISTICS = frozenset(("stat", "statistic", "quantile", "percentile", "aggregation"))  # labels that say which
LEAST_STRENGTH = 3.0  # scales of the baseline: what is nearer could be chance
PLAIN = 10.0  # scales at which half of an anomaly's weight is reached
LESS = 0.5  # for less of a resource, for the symptom's own service, for signals beside the violated one


def symptom(found: Sequence[Anomaly], violated: SeriesKey | None, graph: Graph) -> Said:
    """Whose own share of the violated signal is it? Without one: of latency, errors and success, whichever is worst.

    A caller waits for its callees and fails with them. So seconds lost and requests failed (the excess over the
    baseline, times the traffic) are taken apart: what its callees lost is not a service's own.
    """
    noticed = [one for one in found if one.meaning in NOTICED and not is_of_others(one.key.signal)]
    if violated is None:
        return _of_families(noticed, found, graph)
    nearest: dict[str, Anomaly] = {}
    for one in found:
        if one.key.signal == violated.signal:
            known = nearest.get(one.service)
            if known is None or _in_common(one.key, violated) > _in_common(known.key, violated):
                nearest[one.service] = one
    origin = next((one for one in found if one.key == violated), None)
    said = _own_excess(list(nearest.values()), found, graph, down=origin is not None and _falls(origin), certain=True)
    if origin is not None and origin.service in said and not graph.get(origin.service):
        said[origin.service] = _less(said[origin.service])  # the symptom is seldom the cause; its calls are not known
    if len(nearest) <= 1 or not said:  # nobody else has such a signal, or nothing shows in it
        beside = _of_families([one for one in noticed if one.key.signal != violated.signal], found, graph)
        said = {**{service: _less(one) for service, one in beside.items()}, **said}
    return said


def resources(found: Iterable[Anomaly]) -> Said:
    """Whose share of the extra processor time, memory, network … is it? Less of one counts half."""
    of = [one for one in found if one.meaning in (Meaning.RESOURCE, Meaning.OTHER)]
    said = {service: _less(one) for service, one in _of_families(of, (), {}, down=True).items()}
    for service, one in _of_families(of, (), {}).items():
        if service not in said or one.amount > said[service].amount:
            said[service] = one
    return said


def silence(gone: dict[str, float], graph: Graph) -> Said:
    """Services whose series ended, unless those of a caller did too: who is not called has nothing to tell."""
    said = {service: Evidence(share, f"{share:.0%} of its series ended") for service, share in gone.items()}
    return deepest(said, turned(graph))


def _of_families(members: Iterable[Anomaly], found: Sequence[Anomaly], graph: Graph, *, down: bool = False) -> Said:
    """The plainest of several families: one statistic of one metric, in all services."""
    families: dict[tuple[object, ...], list[Anomaly]] = {}
    for one in members:
        statistic = tuple(pair for pair in one.key.labels if pair[0] in STATISTICS)
        families.setdefault((one.key.signal, statistic), []).append(one)
    plainest: Said = {}
    for family in families.values():
        for service, said in _own_excess(family, found, graph, down=down).items():
            if service not in plainest or said.amount > plainest[service].amount:
                plainest[service] = said
    return plainest


def _own_excess(
    family: Sequence[Anomaly], found: Sequence[Anomaly], graph: Graph, *, down: bool = False, certain: bool = False
) -> Said:
    """Shares of a family's excess that are not explained by callees (traffic: by callers), times how plain each is.

    Unless it is certain that something is wrong, what is little beside the family's level counts little.
    """
    if not family:
        return {}
    sign = -1 if down else 1
    meaning = family[0].meaning
    calls = _traffic(found) if meaning in NOTICED else {}
    usual = float(np.median(list(calls.values()))) if calls else 1.0
    excess: dict[str, float] = {}
    farthest: dict[str, Anomaly] = {}
    all_of_it = 0.0
    for one in family:
        weight = calls.get(one.service, usual)
        all_of_it += abs(one.before) * weight
        more = sign * (one.now - one.before) * weight
        if sign * one.strength > LEAST_STRENGTH and more > 0:
            excess[one.service] = excess.get(one.service, 0.0) + more
            if one.service not in farthest or abs(one.strength) > abs(farthest[one.service].strength):
                farthest[one.service] = one
    own = excess
    if meaning in NOTICED:
        own = unexplained(excess, graph)
    elif meaning is Meaning.TRAFFIC:
        own = unexplained(excess, turned(graph))
    lost, total = sum(own.values()), sum(excess.values())
    if lost <= 0:
        return {}
    size = 1.0 if certain else total / (total + all_of_it)
    said: Said = {}
    for service, one in farthest.items():
        if own[service] > 0:
            plain = abs(one.strength) / (abs(one.strength) + PLAIN)
            words = one.words
            if meaning in NOTICED and graph.get(service):
                words += f", {1 - own[service] / excess[service]:.0%} of it from its callees"
            said[service] = Evidence(own[service] / lost * size * plain, words, one.onset)
    return said


def _traffic(found: Iterable[Anomaly]) -> dict[str, float]:
    """Calls of each service in the current window, as its busiest series of traffic has them."""
    traffic: dict[str, float] = {}
    for one in found:
        if one.meaning is Meaning.TRAFFIC:
            traffic[one.service] = max(one.now, traffic.get(one.service, 0.0))
    return traffic


def _falls(origin: Anomaly) -> bool:
    """Whether less of the violated signal is what is bad about it."""
    return origin.meaning not in NOTICED and origin.strength < 0


def _in_common(key: SeriesKey, violated: SeriesKey) -> int:
    return len(set(key.labels) & set(violated.labels))


def _less(one: Evidence) -> Evidence:
    return Evidence(one.amount * LESS, one.why, one.onset)
