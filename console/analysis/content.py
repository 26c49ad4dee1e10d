"""Does a change's content fit what an incident shows? By the way in which it breaks things, and by the words they share."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.analysis.diffs import Diff, Setting
from console.analysis.mechanisms import MECHANISMS, hits
from console.analysis.signs import Sign, Signs
from console.analysis.terms import telling, words_of

if TYPE_CHECKING:
    from console.model import Event

MOST_FIT = 4.0  # log-odds of a change that breaks things just so
MOST_SHARED = 3.0  # of words in common
MOST_CONTENT = 6.0
FULL = 1.0  # weight in words from which on a mechanism is told for sure
EASED = 0.35  # what is left of a hazard that the change itself keeps in bounds
LEAST_NAMED = 0.35  # share of a fit from which on it is said

# How much each kind of sign says about the way in which the system is broken.
_WHERE = {"alert": 0.6, "log": 0.6, "span": 0.15, "metric": 0.15}
# What words of a change weigh, by what they stand for.
_ROLES = {"removed": 1.0, "added": 0.5, "either": 0.35, "named": 0.3}
_PLACES = {"changed": 1.0, "title": 0.8, "path": 0.8, "remark": 0.4, "line": 0.35, "around": 0.35}

_SLOW = frozenset(mechanism.name for mechanism in MECHANISMS if mechanism.is_slow)


@dataclass(frozen=True, slots=True)
class Content:
    """What a change's content says for it."""

    odds: float
    why: str
    mechanisms: Mapping[str, float]  # how well it fits each, 0..1

    @property
    def is_slow(self) -> bool:
        """Whether what it would do takes its time."""
        best = max(self.mechanisms, key=lambda name: self.mechanisms[name], default="")
        return best in _SLOW and self.mechanisms[best] >= LEAST_NAMED

    def speaks_of(self, text: str) -> bool:
        """Whether a text shows one of the ways in which the change breaks things."""
        return any(name in self.mechanisms for name in hits("signs", words_of(text)))


class Symptoms:
    """What an incident shows, made ready to hold many changes against."""

    def __init__(self, signs: Signs, services: Iterable[str], changes: Sequence[tuple[Event, Diff]]) -> None:
        names = frozenset(word for service in services for word in words_of(service))
        self._known = names
        self.mechanisms = _mechanisms_shown(signs.signs)
        self._weights = _terms_shown(signs.signs, names)
        seen = Counter(
            term
            for event, diff in changes
            for term in {t for terms in _places(event, diff, names).values() for t in terms}
        )
        top = math.log(len(changes) + 1.5)
        self._rarity = {term: math.log((len(changes) + 1) / (count + 0.5)) / top for term, count in seen.items()}

    def content_of(self, event: Event, diff: Diff) -> Content:
        """How well one change fits."""
        touched = _touched(event, diff)
        fits = {name: round(shown * touched[name][0], 4) for name, shown in self.mechanisms.items() if name in touched}
        best = max(fits, key=lambda name: (fits[name], name), default="")
        fit = MOST_FIT * fits[best] if best else 0.0
        shared = self._shared(event, diff)
        words = MOST_SHARED * (1 - math.exp(-sum(shared.values()) / 1.5))
        why = []
        if best and fits[best] >= LEAST_NAMED / 2:
            why.append(f"{best}: {', '.join(touched[best][1][:4])}")
        if words > 0.5:
            why.append("shares " + ", ".join(sorted(shared, key=lambda term: (-shared[term], term))[:4]))
        return Content(min(MOST_CONTENT, fit + words), "; ".join(why), fits)

    def _shared(self, event: Event, diff: Diff) -> dict[str, float]:
        """Terms that the change and the incident have in common, by how much each says."""
        found: dict[str, float] = {}
        for place, terms in _places(event, diff, self._known).items():
            for term in terms & self._weights.keys():
                weight = _PLACES[place] * self._weights[term] * max(0.0, self._rarity.get(term, 1.0))
                found[term] = max(found.get(term, 0.0), weight)
        return found


