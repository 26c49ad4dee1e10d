"""What can be asked of a daemon, on a real store and real sources."""

import asyncio
import os
import random
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from household import Clock, ask, eventually
from nouns import a_run, diagnosis

from console.config import NotifierConfig
from console.errors import ConfigError, SourceError, UsageError
from console.model import Diagnosis, Labels, Symptom, Verdict
from console.service.board import read_board, status
from console.service.house import House
from console.triage.triggers import Standing
from console.wire import dump

Open = Callable[..., Awaitable[House]]
SLOW = Symptom("slow", "model.latency", Labels.of(model="glove"), Verdict.DEGRADED)


async def drawn(house: House, clock: Clock) -> list[float]:
    answer = await ask(house, "curve", signal="model.queue.depth", start=clock.now - 600, end=clock.now)
    return [value for value in answer["current"] if value is not None]


async def test_a_good_source_is_collected_beside_bad_ones(opened: Open, clock: Clock) -> None:
    house = await opened("steady", "broken", "flood", "diary", "torn")
    await ask(house, "collect", wait=True)
    clock.set(clock.now + 60)
    told = await status(house, clients=0)
    states = {each["name"]: each["state"] for each in told["sources"]}
    assert states == {
        "steady": "ok",
        "broken": "unreachable",
        "flood": "malformed",
        "diary": "ok",
        "torn": "unreachable",
    }
    assert next(each for each in told["sources"] if each["name"] == "steady")["age"] == 60
    assert "OSError: torn" in told["sources"][-1]["reason"]
    assert told["models"][0]["lights"]["queue"] == {"state": "ok", "age": 60}
    assert told["models"][0]["lights"]["gpu"]["state"] == "no_data"
    assert [event["title"] for event in await ask(house, "events", start=0.0, end=clock.now)] == ["v2"]
    assert len(await ask(house, "events", start=0.0, end=clock.now, target="glove")) == 1
    assert await ask(house, "events", start=0.0, end=clock.now, target="shoe") == []


async def test_a_source_that_does_not_open_is_named_and_the_rest_runs(opened: Open) -> None:
    house = await opened("steady", "no-such-kind")
    await ask(house, "collect")
    rows = {each["name"]: each for each in await ask(house, "source.list")}
    assert rows["steady"]["state"] == "ok"
    assert rows["no-such-kind"]["state"] == "unreachable"
    assert "no-such-kind" in rows["no-such-kind"]["reason"]
    assert [each["state"] for each in await ask(house, "source.check", name="steady")] == ["ok"]
    with pytest.raises(UsageError):
        await ask(house, "source.check", name="stead")


async def test_pages_of_the_past_become_history(opened: Open, clock: Clock) -> None:
    house = await opened("steady", "diary")
    page = "\n".join(f"depth 7 {(clock.now - ago) * 1000:.0f}" for ago in (400, 300, 200))
    assert await ask(house, "ingest", source="steady", page=page) == {"readings": 3}
    await ask(house, "collect")
    assert 7.0 in await drawn(house, clock)
    with pytest.raises(UsageError, match="diary"):
        await ask(house, "ingest", source="diary", page=page)


async def test_an_incident_from_opening_to_closing_says_who_did_what(opened: Open, clock: Clock) -> None:
    house = await opened()
    incident = await house.records.open(SLOW, "glove", clock.now)
    await house.records.keep_runs([a_run()], incident.id)
    clock.set(clock.now + 60)
    await ask(house, "incident.ack", incident=incident.id)
    await ask(house, "incident.note", incident=incident.id, text="looking")
    board = await read_board(house)
    assert [(each["id"], each["owner"]) for each in board["incidents"]] == [("I-1", "ada")]
    told = await ask(house, "diagnosis", incident=incident.id)
    assert (told["verdict"], told["incident"]["id"]) == ("degraded", "I-1")
    assert [each["id"] for each in told["runs"]] == ["R-1"]
    closed = await ask(house, "incident.close", incident=incident.id, text="rolled back")
    assert closed["state"] == "closed"
    notes = [(note["operator"], note["text"]) for note in (await ask(house, "incident.show", incident="I-1"))["notes"]]
    assert {("ada", "looking"), ("ada", "rolled back")} <= set(notes)
    assert await ask(house, "incident.list") == []
    assert len(await ask(house, "incident.list", all=True)) == 1
    with pytest.raises(UsageError):
        await ask(house, "incident.ack", incident="I-9")
    with pytest.raises(UsageError):
        await ask(house, "incident.note", incident="I-1", text="")
    situation = await house.situation()
    assert [(span.start, span.end) for span in situation.excluded] == [(clock.now - 60, clock.now)]


