"""A source in a child process: whatever it does, one sentence comes out and the next call works."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.errors import PluginError, SourceDenied, SourceError, SourceMalformed
from console.library import PACKAGE
from console.model import Kind, Labels, SeriesKey, Span
from console.remedy.actuator import Actuator
from console.sources import worker as workers
from console.sources.calls import CALLS, Opening, line
from console.sources.child import Child, open_child
from console.sources.inside import serve
from console.sources.types import (
    Checkable,
    Collectable,
    EventReader,
    Follower,
    GpuReader,
    LogReader,
    ObjectReader,
    Prober,
    SignalReader,
    TableReader,
)

NAUGHTY = """
import os, signal, subprocess, sys, time
from pydantic import BaseModel
from console.errors import SourceDenied
from console.model import Event, Kind, Labels, Reading, SeriesKey
from console.plugins import SourceType, hookimpl
from console.sources.types import SourceStatus

class Options(BaseModel):
    at_open: str = ""

class Naughty:
    def __init__(self, name, options):
        self.name = name
        print("opened")
        if options.at_open == "raise":
            raise SourceDenied("the door is shut", "knock")
        if options.at_open == "die":
            os._exit(9)

    def collect(self, now):
        print('{"id": 1, "ok": true, "result": "forged"}')
        os.write(1, b"raw bytes on stdout\\n")
        assert sys.stdin.read() == ""
        edges = (0.1, float("inf"))
        key = SeriesKey("model.latency", Labels.of(pid=str(os.getpid())), Kind.HISTOGRAM, edges)
        return [Reading(key, now, float("nan"), (1.0, 2.0))]

    def events(self, span, kinds):
        what = kinds[0]
        if what == "hang":
            subprocess.Popen(["sleep", "60"])
            time.sleep(60)
        if what == "flood":
            return [Event(0.0, "x" * 200_000, "", "")]
        if what == "die":
            print("\\x1b[31mout of cheese\\x1b[0m", file=sys.stderr)
            os.kill(os.getpid(), signal.SIGSEGV)
        if what == "exit":
            sys.exit(3)
        if what == "raise":
            raise RuntimeError("the wheel came off")
        if what == "deny":
            raise SourceDenied("no entry", "ask for a pass")
        if what == "chatter":
            sys.stderr.write("noise " * 100_000)
        if what == "garbage":
            for number in range(3, 20):
                try:
                    os.write(number, b"not json\\n")
                except OSError:
                    pass
        if what == "wrong":
            return ["not an event"]
        return [Event(span.start, what, "", "fine", detail=" ".join(sorted(os.environ)))]

    def check(self):
        return SourceStatus(self.name, "naughty", "ok", "well")

@hookimpl
def andon_sources():
    yield SourceType("other", "Other", Options, Naughty)
    yield SourceType("naughty", "Naughty", Options, Naughty, isolated=True)
