"""Which change is to blame? Commits, deploys, flags, configuration and data versions, by what an incident shows.

The latest change is usually innocent, and often none is to blame. A change is named only where independent kinds of
evidence meet: it touches what is broken, it went live before things began, and what it changed breaks in this way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.analysis.incidents.anomalies import service_of
from console.analysis.incidents.content import Content, Symptoms
from console.analysis.incidents.diffs import Diff, read_diff
from console.analysis.incidents.nature import nature_of
from console.analysis.incidents.news import LogNews
from console.analysis.incidents.outside import Outside, outside_causes
from console.analysis.incidents.signs import Signs, signs_of
from console.analysis.incidents.targets import SHIPPING, WRITTEN, Reach, reaches
from console.model import Candidate

if TYPE_CHECKING:
    from console.model import Case, Event

NONE = "none"
PRIOR = -3.4  # log-odds of one change, before anything is known of it, against none
MOST_TITLE = 80  # characters
MOST_EVENTS = 2_000  # the latest ones before the onset, where there are more

# Log-odds of what a change touches, …
AT_FAULT = 1.5  # what the alert is about
ILL = 0.5, 1.2  # what is not well, a little and badly
WELL = -1.5
FAILS_ELSEWHERE = -1.0
ALONG = 0.4  # how much of that is left for code that all services share
MISPLACED = 0.5  # how much the right content says in the wrong place
# … of when it went live, …
AT_ONCE = 1.2
SOON = 300.0  # seconds after which an effect that comes at once has shown
FADING = 0.75  # for each time that it lasted e times longer
LEAST_ONSET = -3.0
UNCERTAIN = 0.3  # at most, where nothing says when it went live
LATE = -6.0
NOT_LIVE = -4.0
LEFT_THEN = 2.0  # a metric began to leave its course right then
LEFT_BEFORE = -2.5
# … and of what people did.
UNDONE = 1.5
BROUGHT = -1.5  # a deploy beside the commit that it brought

LEAST_CONTENT = 1.0  # from which on the content is evidence of its own
LEAST_SICK = 1.0  # score of a service's log news, for it to count as sick
LEAST_OFF = 0.1  # of how far the worst service is off

_UNDO = re.compile(r"(?i)\brevert|\broll(?:ed|s|ing)?[ -]?back|\bundo|\bback out\b")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of an incident before any change is looked at."""

    signs: Signs
    symptoms: Symptoms
    services: frozenset[str]
    sick: Mapping[str, float]  # how sick each service is that is not well, 0..1
    began: float | None
    step: float  # of the metrics, seconds


@dataclass(slots=True)
class _Weighed:
    """One event's parts as they add up."""

    event: Event
    diff: Diff
    reach: Reach
    parts: dict[str, float] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)

    def add(self, part: str, odds: float, why: str = "") -> None:
        if odds:
            self.parts[part] = self.parts.get(part, 0.0) + odds
            if why:
                self.why.append(why)

    @property
    def total(self) -> float:
        """Its log-odds; below those of `none` where fewer than two kinds of evidence speak for it."""
        total = PRIOR + sum(self.parts.values())
        kinds = (
            self.parts.get("target", 0) > 0,
            self.parts.get("onset", 0) > 0.3 or self.parts.get("effect", 0) > 0,
            self.parts.get("content", 0) >= LEAST_CONTENT,
        )
        return total if sum(kinds) >= 2 else min(total, -1.0)


