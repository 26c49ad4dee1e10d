"""Which sources' data may be sent to a model. Where nobody can tell from which source something came, all that could
have told it must be allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from console.model import Finding
from console.sources.estate import KEPT, Estate
from console.sources.types import Collectable, SignalReader

EVERYTHING = ("*",)


def may_be_sent(source: str, patterns: Sequence[str]) -> bool:
    """Whether data of a source of this name may leave.

    >>> may_be_sent("loki-prod", ["prom", "loki-*"])
    True
    """
    return any(fnmatchcase(source, pattern) for pattern in patterns)


def allowed(estate: Estate, patterns: Sequence[str]) -> Estate:
    """The estate with those sources alone that a model may look at."""
    if tuple(patterns) == EVERYTHING:
        return estate
    kept = {name: source for name, source in estate.sources.items() if may_be_sent(name, patterns)}
    by_place: dict[str, Any] = {
        place: {name: each for name, each in getattr(estate, place).items() if name in kept}
        for place in ("tables", "events", "logs", "traces", "alerts", "objects")
    }
    return replace(
        estate, **by_place, sources=kept, probers={}, silencers={},
        readers=estate.readers if _measured_by(estate, patterns) else [],
        failed={name: error for name, error in estate.failed.items() if may_be_sent(name, patterns)},
    )  # fmt: skip


def withheld(findings: Iterable[Finding], estate: Estate, patterns: Sequence[str]) -> frozenset[str]:
    """The ids of findings whose text must not leave."""
    if tuple(patterns) == EVERYTHING:
        return frozenset()
    places = {
        "log": _all(estate.logs, patterns),
        "trace": _all(estate.traces, patterns),
        **dict.fromkeys(("drift", "exemplar", "integrity"), _all(estate.tables, patterns)),
        **dict.fromkeys(("comparison", "check", "probe"), _measured_by(estate, patterns)),
        **dict.fromkeys(("event", "rank"), _all(estate.events, patterns) and _all(estate.logs, patterns)),
        "answer": True,
    }

    def may(finding: Finding) -> bool:
        if finding.event is not None and finding.event.source:
            return may_be_sent(finding.event.source, patterns)
        return places[finding.kind]

    return frozenset(finding.id for finding in findings if not may(finding))


def _all(names: Iterable[str], patterns: Sequence[str]) -> bool:
    return all(may_be_sent(name, patterns) for name in names if name != KEPT)


def _measured_by(estate: Estate, patterns: Sequence[str]) -> bool:
    """Whether all that measures may: the store holds samples of every source, and does not say whose each is."""
    measuring = (name for name, each in estate.sources.items() if isinstance(each, Collectable | SignalReader))
    return _all(measuring, patterns)
