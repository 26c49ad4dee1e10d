"""Whatever a server of the Messages API answers, through the real SDK: it is heard whole, or it is said why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import httpx
import nouns
import pytest
from messagesserver import KEY, Cuts, Errs, Fails, Hangs, Messages, Says, messages, text, thinks, use

from console.config import LlmConfig
from console.errors import SourceBusy, SourceError
from console.playbook.loader import built_in_step_types
from console.sources.estate import Estate, Situation
from console.triage.agent.explaining import explained
from console.triage.agent.speaker import BUSY_SECONDS, Endpoint, Speaker
from console.triage.agent.tool import Scene

QUESTION = {"role": "user", "content": [text("what is it?")]}
REQUEST: Mapping[str, Any] = {"model": "m", "max_tokens": 100, "messages": [QUESTION]}
WORDS = "the glöves are bläck 🧤 and 𝕊igned\n"
LOOK = use("compare", signal='ä🧤\\n"', stat=None, n=[1.5, {}])
SEALED = {"type": "redacted_thinking", "data": "RW1w"}
HOLOGRAM = {"type": "hologram", "of": {"a": [1]}, "none": None}
LOOKS = use("events", 1, kinds=["deploy"])
CONCLUDES = Says([use("conclude", 9, claims=[{"text": "it moved", "evidence": ["F1"]}])])


@pytest.fixture
async def speaker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Speaker]:
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)
    made = Speaker(Endpoint("m", None, "ANDON_TEST_KEY"))
    yield made
    await made.close()


@pytest.fixture
async def other() -> AsyncIterator[Messages]:
    async with messages(Says([text("yes, please")])) as server:
        yield server


def at(speaker: Speaker, server: Messages, **changes: Any) -> Speaker:
    speaker.endpoint = replace(speaker.endpoint, url=server.url, **changes)
    return speaker


def result(id_: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id_, "content": [text("it fell")]}]}


async def test_a_message_is_whole_however_it_is_cut_on_its_way(speaker: Speaker) -> None:
    said = [text(WORDS), LOOK]
    ways = [Says(said, pieces=1), Says(said, pieces=1, bytes=1), Says(said, pieces=1000, bytes=3),
            Says(said, pieces=1, halves=True), Says(said, bytes=1 << 20)]  # fmt: skip
    async with messages(*ways) as server:
        for way in ways:
            heard: list[str] = []
            reply = await at(speaker, server).say(REQUEST, heard.append, 60.0)
            assert ([*reply.content], "".join(heard)) == ([*way.blocks], WORDS), way
            assert "".join(heard).encode()  # no half of a character among it


async def test_thoughts_and_blocks_that_nobody_knows_come_back_as_they_were(speaker: Speaker) -> None:
    said = [thinks("is it the glöves?", "EqQB" * 50), SEALED, text("let me see"), HOLOGRAM, LOOK]
    async with messages(Says(said, pieces=3), Says([text("well")])) as server:
        reply = await at(speaker, server).say(REQUEST, lambda _text: None, 60.0)
        assert [*reply.content] == said
        answered = {"role": "assistant", "content": [*reply.content]}
        again = {**REQUEST, "messages": [QUESTION, answered, result("toolu_1")]}
        assert (await speaker.say(again, lambda _text: None, 60.0)).content == (text("well"),)
        cut = {**again, "messages": [QUESTION, {**answered, "content": said[1:]}, result("toolu_1")]}
        with pytest.raises(SourceError, match="cannot be modified"):
            await speaker.say(cut, lambda _text: None, 60.0)


async def test_what_a_later_server_says_is_passed_over_and_what_it_counts_is_kept(speaker: Speaker) -> None:
    counts = {"input_tokens": 3, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 2, "output_tokens": 9}
    weather = [{"type": "weather", "is": "fine"}, {"type": "ping"}, {"type": "ping"}]
    async with messages(Says([text("well")], stop="tired", usage=counts, strange=weather)) as server:
        reply = await at(speaker, server).say(REQUEST, lambda _text: None, 60.0)
    assert (reply.content, reply.stop_reason) == ((text("well"),), "tired")
    assert {name: reply.usage[name] for name in counts} == counts


HALF = Says([{"type": "tool_use", "id": "toolu_1", "name": "compare", "input": {"signal": "model.ttft"}}], pieces=30)
ANSWERS: list[tuple[Any, str]] = [
    (Fails(400, "invalid_request_error"), "SourceMalformed: the model m: as told"),
    (Fails(401, "authentication_error"), "SourceDenied: the model m: as told"),
    (Fails(402, "billing_error"), "SourceDenied: the model m: as told"),
    (Fails(403, "permission_error"), "SourceDenied: the model m: as told"),
    (Fails(404, "not_found_error"), "SourceMalformed: the model m: as told"),
    (Fails(408, "timeout_error"), "SourceError: the model m: as told"),
    (Fails(413, "request_too_large"), "SourceMalformed: the model m: as told"),
    (Fails(429, "rate_limit_error", "7"), "SourceBusy 7.0: the model m: as told"),
    (Fails(429, "rate_limit_error", "0.25"), "SourceBusy 0.25: the model m: as told"),
    (Fails(429, "rate_limit_error", formatdate(4e9, usegmt=True)), "SourceBusy years: the model m: as told"),
    (Fails(429, "rate_limit_error", formatdate(1e9, usegmt=True)), f"SourceBusy {BUSY_SECONDS}: the model m: as told"),
    *((Fails(429, "rate_limit_error", said), f"SourceBusy {BUSY_SECONDS}: the model m: as told")
      for said in ("", "0", "-3", "soon", "inf", "nan", "²", "1e999", "Mon, 99 Foo 2026 10:00:00 GMT")),
    (Fails(500), "SourceError: the model m: as told"),
    (Fails(502, page="<h1>Bad \x1b[2Jgateway</h1>"), "SourceError: the model m: <h1>Bad gateway</h1>"),
    (Fails(529, "overloaded_error"), f"SourceBusy {BUSY_SECONDS}: the model m: as told"),
    (Fails(200, page="<h1>Log in</h1>"),
     "SourceMalformed: the model m: it answered with text/html; charset=utf-8 where a stream was asked for"),
    (Says([text("all at once")], streams=False),
     "SourceMalformed: the model m: it answered with application/json; charset=utf-8 where a stream was asked for"),
    (Errs(), f"SourceBusy {BUSY_SECONDS}: the model m: as told"),
    (Errs("rate_limit_error"), f"SourceBusy {BUSY_SECONDS}: the model m: as told"),
    (Errs("api_error"), "SourceError: the model m: as told"),
    (Errs("new_error"), "SourceError: the model m: as told"),
    (Errs("invalid_request_error"), "SourceMalformed: the model m: as told"),
    (Errs("permission_error", "\x1b]0;no\x07" + "x" * 500), "SourceDenied: the model m: x"),
    (Cuts(events=0), "SourceError: the model m: RemoteProtocolError: "),
    (Cuts(), "SourceError: the model m: RemoteProtocolError: "),
    (Cuts(events=5, said=HALF), "SourceError: the model m: RemoteProtocolError: "),
    (Cuts(is_clean=True, events=0), "SourceError: the model m: it broke off in the middle of an answer"),
    (Cuts(is_clean=True, events=5, said=HALF), "SourceError: the model m: it broke off in the middle of an answer"),
    (Cuts(is_malformed=True), "SourceMalformed: the model m: JSONDecodeError: "),
    (Says([{"type": "tool_use", "id": "toolu_1", "name": "x", "raw": '{"signal": "mod'}]),
     "SourceMalformed: the model m: JSONDecodeError: "),
]  # fmt: skip


async def outcome(speaker: Speaker) -> str:
    try:
        reply = await speaker.say(REQUEST, lambda _text: None, 60.0)
    except SourceError as error:
        seconds = error.seconds if isinstance(error, SourceBusy) else 0.0
        wait = " years" if seconds > 1e8 else f" {seconds}" if seconds else ""
        return f"{type(error).__name__}{wait}: {error.message}"
    return repr(reply)


async def test_each_way_to_fail_is_one_of_the_family_and_the_process_goes_on(speaker: Speaker) -> None:
    async with messages(*(turn for turn, _said in ANSWERS), Says([text("well")])) as server:
        at(speaker, server)
        for turn, said in ANSWERS:
            assert (await outcome(speaker))[: len(said)] == said, turn
        assert speaker._process is not None and speaker._process.returncode is None
        assert (await speaker.say(REQUEST, lambda _text: None, 60.0)).content == (text("well"),)


@pytest.mark.parametrize("turn", [Hangs(), Hangs(is_silent=True)])
async def test_a_server_that_says_nothing_more_is_left_and_may_be_asked_again(speaker: Speaker, turn: Any) -> None:
    async with messages(turn, Says([text("well")])) as server:
        with pytest.raises(SourceError, match="it did not answer in time"):
            await at(speaker, server, timeout=0.5).say(REQUEST, lambda _text: None, 60.0)
        process = speaker._process
        assert (await speaker.say(REQUEST, lambda _text: None, 60.0)).content == (text("well"),)
        assert speaker._process is process


async def test_what_nobody_waited_for_is_not_the_answer_to_the_next_question(speaker: Speaker) -> None:
    async with messages(Says([text("the first " * 9_000)], pieces=9), Says([text("the second")])) as server:
        heard = asyncio.Event()
        asked = asyncio.ensure_future(at(speaker, server).say(REQUEST, lambda _text: heard.set(), 60.0))
        await heard.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        reply = await speaker.say(REQUEST, lambda _text: None, 60.0)
    assert reply.content == (text("the second"),)


async def test_a_key_goes_where_it_was_meant_to_go_and_no_further(speaker: Speaker, other: Messages) -> None:
    elsewhere = f"{other.url}/v1/messages"
    async with messages(Fails(307, location=elsewhere)) as server:
        assert (await outcome(at(speaker, server))).startswith("SourceMalformed: the model m: ")
    assert len(server.asked) == 1 and not other.asked


async def test_a_request_that_is_too_large_is_said_to_be(speaker: Speaker) -> None:
    async with messages(Says([text("well")])) as server:
        large = {**REQUEST, "system": "x" * (33 << 20)}
        with pytest.raises(SourceError, match="exceeds the maximum size"):
            await at(speaker, server).say(large, lambda _text: None, 60.0)
    assert not server.asked


@pytest.mark.parametrize("odd", [Says([]), Says([text("")]), Says([text("\n"), LOOKS]), Says([LOOKS], stop="end_turn")])
async def test_after_an_odd_answer_the_next_request_is_still_one_that_is_taken(
    odd: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)
    async with messages(odd, CONCLUDES) as server:
        llm = LlmConfig("m", server.url, "ANDON_TEST_KEY")
        scene = Scene(Situation(Estate(), nouns.NOON), built_in_step_types(), nouns.diagnosis())
        done = await explained(nouns.diagnosis(), scene, llm)
    assert done.agent is not None and (done.agent.stopped, len(done.agent.claims)) == ("", 1)
    assert len(server.asked) == 2


async def test_the_stand_in_counts_tokens_and_lists_models() -> None:
    headers = {"x-api-key": KEY, "anthropic-version": "2026-10-21"}
    async with messages() as server, httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        counted = await client.post("/v1/messages/count_tokens", json={"model": "m", "messages": [QUESTION]})
        listed = await client.get("/v1/models")
        missing = await client.get("/v1/model")
    assert counted.json()["input_tokens"] > 0 and [each["id"] for each in listed.json()["data"]] == ["m"]
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "not_found_error")
