"""One change that several sources tell is one event: what a deploy script wrote and the rollout that a cluster saw.

Told twice is what has the same kind and target at about the same time in two sources. What one source tells twice is
two changes: it knows what it means.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from console.model import Event

NEAR_SECONDS = 300.0  # a rollout begins minutes after what ordered it
MOST_DETAIL = 4_000  # characters
MOST_OPEN = 50  # changes of one kind and target that may still be told again: a flood is no reason to wait
SHIPPED = frozenset(("deploy", "deployment", "release", "rollout", "promotion"))  # words for one thing
NAMED = frozenset(("commit", "merge", "flag", "alert", "annotation"))  # whose ids are everybody's: another is another


def told_once(events: Iterable[Event]) -> list[Event]:
    """Each change once, in order of time: as its first teller has it, with who else told it in its detail."""
    found: list[Event] = []
    tellers: list[set[str]] = []  # of each
    seen: set[tuple[object, ...]] = set()
    open_: dict[tuple[str, str], list[int]] = {}  # by kind and target: those that may still be told again
    for event in sorted(events, key=lambda one: one.time):
        exactly = (event.source, event.id, event.time, event.kind, event.target, event.title)
        if exactly in seen:
            continue
        seen.add(exactly)
        key = ("shipped" if event.kind in SHIPPED else event.kind, _short(event.target))
        near = [at for at in open_.get(key, ()) if event.time - found[at].time <= NEAR_SECONDS]
        again = next((at for at in near if _is_same(found[at], event, tellers[at])), None)
        if again is None:
            near.append(len(found))
            found.append(event)
            tellers.append({event.source})
        else:
            found[again] = _with_teller(found[again], event)
            tellers[again].add(event.source)
        open_[key] = near[-MOST_OPEN:]
    return found


def _is_same(known: Event, event: Event, tellers: set[str]) -> bool:
    if event.source in tellers:
        return False
    return known.id == event.id if event.kind in NAMED else True


def _with_teller(known: Event, event: Event) -> Event:
    later = f"also told by {event.source or 'another source'}, {event.time - known.time:.0f} s later: {event.title}"
    more = [line for line in event.detail.splitlines() if line not in known.detail]
    detail = "\n".join(filter(None, [known.detail, later, *more]))
    return replace(known, id=known.id or event.id, detail=detail[:MOST_DETAIL])


def _short(target: str) -> str:
    """A target without what it lies in: fraud, shop/fraud and deployment/fraud are one."""
    return target.rpartition("/")[2].casefold()
