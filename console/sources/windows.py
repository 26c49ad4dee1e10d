"""Which spans of time are compared: current and baseline as spans of epoch seconds, always explicit (DESIGN §5).

Everything is UTC: a day is 86,400 s and a week seven of them, whatever the clocks on the wall do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from console.config import UNIT_SECONDS, duration
from console.errors import ConfigError, NoData, UsageError
from console.model import Labels, Span, Window, WindowKind
from console.sources.estate import Situation

SPAN_FORMS = (
    "write a length of time such as 15m, 24h or 7d, or START..END in RFC 3339, "
    "such as 2026-11-01T00:00:00Z..2026-11-02T00:00:00Z"
)
BASELINE_FORMS = (
    "write offset:1d, seasonal:1wx4, before:onset:STEP, pinned:NAME, where:LABEL=VALUE, dataset:PATH, peers "
    "or START..END"
)
MOST_SEASONS = 60
LONGEST = 10 * 365.25 * 86400.0  # seconds; many times that, and no calendar has the start


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse_span(text: str, now: float) -> Span:
    """`15m` is the last quarter of an hour; `START..END` says both ends.

    >>> parse_span("15m", now=900.0)
    Span(start=0.0, end=900.0)

    Raises UsageError for any other text, for a span without length, and for one that lies in the future.
    """
    if ".." in text:
        start, end = (_instant(part, text) for part in text.split("..", 1))
    else:
        start, end = now - _seconds(text, SPAN_FORMS), now
    if end <= start:
        raise UsageError(f"the window {text!r} has no length", "its end must come after its start")
    if start >= now:
        raise UsageError(f"the window {text!r} lies in the future", f"it is {_words(start - now)} too early to ask")
    return Span(start, end)


def current_window(text: str, now: float) -> Window:
    """The current window of a run; what reaches past `now` is cut off, and its note says so."""
    span = parse_span(text, now)
    if span.end <= now:
        return Window((span,))
    return Window((Span(span.start, now),), note=f"ends now, {_words(span.end - now)} earlier than asked")


def parse_baseline(text: str) -> Mapping[str, Any]:
    """A baseline as written on the command line, in the form that playbooks use.

    >>> parse_baseline("seasonal:1wx4")
    {'seasonal': {'period': '1w', 'count': 4}}

    Raises UsageError for any other text.
    """
    if text == "peers":
        return {"peers": True}
    kind, colon, rest = text.partition(":")
    match kind if colon and rest else "":
        case "offset":
            _seconds(rest.removeprefix("-"), BASELINE_FORMS)
            return {"offset": rest}
        case "seasonal":
            period, times, count = rest.partition("x")
            _seconds(period, BASELINE_FORMS)
            if times and not count.isdecimal():
                raise UsageError(f"{count!r} is not a number of seasons", BASELINE_FORMS)
            return {"seasonal": {"period": period, "count": int(count) if times else 1}}
        case "before":
            onset, _colon, step = rest.partition(":")
            if onset == "onset" and step:
                return {"before": "onset", "of": step}
        case "pinned":
            return {kind: rest}
        case "dataset":
            if "://" not in rest and not rest.startswith("/"):
                raise UsageError(f"{rest!r} is not the whole path of a dataset", "write dataset:/PATH or dataset:URL")
            return {kind: rest}
        case "where":
            pairs = [pair.partition("=") for pair in rest.split(",")]
            if all(name and equals and value for name, equals, value in pairs):
                return {"where": {name: value for name, _equals, value in pairs}}
    if ".." in text:
        for part in text.split("..", 1):
            _instant(part, text)
        return {"span": text}
    raise UsageError(f"{text!r} is not a baseline", BASELINE_FORMS)


# ── baselines ────────────────────────────────────────────────────────────────────────────────────────────────────────


def baseline_window(
    spec: Mapping[str, Any], current: Window, situation: Situation, *, onset: float | None = None
) -> Window:
    """The baseline of a current window; `spec` is one of DESIGN §5, `onset` that of the step it may name.

    The parts of it that lie in the future, in the current window or inside known incidents are left out, and `note`
    says so; a canary's siblings (`where`) and healthy ones (`peers`) are taken as they are. A dataset has no spans.
    Raises UsageError for a spec that makes no sense, and NoData when nothing of the baseline is left.
    """
    known = ("offset", "seasonal", "before", "pinned", "where", "span", "dataset", "peers")
    named = [kind for kind in known if kind in spec]
    if len(named) != 1 or not set(spec) <= {named[0], "of"}:
        raise UsageError(f"a baseline of {', '.join(map(str, spec)) or 'nothing'} is not one that can be used",
                         f"give exactly one of {', '.join(known)}")  # fmt: skip
    value = spec[named[0]]
    match named[0]:
        case "offset":
            shift = _offset(value)
            return _cut("offset", _shifted(current, shift), current, situation)
        case "seasonal":
            return _seasonal(value, current, situation)
        case "before":
            if value != "onset":
                raise UsageError(f"a baseline cannot lie before {value!r}", "write before: onset, of: STEP")
            if onset is None:
                raise NoData(f"step {spec.get('of', '?')} found no onset for the baseline to lie before", "")
            length = sum(span.seconds for span in current.spans)
            return _cut("before", [Span(onset - length, onset)], current, situation, but_current=False)
        case "pinned":
            spans = situation.pins.get(str(value))
            if spans is None:
                raise UsageError(f"no baseline is pinned as {str(value)!r}", _nearest(str(value), situation.pins))
            return _cut("pinned", spans, current, situation, name=str(value))
        case "where":
            if not isinstance(value, Mapping) or not value:
                raise UsageError("the baseline `where` names no label", "write where: {track: stable}")
            return Window(current.spans, "where", where=Labels.of({k: str(v) for k, v in value.items()}))
        case "dataset":
            note = f"the baseline is the rows of {value}, and only steps on tables can use rows"
            return Window((), "dataset", name=str(value), note=note)
        case "peers":
            if value is not True:
                raise UsageError(f"a baseline of peers is not {value!r}", "write peers: true")
            return Window(current.spans, "peers")
        case _:
            return _cut("span", [parse_span(str(value), situation.now)], current, situation)


def _seasonal(value: Any, current: Window, situation: Situation) -> Window:
    form = "write seasonal: {period: 1w, count: 4}"
    if not isinstance(value, Mapping) or not set(value) <= {"period", "count"}:
        raise UsageError(f"the seasonal baseline {value!r} is not one that can be used", form)
    period = _seconds(str(value.get("period", "")), form)
    count = value.get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_SEASONS:
        raise UsageError(f"a baseline cannot pool {count!r} seasons", f"count is a number from 1 to {MOST_SEASONS}")
    seasons = [_shifted(current, number * period) for number in range(count, 0, -1)]
    kept = [season for season in seasons if season[0].start > 0]
    return _cut("seasonal", [span for season in kept for span in season], current, situation,
                note=f"{len(kept)} × {_words(period)} pooled")  # fmt: skip


def _cut(
    kind: WindowKind,
    spans: Iterable[Span],
    current: Window,
    situation: Situation,
    *,
    name: str = "",
    note: str = "",
    but_current: bool = True,
) -> Window:
    """The spans without what may not be compared with, and the words for what went."""
    notes = [note] if note else []
    left = sorted(spans, key=lambda span: span.start)
    forever = Span(situation.now, float("inf"))
    reasons: list[tuple[Sequence[Span], str]] = [
        ([forever], "still to come"),
        (situation.excluded, "inside known incidents"),
    ]
    if but_current:
        reasons.insert(1, (current.spans, "in the current window"))
    for without, why in reasons:
        before = sum(span.seconds for span in left)
        left = _subtract(left, without)
        gone = before - sum(span.seconds for span in left)
        if gone > 0:
            notes.append(f"{_words(gone)} {why} left out")
        if not left:
            raise NoData(f"the {kind} baseline is empty: all of it is {why}", "choose another baseline")
    return Window(tuple(left), kind, name=name, note="; ".join(notes))


def _subtract(spans: Sequence[Span], without: Iterable[Span]) -> list[Span]:
    left = list(spans)
    for hole in without:
        pieces = []
        for span in left:
            if hole.end <= span.start or span.end <= hole.start:
                pieces.append(span)
                continue
            if span.start < hole.start:
                pieces.append(Span(span.start, hole.start))
            if hole.end < span.end:
                pieces.append(Span(hole.end, span.end))
        left = pieces
    return left


def _shifted(window: Window, seconds: float) -> list[Span]:
    return [Span(span.start - seconds, span.end - seconds) for span in window.spans]


def _offset(value: Any) -> float:
    text = str(value)
    seconds = _seconds(text.removeprefix("-"), "write offset: 1d, or offset: -1d for a day later")
    return -seconds if text.startswith("-") else seconds


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _seconds(text: str, forms: str) -> float:
    try:
        seconds = duration(text)
    except ConfigError:
        raise UsageError(f"{text!r} is not a length of time", forms) from None
    if seconds <= 0:
        raise UsageError(f"{text!r} has no length", forms)
    if seconds > LONGEST:
        raise UsageError(f"{text!r} is longer than ten years", forms)
    return seconds


def _instant(text: str, whole: str) -> float:
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{text.strip()!r} in {whole!r} is not a time", SPAN_FORMS) from None
    if instant.tzinfo is None:
        raise UsageError(
            f"{text.strip()!r} in {whole!r} does not say its zone", "end it with Z for UTC, or with +02:00"
        )
    if instant.timestamp() < 0:
        raise UsageError(f"{text.strip()!r} in {whole!r} lies before 1970", SPAN_FORMS)
    return instant.timestamp()


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3) or names[:5]
    return f"pinned are: {', '.join(close)}" if close else "pin one with: andon baseline pin NAME"


def _words(seconds: float) -> str:
    """90061 s as `1d 1h`: the two largest units, of any length of time."""
    rest, parts = seconds, []
    for unit in ("w", "d", "h", "m", "s"):
        number, rest = divmod(rest, UNIT_SECONDS[unit])
        if number:
            parts.append(f"{number:.0f}{unit}")
    return " ".join(parts[:2]) or f"{seconds:.3g}s"
