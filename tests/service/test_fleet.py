"""Sources that are asked: few questions, at a pace, and each one's failure its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from nouns import NOON

from console.errors import SourceDenied, SourceError
from console.model import Frame, Kind, Labels, Query, Series, SeriesKey
from console.service import fleet as fleet_module
from console.service.fleet import MOST_FAILURES, QUICK, SLOW, Fleet
from console.service.live import Live
from console.service.sightings import Sightings
from console.signals.catalogue import find_signal

Answer = Callable[[Query], Frame]


class Server:
    """Answers what it is told to."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[Query] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_once = self.most_at_once = 0

    async def read(self, query: Query) -> Frame:
        self.asked.append(query)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
            return self.answer(query)
        finally:
            self.at_once -= 1

    async def signals(self) -> Sequence[str]:
        return ()


def frame(query: Query, *told: tuple[dict[str, str], float]) -> Frame:
    """One value per label set, in the last step."""
    kind = find_signal(query.signal).kind
    series = [Series(SeriesKey(query.signal, Labels.of(labels), kind), np.array([value])) for labels, value in told]
    return Frame(np.array([query.window.end]), query.step, tuple(series))


def gpus(count: int) -> Answer:
    """So many GPUs that are 90 % busy, and nothing else."""

    def answer(query: Query) -> Frame:
        if query.signal != "gpu.utilization":
            return frame(query)
        labels = [{"host": f"n{n // 8}", "gpu": str(n % 8), "uuid": f"u{n}"} for n in range(count)]
        return frame(query, *((each, 0.9) for each in labels))

    return answer


class Stage:
    """A fleet of such servers, and what it shows."""

    def __init__(self, **servers: Server) -> None:
        self.live, self.sightings, self.now = Live(), Sightings(), NOON
        self.fleet = Fleet(servers, self.live, self.sightings, lambda: self.now)  # type: ignore[arg-type]

    async def round(self) -> None:
        """Look, whether it is anyone's turn or not, and wait for what comes."""
        self.fleet._again = dict.fromkeys(self.fleet._again, 0.0)
        self.fleet.look()
        await asyncio.gather(*self.fleet._running.values())


async def test_the_questions_do_not_grow_with_the_fleet() -> None:
    asked = []
    for count in (1, 100, 1000):
        server = Server(gpus(count))
        stage = Stage(prom=server)
        await stage.round()
        await stage.round()
        asked.append(len(server.asked))
        assert len(stage.live.gpus) == count
    assert len(set(asked)) == 1
    assert asked[0] == 2 * len(QUICK) + len(SLOW)


async def test_what_hardly_changes_is_asked_for_once_a_minute_and_everything_of_the_last_minute() -> None:
    server = Server(gpus(1))
    stage = Stage(prom=server)
    for _ in range(4):
        await stage.round()
    count = {name: sum(query.signal == name for query in server.asked) for name in (*QUICK, *SLOW)}
    assert {count[name] for name in QUICK} == {4}
    assert {count[name] for name in SLOW} == {1}
    (span,) = server.asked[0].window.spans
    assert (span.end, span.seconds, server.asked[0].step) == (NOON, 60, 60)
    assert server.most_at_once <= 2


async def test_a_source_rests_nine_times_as_long_as_it_was_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "REST_SECONDS", 0.0)
    server = Server(gpus(1))
    stage = Stage(prom=server)
    stage.fleet.look()
    began = time.monotonic()
    await asyncio.sleep(0.02)
    await asyncio.gather(*stage.fleet._running.values())
    took = stage.fleet.health["prom"].seconds
    pace = stage.fleet._pace["prom"]
    assert pace == pytest.approx(10 * took)
    assert stage.fleet.late("prom") >= 3 * pace
    count = len(server.asked)
    stage.fleet._again["prom"] = began + 3600
    stage.fleet.look()
    assert len(server.asked) == count and not stage.fleet._running


async def test_a_source_that_hung_for_a_moment_is_asked_again_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "READ_SECONDS", 0.2)
    monkeypatch.setattr(fleet_module, "MOST_REST_SECONDS", 0.05)
    server = Server(gpus(1))
    stage = Stage(prom=server)
    stage.fleet.look()
    while len(server.asked) < 2:
        await asyncio.sleep(0)
    server.gate.clear()
    await asyncio.gather(*stage.fleet._running.values())
    health = stage.fleet.health["prom"]
    assert health.state == "unreachable" and health.seconds >= 0.2
    assert stage.fleet._pace["prom"] == pytest.approx(health.seconds + 0.05)


async def test_nobody_asks_more_often_than_every_five_seconds() -> None:
    server = Server(gpus(1))
    stage = Stage(prom=server)
    await stage.round()
    stage.fleet.look()
    assert not stage.fleet._running
    assert stage.fleet._again["prom"] >= 5.0


