"""A daemon whose only source is a real Prometheus: its triggers see there what goes wrong, and it asks little."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import door
from promserver import is_installed, prometheus
from servedpast import served_past

from console.config import Config, SourceConfig
from console.service.board import sources
from console.service.house import House
from console.service.opening import open_house
from console.service.watching import WATCH_SECONDS

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_installed(), reason="needs Debian's prometheus: `make test-real` installs it"),
]


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    now = time.time()
    with prometheus(tmp_path_factory.mktemp("slow"), history=served_past(now, onset=now - 300.0)) as url:
        yield url


def only(url: str, data: Path) -> Config:
    return Config(data=data, sources=(SourceConfig("prom", "prometheus", {"url": url}),))


async def look_twice(house: House) -> None:
    now = max(time.time(), house.watch.looked or 0.0)
    for again in range(1, 3):
        await house.watch.look(now + again * (WATCH_SECONDS + 1))
    await house.watch.settled()


async def test_a_regression_that_only_a_prometheus_knows_of_opens_an_incident(slow: str, tmp_path: Path) -> None:
    async with open_house(only(slow, tmp_path)) as house:
        await look_twice(house)
        [incident] = await house.records.incidents()
        runs = await house.records.runs((await house.records.incident(incident.id)).runs)
    assert (incident.subject, incident.state, incident.symptom.signal) == ("glove", "open", "model.latency")
    causes = [cause for run in runs for cause in run.causes if cause.is_named]
    assert ("slow_dependency", "calibration") in [(cause.id, cause.subject) for cause in causes]


async def test_an_evaluation_of_all_triggers_is_a_few_questions(slow: str, tmp_path: Path) -> None:
    with door(slow) as there:
        async with open_house(only(there.url, tmp_path)) as house:
            await house.evaluate(0.0)
            first, told = there.asked.total(), len(house.compared)
            for _again in range(4):
                await house.evaluate(0.0)
            later = (there.asked.total() - first) / 4
    assert told == 6  # latency and errors, each as several playbooks judge it
    print(f"{first} questions for the first evaluation, {later:g} for each that follows")
    # a quantile that is degraded is asked about once more each time, for the last half of its window
    assert first <= 90 and later <= 20, there.asked


async def test_a_prometheus_that_dies_is_said_and_opens_nothing(slow: str, tmp_path: Path) -> None:
    with door(slow, dies_at=0) as there:
        async with open_house(only(there.url, tmp_path)) as house:
            await look_twice(house)
            assert list(await house.records.incidents()) == []
            assert house.compared == ()
            [source] = sources(house, time.time())
            assert source["state"] == "malformed" and "broke off its answer" in source["reason"]
            there.dies_at, there.is_dead = None, False
            await look_twice(house)
            [source] = sources(house, time.time())
            assert (source["state"], source["reason"]) == ("ok", "")
            assert len(await house.records.incidents()) == 1  # it has come back, and so has what it knows