"""


def opening(folder: Path, kind: str = "naughty", **options: str) -> Opening:
    path = folder / "naughty.py"
    path.write_text(NAUGHTY)
    return Opening("toy", kind, "andon_plugins.naughty", str(path), options)


@pytest.fixture
async def toy(tmp_path: Path) -> AsyncIterator[Child]:
    child = await open_child(opening(tmp_path), seconds=5.0, rest_seconds=0.02)
    yield child
    await child.close()


async def ask(child: Child, kind: str) -> str:
    assert isinstance(child, EventReader)
    [event] = await child.events(Span(7.0, 8.0), [kind])
    assert event.kind == kind
    return event.title


async def rested(child: Child) -> None:
    """Wait out the rest after a failure, then see that the source is itself again."""
    await asyncio.sleep(max(0.0, child.worker._rests_until - time.monotonic()))
    assert await ask(child, "calm") == "fine"


def running(group: int) -> list[str]:
    """The states of the processes of a group that still run (of none where there is no /proc)."""
    states = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended while we looked
            state, _parent, its_group, *_rest = path.read_text().rsplit(") ", 1)[1].split()
            if int(its_group) == group and state != "Z":
                states.append(state)
    return states


async def test_a_child_does_what_its_source_does_and_nothing_else(toy: Child) -> None:
    assert isinstance(toy, Collectable)
    assert isinstance(toy, EventReader)
    assert isinstance(toy, Checkable)
    assert not isinstance(toy, (TableReader, SignalReader, Prober))
    assert (await toy.check()).reason == "well"


async def test_what_a_source_prints_or_reads_does_not_disturb_its_answers_and_no_number_is_lost(toy: Child) -> None:
    assert isinstance(toy, Collectable)
    [reading] = await toy.collect(12.5)
    pid = reading.series.labels.value("pid")
    assert reading.series == SeriesKey("model.latency", Labels.of(pid=str(pid)), Kind.HISTOGRAM, (0.1, float("inf")))
    assert reading.time == 12.5
    assert reading.value != reading.value
    [again] = await toy.collect(13.5)
    assert again.series.labels.value("pid") == pid


async def test_a_hang_is_ended_with_all_it_started_and_the_next_call_works(toy: Child) -> None:
    toy.worker._seconds = 0.3
    process = toy.worker._process
    assert process is not None
    with pytest.raises(SourceError, match=r"source toy did not answer within 0.3 s and was cut off") as raised:
        await ask(toy, "hang")
    assert "started again" in raised.value.hint
    assert not running(process.pid)
    toy.worker._seconds = 5.0
    with pytest.raises(SourceError, match=r"source toy rests for .* it did not answer"):
        toy.worker._rests_until = time.monotonic() + 5
        await ask(toy, "calm")
    toy.worker._rests_until = 0.0
    await rested(toy)


async def test_rests_double_with_each_failure_in_a_row_up_to_a_minute() -> None:
    worker = workers.Worker(Opening("toy", "naughty", "none", "", {}))
    assert [worker._rest("fell") for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_flood_is_cut_off_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MOST_LINE_BYTES", 1 << 16)
    child = await open_child(opening(tmp_path), rest_seconds=0.02)
    try:
        with pytest.raises(SourceError, match="source toy answered with more than"):
            await ask(child, "flood")
        await rested(child)
    finally:
        await child.close()


async def test_a_death_is_named_with_the_last_words_cleaned(toy: Child) -> None:
    with pytest.raises(SourceError) as raised:
        await ask(toy, "die")
    assert raised.value.message == "source toy died (Segmentation fault) and was cut off; it said: out of cheese"
    await rested(toy)


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("raise", SourceError, "source toy failed: RuntimeError: the wheel came off"),
        ("exit", SourceError, "source toy failed: SystemExit: 3"),
        ("deny", SourceDenied, "no entry"),
    ],
)
async def test_what_a_source_raises_is_told_and_the_process_lives(
    toy: Child, kind: str, error: type, message: str
) -> None:
    process = toy.worker._process
    with pytest.raises(error) as raised:
        await ask(toy, kind)
    assert raised.value.message == message
    assert await ask(toy, "calm") == "fine"
    assert toy.worker._process is process


async def test_chatter_is_drained_and_garbage_cut_off_and_a_wrong_answer_refused(toy: Child) -> None:
    assert await ask(toy, "chatter") == "fine"
    assert len(toy.worker._last_words) <= workers.STDERR_BYTES
    with pytest.raises(SourceMalformed, match="source toy: its events answer has a wrong 0"):
        await ask(toy, "wrong")
    with pytest.raises(SourceError, match="source toy answered what makes no sense and was cut off"):
        await ask(toy, "garbage")
    await rested(toy)


async def test_one_question_at_a_time_and_a_late_one_does_not_wait_for_ever(
    toy: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.worker._seconds = 0.4
    monkeypatch.setattr(workers, "WAIT_SECONDS", 0.05)
    first = asyncio.create_task(ask(toy, "hang"))
    await asyncio.sleep(0.05)
    with pytest.raises(SourceError, match="still busy"):
        await ask(toy, "calm")
    with pytest.raises(SourceError, match="did not answer"):
        await first


async def test_closing_in_the_middle_of_a_call_ends_the_call(toy: Child) -> None:
    task = asyncio.create_task(ask(toy, "hang"))
    await asyncio.sleep(0.05)
    await toy.close()
    with pytest.raises(SourceError, match="source toy was ended"):
        await task


async def test_a_cancelled_askers_answer_is_given_to_nobody(toy: Child) -> None:
    task = asyncio.create_task(ask(toy, "chatter"))
    await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ask(toy, "calm") == "fine"


async def test_a_child_sees_no_secrets_of_its_parents_environment(toy: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    await toy.close()
    assert isinstance(toy, EventReader)
    [event] = await toy.events(Span(0, 1), ["environment"])
    assert "ANTHROPIC_API_KEY" not in event.detail
    assert "PYTHONPATH" in event.detail


async def test_an_open_that_fails_says_what_the_source_said(tmp_path: Path) -> None:
    with pytest.raises(SourceDenied, match="the door is shut"):
        await open_child(opening(tmp_path, at_open="raise"))
    with pytest.raises(SourceError, match="source toy ended with code 9"):
        await open_child(opening(tmp_path, at_open="die"))
    with pytest.raises(PluginError, match="offers no source of kind 'nice'"):
        await open_child(opening(tmp_path, kind="nice"))


async def test_a_machine_that_starts_no_more_processes_is_one_sentence(
    toy: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    await toy.close()
    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    with pytest.raises(SourceError, match="source toy cannot be started: Resource temporarily unavailable"):
        await ask(toy, "calm")


async def test_a_process_that_not_even_kill_can_end_is_not_joined_by_another(toy: Child) -> None:
    toy.worker._stuck = toy.worker._process
    toy.worker._process = None
    with pytest.raises(SourceError, match="hangs in the kernel"):
        await ask(toy, "calm")
    toy.worker._process, toy.worker._stuck = toy.worker._stuck, None


def test_a_child_ends_when_its_parent_is_gone_even_in_a_call_that_hangs(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "console.sources.inside"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    start = opening(tmp_path)
    described = {"name": start.name, "kind": start.kind, "module": start.module, "file": start.file, "options": {}}
    child.stdin.write(
        line({"id": 1, "open": described})
        + line({"id": 2, "call": "events", "args": [{"start": 0, "end": 1}, ["hang"]]})
    )
    child.stdin.flush()
    assert json.loads(child.stdout.readline())["ok"]
    child.stdin.close()
    assert child.wait(timeout=5) == 0
    child.stdout.close()


def test_inside_every_question_has_its_answer(tmp_path: Path) -> None:
    start = opening(tmp_path)
    described = {"name": start.name, "kind": start.kind, "module": start.module, "file": start.file, "options": {}}
    span = {"start": 1.0, "end": 2.0}
    questions = [
        line({"id": 1, "open": described}),
        line({"id": 2, "call": "events", "args": [span, ["calm"]]}),
        line({"id": 3, "call": "events", "args": [span, ["raise"]]}),
        line({"id": 4, "call": "events", "args": ["no span", ["calm"]]}),
        line({"id": 5, "open": {**described, "module": "console.no_such_module", "file": ""}}),
    ]
    said = io.BytesIO()
    serve(questions, said.write)
    answers = [json.loads(text) for text in said.getvalue().splitlines()]
    assert [(answer["id"], answer["ok"]) for answer in answers] == [
        (1, True),
        (2, True),
        (3, False),
        (4, False),
        (5, False),
    ]
    assert answers[0]["result"] == ["collect", "events", "check"]
    assert answers[1]["result"][0]["time"] == 1.0
    assert answers[2]["error"]["kind"] == "SourceError"


async def test_an_answer_of_another_shape_names_what_is_wrong(toy: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(*_: object) -> list[dict[str, object]]:
        return [{"time": "noon"}]

    monkeypatch.setattr(toy.worker, "ask", answer)
    with pytest.raises(SourceMalformed, match=r"source toy: its events answer has a wrong 0\.time"):
        await ask(toy, "calm")


def test_last_words_are_one_line_without_control_sequences() -> None:
    assert workers.shown(b"first\n\x1b]0;title\x07\x1b[2Jlast\x00 \xff\n\n") == "]0;titlelast �"
    assert workers.shown(b"") == ""
    assert len(workers.shown(b"x" * 999)) == 200


def test_every_call_is_a_method_of_some_capability() -> None:
    methods = {
        name
        for face in (
            Actuator,
            Collectable,
            TableReader,
            Follower,
            EventReader,
            LogReader,
            ObjectReader,
            Prober,
            GpuReader,
            Checkable,
        )
        for name in vars(face)
    }
    assert set(CALLS) <= methods
