"""Did the world change? What logs and traffic say of causes that no change of ours brought about."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.incidents.news import LogNews, within
from console.analysis.incidents.terms import words_of

if TYPE_CHECKING:
    from console.model import Case, Frame, Window

LEAST_NEWS = 1.0
LEAST_SURGE = 1.8  # times the usual traffic
MOST = 4.0  # log-odds that all of it together speaks for "no change is to blame"

# (what, log-odds, how logs say it)
_SAYINGS = tuple(
    (what, odds, re.compile("|".join(patterns), re.IGNORECASE))
    for what, odds, *patterns in (
        (
            "a certificate ran out",
            2.5,
            r"certificate (?:has )?expired",
            r"certificate is not yet valid",
            r"cert\w* expir",
        ),
        (
            "a machine or its network failed",
            2.0,
            r"node\S* (?:is )?not ?ready|node (?:lost|drained|terminated|unreachable)|host maintenance|failover",
            r"kernel panic|hardware error|machine check|uncorrect\w+ ecc|\bxid\b|input/output error",
            r"spot \w*\s?(?:interruption|termination|reclaim)|preempted by|steal time|noisy neighbou?r",
            r"link (?:is )?down|network partition|packet loss|availability zone|zone outage",
        ),
        (
            "a provider outside failed",
            1.2,
            r"\b(?:ServiceUnavailable|SlowDown|ThrottlingException|ProvisionedThroughputExceeded\w*|BackendError)\b",
            r"\bInsufficientInstanceCapacity\b|provider (?:outage|error|returned|unavailable|is down)|third.party",
            r"status ?page|vendor|carrier|\bISP\b|\bBGP\b|peering|transit provider|partner",
        ),
        ("names were not resolved", 1.0, r"nxdomain|servfail|no such host|name resolution|eai_again"),
        (
            "abuse from outside",
            1.5,
            r"\bddos\b|\bbots?\b|botnet|scrap(?:er|ing)|credential.stuffing|crawler|abus(?:e|ive)",
        ),
        (
            "more load than usual",
            1.0,
            r"traffic (?:spike|surge|burst)|elevated (?:request |traffic )?(?:volume|traffic|load)",
            r"flash (?:crowd|sale)|load spike|shedding load|overloaded|unusual(?:ly)? high",
            r"(?:spike|surge) (?:in|of) (?:traffic|requests|load)",
        ),
    )
)
# Not the packages of a stack trace: java.net.SocketException
_HOST = re.compile(
    r"(?<![\w.@-])(?:[a-z0-9-]+\.)+(?:com|net|org|io|cloud|dev|ai|co|eu|us|tech|gov)(?![\w-]|\.\w)", re.IGNORECASE
)
_OWN = re.compile(
    r"\.(?:local|internal|svc|cluster|lan|corp|intra)\b|^(?:github|golang|google\.golang|gopkg)\.", re.IGNORECASE
)
_TRAFFIC = frozenset("request requests rps qps tps traffic calls hits sessions visitors throughput rpm".split())
_NOT_TRAFFIC = frozenset(
    "error errors 5xx 4xx duration latency failed failures failure queue timeout timeouts retry retries rejected"
    " unauthorized ms size bytes p50 p90 p95 p99 ratio percent pct cache db sql query depth saturation".split()
)


@dataclass(frozen=True, slots=True)
class Outside:
    """A cause that is no change of ours."""

    text: str
    odds: float  # log-odds that it speaks for `none`


def outside_causes(case: Case, news: Iterable[LogNews]) -> tuple[Outside, ...]:
    """What speaks for a cause outside, strongest first: new error lines that say so, and traffic beyond the usual."""
    found: dict[str, float] = {}
    services_by_host: dict[str, set[str]] = {}
    for one in news:
        if one.score < LEAST_NEWS or one.change == "vanished":
            continue
        found |= {what: odds for what, odds, pattern in _SAYINGS if pattern.search(one.example)}
        for host in _HOST.findall(one.example):
            if not _OWN.search(host):
                services_by_host.setdefault(host.lower(), set()).add(one.service)
    for host, services in services_by_host.items():
        # The same stranger fails for several of us.
        found[f"{host} failed"] = max(found.get(f"{host} failed", 0.0), 1.5 if len(services) > 1 else 1.0)
    surge = traffic_surge(case.metrics, case.current, case.baseline) if case.metrics else 1.0
    if case.violated and _is_traffic(case.violated.signal):
        surge = 1.0  # then it is what is to be explained
    if surge >= LEAST_SURGE:
        found[f"{surge:.1f} times the usual traffic"] = min(2.5, 1.5 * math.log(surge) / math.log(3))
    total = sum(found.values())
    scale = min(1.0, MOST / total) if total else 1.0
    return tuple(Outside(text, odds * scale) for text, odds in sorted(found.items(), key=lambda one: (-one[1], one[0])))


def traffic_surge(frame: Frame, current: Window, baseline: Window) -> float:
    """How many times the usual traffic there is: the median over all series of requests; 1 where none is there."""
    now, before = within(frame.times, current), within(frame.times, baseline)
    ratios = []
    for series in frame.series:
        if _is_traffic(series.key.signal):
            a, b = series.values[now], series.values[before & ~now]
            a, b = a[np.isfinite(a)], b[np.isfinite(b)]
            if a.size and b.size and np.median(b) > 0:
                ratios.append(float(np.median(a) / np.median(b)))
    return float(np.median(ratios)) if ratios else 1.0


def _is_traffic(signal: str) -> bool:
    words = set(words_of(signal))
    return bool(words & _TRAFFIC) and not words & _NOT_TRAFFIC
