"""Real daemons: one per folder, killed at any instant, on files that are not what they should be."""

import asyncio
import logging
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from household import Clock
from nouns import NOON, a_run

from console.config import Config, SourceConfig
from console.errors import ConfigError, DaemonUnreachable
from console.model import Symptom
from console.service import daemon as daemon_module
from console.service.client import Client
from console.service.starting import start, start_daemon
from console.store.store import DATABASE_NAME, Store

WriteConfig = Callable[..., Path]


@pytest.fixture
def launch(data: Path) -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Daemons in the foreground, ready; those that are left are killed."""
    running: list[subprocess.Popen[str]] = []

    def go(config: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "console.cli", "--config", str(config), "--data", str(data), "daemon"]
        daemon = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        running.append(daemon)
        assert daemon.stderr is not None
        while "ready" not in (line := daemon.stderr.readline()):
            assert line, "the daemon ended"
        return daemon

    yield go
    for daemon in running:
        daemon.kill()
        daemon.wait()
        assert daemon.stderr is not None
        daemon.stderr.close()


Launch = Callable[[Path], subprocess.Popen[str]]


def end(daemon: subprocess.Popen[str], how: signal.Signals) -> int:
    daemon.send_signal(how)
    return daemon.wait(10)


def refused(config: Path, data: Path) -> subprocess.CompletedProcess[str]:
    """A daemon that does not start: its exit code and what it said."""
    command = [sys.executable, "-m", "console.cli", "--config", str(config), "--data", str(data), "daemon"]
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


def test_a_folder_has_one_daemon_and_the_second_says_which(
    data: Path, launch: Launch, write_config: WriteConfig
) -> None:
    first = launch(write_config())
    second = refused(write_config(), data)
    assert second.returncode == 2
    assert str(first.pid) in second.stderr
    assert "Traceback" not in second.stderr
    assert Client(data).request("status")["pid"] == first.pid  # its socket was left alone


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_daemon_that_is_asked_to_end_leaves_nothing_behind(
    data: Path, launch: Launch, write_config: WriteConfig, how: signal.Signals, code: int
) -> None:
    daemon = launch(write_config("steady", "hung"))
    children = psutil.Process(daemon.pid).children()
    Client(data).request("incident.list")
    assert end(daemon, how) == code
    assert not (data / "andon.sock").exists()
    assert children
    _gone, alive = psutil.wait_procs(children, timeout=3)
    assert alive == []


def test_a_hung_child_delays_neither_another_source_nor_status(
    data: Path, launch: Launch, write_config: WriteConfig
) -> None:
    launch(write_config("steady", "hung", interval="100ms"))
    client = Client(data)
    began = time.monotonic()
    newest = {client.request("status", timeout=1.0)["sources"][0]["newest"]}
    while len(newest - {None}) < 3:
        newest.add(client.request("status", timeout=1.0)["sources"][0]["newest"])
        assert time.monotonic() - began < 5
        time.sleep(0.02)
    assert client.request("status")["sources"][1]["state"] == "stale"


QUEUE_UP = """schema: andon/v1
name: queue_up
title: Is the queue longer?
steps:
  - id: queue
    title: Is it?
    uses: compare
    with: {signal: model.queue.depth, stat: mean}
