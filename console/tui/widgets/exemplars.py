"""What the data looked like when all was well, beside what it looks like now: pictures, or fields that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

from console.tui.text import Line, Span, fit, size_of, wrap
from console.tui.widgets.picture import picture, pixels_of, shrunk

GAP = 3
MOST_FIELDS = 100
SIDES = (("baseline", "baseline"), ("current", "now"))

Exemplar = Mapping[str, Any]


def exemplar_lines(exemplars: Sequence[Exemplar], width: int, height: int, *, greys: bool) -> list[Line]:
    """The first exemplar of each side, next to each other: what the operation `drift` gives as `exemplars`."""
    pair = [next((each for each in exemplars if each.get("side") == side), None) for side, _word in SIDES]
    if pair == [None, None]:
        return [[(fit("  no examples: they are picked when a column moves, from tables that keep them", width), "dim")]]
    room = max((width - GAP - 2) // 2, 1)
    heads = [_heading(one, word, room) for one, (_side, word) in zip(pair, SIDES, strict=True)]
    images = [shrunk(pixels_of((one or {}).get("pixels")), room, height - 2) for one in pair]
    if any(images):
        greys_seen = [grey for image in images for row in image for grey in row]
        drawn = [picture(image, greys=greys, dark=min(greys_seen), bright=max(greys_seen)) for image in images]
        sides = [[*head, *lines] for head, lines in zip(heads, drawn, strict=True)]
        return _beside(sides[0], sides[1], room)[:height]
    return [*_beside(heads[0][:1], heads[1][:1], room), *_differences(pair[0] or {}, pair[1] or {}, width, room)]


def _heading(one: Exemplar | None, word: str, room: int) -> list[Line]:
    if one is None:
        return [[(fit(word, room), "title")], [(fit("no example was kept", room), "dim")]]
    time = one.get("time")
    at = f" {datetime.fromtimestamp(time, UTC):%b %d %H:%M}Z" if isinstance(time, (int, float)) and time > 0 else ""
    return [
        [(fit(word, len(word)), "title"), (fit(at, room - len(word)), "dim")],
        [(fit(one.get("caption", ""), room), "")],
    ]


def _differences(before: Exemplar, now: Exemplar, width: int, room: int) -> list[Line]:
    """Field by field, those that differ first and marked; a text is folded into its half."""
    if "text" in (before.get("kind"), now.get("kind")):
        left, right = ([[(line, "")] for line in wrap(each.get("caption") or "–", room)] for each in (before, now))
        return _beside(left, right, room)
    was, is_ = _fields(before), _fields(now)
    names = list(dict.fromkeys([*was, *is_]))[:MOST_FIELDS]
    names.sort(key=lambda name: was.get(name) == is_.get(name))
    lines: list[Line] = []
    for name in names:
        differs = was.get(name) != is_.get(name)
        sides = [fit(f"{name} {side.get(name, '–')}", room) for side in (was, is_)]
        mark = " ≠ " if differs else " " * GAP
        lines.append([(" " + sides[0], ""), (mark, "warn"), (sides[1], "bold" if differs else "dim")])
    return lines or [[(fit("  nothing more is known of these rows", width), "dim")]]


def _fields(one: Exemplar) -> Mapping[str, str]:
    fields = one.get("fields")
    return {str(name): str(value) for name, value in fields.items()} if isinstance(fields, Mapping) else {}


def _beside(left: Sequence[Line], right: Sequence[Line], room: int) -> list[Line]:
    lines: list[Line] = []
    for before, now in zip_longest(left, right, fillvalue=()):
        blanks: Span = (" " * (max(room - size_of(before), 0) + GAP), "")
        lines.append([(" ", ""), *before, blanks, *now])
    return lines