async def test_what_is_asked_is_cancelled_when_nobody_looks_any_more() -> None:
    server = Server(gpus(1))
    server.gate.clear()
    stage = Stage(prom=server)
    stage.fleet.look()
    await asyncio.sleep(0)
    (task,) = stage.fleet._running.values()
    stage.fleet.look()  # which does not ask a second time
    assert len(stage.fleet._running) == 1
    stage.fleet.rest()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled() and not stage.fleet._running
    assert stage.fleet.health["prom"].state == "new", "nobody knows how it is"


def failing(error: Exception) -> Answer:
    def answer(_query: Query) -> Frame:
        raise error

    return answer


async def test_a_source_that_fails_is_its_own_state_and_stops_no_other() -> None:
    dead, well = Server(failing(SourceError("prom did not answer", ""))), Server(gpus(8))
    stage = Stage(dead=dead, well=well)
    await stage.round()
    health = stage.fleet.health
    assert (health["dead"].state, health["dead"].reason) == ("unreachable", "prom did not answer")
    assert (health["well"].state, health["well"].readings) == ("ok", 8)
    assert len(dead.asked) == 1, "who is not there is not asked twice"
    assert stage.fleet._again["dead"] > stage.fleet._again["well"]
    dead.answer = gpus(4)
    await stage.round()
    assert stage.fleet.health["dead"].state == "ok"


@pytest.mark.parametrize(
    ("error", "state"),
    [(SourceDenied("no", ""), "denied"), (ValueError("what?"), "unreachable"), (TimeoutError(), "unreachable")],
)
async def test_whatever_a_source_raises_is_its_state(error: Exception, state: str) -> None:
    stage = Stage(prom=Server(failing(error)))
    await stage.round()
    assert stage.fleet.health["prom"].state == state


async def test_one_question_that_fails_leaves_the_others_and_many_end_the_round() -> None:
    def picky(query: Query) -> Frame:
        if query.signal == "gpu.power":
            raise SourceError("too many samples", "")
        return gpus(1)(query)

    server = Server(picky)
    stage = Stage(prom=server)
    await stage.round()
    health = stage.fleet.health["prom"]
    assert (health.state, health.reason, health.readings) == ("unreachable", "gpu.power: too many samples", 1)
    assert len(server.asked) == len(QUICK)
    server.asked.clear()
    server.answer = lambda query: frame(query) if query.signal == next(iter(QUICK)) else failing(OSError("x"))(query)
    await stage.round()
    assert len(server.asked) <= 1 + MOST_FAILURES + 1


async def test_a_source_with_nothing_of_the_last_minute_says_so() -> None:
    stage = Stage(prom=Server(frame))
    await stage.round()
    health = stage.fleet.health["prom"]
    assert (health.state, health.newest) == ("ok", None)
    assert "last minute" in health.reason


async def test_models_that_only_such_a_source_knows_are_rows_with_lights() -> None:
    def answer(query: Query) -> Frame:
        told: dict[str, Any] = {"model.queue.depth": 3.0, "model.requests": 60.0}
        if query.signal in told:
            assert query.by == ("model",)
            return frame(query, ({"model": "chat"}, told[query.signal]))
        if query.signal == "model.latency":
            key = SeriesKey(query.signal, Labels.of(model="chat"), Kind.HISTOGRAM, (0.1, 1.0, np.inf))
            one = Series(key, np.array([[30.0, 20.0, 10.0]]), np.array([25.0]))
            return Frame(np.array([query.window.end]), query.step, (one,))
        return frame(query)

    stage = Stage(prom=Server(answer))
    await stage.round()
    assert stage.sightings.newest == {"chat": {"latency": NOON, "queue": NOON}}
    (row,) = stage.live.latency.rows(NOON + 1, lambda _source: 30.0, ())
    assert (row["model"], row["queue"], row["rate"]) == ("chat", 3.0, 1.0)
    assert row["p50"] == pytest.approx(0.1)
    (old,) = stage.live.latency.rows(NOON + 31, lambda _source: 30.0, ())
    assert (old["p50"], old["rate"], old["queue"], old["age"]) == (None, None, None, 31)


async def test_a_gpu_that_is_told_no_more_is_stale_and_a_value_that_is_told_no_more_is_none() -> None:
    told: dict[str, float] = {"gpu.utilization": 0.9, "gpu.temperature": 60.0}

    def answer(query: Query) -> Frame:
        labels = {"host": "n0", "gpu": "0", "uuid": "u0"}
        return frame(query, (labels, told[query.signal])) if query.signal in told else frame(query)

    stage = Stage(prom=Server(answer))
    await stage.round()
    del told["gpu.temperature"]
    stage.now += 20
    await stage.round()
    (row,) = stage.live.gpus.rows(stage.now, lambda _source: 30.0)
    assert row["values"] == {"gpu.utilization": 0.9}
    told.clear()
    stage.now += 31
    await stage.round()
    (row,) = stage.live.gpus.rows(stage.now, lambda _source: 30.0)
    assert (row["state"], row["age"]) == ("stale", 31)