def rank_changes(
    case: Case, news: Iterable[LogNews] = (), anomalies: Mapping[str, float] | None = None
) -> tuple[Candidate, ...]:
    """The case's events and `none`, best first; scores add up to 1, parts are log-odds (natural) beside `none`.

    `news` are those of the case's logs (`news.log_news`); `anomalies` tells how far each service is off (above 0:
    worse; any scale), where something measured that. Empty where the case has no events.
    """
    if not case.events:
        return ()
    news = tuple(news)
    signs = signs_of(case, news)
    services = _services(case, signs)
    events = _considered(case)
    # What is no commit often says in its title what became what.
    diffs = [read_diff(event.detail if event.kind in WRITTEN else f"{event.title}\n{event.detail}") for event in events]
    known = _Known(
        signs=signs,
        symptoms=Symptoms(signs, services, list(zip(events, diffs, strict=True))),
        services=services,
        sick=_sick(signs, news, anomalies or {}),
        began=case.onset if signs.began is None else signs.began,
        step=case.metrics.step if case.metrics else 60.0,
    )
    weighed = [
        _Weighed(event, diff, reach)
        for event, diff, reach in zip(events, diffs, reaches(events, diffs, services), strict=True)
    ]
    for one in weighed:
        one.add("nature", *nature_of(one.event, one.diff))
        content = known.symptoms.content_of(one.event, one.diff)
        _add_target(one, known)
        misplaced = one.parts.get("target", 0.0) < 0 and not content.said
        one.add("content", content.odds * (MISPLACED if misplaced else 1.0), content.why)
        _add_onset(one, content, known)
    _add_undone(weighed, known.began)
    _pass_on(weighed)
    return _ranked(weighed, outside_causes(case, news))


def _considered(case: Case) -> list[Event]:
    events = sorted(case.events, key=lambda event: (event.time, event.kind, event.id, event.title))
    if len(events) <= MOST_EVENTS:
        return events
    return [event for event in events if case.onset is None or event.time <= case.onset][-MOST_EVENTS:]


def _add_target(one: _Weighed, known: _Known) -> None:
    """Does it touch what is broken?"""
    reach, violated, sick = one.reach, known.signs.violated, known.sick
    closely = ALONG if reach.is_along else 1.0
    if violated and violated in reach.services:
        one.add("target", AT_FAULT * closely, f"touches {violated}, which the alert is about")
    elif hurt := sorted(reach.services & sick.keys(), key=lambda service: (-sick[service], service)):
        a_little, badly = ILL
        odds = a_little + (badly - a_little) * sick[hurt[0]]
        one.add("target", odds * closely, f"touches {hurt[0]}, which is not well")
    elif reach.services & known.services and sick:
        one.add("target", WELL, f"touches only {', '.join(sorted(reach.services))}, which is well")
    elif (reach.elsewhere or reach.services) and violated:
        one.add("target", WELL, "touches nothing that the incident shows")
    origins = known.signs.origins
    if not reach.is_shared and reach.services & set(origins):
        beyond = [service for service in origins if service not in reach.services]
        one.add("target", FAILS_ELSEWHERE if beyond else 0.0, f"{', '.join(beyond)} fails of its own, without it")


def _add_onset(one: _Weighed, content: Content, known: _Known) -> None:
    """Did it go live before things began, and did anything begin right then?"""
    live, reach = one.reach.live, one.reach
    if math.isinf(live):
        one.add("onset", NOT_LIVE, "was not live")
        return
    if known.began is None:
        return
    gap = known.began - live
    if gap < -known.step:
        one.add("onset", LATE, "went live after things had begun")
        return
    gap = max(gap, 0.0)
    odds = _of_gap(gap, is_slow=content.is_slow)
    one.add("onset", odds if reach.is_certain else min(odds, UNCERTAIN), f"live {_lasting(gap)} before things began")
    # What comes at once is the onset's to say; a metric that began earlier tells of what builds up.
    then, before = live + max(3 * known.step, SOON), live - max(2 * known.step, SOON)
    left = [sign for sign in known.signs.beginnings if sign.service in reach.services]
    early = [sign for sign in left if live - known.step <= sign.time < known.began - SOON]
    if gap > 2 * SOON and any(sign.earliest <= then for sign in early):
        one.add("effect", LEFT_THEN, "a metric of what it touches left its course right then")
    if had := [sign for sign in left if sign.time < before and content.speaks_of(sign.key.signal)]:
        one.add("effect", LEFT_BEFORE, f"but {had[0].key.signal} had left its course before")


