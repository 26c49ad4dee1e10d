"""The line to the daemon: it may hang, end and come back, and the screen hears of it once each."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from consoles import TellingClient, running

from console.errors import AndonError, DaemonUnreachable, UsageError
from console.tui import feed as feeding
from console.tui.feed import Feed, Picture


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "RETRY_SECONDS", (0.01, 0.02))


async def until(holds: Any) -> None:
    for _ in range(300):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


def gone() -> DaemonUnreachable:
    error = DaemonUnreachable("no daemon runs on x", "start it with `andon daemon`")
    error.__cause__ = ConnectionRefusedError()
    return error


async def test_after_the_daemon_came_back_the_picture_is_fresh_and_the_trouble_gone(tmp_path: Path) -> None:
    client, heard = TellingClient(tmp_path, {"n": 1}), list[Picture]()
    feed = Feed(client, lambda: None, heard.append)  # type: ignore[arg-type]
    feed.open()
    await until(lambda: heard and heard[-1].board == {"n": 1})
    client.tell(DaemonUnreachable("the daemon hung up", "see its log"))
    await until(lambda: heard[-1].trouble == "the daemon hung up")
    assert heard[-1].board == {"n": 1}, "the last picture stays"
    client.tell({"n": 2})
    await until(lambda: heard[-1].board == {"n": 2})
    assert not heard[-1].trouble
    feed.close()
    client.tell(gone())


async def test_news_and_the_clock_find_no_screen_while_it_is_left_and_ask_for_none(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, {"now": 1.0})) as (app, _pilot):
        stack = app._screen_stack
        screens, stack[:] = list(stack), []
        app._tick()
        app._on_news(app.picture)
        stack[:] = screens


async def test_where_no_daemon_runs_one_is_started_once(tmp_path: Path) -> None:
    client, started = TellingClient(tmp_path), list[int]()

    def start() -> None:
        started.append(1)
        client.tell({"n": 1})

    client.tell(gone())
    heard = list[Picture]()
    feed = Feed(client, start, heard.append)  # type: ignore[arg-type]
    feed.open()
    await until(lambda: heard and heard[-1].board == {"n": 1})
    client.tell(gone())
    client.tell({"n": 2})
    await until(lambda: heard[-1].board == {"n": 2})
    assert started == [1]
    feed.close()
    client.tell(gone())


async def test_a_daemon_that_is_there_but_silent_is_not_started_again(tmp_path: Path) -> None:
    client, started, heard = TellingClient(tmp_path), list[int](), list[Picture]()
    client.tell(DaemonUnreachable("the daemon did not answer", ""))
    client.tell({"n": 1})
    feed = Feed(client, lambda: started.append(1), heard.append)  # type: ignore[arg-type]
    feed.open()
    await until(lambda: heard and heard[-1].board == {"n": 1})
    assert not started
    feed.close()
    client.tell(gone())


async def test_of_questions_in_one_slot_only_the_newest_is_answered(tmp_path: Path) -> None:
    client, answers = TellingClient(tmp_path, {}), list[Any]()
    held = threading.Event()

    def slow(n: int) -> int:
        if n == 1:
            held.wait(2.0)
        return n

    client.answers["slow"] = slow
    feed = Feed(client, lambda: None, lambda _picture: None)  # type: ignore[arg-type]
    feed.open()
    for n in (1, 2):
        feed.ask("slow", answers.append, answers.append, slot="slow", timeout=1.0, args={"n": n})
    await until(lambda: answers)
    held.set()
    await asyncio.sleep(0.1)
    assert answers == [2]
    feed.close()
    client.tell(gone())


async def test_a_refusal_is_told_as_what_it_is(tmp_path: Path) -> None:
    client, refused = TellingClient(tmp_path, {}), list[AndonError]()
    feed = Feed(client, lambda: None, lambda _picture: None)  # type: ignore[arg-type]
    feed.open()
    feed.ask("nothing", refused.append, refused.append, slot="x", timeout=1.0, args={})
    await until(lambda: refused)
    assert isinstance(refused[0], UsageError)
    feed.close()
    client.tell(gone())


async def test_too_many_questions_are_refused_not_queued_for_ever(tmp_path: Path) -> None:
    client, refused = TellingClient(tmp_path, {}), list[AndonError]()
    feed = Feed(client, lambda: None, lambda _picture: None)  # type: ignore[arg-type]
    for n in range(feeding.WAITING + 1):  # nobody answers: the threads were not started
        feed.ask("x", refused.append, refused.append, slot=str(n), timeout=1.0, args={})
    assert len(refused) == 1