async def test_a_baseline_is_pinned_listed_and_dropped(opened: Open, clock: Clock) -> None:
    house = await opened()
    await ask(house, "baseline.pin", name="good-day", span="1h", note="before the gloves")
    (pin,) = await ask(house, "baseline.list")
    assert (pin["name"], pin["by"], pin["spans"]) == (
        "good-day",
        "ada",
        [{"start": clock.now - 3600, "end": clock.now}],
    )
    assert set((await house.situation()).pins) == {"good-day"}
    assert await ask(house, "baseline.drop", name="good-day") == {"dropped": "good-day"}
    with pytest.raises(UsageError):
        await ask(house, "baseline.drop", name="good-day")
    with pytest.raises(UsageError):
        await ask(house, "baseline.pin", name="Good Day", span="1h")


async def test_panels_that_fail_are_named_and_the_others_drawn(opened: Open) -> None:
    house = await opened()
    panels = {each["name"]: each for each in await ask(house, "panels")}
    assert panels["fine"]["rows"] == (("1",),)
    assert "plugin stage failed: reading panel none" in panels["none"]["note"]
    assert (panels["odd"]["headings"], panels["odd"]["rows"]) == (("?",), (("7", "red"),))
    assert "plugin stage failed" in panels["bad"]["note"]


async def test_what_stands_twice_opens_an_incident_that_is_examined_and_told(
    opened: Open, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLD", str(tmp_path))
    told = tmp_path / "told"

    async def standing(*_: Any) -> Standing:
        return Standing([SLOW], ())

    async def investigate(*_: Any, incident: Any, **__: Any) -> Diagnosis:
        return diagnosis(runs=(a_run(),), incident=incident)

    monkeypatch.setattr("console.service.house.standing", standing)
    monkeypatch.setattr("console.service.house.investigate", investigate)
    house = await opened("steady", notifiers=(NotifierConfig("file", "file"), NotifierConfig("loud", "shout")))
    assert (await ask(house, "collect", wait=True))["incidents"] == []
    clock.set(clock.now + 15)
    assert (await ask(house, "collect", wait=True))["incidents"] == ["I-1"]
    assert (await ask(house, "diagnosis", incident="I-1"))["exit"] == 1
    await eventually(lambda: told.exists() and told.read_text() == "I-1 opened\nI-1 cause\n")
    assert any("notify loud: plugin stage failed" in each for each in (await read_board(house))["troubles"])
    (row,) = (await read_board(house))["models"]
    assert (row["model"], row["incident"], row["lights"]["latency"]["state"]) == ("glove", "I-1", "degraded")
    again = await ask(house, "triage", incident="I-1")
    assert again["incident"]["id"] == "I-1"
    assert (await ask(house, "triage", symptom=dump(SLOW)))["incident"] is None


QUEUE_UP = """schema: andon/v1
name: queue_up
title: Why is the queue longer?
triggers:
  - {signal: model.queue.depth, verdict: degraded}
inputs:
  model: {type: string, from: incident.labels.model}
windows: {current: 15m, baseline: {offset: 1h}}
steps:
  - id: queue
    title: Is it longer?
    uses: compare
    with: {signal: model.queue.depth, stat: mean, where: {model: "${{ inputs.model }}"}}
causes:
  - id: load
    title: More requests come
    evidence:
      - {if: steps.queue.verdict == "degraded", weight: decisive}
"""


async def test_a_queue_that_really_grew_is_an_incident_with_its_cause_and_finding(
    opened: Open, clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "queue_up.yaml").write_text(QUEUE_UP)
    house = await opened("steady", playbook_dirs=(tmp_path,))
    rng = random.Random(3)
    samples = [(ago, (30 if ago < 900 else 3) + rng.uniform(-1, 1)) for ago in range(7200, 0, -15)]
    page = "\n".join(f"depth {depth} {(clock.now - ago) * 1000:.0f}" for ago, depth in samples)
    await ask(house, "ingest", source="steady", page=page)
    opened_by = []
    for _ in range(2):
        opened_by += (await ask(house, "collect", wait=True))["incidents"]
        clock.set(clock.now + 15)
    assert opened_by == ["I-1"]
    told = await ask(house, "diagnosis", incident="I-1")
    assert (told["verdict"], told["exit"], told["incident"]["subject"]) == ("degraded", 1, "glove")
    [evidence] = [cause["evidence"] for cause in told["causes"] if cause["id"] == "load"]
    signals = {finding["id"]: finding["signal"] for finding in told["findings"]}
    assert [signals[finding] for finding in evidence] == ["model.queue.depth"]


async def test_triage_wants_one_thing_to_start_from(opened: Open) -> None:
    house = await opened()
    with pytest.raises(UsageError, match="one thing"):
        await ask(house, "triage")


async def test_an_unknown_playbook_and_a_broken_one_are_usage_errors(opened: Open) -> None:
    house = await opened()
    for text in ("no-such-playbook", "schema: andon/v1\nname: ["):
        with pytest.raises(UsageError):
            await ask(house, "run", playbook=text)


async def test_a_playbook_handed_in_runs_and_is_kept(opened: Open, clock: Clock) -> None:
    house = await opened("steady")
    for _ in range(3):
        await ask(house, "collect")
        clock.set(clock.now + 15)
    text = """schema: andon/v1
name: queue_up
title: Is the queue longer?
steps:
  - id: queue
    title: Is it?
    uses: compare
    with: {signal: model.queue.depth, stat: mean}
"""
    told = await ask(house, "run", playbook=text, current="15m", baseline="offset:1d")
    assert told["verdict"] == "no_data"
    (run,) = await house.writer.do(lambda store: store.runs.list())
    assert run.playbook == "queue_up"


async def test_a_run_that_takes_too_long_is_stopped(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(*_: Any, **__: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("console.service.house.investigate", for_ever)
    monkeypatch.setattr("console.service.operations.acting.RUN_SECONDS", 0.01)
    house = await opened()
    with pytest.raises(Exception, match=r"more than 0\.01 s"):
        await ask(house, "triage", symptom=dump(SLOW))


async def test_a_full_disk_is_said_and_the_samples_wait_for_room(opened: Open, clock: Clock) -> None:
    house = await opened("steady")
    assert await house.writer.commit()

    def squeeze(pages: int) -> Callable[..., None]:
        return lambda store: store._database.connection.execute(f"PRAGMA max_page_count = {pages}").fetchall() and None

    page = "\n".join(f"depth 7 {(clock.now - ago / 10) * 1000:.0f}" for ago in range(30_000, 0, -1))
    await house.writer.do(squeeze(1))
    await ask(house, "ingest", source="steady", page=page)
    await ask(house, "collect")
    assert any("no room" in text for text in (await status(house, clients=0))["troubles"])
    assert await drawn(house, clock) == []
    await house.writer.do(squeeze(2**30))
    await ask(house, "collect")
    assert not any("no room" in text for text in (await status(house, clients=0))["troubles"])
    assert len(await drawn(house, clock)) >= 9


async def test_arithmetic_without_end_holds_up_nobody(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()

    async def busy(*_: Any, **__: Any) -> None:
        free.wait(10)

    monkeypatch.setattr("console.service.house.investigate", busy)
    house = await opened()
    triage = asyncio.create_task(ask(house, "triage", symptom=dump(SLOW)))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(0.5):
        await ask(house, "incident.list")
    triage.cancel()
    await house.bench.close(seconds=0.05)  # given up, with a line in the log
    free.set()


async def test_triggers_that_take_too_long_are_given_up(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(*_: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("console.service.house.standing", for_ever)
    monkeypatch.setattr("console.service.house.EVALUATE_SECONDS", 0.01)
    house = await opened("steady")
    with pytest.raises(SourceError, match="evaluating the triggers"):
        await ask(house, "collect")
    assert house.collector.health["steady"].state == "ok"


async def test_files_are_their_owners_alone(opened: Open, data: Path) -> None:
    before = os.umask(0o022)
    try:
        await opened()
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o077 for path in data.iterdir() if path.stat().st_mode & 0o077} == {}


async def test_a_clock_without_a_time_stops_the_daemon_at_once(opened: Open, clock: Clock) -> None:
    clock.path.write_text("noon")
    with pytest.raises(ConfigError):
        await opened()