"""


def test_a_kill_at_any_instant_loses_no_record_and_a_second_of_samples_at_most(
    data: Path, launch: Launch, write_config: WriteConfig, clock: Clock
) -> None:
    """Whatever the daemon answered for before the kill must be there after it."""
    rng = random.Random(7)
    config = write_config("steady", clock=f'"{clock.path}"', watch="false")
    with Store.open(data / DATABASE_NAME) as store:
        store.incidents.open(Symptom("slow"), title="slow", subject="glove", time=NOON)
    notes: list[str] = []
    runs: list[str] = []
    collected = 0.0
    for attempt in range(60):
        if attempt >= 10 and len(runs) > 10:  # a busy machine gets less done between two kills
            break
        daemon = launch(config)
        client = Client(data)
        killer = threading.Timer(rng.uniform(0.0, 0.2), daemon.kill)
        killer.start()
        try:
            while True:
                clock.set(clock.now + 15)
                client.request("collect")  # answers when the samples are written
                collected = clock.now
                text = f"{attempt} {len(notes)}"
                client.request("incident.note", incident="I-1", text=text)
                notes.append(text)
                answer = client.request("run", playbook=QUEUE_UP, current="15m", baseline="offset:1d")
                runs += [run["id"] for run in answer["runs"]]
        except DaemonUnreachable:
            daemon.wait(5)
    with Store.open(data / DATABASE_NAME) as store:
        assert {note.text for note in store.incidents.get("I-1").notes} >= set(notes)
        assert {run.id for run in store.runs.list(limit=10_000)} >= set(runs)
        assert store._database.rows("SELECT max(time) FROM raw")[0][0] >= collected
        assert store._database.rows("PRAGMA integrity_check") == [("ok",)]
    assert len(runs) > 10


def test_a_killed_daemons_incidents_runs_and_findings_are_there_for_the_next(
    data: Path, launch: Launch, write_config: WriteConfig
) -> None:
    with Store.open(data / DATABASE_NAME) as store:
        store.incidents.open(Symptom("slow"), title="slow", subject="glove", time=NOON)
    daemon = launch(write_config())
    client = Client(data)
    client.request("incident.note", incident="I-1", text="still looking")
    daemon.kill()
    daemon.wait()
    assert (data / "andon.sock").exists()  # nobody was left to remove it
    with Store.open(data / DATABASE_NAME) as store:
        store.runs.save(a_run())
        store.incidents.attach_run("I-1", "R-1")
    launch(write_config())
    assert client.request("incident.show", incident="I-1")["notes"][-1]["text"] == "still looking"
    assert [finding["id"] for finding in client.request("diagnosis", incident="I-1")["findings"]] == ["F1"]


def test_a_store_of_a_newer_andon_is_one_sentence_and_stays_as_it_is(data: Path, write_config: WriteConfig) -> None:
    Store.open(data / DATABASE_NAME).close()
    with sqlite3.connect(data / DATABASE_NAME) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = (data / DATABASE_NAME).read_bytes()
    outcome = refused(write_config(), data)
    assert outcome.returncode == 4
    assert "newer andon" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert (data / DATABASE_NAME).read_bytes() == before


def test_a_damaged_store_is_one_sentence_and_stays_as_it_is(data: Path, write_config: WriteConfig) -> None:
    rubbish = b"SQLite format 3\0" + bytes(range(256)) * 64
    (data / DATABASE_NAME).write_bytes(rubbish)
    outcome = refused(write_config(), data)
    assert outcome.returncode == 4
    assert "damaged" in outcome.stderr or "cannot be used" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert (data / DATABASE_NAME).read_bytes() == rubbish


def test_a_daemon_starts_in_the_background_and_stops_when_asked(data: Path, write_config: WriteConfig) -> None:
    (data / "andon.sock").touch()  # whatever lies there
    pid = start_daemon(write_config("steady"), data)
    client = Client(data)
    try:
        assert client.request("status")["pid"] == pid
    finally:
        client.request("stop")
    deadline = time.monotonic() + 5
    while (data / "andon.sock").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    with pytest.raises(DaemonUnreachable):
        client.request("status")
    os.waitpid(pid, 0)
    assert "ready" in (data / "daemon.log").read_text()


def test_a_daemon_that_cannot_start_shows_why(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[daemon]\nintervall = '1s'\n")
    with pytest.raises(DaemonUnreachable, match="intervall"):
        start_daemon(config, data)


def test_a_daemon_that_stays_silent_is_given_up(data: Path) -> None:
    with pytest.raises(DaemonUnreachable, match="it said nothing"):
        start([sys.executable, "-c", "import time; time.sleep(20)"], data, timeout=0.3)


def test_garbage_on_a_real_daemons_socket_leaves_it_standing(
    data: Path, launch: Launch, write_config: WriteConfig
) -> None:
    launch(write_config())
    for _ in range(5):
        with socket.socket(socket.AF_UNIX) as rude:
            rude.connect(str(data / "andon.sock"))
            rude.sendall(os.urandom(100_000) + b"\n")
    assert Client(data).request("status")["version"]


def test_the_data_folder_may_be_anywhere_however_long_its_path(data: Path, write_config: WriteConfig) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux reaches a long path through /proc")
    far = data / ("deep" * 40)
    start_daemon(write_config(), far)
    try:
        assert Client(far).request("status")["data"] == str(far)
    finally:
        Client(far).request("stop")
        shutil.rmtree(far, ignore_errors=True)


@pytest.fixture
async def living(
    data: Path, clock: Clock, plugin_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Client, "asyncio.Task[int | None]"]]:
    """A daemon in this process, which collects ten times a second."""
    monkeypatch.setattr(daemon_module, "REST_SECONDS", 0.05)
    sources = (SourceConfig("steady", "steady"),)
    config = Config(data=data, interval=0.1, clock=clock.path, sources=sources, plugin_dirs=(plugin_dir,))
    life = asyncio.create_task(daemon_module._live(config))
    async with asyncio.timeout(5):
        while not (data / "andon.sock").exists():
            assert not life.done(), life.exception()
            await asyncio.sleep(0.01)
    yield Client(data), life
    if not life.done():
        await asyncio.to_thread(Client(data).request, "stop")
    await asyncio.wait_for(life, 5)


Living = tuple[Client, "asyncio.Task[int | None]"]


async def until(client: Client, holds: Callable[[dict[str, Any]], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds(await asyncio.to_thread(client.request, "status")):
            await asyncio.sleep(0.02)


async def test_a_clock_that_fails_stands_still_and_status_says_so(living: Living, clock: Clock) -> None:
    client, _life = living
    await until(client, lambda status: status["sources"][0]["state"] == "ok")
    clock.path.unlink()
    await until(client, lambda status: any("holds no time" in text for text in status["troubles"]))
    clock.set(clock.now + 15)
    await until(client, lambda status: status["sources"][0]["newest"] == clock.now and not status["troubles"])


async def test_a_mistake_in_a_part_is_a_report_and_the_part_goes_on(
    living: Living, data: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    client, _life = living

    def mistaken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    with monkeypatch.context() as patch:
        patch.setattr("console.service.collecting.Collector.round", mistaken)
        await until(client, lambda status: any("oops" in text for text in status["troubles"]))
        await asyncio.sleep(0.1)
    (report,) = (data / "reports").iterdir()  # one for all the times that it happened
    assert "Traceback" in report.read_text()
    await until(client, lambda status: not any("oops" in text for text in status["troubles"]))


async def test_the_signal_that_ended_it_is_told(living: Living, data: Path) -> None:
    _client, life = living
    os.kill(os.getpid(), signal.SIGINT)
    assert await asyncio.wait_for(life, 5) == signal.SIGINT
    assert not (data / "andon.sock").exists()


def test_the_log_cannot_steer_a_terminal(caplog: pytest.LogCaptureFixture) -> None:
    record = logging.LogRecord("andon", logging.WARNING, "", 0, "%s is down", ("gl\x1b[2Jove",), None)
    assert daemon_module._CleanFormatter("%(levelname)s %(message)s").format(record) == "WARNING glove is down"


async def test_a_changed_configuration_is_said_until_the_daemon_is_another(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    check = daemon_module._settings_check(path)
    await check()
    path.write_text("[daemon]\n")
    with pytest.raises(ConfigError, match=r"config\.toml was changed"):
        await check()
    path.unlink()
    await check()
    await daemon_module._settings_check(None)()
