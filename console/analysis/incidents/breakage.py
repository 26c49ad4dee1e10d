"""Which ways to break a system does an incident show, and which does a change set off? Words looked up in the table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from console.analysis.incidents.mechanisms import MECHANISMS, ROLES
from console.analysis.incidents.terms import words_of

if TYPE_CHECKING:
    from console.analysis.incidents.diffs import Diff, Setting
    from console.analysis.incidents.signs import Sign
    from console.model import Event

FULL = 1.0  # weight in words from which on a mechanism is told for sure
EASED = 0.35  # what is left of a hazard that the change itself keeps in bounds
MUCH = 6.0  # times: a setting that changed so much counts in full

# How much each kind of sign says about the way in which the system is broken.
_WHERE = {"alert": 0.6, "log": 0.6, "span": 0.15, "metric": 0.15}
# What words of a change weigh, by what they stand for.
_ROLES = {"removed": 1.0, "added": 0.5, "either": 0.4}


def shown_by(signs: Iterable[Sign]) -> dict[str, float]:
    """How clearly the incident shows each mechanism, 0..1."""
    said: dict[tuple[str, str], list[float]] = {}
    whole: dict[str, float] = {}
    for sign in signs:
        whole[sign.where] = whole.get(sign.where, 0.0) + sign.weight
        for name, terms in hits("signs", words_of(sign.text)).items():
            said.setdefault((sign.where, name), []).append(sign.weight * min(1.0, _weight("signs", terms) / FULL))
    shown: dict[str, float] = {}
    for (where, name), weights in said.items():
        # One line may say it all, and then again most lines may.
        clearly = (max(weights) + sum(weights) / max(whole[where], 1e-9)) / 2
        shown[name] = min(1.0, shown.get(name, 0.0) + _WHERE[where] * clearly)
    return shown


def touched_by(event: Event, diff: Diff, moved: float) -> dict[str, tuple[float, list[str]]]:
    """How much a change does to set each mechanism off, 0..1, and by which words."""
    lost, won = words_of(diff.lost), words_of(diff.won)
    come = [word for word in won if word not in lost]
    title, lines = words_of(event.title), words_of(f"{diff.gone}\n{diff.new}\n{diff.prose}")
    removed = hits("removed", lost)
    said = [
        (_ROLES["removed"], "removed", removed),
        (_ROLES["added"], "added", hits("added", come)),
        (
            _ROLES["either"] * (1 - moved / 2),
            "either",
            hits("either", [*lines, *title, *words_of(" ".join(diff.paths))]),
        ),
    ]
    for setting in diff.settings:
        role = "raised" if setting.after > setting.before else "lowered"
        said.append((_magnitude(setting), role, hits(role, words_of(setting.key))))
    odds: dict[str, float] = {}
    by: dict[str, dict[str, None]] = {}
    for most, role, found in said:
        for name, terms in found.items():
            odds[name] = odds.get(name, 0.0) + most * min(1.0, _weight(role, terms) / FULL)
            by.setdefault(name, {}).update(dict.fromkeys(term.rstrip("*").replace("_", " ") for term in sorted(terms)))
    # What keeps itself in bounds is less of a hazard, unless it took other bounds away.
    eased = hits("eased", [*come, *words_of(diff.remarks), *title]).keys() - removed.keys()
    return {name: (min(1.0, odds[name] * (EASED if name in eased else 1.0)), list(by[name])) for name in odds}


def _magnitude(setting: Setting) -> float:
    """A tenth more breaks nothing; three times as much or little may, ten times does."""
    if math.isinf(setting.ratio):
        return 1.0
    share = min(1.0, math.log(max(setting.ratio, 1.0)) / math.log(MUCH))
    return share * math.sqrt(share)


def _weight(role: str, terms: Iterable[str]) -> float:
    """Terms that many mechanisms share say less about each."""
    spread = _spread(role)
    return sum(1 / math.sqrt(spread[term]) for term in terms)


@lru_cache(maxsize=len(ROLES))
def _spread(role: str) -> Mapping[str, float]:
    """How many mechanisms each term speaks of."""
    return {
        term: float(count)
        for term, count in Counter(term for one in MECHANISMS for term in getattr(one, role).split()).items()
    }


def hits(role: str, words: Iterable[str]) -> Mapping[str, set[str]]:
    """Which mechanisms these words speak of in one role: mechanism's name -> the terms that were hit.

    `words` come in order, so that terms of two or three words are found.

    >>> sorted(hits("removed", ["mu", "lock"])["race"])
    ['lock*', 'mu']
    """
    found: dict[str, set[str]] = {}
    for word in _with_phrases(list(words)):
        for name, term in _meanings(role, word):
            found.setdefault(name, set()).add(term)
    return found


def _with_phrases(words: list[str]) -> set[str]:
    pairs = {f"{a}_{b}" for a, b in pairwise(words)}
    triples = {f"{a}_{b}_{c}" for a, b, c in zip(words, words[1:], words[2:], strict=False)}
    return {*words, *pairs, *triples}


@lru_cache(maxsize=100_000)
def _meanings(role: str, word: str) -> tuple[tuple[str, str], ...]:
    exact, beginnings = _index(role)
    return (
        *exact.get(word, ()),
        *((name, term) for stem, name, term in beginnings.get(word[:2], ()) if word.startswith(stem)),
    )


@lru_cache(maxsize=len(ROLES))
def _index(role: str) -> tuple[dict[str, list[tuple[str, str]]], dict[str, list[tuple[str, str, str]]]]:
    exact: dict[str, list[tuple[str, str]]] = {}
    beginnings: dict[str, list[tuple[str, str, str]]] = {}
    for mechanism in MECHANISMS:
        for term in getattr(mechanism, role).split():
            if term.endswith("*"):
                beginnings.setdefault(term[:2], []).append((term[:-1], mechanism.name, term))
            else:
                exact.setdefault(term, []).append((mechanism.name, term))
    return exact, beginnings