def _of_gap(gap: float, *, is_slow: bool) -> float:
    """Most effects come at once; what leaks, fills or expires takes its time."""
    odds = AT_ONCE - FADING * math.log(max(gap, SOON) / SOON)
    return max(odds, 0.0 if is_slow else LEAST_ONSET)


def _add_undone(weighed: Sequence[_Weighed], began: float | None) -> None:
    """What somebody took back afterwards, somebody thought guilty."""
    later = [one.event for one in weighed if began is not None and one.event.time > began]
    for event in (event for event in later if _UNDO.search(event.title)):
        text = f"{event.title}\n{event.detail}"
        for one in weighed:
            other = one.event
            if other is not event and ((other.id and other.id in text) or (other.title and other.title in text)):
                one.add("undone", UNDONE, "was taken back afterwards")


def _pass_on(weighed: Sequence[_Weighed]) -> None:
    """A deploy stands behind the best of the commits that it brought."""
    by_id = {one.event.id: one for one in weighed}
    for one in weighed:
        brought = [by_id[commit] for commit in one.reach.shipped if commit in by_id]
        if brought and one.event.kind in SHIPPING:
            best = max(brought, key=lambda other: other.total)
            one.parts = {**best.parts, "brought": BROUGHT}
            one.why = [f"brought {best.event.id[:12]}: {best.event.title}"]


def _ranked(weighed: Sequence[_Weighed], outside: Sequence[Outside]) -> tuple[Candidate, ...]:
    against = sum(one.odds for one in outside)
    totals = [one.total for one in weighed]
    highest = max(*totals, against)
    shares = [math.exp(total - highest) for total in (*totals, against)]
    whole = sum(shares)
    found = [
        Candidate(
            kind="event",
            target=one.event.id or one.event.title,
            score=share / whole,
            parts=one.parts,
            why="; ".join((one.event.title[:MOST_TITLE], *one.why)).removeprefix("; "),
            onset=None if math.isinf(one.reach.live) else one.reach.live,
        )
        for one, share in zip(weighed, shares, strict=False)
    ]
    why = "; ".join(one.text for one in outside) or "no change fits better than none"
    found.append(Candidate("event", NONE, shares[-1] / whole, {one.text: one.odds for one in outside}, why))
    return tuple(sorted(found, key=lambda one: (-one.score, one.target != NONE, one.target)))


def _services(case: Case, signs: Signs) -> frozenset[str]:
    """Every service that anything in the case knows."""
    found = {*case.services, *(service for pair in case.calls for service in pair), signs.violated}
    found |= {sign.service for sign in signs.signs} | {one.service for one in signs.beginnings}
    found |= set(case.logs.services if case.logs else ()) | set(case.spans.services if case.spans else ())
    found |= {service_of(series.key.labels) for series in case.metrics.series} if case.metrics else set()
    return frozenset(found - {""})


def _sick(signs: Signs, news: Sequence[LogNews], anomalies: Mapping[str, float]) -> dict[str, float]:
    """How sick each service is, 0..1, by whatever tells most; services that are well are not in it."""
    worst = max(anomalies.values(), default=0.0)
    told = [(service, value / worst) for service, value in anomalies.items() if value > LEAST_OFF * worst > 0]
    told += [(one.service, 0.8) for one in news if one.score >= LEAST_SICK and one.change != "vanished"]
    told += [(one.service, 0.7) for one in signs.beginnings]
    told += [(sign.service, {"alert": 1.0, "span": 0.7}.get(sign.where, 0.0)) for sign in signs.signs]
    found: dict[str, float] = {}
    for service, value in told:
        if service and value:
            found[service] = max(found.get(service, 0.0), value)
    return found


def _lasting(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
