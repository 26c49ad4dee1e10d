"""Whom does a change touch, and when did it go live? Names in events, paths and titles; commits and deploys."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.analysis.incidents.terms import words_of

if TYPE_CHECKING:
    from console.analysis.incidents.diffs import Diff
    from console.model import Event

SHIPPING = frozenset("deploy deployment release rollout promotion".split())
WRITTEN = frozenset("commit merge pr pull_request".split())
MOST_MENTIONED = 3  # services that a change speaks of, for it to be about them
LEAST_PREFIX = 4  # letters that a short name shares with a service's

_GENERIC = frozenset("service services svc server api app ms deployment pod prod production default".split())
_HOUSES = frozenset("services service apps app svc svcs microservices modules deployments charts helm".split())
SCOPE = re.compile(r"^\s*\w+\(([^)]+)\)!?:")
_CALLED = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HASH = re.compile(r"\b[0-9a-f]{7,40}\b")
_GLUED = re.compile(r"(?<=\w{2})(?:service|svc|server|api|app)$")


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a change touches and since when."""

    services: frozenset[str] = frozenset()  # known ones
    elsewhere: frozenset[str] = frozenset()  # named as services, but nothing else in the case knows them
    is_shared: bool = False  # code that belongs to no service
    live: float = math.inf  # epoch seconds; inf: never, as far as the case tells
    is_certain: bool = True  # whether something says when it went live
    is_along: bool = False  # shared code that a deploy brought along without naming it
    shipped: tuple[str, ...] = ()  # ids of the commits that this deploy brought


def reaches(events: Sequence[Event], diffs: Sequence[Diff], services: Iterable[str]) -> list[Reach]:
    """The reach of each event, in their order. A commit is live once a deploy brought it."""
    names = _Names(services, {event.target for event in events if event.target})
    commits = {event.id: at for at, event in enumerate(events) if event.kind in WRITTEN and event.id}
    brought = {at: _named_commits(event, commits) for at, event in enumerate(events) if event.kind in SHIPPING}
    deploys = sorted(brought, key=lambda at: events[at].time)
    found = []
    for at, (event, diff) in enumerate(zip(events, diffs, strict=True)):
        touched, elsewhere = names.in_change(event, diff)
        if event.kind not in WRITTEN:
            shipped = tuple(events[one].id for one in brought.get(at, ()))
            found.append(Reach(touched, elsewhere, not (touched or elsewhere), event.time, shipped=shipped))
            continue
        is_shared = not (touched or elsewhere)
        ships = _ships(event, at, events, deploys, brought, touched)
        live = min((events[one].time for one in ships), default=math.inf)
        targets = {events[one].target for one in ships if events[one].target}
        seen = any(events[one].target in touched or is_shared for one in deploys)
        found.append(
            Reach(
                services=touched | frozenset(targets),
                elsewhere=elsewhere,
                is_shared=is_shared,
                live=live if ships or seen else event.time,
                is_certain=bool(ships) or seen,
                is_along=is_shared and not any(at in brought[one] for one in ships),
            )
        )
    return found


def _ships(
    event: Event,
    at: int,
    events: Sequence[Event],
    deploys: list[int],
    brought: dict[int, list[int]],
    touched: frozenset[str],
) -> list[int]:
    """The deploys that brought a commit: those that name it, else the next one of a service that it touches.

    A deploy that names another commit brought what was written before that one.
    """
    naming = [one for one in deploys if at in brought[one]]
    if naming:
        return naming
    for one in deploys:
        upto = max((events[other].time for other in brought[one]), default=events[one].time)
        if event.time <= upto and (not touched or events[one].target in touched):
            return [one]
    return []


def _named_commits(event: Event, commits: dict[str, int]) -> list[int]:
    named = _HASH.findall(f"{event.title}\n{event.detail[:10_000]}")
    return [at for one in named for full, at in commits.items() if full.startswith(one)]


def names_of(services: Iterable[str]) -> frozenset[str]:
    """Words by which services are called: they tell whom a text is about, not what is wrong."""
    return frozenset(word for service in services for word in (*words_of(service), *_parts(service)))


class _Names:
    """The known services by the names that people give them."""

    def __init__(self, measured: Iterable[str], targets: set[str]) -> None:
        self.measured = set(measured)
        self.services = services = self.measured | targets
        split = {service: _parts(service) for service in services}
        counts = Counter(part for parts in split.values() for part in set(parts))
        common = {part for part, count in counts.items() if len(services) >= 4 and count > len(services) / 2}
        self.roots: dict[str, set[str]] = {}
        for service, parts in split.items():
            root = "".join(part for part in parts if part not in common) or "".join(parts)
            if len(root) > 1:
                self.roots.setdefault(root, set()).add(service)

    def in_change(self, event: Event, diff: Diff) -> tuple[frozenset[str], frozenset[str]]:
        """The known services that a change names, and names of services that nobody knows."""
        touched: set[str] = {event.target} if event.target else set()
        elsewhere: set[str] = set()
        for path in diff.paths:
            folders = path.split("/")[:-1]
            for before, folder in zip(["", *folders], folders, strict=False):
                known = self.roots.get("".join(_parts(folder)), set())
                touched |= known
                if before in _HOUSES and not known:
                    elsewhere.add(folder)
        scope = SCOPE.match(event.title)
        if scope and not touched:
            for name in re.split(r"[,/]", scope[1]):
                touched |= self._like("".join(_parts(name.strip())))
        if not touched & self.measured:
            touched |= self._mentioned(event.title)
        if not touched & self.measured:
            named = self._mentioned("\n".join((*diff.paths, diff.around, diff.gone, diff.new, diff.prose)))
            touched |= named if len(named) <= MOST_MENTIONED else set()
        return frozenset(touched), frozenset(elsewhere if not touched else ())

    def _mentioned(self, text: str) -> set[str]:
        """Services that a text calls by their full names."""
        said = set(_CALLED.findall(text.lower()))
        return {service for service in self.measured if len(service) > 3 and service.lower() in said}

    def _like(self, name: str) -> set[str]:
        """Services called so, or shortened so."""
        if name in self.roots:
            return self.roots[name]
        alike = [root for root in self.roots if len(name) >= LEAST_PREFIX and root.startswith(name)]
        return self.roots[alike[0]] if len(alike) == 1 else set()


def _parts(name: str) -> list[str]:
    """What is particular in a name: `ts-order-service` is `ts`, `order`; `orderservice` is `order`."""
    parts = [_GLUED.sub("", part) for part in words_of(name.replace("_", "-")) or [name.lower()]]
    return [part for part in parts if part not in _GENERIC] or parts
