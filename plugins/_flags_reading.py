"""Flags out of a document: flagd's, Unleash's and LaunchDarkly's shapes, a list of flags, or plain `name: value`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.errors import SourceMalformed
from console.sources.redact import MASK, SECRET_NAME, shown_value

MOST_NODES = 200_000  # of a document
DEEPEST = 40
MILLISECONDS = 1e11  # a number of seconds beyond the year 5000
NAMES = ("key", "name")
SWITCHES = ("enabled", "on", "state", "active")
VALUES = ("defaultVariant", "value", "default", "variation")
SHARES = ("percentage", "percent", "rollout", "rolloutPercentage")
TIMES = ("updatedAt", "updated_at", "lastModified", "lastModifiedDate", "_updatedAt")
# What changes though the flag does not: when it was used, by what revision it is known.
IDLE = frozenset({*TIMES, "lastSeenAt", "lastSeen", "version", "createdAt", "description", "$schema", "salt", "sel"})


@dataclass(frozen=True, slots=True)
class Flag:
    """How a flag stands: in words, and in a digest of all that there is to it."""

    words: str
    digest: str
    updated: float | None = None  # epoch seconds

    @property
    def state(self) -> str:
        """What two looks compare."""
        return f"{self.digest} {self.words}"


def flags_in(document: Any, source: str) -> dict[str, Flag]:
    """The flags of a document by name. Raises SourceMalformed for one that holds none in a known shape."""
    _must_be_bounded(document, source)
    found = {name: _flag(name, held) for name, held in _named(document)}
    if not found and document not in ({}, {"flags": {}}, {"features": []}):
        raise SourceMalformed(f"source {source}: there are no flags in it",
                              "flagd's, Unleash's or LaunchDarkly's format, or name: value")  # fmt: skip
    return found


def words_of(state: str | None) -> str:
    """The words of `Flag.state`."""
    return "not there" if state is None else state.partition(" ")[2]


def _named(document: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(document, Mapping):
        inner = next((document[key] for key in ("flags", "features", "items", "toggles")
                      if isinstance(document.get(key), Mapping | list)), document)  # fmt: skip
        if isinstance(inner, Mapping):
            yield from ((str(name), held) for name, held in inner.items() if not str(name).startswith("$"))
            return
        document = inner
    if isinstance(document, list):
        for held in document:
            name = next((held[key] for key in NAMES if held.get(key)), None) if isinstance(held, Mapping) else None
            if name is not None:
                yield str(name), {key: value for key, value in held.items() if key not in NAMES}


def _flag(name: str, held: Any) -> Flag:
    kept = {key: value for key, value in held.items() if key not in IDLE} if isinstance(held, Mapping) else held
    written = json.dumps(kept, sort_keys=True, default=str, ensure_ascii=False)
    digest = hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()[:12]
    words = MASK if SECRET_NAME.search(name) else _words(held)
    return Flag(words, digest, _updated(held) if isinstance(held, Mapping) else None)


def _words(held: Any) -> str:
    """`on (25 %)`, `off`, a value, or a variant's name."""
    if not isinstance(held, Mapping):
        return _plain(held)
    switch = next((_switch(held[key]) for key in SWITCHES if key in held), None)
    value = next((held[key] for key in VALUES if isinstance(held.get(key), str | int | float | bool)), None)
    share = next(_shares(held), None)
    if switch is False:
        return "off"
    said = "on" if value is None else _plain(value)
    if switch is None and value is None:
        said = shown_value(json.dumps(held, sort_keys=True, default=str, ensure_ascii=False))
    return f"{said} ({share:g} %)" if share is not None and share < 100 else said


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return shown_value(text)


def _switch(value: Any) -> bool:
    return value.strip().casefold() in ("enabled", "on", "true", "active") if isinstance(value, str) else bool(value)


def _shares(held: Mapping[str, Any]) -> Iterator[float]:
    """Shares of the traffic in percent: the flag's own, or those of its first strategy."""
    strategies = held.get("strategies")
    first = strategies[0] if isinstance(strategies, list) and strategies else None
    parameters = first.get("parameters") if isinstance(first, Mapping) else None
    for place in (held, parameters):
        for key in SHARES if isinstance(place, Mapping) else ():
            try:
                yield float(place[key])
            except (KeyError, TypeError, ValueError, OverflowError):
                continue


def _updated(held: Mapping[str, Any]) -> float | None:
    for key in TIMES:
        value = held.get(key)
        try:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value) / 1000 if value > MILLISECONDS else float(value)
            if isinstance(value, str):
                instant = datetime.fromisoformat(value)
                return instant.timestamp() if instant.tzinfo is not None else None
        except (ValueError, OverflowError):
            return None
    return None


def _must_be_bounded(document: Any, source: str) -> None:
    """What is too deep or, by references to itself, too large to be written down is refused."""
    nodes, layer = 0, [document]
    for _depth in range(DEEPEST):
        nodes += len(layer)
        if nodes > MOST_NODES:
            raise SourceMalformed(f"source {source}: more than {MOST_NODES:,} values are too many for flags", "")
        layer = [inner for each in layer for inner in _inside(each)]
        if not layer:
            return
    raise SourceMalformed(f"source {source}: it is nested deeper than {DEEPEST} levels", "")


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
