"""Replaying: an estate that answers from a bundle alone. What the bundle does not hold is no data, never a guess."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.errors import AndonError, NoData
from console.model import Event, Exemplar, Frame, LogLine, Query, Question, Span, TraceSpan
from console.playbook.answers import fits
from console.playbook.bundles.bundle import CALLS, Bundle, Held, Told
from console.playbook.bundles.held_frames import HeldFrame, told
from console.playbook.bundles.questions import key, question
from console.playbook.step import Ask
from console.sources.estate import Estate, Situation
from console.sources.types import LogRequest, TraceRequest

MOSTLY = 0.9  # of a span must be held for what happened in it to be told
THINNED = 1.01  # lines that a line stands for, from which on some were left out


def replayed(bundle: Bundle) -> Situation:
    """What a run stands on, out of a bundle: no source is asked, no file read, and the clock stands still."""
    held = _Held(bundle)

    def of(place: str) -> dict[str, Any]:
        return {each.name: _Replayed(each, held) for each in bundle.sources if each.place == place}

    def dataset(path: str) -> Any:
        return _Replayed(Told("datasets", path, CALLS["datasets"]), held)

    readers = of("readers")
    estate = Estate(
        readers=[readers[name] for name in sorted(readers, key=_number)],
        tables=of("tables"),
        events=of("events"),
        probers=of("probers"),
        logs=of("logs"),
        traces=of("traces"),
        alerts=of("alerts"),
        models=dict(bundle.models),
        failed={name: failure.error for name, failure in bundle.failed.items()},
        dataset=dataset,
    )
    return Situation(estate, bundle.now, bundle.pins, bundle.excluded, bundle.interval, is_replay=True)


def answered(bundle: Bundle) -> Ask:
    """An `Ask` that repeats what people said; to anything else nobody is there."""

    async def ask(asked: Question) -> str | None:
        answer = bundle.answers.get(asked.text)
        return answer if answer is not None and fits(asked, answer) else None

    return ask


@dataclass(frozen=True, slots=True)
class _Lines:
    """A recorded look at what happened in a span."""

    asked: Mapping[str, Any]
    span: Span
    answer: Sequence[Any]


class _Held:
    """What a bundle holds, by question and by source."""

    def __init__(self, bundle: Bundle) -> None:
        self.exact = {key(each.place, each.name, each.call, each.question): each for each in bundle.held}
        self.by_source: dict[tuple[str, str, str], list[Held]] = {}
        for each in bundle.held:
            self.by_source.setdefault((each.place, each.name, each.call), []).append(each)

    def told(self, source: Told, call: str) -> list[Held]:
        """What a source said to one kind of question."""
        return [each for each in self.by_source.get((source.place, source.name, call), ()) if each.failure is None]


class _Replayed:
    """A source under its capabilities, out of a bundle: it has the methods that it had."""

    def __init__(self, source: Told, held: _Held) -> None:
        self.__dict__.update({call: _method(source, call, held) for call in source.calls})


def _method(source: Told, call: str, held: _Held) -> Callable[..., Awaitable[Any]]:
    otherwise: Callable[..., Any] = OTHERWISE.get(call, _absent)

    async def told_again(*arguments: Any) -> Any:
        found = held.exact.get(key(source.place, source.name, call, question(call, arguments, {})))
        if found is None:
            return otherwise(source, held, *arguments)
        if found.failure is not None:
            raise found.failure.error
        return found.answer

    return told_again


# ── questions that nobody asked in these words ───────────────────────────────────────────────────────────────────────


def _absent(source: Told, _held: _Held, *_arguments: Any) -> Any:
    raise _no_data(source)


def _signals(source: Told, held: _Held) -> Sequence[str]:
    return sorted({each.question["signal"] for each in held.told(source, "read")})


def _read(source: Told, held: _Held, query: Query) -> Frame:
    return told(query, [_frame(each) for each in held.told(source, "read") if each.question["signal"] == query.signal])


def _frame(held: Held) -> HeldFrame:
    asked = held.question
    return HeldFrame(asked["signal"], _spans(asked["spans"]), asked["where"], tuple(asked["by"]), held.answer)


def _coverage(source: Told, held: _Held, span: Span, _step: float) -> float:
    """It was looking where something of the span was read."""
    spans = (each for held_ in held.told(source, "read") for each in _spans(held_.question["spans"]))
    return 1.0 if any(each.overlaps(span) for each in spans) else 0.0


def _events(source: Told, held: _Held, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
    looks = [
        each
        for each in _looks(source, held, "events")
        if not each.asked["kinds"] or (kinds and set(kinds) <= set(each.asked["kinds"]))
    ]
    found: Sequence[Event] = _within(source, looks, span, lambda event: event.time)
    return [event for event in found if not kinds or event.kind in kinds]


def _logs(source: Told, held: _Held, request: LogRequest) -> Sequence[LogLine]:
    looks = [
        each
        for each in _looks(source, held, "logs")
        if each.asked["where"] == dict(request.where)
        and each.asked["words"].casefold() in request.words.casefold()
        and (request.grave or not each.asked["grave"])
        and (_is_whole(each) or not (request.grave and not each.asked["grave"]))
    ]
    words = request.words.casefold()
    found: Sequence[LogLine] = _within(source, looks, request.span, lambda line: line.time)
    return [line for line in found if words in line.body.casefold()][-request.most :]


def _is_whole(look: _Lines) -> bool:
    """Whether a look at lines is all there was."""
    return len(look.answer) < look.asked["most"] and all(line.stands_for <= THINNED for line in look.answer)


def _traces(source: Told, held: _Held, request: TraceRequest) -> Sequence[TraceSpan]:
    looks = [each for each in _looks(source, held, "spans") if each.asked["where"] == dict(request.where)]
    found: Sequence[TraceSpan] = _within(source, looks, request.span, lambda span: span.start)
    return found[: request.most]


def _exemplars(_source: Told, _held: _Held, _request: Any) -> Sequence[Exemplar]:
    return ()


def _columns(_source: Told, _held: _Held) -> Sequence[str]:
    return ()


OTHERWISE: Mapping[str, Callable[..., Any]] = {
    "signals": _signals,
    "read": _read,
    "coverage": _coverage,
    "events": _events,
    "logs": _logs,
    "spans": _traces,
    "exemplars": _exemplars,
    "slices": _columns,
    "outputs": _columns,
}


def _looks(source: Told, held: _Held, call: str) -> list[_Lines]:
    return [_Lines(each.question, _span(each.question["span"]), each.answer) for each in held.told(source, call)]


def _within(source: Told, looks: Sequence[_Lines], span: Span, at: Callable[[Any], float]) -> list[Any]:
    """What happened in a span, by the recorded look that holds most of it; NoData where none holds nearly all."""
    best = max(looks, key=lambda look: (_shared(look.span, span), -look.span.seconds), default=None)
    if best is None or _shared(best.span, span) < MOSTLY * span.seconds:
        raise _no_data(source)
    return [each for each in best.answer if span.start <= at(each) < span.end]


def _shared(one: Span, other: Span) -> float:
    return max(0.0, min(one.end, other.end) - max(one.start, other.start))


def _no_data(source: Told) -> AndonError:
    return NoData(
        f"absent: the bundle does not hold what {source.place} {source.name} would say to this",
        "nobody asked that when it was recorded",
    )


def _span(asked: Mapping[str, Any]) -> Span:
    return Span(float(asked["start"]), float(asked["end"]))


def _spans(asked: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    return tuple(map(_span, asked))


def _number(name: str) -> int:
    return int(name) if len(name) < 10 and name.isdecimal() else 0
