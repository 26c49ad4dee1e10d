"""The operation `curve`: one statistic of one signal over time, with its baseline laid over it.

Screens have no numpy, so all of it is computed here, on the bench.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, ValidationError

from console.analysis.frames import coarsen
from console.analysis.overlay import Axis, Lay, overlay
from console.config import duration
from console.errors import NoData, SourceError, UsageError
from console.model import Frame, Span, Window
from console.playbook.bundles.file import from_bytes
from console.playbook.bundles.replaying import replayed
from console.playbook.steps.compare import MINUTE, RAW_SECONDS, CompareOptions, read_side
from console.playbook.steps.wording import unit_of
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.peer import Peer
from console.sources.estate import Situation
from console.sources.windows import baseline_window, parse_baseline

if TYPE_CHECKING:
    from console.model import Array

CURVE_SECONDS = 20.0
MOST_STEPS = 300
MOST_SPANS = 40  # laid over each other
DAY = 86400.0
NOTHING = Window(())
NO_TIMES = np.empty(0)


class CurveAsked(Arguments):
    """What to draw: a statistic of a signal (of a share, with `of`), from when to when, and what to lay over it.

    Of an `incident` from elsewhere it is drawn from what was recorded there.
    """

    signal: str
    stat: str | None = None
    of: str | None = None
    where: dict[str, str] = Field(default_factory=dict)
    start: float
    end: float
    steps: int = Field(120, ge=1, le=MOST_STEPS)
    baseline: str | list[tuple[float, float]] | None = None
    incident: str = ""


def operations(house: House) -> tuple[Operation, ...]:
    """What can be drawn."""

    async def curve(arguments: CurveAsked, _peer: Peer) -> Any:
        drawing = house.bench.do(draw(arguments, await _situation(house, arguments.incident)))
        try:
            return await asyncio.wait_for(drawing, CURVE_SECONDS)
        except TimeoutError:
            hint = "ask for a shorter span, or for fewer baseline spans"
            raise SourceError(f"drawing {arguments.signal} took more than {CURVE_SECONDS:g} s", hint) from None

    return (Operation("curve", CurveAsked, curve),)


async def _situation(house: House, incident: str) -> Situation:
    """What curves are drawn from: the sources of here, or what an incident from elsewhere brought along."""
    if not incident or not (await house.records.incident(incident)).is_imported:
        return await house.situation()
    body = await house.records.recording(incident)
    if body is None:
        raise NoData(f"what was recorded of {incident} is not kept any more", "import its bundle again")
    return replayed(await asyncio.to_thread(from_bytes, body))


async def draw(asked: CurveAsked, situation: Situation) -> dict[str, Any]:
    """The curve, as plain JSON types: null where a step has no data, and why in `note` where nothing has any."""
    options = _options(asked)
    if not 0 <= asked.start < asked.end:
        raise UsageError("this span has no length", "its end must come after its start")
    current = Span(asked.start, asked.end)
    window, lays = _baseline(asked.baseline, current, situation)
    step = _step(current, window, asked.steps, situation)
    note, sides = window.note, []
    for one in (Window((current,)), window):
        try:
            sides.append(await _frames(situation, options, one, step) if one.spans else (Frame(NO_TIMES, step), None))
        except NoData as error:
            note = error.message
            sides.append((Frame(NO_TIMES, step), None))
    widest = max(frame.step for side in sides for frame in side if frame is not None)
    size = max(1, min(asked.steps, int(current.seconds / widest + 1e-6)))
    axis = Axis(current.start, current.seconds / size, size)
    (now, now_of), (then, then_of) = sides
    try:
        drawn, _low, _high = overlay(now, options.statistic, axis, [Lay(current)], now_of)
        baseline, low, high = overlay(then, options.statistic, axis, lays, then_of)
    except ValueError as error:
        raise UsageError(str(error), "ask for another statistic") from error
    return {
        "signal": asked.signal,
        "stat": options.statistic,
        "unit": unit_of(asked.signal, options.statistic),
        "times": axis.times.tolist(),
        "current": _plain(drawn),
        "baseline": _plain(baseline),
        "low": _plain(low),
        "high": _plain(high),
        "note": note,
    }


def _options(asked: CurveAsked) -> CompareOptions:
    """What a `compare` step of the same signal would be told; UsageError for what it would refuse."""
    given = {"signal": asked.signal, "stat": asked.stat, "of": asked.of, "where": asked.where}
    try:
        return CompareOptions.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise UsageError(f"curve: {'.'.join(map(str, first['loc'])) or 'stat'}: {first['msg']}", "") from None


def _baseline(
    asked: str | Sequence[tuple[float, float]] | None, current: Span, situation: Situation
) -> tuple[Window, list[Lay]]:
    """The spans to lay over the current one, and where each goes; none, with a note, where nothing of them is left."""
    window, lays = NOTHING, []
    if isinstance(asked, str):
        spec = parse_baseline(asked)
        try:
            window = baseline_window(spec, Window((current,)), situation)
        except NoData as error:
            return Window((), note=error.message), []
        lays = [lay for span in window.spans for lay in _laid(span, current, spec)]
    elif asked:
        window = Window(tuple(Span(start, end) for start, end in asked), "span")
        if any(span.seconds <= 0 or span.start < 0 for span in window.spans):
            raise UsageError("a baseline span has no length", "its end must come after its start")
        lays = [lay for span in window.spans for lay in _laid(span, current, {})]
    if len(lays) > MOST_SPANS:
        raise UsageError("there are too many baseline spans", f"at most {MOST_SPANS} are laid over each other")
    return window, lays


def _laid(span: Span, current: Span, spec: Mapping[str, Any]) -> list[Lay]:
    """Where a baseline span goes: as far as it lies away, or to the same time of day, or else start to start.

    A span longer than the current one is laid in as many parts as it has lengths of it.
    """
    if "offset" in spec:
        offset = str(spec["offset"])
        return [Lay(span, -duration(offset[1:]) if offset.startswith("-") else duration(offset))]
    if "where" in spec:
        return [Lay(span)]
    period = duration(spec["seasonal"]["period"]) if "seasonal" in spec else DAY
    shift = period * math.ceil((current.start - span.start) / period - 1e-9)
    if "seasonal" in spec or span.end + shift <= current.end + 1:
        return [Lay(span, shift)]
    parts = math.ceil(span.seconds / current.seconds - 1e-9)
    starts = [span.start + part * current.seconds for part in range(min(parts, MOST_SPANS + 1))]
    return [Lay(Span(start, min(start + current.seconds, span.end)), current.start - start) for start in starts]


def _step(current: Span, baseline: Window, steps: int, situation: Situation) -> float:
    """How finely both sides are asked for: no finer than drawn, and than the side that is known less finely."""
    oldest = min(span.start for span in (current, *baseline.spans))
    finest = MINUTE if situation.now - oldest > RAW_SECONDS else situation.interval
    return finest * max(1, math.floor(current.seconds / steps / finest))


async def _frames(
    situation: Situation, options: CompareOptions, window: Window, step: float
) -> tuple[Frame, Frame | None]:
    """A side of the signal, and of what it is a share of, on the same times."""
    frame = await read_side(situation.estate, options.signal, options, window, step)
    if options.of is None:
        return frame, None
    of = await read_side(situation.estate, options.of, options, window, step)
    step = max(frame.step, of.step)
    frame, of = coarsen(frame, step), coarsen(of, step)
    if frame.times.shape != of.times.shape:
        raise NoData(f"absent: {options.signal} and {options.of} are not known at the same times", "")
    return frame, of


def _plain(values: Array) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]
