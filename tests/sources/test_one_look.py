"""One look at what gives samples, where there is no store to ask."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from console.errors import SourceBusy, SourceError
from console.model import Kind, Labels, Query, Reading, SeriesKey, Span, Window
from console.sources import one_look
from console.sources.one_look import OneLook
from console.sources.types import SignalReader

NOW = 1000.0


class Source:
    """Gives two gauges and a counter, after having been busy for a while."""

    def __init__(self, *troubles: SourceError) -> None:
        self.troubles = [*troubles]
        self.asked = 0

    async def collect(self, now: float) -> Sequence[Reading]:
        self.asked += 1
        if self.troubles:
            raise self.troubles.pop(0)
        return [
            Reading(SeriesKey("workload.pods.waiting", Labels.of(workload=name), kind), now, value)
            for name, kind, value in (("web", Kind.GAUGE, 1.0), ("api", Kind.GAUGE, 2.0), ("old", Kind.COUNTER, 9.0))
        ]


def query(end: float = NOW, **where: str) -> Query:
    return Query("workload.pods.waiting", Window((Span(end - 60, end),)), 15.0, Labels.of(where), ("workload",))


async def test_it_is_looked_at_once_and_answers_as_a_reader() -> None:
    source = Source()
    look = OneLook(source, lambda: NOW)
    assert isinstance(look, SignalReader)
    assert source.asked == 0
    assert await look.signals() == ["workload.pods.waiting"]
    frame = await look.read(query())
    assert {one.key.labels.value("workload"): one.values.tolist() for one in frame.series} == {
        "web": [1.0],
        "api": [2.0],
    }
    [only] = (await look.read(query(workload="api"))).series
    assert only.values.tolist() == [2.0]
    assert source.asked == 1


async def test_it_knows_nothing_of_the_past() -> None:
    assert not (await OneLook(Source(), lambda: NOW).read(query(end=NOW - 600))).times.size


async def test_a_source_that_is_getting_ready_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_look, "PAUSE_SECONDS", 0.0)
    source = Source(SourceBusy("3 of 9", ""), SourceBusy("8 of 9", ""))
    assert await OneLook(source, lambda: NOW).signals()
    assert source.asked == 3
    with pytest.raises(SourceBusy, match="for long"):
        await one_look.patiently(lambda: Source(SourceBusy("for long", "", seconds=99.0)).collect(NOW))
    with pytest.raises(SourceError, match="down"):
        await OneLook(Source(SourceError("down", "")), lambda: NOW).signals()
