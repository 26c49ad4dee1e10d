"""Does a change's content fit what an incident shows? By how it would break things, and by shared words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.analysis.incidents.breakage import hits, shown_by, touched_by
from console.analysis.incidents.diffs import Diff
from console.analysis.incidents.mechanisms import MECHANISMS
from console.analysis.incidents.nature import moved_share
from console.analysis.incidents.signs import Sign, Signs
from console.analysis.incidents.targets import SCOPE, names_of
from console.analysis.incidents.terms import telling, words_of

if TYPE_CHECKING:
    from console.model import Event

MOST_FIT = 4.0  # log-odds of a change that breaks things just so
MOST_SHARED = 3.0  # of words in common
MOST_CONTENT = 6.0
LEAST_NAMED = 0.35  # share of a fit from which on it is said

PLACED = 1.5  # log-odds of a changed file or name that the logs say
ADDITIVE = 0.6  # what shared words say of a change that takes nothing away
ENOUGH = 1.5  # words of full weight in common
LARGE = 0.8  # of a number that became ten times what it was
LEAST_LARGE = 3.0

# How loudly the words of each kind of sign speak.
_SAYS = {"alert": 1.0, "log": 1.0, "span": 0.8, "metric": 0.4}
# What words of a change weigh, by where they stand.
_PLACES = {"changed": 1.0, "title": 0.8, "path": 0.8, "remark": 0.4, "line": 0.35, "around": 0.35}

# A file, or a name of several words: it is no accident when a log line has it too.
_NAME = re.compile(r"(?<![\w.-])[A-Za-z]\w*(?:[-.][a-z]\w*)+(?![\w-])|\b[A-Za-z]*[a-z][A-Z][a-z]\w+|\b[a-z]+_\w+")
_SLOW = frozenset(mechanism.name for mechanism in MECHANISMS if mechanism.is_slow)


@dataclass(frozen=True, slots=True)
class Content:
    """What a change's content says for it."""

    odds: float
    why: str
    said: str  # a file or name of it that the incident's own texts have
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
        names = names_of(services)
        self._known = names
        self._said = frozenset(
            name for sign in signs.signs for name in _NAME.findall(sign.text) if sign.where != "metric"
        )
        self._services = frozenset(services)
        self.mechanisms = shown_by(signs.signs)
        self._weights = _terms_shown(signs.signs, names)
        seen = Counter(
            term
            for event, diff in changes
            for term in {term for terms in _places(event, diff, names).values() for term in terms}
        )
        top = math.log(len(changes) + 1.5)
        self._rarity = {term: math.log((len(changes) + 1) / (count + 0.5)) / top for term, count in seen.items()}

    def content_of(self, event: Event, diff: Diff) -> Content:
        """How well one change fits."""
        moved = moved_share(diff)
        touched = touched_by(event, diff, moved)
        fits = {name: round(shown * touched[name][0], 4) for name, shown in self.mechanisms.items() if name in touched}
        best = max(fits, key=lambda name: (fits[name], name), default="")
        fit = MOST_FIT * fits[best] if best else 0.0
        shared = self._shared(event, diff)
        weight = (1 - moved / 2) * (ADDITIVE if diff.is_shown and not (diff.lost or diff.settings) else 1.0)
        words = weight * MOST_SHARED * (1 - math.exp(-sum(much for much, _word in shared.values()) / ENOUGH))
        said, largest = self._said_of(diff), _largest(diff)
        place = PLACED if said else 0.0
        size = LARGE * min(1.0, math.log10(largest)) if largest >= LEAST_LARGE else 0.0
        why = [f"{said} is in what the incident says"] if said else []
        if best and fits[best] >= LEAST_NAMED / 2:
            why.append(f"it is about {best} ({', '.join(touched[best][1][:4])})")
        if size:
            why.append(f"a number became {largest:.3g} times as large or small")
        if words > 0.5:
            why.append(f"shares {', '.join(word for _weight, word in sorted(shared.values(), reverse=True)[:4])}")
        return Content(min(MOST_CONTENT, fit + words + place + size), "; ".join(why), said, fits)

    def _said_of(self, diff: Diff) -> str:
        """A changed file, or a name that came or went or stands beside, that a stack trace or another line says."""
        files = {path.rpartition("/")[2] for path in diff.paths}
        names = {*_NAME.findall(diff.removed_text)} ^ {*_NAME.findall(diff.added_text)} | {*_NAME.findall(diff.around)}
        return min((files | names) & self._said - self._services, default="")

    def _shared(self, event: Event, diff: Diff) -> dict[str, tuple[float, str]]:
        """Terms that the change and the incident have in common: how much each says, and a word of it."""
        found: dict[str, tuple[float, str]] = {}
        for place, terms in _places(event, diff, self._known).items():
            for term in terms.keys() & self._weights.keys():
                weight = _PLACES[place] * self._weights[term] * max(0.0, self._rarity.get(term, 1.0))
                found[term] = max(found.get(term, (0.0, "")), (weight, terms[term]))
        return found


def _terms_shown(signs: Iterable[Sign], names: frozenset[str]) -> dict[str, float]:
    """How loudly the incident says each term, 0..1."""
    found: dict[str, float] = {}
    for sign in signs:
        weight = sign.weight * _SAYS[sign.where]
        for term in telling(words_of(sign.text), names):
            found[term] = max(found.get(term, 0.0), weight)
    return found


def _places(event: Event, diff: Diff, names: frozenset[str]) -> dict[str, dict[str, str]]:
    """Where a change says what."""
    texts = {
        "changed": f"{diff.lost} {diff.won} {diff.prose}",
        "title": SCOPE.sub("", event.title),
        "path": " ".join(path.rpartition("/")[2].split(".")[0] for path in diff.paths),
        "remark": diff.remarks,
        "line": f"{diff.gone}\n{diff.new}",
        "around": diff.around,
    }
    return {place: telling(words_of(text), names) for place, text in texts.items()}


def _largest(diff: Diff) -> float:
    return max((min(setting.ratio, 1e6) for setting in diff.settings), default=1.0)
