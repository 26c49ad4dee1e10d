"""Operations on alerts: what fires, what keeps it quiet, silences to make and to end, and alerts that others send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from pydantic import Field

from console.clock import wall_clock
from console.errors import UsageError
from console.model import NO_LABELS, Alert, Incident, Notice, Silence, Symptom
from console.service.alert_look import Look
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.operations.reading import Nothing
from console.service.peer import Peer
from console.service.watching import subject_of
from console.sources.alerts import NAMED_BY
from console.sources.matchers import fits, parse_matchers, shown_matcher
from console.sources.types import Silencer
from console.wire import dump
from console.words import instant

MOST_SHOWN = 2000  # alerts in one answer
MOST_TAKEN = 10_000  # in one delivery
MOST_SILENCES = 1000
LONGEST_SILENCE = 30 * 86400.0  # seconds
MOST_WORDS = 400
MOST_NOTED = 5  # incidents that are told of a silence
FIRST = {"firing": 0, "silenced": 1, "inhibited": 2, "resolved": 3}


class Matching(Arguments):
    """Which alerts: those that all of these matchers fit."""

    matchers: list[str] = Field(default_factory=list, max_length=20)
    most: int = Field(500, ge=0, le=MOST_SHOWN)


class Silenced(Arguments):
    """What to keep quiet, for how many seconds, why, and by which source where there are several."""

    matchers: list[str] = Field(min_length=1, max_length=20)
    seconds: float = Field(gt=0, le=LONGEST_SILENCE)
    comment: str = Field(min_length=1, max_length=MOST_WORDS)
    source: str = ""


class OneSilence(Arguments):
    """A silence by its id, and the source where there are several."""

    silence: str = Field(min_length=1, max_length=MOST_WORDS)
    source: str = ""


class Delivered(Arguments):
    """Alerts that somebody sent, and how many of them were left out on the way."""

    sender: str = Field(min_length=1, max_length=200)
    alerts: list[Alert] = Field(max_length=MOST_TAKEN)
    truncated: int = Field(0, ge=0)


class OneNotifier(Arguments):
    """A notifier by name."""

    name: str


def operations(house: House) -> tuple[Operation, ...]:
    """What can be done with alerts."""
    look = house.alert_look

    async def list_them(arguments: Matching, _peer: Peer) -> Any:
        matchers = parse_matchers(arguments.matchers) if arguments.matchers else ()
        looks = await look.seen()
        known = _all(house, looks)
        found = [each for each in known if fits(matchers, each.labels)]
        found.sort(key=lambda each: (FIRST[each.state], -each.started, each.id))
        incidents = {each.subject: each for each in await house.incidents_or_none()}
        return {
            "now": house.clock(),
            "alerts": [_row(house, each, incidents) for each in found[: arguments.most]],
            "counts": dict(Counter(each.state for each in found)),
            "total": len(found),
            "sources": _sources(looks),
        }

    async def list_silences(_arguments: Nothing, _peer: Peer) -> Any:
        looks = await look.seen()
        found = [silence for each in looks for silence in each.silences]
        quiet = Counter(id_ for each in looks for alert in each.alerts for id_ in alert.silences)
        rows = [_silence_row(each, quiet) for each in sorted(found, key=lambda each: each.end)[:MOST_SILENCES]]
        return {"now": house.clock(), "silences": rows, "sources": _sources(looks)}

    async def create(arguments: Silenced, peer: Peer) -> Any:
        matchers = parse_matchers(arguments.matchers)
        comment = arguments.comment.strip()
        if not comment:
            raise UsageError("a silence needs a comment", "say why, for who finds it")
        if fits(matchers, NO_LABELS):
            raise UsageError("these matchers fit an alert without any label", "name at least one value")
        holders = [each.name for each in await look.seen() if any(fits(matchers, one.labels) for one in each.alerts)]
        only = holders[0] if len(holders) == 1 else ""
        name, silencer = _silencer(look.silencers, arguments.source or only)
        now = wall_clock()  # silences are theirs, and so is the clock
        silence = Silence(matchers, now, now + arguments.seconds, peer.name, comment, source=name)
        id_ = await silencer.silence(silence)
        await look.anew()
        quiet = [each for each in look.looks[name].alerts if fits(matchers, each.labels)]
        shown = " ".join(map(shown_matcher, matchers))
        text = f"{peer.name} silenced {shown} until {instant(silence.end)}: {comment}"
        await _note(house, quiet, text, peer)
        return {"id": id_, "source": name, "end": silence.end, "alerts": len(quiet)}

    async def end(arguments: OneSilence, _peer: Peer) -> Any:
        holders = [each.name for each in await look.seen() if any(one.id == arguments.silence for one in each.silences)]
        name, silencer = _silencer(look.silencers, arguments.source or next(iter(holders), ""))
        await silencer.unsilence(arguments.silence)
        await look.anew()
        return {"id": arguments.silence, "source": name}

    async def take(arguments: Delivered, _peer: Peer) -> Any:
        taken = await house.alerting.take(arguments.alerts, arguments.sender)
        if arguments.alerts:
            house.troubles.pop("truncated", None)
        if arguments.truncated:
            house.troubles["truncated"] = (
                f"{arguments.sender} left {arguments.truncated} alerts out of a delivery: raise its max_alerts"
            )
        return dump(taken)

    async def test(arguments: OneNotifier, peer: Peer) -> Any:
        symptom = Symptom(f"{peer.name} asked whether notices arrive here; nothing is wrong")
        incident = Incident("I-0", symptom.text, "open", house.clock(), symptom, "andon")
        await house.notifying.test(arguments.name, Notice("test", house.clock(), incident, None, "andon status"))
        return {"name": arguments.name}

    return (
        Operation("alert.list", Matching, list_them),
        Operation("alert.take", Delivered, take),
        Operation("silence.list", Nothing, list_silences),
        Operation("silence.create", Silenced, create),
        Operation("silence.end", OneSilence, end),
        Operation("notify.test", OneNotifier, test),
    )


def _all(house: House, looks: Sequence[Look]) -> list[Alert]:
    """What the sources say fires, and what was sent to us and is none of that."""
    found = {alert.id: alert for each in looks for alert in each.alerts}
    return [*found.values(), *(each.alert for id_, each in house.alerting.held.items() if id_ not in found)]


def _row(house: House, alert: Alert, incidents: Mapping[str, Incident]) -> dict[str, Any]:
    held = house.alerting.held.get(alert.id)
    subject = subject_of(house.alerting.symptom(alert))
    about = incidents.get(subject)
    return {
        "id": alert.id,
        "name": alert.labels.value(NAMED_BY) or alert.text,
        "text": alert.text,
        "subject": subject,
        "state": alert.state,
        "started": alert.started,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "url": alert.url,
        "source": alert.source,
        "silences": list(alert.silences),
        "incident": (held.incident if held else "") or (about.id if about else ""),
    }


def _silence_row(silence: Silence, quiet: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": silence.id,
        "matchers": [shown_matcher(each) for each in silence.matchers],
        "start": silence.start,
        "end": silence.end,
        "author": silence.author,
        "comment": silence.comment,
        "state": silence.state,
        "source": silence.source,
        "alerts": quiet.get(silence.id, 0),
    }


def _sources(looks: Sequence[Look]) -> list[dict[str, Any]]:
    return [{"name": each.name, "state": each.state, "reason": each.reason} for each in looks]


def _silencer(silencers: Mapping[str, Silencer], name: str) -> tuple[str, Silencer]:
    """The source that keeps alerts quiet: the one that is named, or the only one there is."""
    if not silencers:
        raise UsageError("no source keeps silences", "name an alert manager under [sources]; see docs/alerts.md")
    if not name and len(silencers) == 1:
        name = next(iter(silencers))
    if name not in silencers:
        said = f"there is no source {name[:60]!r} that keeps silences" if name else "several sources keep silences"
        raise UsageError(said, f"name one of {', '.join(sorted(silencers))}")
    return name, silencers[name]


async def _note(house: House, quiet: Sequence[Alert], text: str, peer: Peer) -> None:
    """Tell the incidents that these alerts belong to."""
    standing = {each.id for each in await house.incidents_or_none()}
    held = (house.alerting.held.get(each.id) for each in quiet)
    told = dict.fromkeys(each.incident for each in held if each and each.incident in standing)
    for incident in [*told][:MOST_NOTED]:
        with suppress(UsageError):  # its notes are full
            await house.records.note(incident, text, house.clock(), peer.name)