def _mechanisms_shown(signs: Iterable[Sign]) -> dict[str, float]:
    """How clearly the incident shows each mechanism, 0..1."""
    sums: dict[str, Counter[str]] = {}
    whole: Counter[str] = Counter()
    for sign in signs:
        whole[sign.where] += sign.weight
        of = sums.setdefault(sign.where, Counter())
        for name, terms in hits("signs", words_of(sign.text)).items():
            of[name] += sign.weight * min(1.0, _weight("signs", terms) / FULL)
    shown: Counter[str] = Counter()
    for where, of in sums.items():
        for name, weight in of.items():
            shown[name] += _WHERE[where] * weight / max(whole[where], 1e-9)
    return {name: min(1.0, value) for name, value in shown.items()}


def _touched(event: Event, diff: Diff) -> dict[str, tuple[float, list[str]]]:
    """How much a change does to set each mechanism off, 0..1, and by which words."""
    title, paths = words_of(event.title), words_of(" ".join(diff.paths))
    lost, won = words_of(diff.lost), words_of(diff.won)
    lines = words_of(f"{diff.gone}\n{diff.new}\n{diff.prose}")
    gone, come = set(lost) - set(won), set(won) - set(lost)
    found: dict[str, tuple[float, list[str]]] = {}

    def note(role: str, words: Sequence[str], weight: float) -> None:
        for name, terms in hits(role, words).items():
            had, by = found.get(name, (0.0, []))
            found[name] = (
                had + weight * min(1.0, _weight(role, terms) / FULL),
                by + [t.rstrip("*") for t in sorted(terms)],
            )

    note("removed", [word for word in lost if word in gone], _ROLES["removed"])
    note("added", [word for word in won if word in come], _ROLES["added"])
    note("either", lines, _ROLES["either"])
    note("either", [*title, *paths], _ROLES["named"])
    for setting in diff.settings:
        role = "raised" if setting.after > setting.before else "lowered"
        note(role, words_of(setting.key), _magnitude(setting))
    said = {*come, *words_of(diff.remarks), *title}
    for name in hits("eased", said):
        if name in found and not hits("removed", [word for word in lost if word in gone]).get(name):
            found[name] = (found[name][0] * EASED, found[name][1])
    return {name: (min(1.0, weight), by) for name, (weight, by) in found.items()}


def _magnitude(setting: Setting) -> float:
    """A tenth more breaks nothing; three times as much or little may, ten times does."""
    if math.isinf(setting.ratio):
        return 1.0
    return min(1.0, math.log(max(setting.ratio, 1.0)) / math.log(6)) ** 1.5


def _weight(role: str, terms: Iterable[str]) -> float:
    """Terms that many mechanisms share say less about each."""
    spread = _spread(role)
    return sum(1 / math.sqrt(spread[term]) for term in terms)


def _spread(role: str) -> Counter[str]:
    if role not in _SPREADS:
        _SPREADS[role] = Counter(term for mechanism in MECHANISMS for term in getattr(mechanism, role).split())
    return _SPREADS[role]


_SPREADS: dict[str, Counter[str]] = {}


def _terms_shown(signs: Iterable[Sign], names: frozenset[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for sign in signs:
        weight = sign.weight * {"alert": 1.0, "log": 1.0, "span": 0.8, "metric": 0.4}[sign.where]
        for term in telling(words_of(sign.text), names):
            found[term] = max(found.get(term, 0.0), weight)
    return found


def _places(event: Event, diff: Diff, names: frozenset[str]) -> dict[str, set[str]]:
    texts = {
        "changed": f"{diff.lost} {diff.won} {diff.prose}",
        "title": f"{event.title} {event.id if event.kind == 'flag' else ''}",
        "path": " ".join(path.rpartition("/")[2].split(".")[0] for path in diff.paths),
        "remark": diff.remarks,
        "line": f"{diff.gone}\n{diff.new}",
        "around": diff.around,
    }
    return {place: telling(words_of(text), names) for place, text in texts.items()}
