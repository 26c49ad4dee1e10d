"""One bad source is one bad source."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from console.errors import SourceDenied, SourceError, SourceMalformed, StoreFull
from console.model import Event, Kind, Labels, Reading, SeriesKey, Span
from console.service import collecting, timeline
from console.service.collecting import FIRST_WAIT, LONGEST_WAIT, Collector
from console.service.timeline import Timeline
from console.sources import worker

KEY = SeriesKey("model.queue.depth", Labels.of(model="glove"), Kind.GAUGE)


class Source:
    """Gives one reading, or does what it is told to."""

    def __init__(self, does: Any = None, readings: int = 1) -> None:
        self.does, self.readings, self.asked = does, readings, 0

    async def collect(self, now: float) -> Sequence[Reading]:
        self.asked += 1
        if isinstance(self.does, Exception):
            raise self.does
        if self.does is not None:
            await self.does()
        return [Reading(KEY, now, 1.0)] * self.readings


class Room:
    """A collector with its clock and what it kept."""

    def __init__(self, **sources: Source) -> None:
        self.now = 1000.0
        self.kept: list[int] = []
        self.full = False
        self.collector = Collector({**sources, "mute": object()}, self.keep, lambda: self.now, seconds=0.1, most=10)

    async def keep(self, readings: Sequence[Reading], _now: float) -> None:
        if self.full:
            raise StoreFull("no room")
        self.kept.append(len(readings))


async def test_a_hung_source_delays_no_other_and_is_asked_once() -> None:
    never = asyncio.Event()

    async def stubborn() -> None:
        while not never.is_set():
            try:
                await never.wait()
            except asyncio.CancelledError:
                continue  # a plugin may swallow even this

    hung, good = Source(stubborn), Source()
    room = Room(hung=hung, good=good)
    await room.collector.round(patience=0.02)
    assert room.kept == [1]
    await room.collector.round()
    assert (hung.asked, good.asked) == (1, 2)
    assert room.collector.health["hung"].reason == "did not answer within 0.1 s"
    room.now += LONGEST_WAIT
    await room.collector.round()
    assert (hung.asked, good.asked) == (1, 3)  # it is still at it: no second call piles up
    never.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    hung.does = None
    await room.collector.round()
    assert room.collector.health["hung"].state == "ok"
    assert "mute" not in room.collector.health


async def test_a_failing_source_is_asked_less_and_less_often_and_recovers() -> None:
    bad = Source(SourceError("connection refused"))
    room = Room(bad=bad)
    waits = []
    for _ in range(8):
        await room.collector.round()
        waits.append(room.collector.health["bad"].again - room.now)
        before = bad.asked
        await room.collector.round()
        assert bad.asked == before  # it rests
        room.now = room.collector.health["bad"].again
    assert waits[:3] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT]
    assert waits[-1] == LONGEST_WAIT
    bad.does = None
    await room.collector.round()
    assert (room.collector.health["bad"].state, room.collector.health["bad"].failures) == ("ok", 0)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (SourceDenied("401"), "denied"),
        (SourceMalformed("HTML"), "malformed"),
        (SourceError("refused"), "unreachable"),
        (KeyError("glove"), "unreachable"),
    ],
)
async def test_every_failure_is_a_state_with_its_reason(error: Exception, state: str) -> None:
    room = Room(bad=Source(error), good=Source())
    await room.collector.round()
    assert room.collector.health["bad"].state == state
    assert room.collector.health["bad"].reason
    assert room.collector.health["good"].state == "ok"


async def test_a_flood_is_cut_off_and_named() -> None:
    room = Room(flood=Source(readings=1000))
    await room.collector.round()
    assert room.kept == [10]
    assert room.collector.health["flood"].reason == "gave more than 10 samples at once; the rest was cut off"


@pytest.mark.parametrize("time", [253_402_351_199.0, float("inf"), float("-inf"), float("nan"), -1.0])
async def test_a_time_that_is_to_come_does_not_stay_the_newest_for_ever(time: float) -> None:
    source = Source()
    shown: list[Reading] = []

    async def collect(now: float) -> Sequence[Reading]:
        return [Reading(KEY, time, 1.0), Reading(KEY, now - 5.0, 1.0)]

    source.collect = collect  # type: ignore[method-assign]
    room = Room()
    room.collector = Collector(
        {"odd": source}, room.keep, lambda: room.now, show=lambda _name, readings: shown.extend(readings)
    )
    await room.collector.round()
    assert [reading.time for reading in shown] == [room.now, room.now - 5.0]
    health = room.collector.health["odd"]
    assert (health.state, health.reason) == (
        "ok",
        "1 samples bear times that are none or to come; they count as of now",
    )


async def test_a_store_that_cannot_take_samples_is_not_the_sources_fault() -> None:
    room = Room(good=Source())
    room.full = True
    await room.collector.round()
    assert room.collector.health["good"].failures == 0
    room.full = False
    await room.collector.round()
    assert room.collector.health["good"].state == "ok"


async def test_events_are_copied_on_from_where_the_last_copy_ended() -> None:
    spans: list[Span] = []
    kept: list[Event] = []
    event = Event(900.0, "deploy", "glove", "v2")

    class Diary:
        error: Exception | None = None

        async def events(self, span: Span, _kinds: Sequence[str]) -> Sequence[Event]:
            spans.append(span)
            if self.error:
                raise self.error
            return [event] if span.start <= event.time < span.end else []

    async def keep(events: Sequence[Event]) -> None:
        kept.extend(events)

    diary = Diary()
    timeline = Timeline({"diary": diary}, keep)
    await timeline.copy(1000.0)
    assert kept == [event]
    for error in (SourceError("gone"), OSError("torn"), TimeoutError()):
        diary.error = error
        await timeline.copy(5000.0)
        assert "diary" in timeline.troubles["diary"]
    diary.error = None
    await timeline.copy(5010.0)
    assert timeline.troubles == {}
    assert spans[-1].start == spans[1].start < 1000.0  # what failed is read again


async def test_events_that_are_written_down_a_day_late_are_copied_too() -> None:
    spans: list[Span] = []

    class Diary:
        async def events(self, span: Span, _kinds: Sequence[str]) -> Sequence[Event]:
            spans.append(span)
            return []

    async def keep(_events: Sequence[Event]) -> None: ...

    copying = Timeline({"diary": Diary()}, keep)
    began = 1e6
    for now in (began, began + 15, began + timeline.LATE_EVERY + 15, began - 5000):
        await copying.copy(now)
    assert spans[1].start == began - timeline.OVERLAP_SECONDS
    assert spans[2].start == began + 15 - timeline.LATE_SECONDS
    assert spans[3].start <= began - 5000 - timeline.OVERLAP_SECONDS  # the clock was set back


def test_a_hung_child_is_ended_before_its_asker_goes_away() -> None:
    assert min(collecting.COLLECT_SECONDS, timeline.READ_SECONDS) > worker.CALL_SECONDS
