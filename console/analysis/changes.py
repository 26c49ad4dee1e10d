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

from console.analysis.content import Content, Symptoms
from console.analysis.diffs import Diff, read_diff
from console.analysis.nature import nature_of
from console.analysis.news import LogNews
from console.analysis.outside import Outside, outside_causes
from console.analysis.signs import Signs, signs_of
from console.analysis.targets import SHIPPING, WRITTEN, Reach, reaches
from console.model import Candidate

if TYPE_CHECKING:
    from console.model import Case, Event

NONE = "none"
PRIOR = -3.4  # log-odds of one change, before anything is known of it, against none
MOST_EVENTS = 2_000  # the latest ones before the onset
LEAST_SICK = 1.0  # score of a service's log news, for it to count as sick
LEAST_OFF = 0.1  # of how far the worst service is off
MISPLACED = 0.5  # how much the right content says in the wrong place
ALONG = 0.4  # how much of that is left for code that all services share
SOON = 300.0  # seconds after which an effect that comes at once has shown
UNDONE = 1.5
LATE = -6.0
NOT_LIVE = -4.0
LEAST_CONTENT = 1.0  # log-odds from which on the content is evidence of its own


_UNDO = re.compile(r"(?i)\brevert|\broll(?:ed|s|ing)?[ -]?back|\bundo|\bback out\b")


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
    events = sorted(case.events, key=lambda event: (event.time, event.kind, event.id, event.title))[-MOST_EVENTS:]
    # What is no commit often says in its title what became what.
    diffs = [read_diff(event.detail if event.kind in WRITTEN else f"{event.title}\n{event.detail}") for event in events]
    services = _services(case, signs)
    weighed = [
        _Weighed(event, diff, reach)
        for event, diff, reach in zip(events, diffs, reaches(events, diffs, services), strict=True)
    ]
    symptoms = Symptoms(signs, services, [(event, diff) for event, diff in zip(events, diffs, strict=True)])
    sick = _sick(signs, news, anomalies or {})
    for one in weighed:
        _weigh(one, case, signs, sick, symptoms, services)
    _add_undone(weighed, signs.began if signs.began is not None else case.onset)
    _pass_on(weighed)
    outside = outside_causes(case, news)
    return _ranked(weighed, outside)


def _weigh(
    one: _Weighed, case: Case, signs: Signs, sick: Mapping[str, float], symptoms: Symptoms, known: set[str]
) -> None:
    one.add("nature", *nature_of(one.event, one.diff))
    content = symptoms.content_of(one.event, one.diff)
    _add_target(one, signs, sick, known)
    misplaced = one.parts.get("target", 0.0) < 0 and not content.said
    one.add("content", content.odds * (MISPLACED if misplaced else 1.0), content.why)
    _add_onset(one, signs, content, case)


def _add_target(one: _Weighed, signs: Signs, sick: Mapping[str, float], known: set[str]) -> None:
    """Does it touch what is broken?"""
    reach = one.reach
    closely = ALONG if reach.is_along else 1.0
    if signs.violated and signs.violated in reach.services:
        one.add("target", 1.5 * closely, f"touches {signs.violated}, which the alert is about")
    elif hurt := sorted(reach.services & sick.keys(), key=lambda service: (-sick[service], service)):
        one.add("target", (0.5 + 0.7 * sick[hurt[0]]) * closely, f"touches {hurt[0]}, which is not well")
    elif reach.services & known and sick:
        one.add("target", -1.5, f"touches only {', '.join(sorted(reach.services))}, which is well")
    elif (reach.elsewhere or reach.services) and signs.violated:
        one.add("target", -1.5, "touches nothing that the incident shows")
    origins = _fails_elsewhere(reach, signs)
    if origins:
        one.add("target", -1.0, f"{', '.join(origins)} fails of its own, where this does not reach")


def _fails_elsewhere(reach: Reach, signs: Signs) -> list[str]:
    """Services whose own innermost operations fail although the change does not reach them."""
    if reach.is_shared or not reach.services or not reach.services & set(signs.origins):
        return []
    return [service for service in signs.origins if service not in reach.services]


def _add_onset(one: _Weighed, signs: Signs, content: Content, case: Case) -> None:
    """Did it go live before things began, and did anything begin right then?"""
    began = signs.began if signs.began is not None else case.onset
    live, reach = one.reach.live, one.reach
    step = case.metrics.step if case.metrics else 60.0
    if math.isinf(live):
        one.add("onset", NOT_LIVE, "was not live")
        return
    if began is None:
        return
    gap = began - live
    if gap < -step:
        one.add("onset", LATE, "went live after things had begun")
        return
    gap = max(gap, 0.0)
    odds = _of_gap(gap, is_slow=content.is_slow)
    one.add("onset", odds if reach.is_certain else min(odds, 0.3), f"live {_lasting(gap)} before things began")
    touched = [sign for sign in signs.beginnings if sign.service in reach.services and sign.time >= live - step]
    # What comes at once is the onset's to say; this is for what builds up.
    if gap > 2 * SOON and any(
        sign.earliest <= live + max(3 * step, SOON) and sign.time < began - SOON for sign in touched
    ):
        one.add("effect", 2.0, "a metric of what it touches left its course right then")
    earlier = [
        sign for sign in signs.beginnings
        if sign.service and sign.service in reach.services and sign.time < live - max(2 * step, SOON)
        and content.speaks_of(sign.key.signal)
    ]  # fmt: skip
    if earlier:
        one.add("effect", -2.5, f"but {earlier[0].key.signal} had left its course before")


def _of_gap(gap: float, *, is_slow: bool) -> float:
    """Most effects come at once; what leaks, fills or expires takes its time."""
    if gap <= SOON:
        return 1.2
    odds = 1.2 - 0.75 * math.log(gap / SOON)
    return max(odds, 0.0 if is_slow else -3.0)


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
            one.parts = {**best.parts, "brought": -1.5}
            one.why = [f"brought {best.event.id[:12]}: {best.event.title}"]


def _ranked(weighed: Sequence[_Weighed], outside: Sequence[Outside]) -> tuple[Candidate, ...]:
    against = sum(one.odds for one in outside)
    totals = [one.total for one in weighed]
    highest = max(*totals, against)
    shares = [math.exp(total - highest) for total in (*totals, against)]
    whole = sum(shares)
    found = [
        Candidate(
            "event", one.event.id or one.event.title, share / whole, one.parts, "; ".join(one.why), one.reach.live
        )
        for one, share in zip(weighed, shares, strict=False)
    ]
    why = "; ".join(one.text for one in outside) or "no change fits better than none"
    found.append(Candidate("event", NONE, shares[-1] / whole, {one.text: one.odds for one in outside}, why))
    return tuple(sorted(found, key=lambda one: (-one.score, one.target != NONE, one.target)))


def _services(case: Case, signs: Signs) -> set[str]:
    """Every service that anything in the case knows."""
    found = {*case.services, *(service for pair in case.calls for service in pair), signs.violated}
    found |= {sign.service for sign in signs.signs} | {one.service for one in signs.beginnings}
    found |= set(case.logs.services if case.logs else ()) | set(case.spans.services if case.spans else ())
    return found - {""}


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
