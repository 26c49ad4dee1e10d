"""An audit log that somebody changed, in a thousand ways: each is found, the cut tail and the log written anew too."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from console.store.audit import GENESIS, Line, broken, linked

LINES = 200
ANCHORED = 10  # every so many lines their hash was kept elsewhere, and the last one's


def tampered(count: int, seed: int) -> tuple[Counter[str], Counter[str]]:
    """(tried, found), by kind."""
    lines = _log()
    anchors = {line.number: line.hash for line in lines if line.number % ANCHORED == 0 or line is lines[-1]}
    assert broken(lines, anchors) is None
    rng = random.Random(seed)
    tried, found = Counter[str](), Counter[str]()
    names = list(KINDS)
    for number in range(count):
        name = names[number % len(names)]
        changed = KINDS[name]([*lines], rng)
        assert [line.text for line in changed] != [line.text for line in lines] or len(changed) != len(lines)
        tried[name] += 1
        found[name] += broken(changed, anchors) is not None
    return tried, found


def table(tried: Counter[str], found: Counter[str]) -> str:
    """How many were found, by kind."""
    rows = [f"{'tampering':<34} {'tried':>6} {'found':>6}"]
    rows += [f"{name:<34} {tried[name]:>6} {found[name]:>6}" for name in tried]
    return "\n".join([*rows, f"{found.total()} of {tried.total()} found"])


def _log() -> list[Line]:
    told = [
        {"number": number, "time": 1.8e9 + number, "operator": "ada", "what": "approved", "subject": f"P-{number}",
         "facts": {"target": f"deployment prod/m{number % 7}", "hash": f"{number:064x}"}}
        for number in range(1, LINES + 1)
    ]  # fmt: skip
    return _linked([Line(number, json.dumps(each), "") for number, each in enumerate(told, 1)], 0)


def _byte(lines: list[Line], rng: random.Random) -> list[Line]:
    at = rng.randrange(len(lines))
    text = lines[at].text
    place = rng.randrange(len(text))
    other = rng.choice([each for each in "abcdef0123456789 " if each != text[place]])
    lines[at] = replace(lines[at], text=text[:place] + other + text[place + 1 :])
    return lines


def _field(lines: list[Line], rng: random.Random) -> list[Line]:
    at = rng.randrange(len(lines))
    told = json.loads(lines[at].text)
    told[rng.choice(["operator", "what", "subject", "time"])] = "eve"
    lines[at] = replace(lines[at], text=json.dumps(told))
    return lines


def _hash(lines: list[Line], rng: random.Random) -> list[Line]:
    at = rng.randrange(len(lines))
    told = json.loads(lines[at].text) | {"operator": "eve"}
    text = json.dumps(told)
    lines[at] = replace(lines[at], text=text, hash=linked(lines[at - 1].hash if at else GENESIS, text))
    return lines


def _removed(lines: list[Line], rng: random.Random) -> list[Line]:
    del lines[rng.randrange(len(lines))]
    return lines


def _swapped(lines: list[Line], rng: random.Random) -> list[Line]:
    at = rng.randrange(len(lines) - 1)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return lines


def _repeated(lines: list[Line], rng: random.Random) -> list[Line]:
    at = rng.randrange(len(lines))
    return [*lines[:at], lines[at], *lines[at:]]


def _cut(lines: list[Line], rng: random.Random) -> list[Line]:
    return lines[: rng.randrange(len(lines))]


def _anew(lines: list[Line], rng: random.Random) -> list[Line]:
    return _from(lines, 0, rng)


def _anew_later(lines: list[Line], rng: random.Random) -> list[Line]:
    return _from(lines, rng.randrange(len(lines)), rng)


def _shortened(lines: list[Line], rng: random.Random) -> list[Line]:
    """One is taken out, and all that follow are numbered and linked anew."""
    at = rng.randrange(len(lines) - 1)
    return _linked([*lines[:at], *lines[at + 1 :]], at)


def _from(lines: list[Line], first: int, _rng: random.Random) -> list[Line]:
    told = json.loads(lines[first].text) | {"operator": "eve"}
    lines[first] = replace(lines[first], text=json.dumps(told))
    return _linked(lines, first)


def _linked(lines: list[Line], first: int) -> list[Line]:
    made = lines[:first]
    for number, line in enumerate(lines[first:], first + 1):
        text = json.dumps(json.loads(line.text) | {"number": number})
        made.append(replace(line, number=number, text=text, hash=linked(made[-1].hash if made else GENESIS, text)))
    return made


KINDS: dict[str, Callable[[list[Line], random.Random], list[Line]]] = {
    "a byte is another": _byte,
    "a field is another": _field,
    "a line and its hash are others": _hash,
    "a line is gone": _removed,
    "two lines change places": _swapped,
    "a line is there twice": _repeated,
    "the tail is cut": _cut,
    "all is written anew": _anew,
    "all is written anew from a line on": _anew_later,
    "a line is gone, the rest linked": _shortened,
}
