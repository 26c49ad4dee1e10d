"""The process that talks to a model, over HTTP and SSE, by the real SDK: what it says, and how it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import nouns
import pytest
from messagesserver import KEY, Cuts, Fails, Hangs, Messages, Says, messages, text, use

from console.config import LlmConfig
from console.errors import AndonError, SourceBusy, SourceDenied, SourceError, SourceMalformed, SourceUnreached
from console.model import Diagnosis
from console.playbook.loader import built_in_step_types
from console.sources.estate import Estate, Situation
from console.triage.agent.explaining import explained
from console.triage.agent.speaker import Endpoint, Speaker
from console.triage.agent.tool import Scene

REQUEST: Mapping[str, Any] = {
    "model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": [text("what is it?")]}],
}  # fmt: skip
DIAGNOSIS = nouns.diagnosis()
CLAIM = {"text": "the glöves are bläck 🧤", "evidence": ["F1"]}


@pytest.fixture
async def speaker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Speaker]:
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)
    made = Speaker(Endpoint("m", None, "ANDON_TEST_KEY"))
    yield made
    await made.close()


def at(speaker: Speaker, server: Messages) -> Speaker:
    speaker.endpoint = replace(speaker.endpoint, url=server.url)
    return speaker


async def test_words_come_as_they_are_said_and_a_call_in_pieces_is_one(speaker: Speaker) -> None:
    heard: list[str] = []
    async with messages(Says([text("let me see"), use("compare", signal="ä🧤\\n")], pieces=3)) as server:
        reply = await at(speaker, server).say(REQUEST, heard.append, 60.0)
    assert "".join(heard) == "let me see" and len(heard) > 1
    assert reply.stop_reason == "tool_use" and reply.usage["output_tokens"] == 50
    assert reply.content[1]["input"] == {"signal": "ä🧤\\n"}


@pytest.mark.parametrize(
    ("turn", "kind", "said"),
    [
        (Fails(400, "invalid_request_error"), SourceMalformed, "as told"),
        (Fails(401, "authentication_error"), SourceDenied, "as told"),
        (Fails(404, "not_found_error"), SourceMalformed, "as told"),
        (Fails(429, "rate_limit_error", "7"), SourceBusy, "as told"),
        (Fails(500), SourceError, "as told"),
        (Fails(529, "overloaded_error"), SourceBusy, "as told"),
        (Cuts(), SourceError, "the model m"),
        (Cuts(is_malformed=True), SourceError, "the model m"),
    ],
)
async def test_each_way_to_fail_is_a_sentence(speaker: Speaker, turn: Any, kind: type[AndonError], said: str) -> None:
    async with messages(turn) as server:
        with pytest.raises(kind, match=said) as failed:
            await at(speaker, server).say(REQUEST, lambda _text: None, 60.0)
    assert not isinstance(failed.value, SourceBusy) or failed.value.seconds in (7.0, 5.0)


async def test_a_hang_ends_in_its_time_and_the_next_request_finds_a_fresh_process(speaker: Speaker) -> None:
    async with messages(Says([text("warm")]), Hangs(), Says([text("well")])) as server:
        await at(speaker, server).say(REQUEST, lambda _text: None, 60.0)  # its import takes seconds
        with pytest.raises(SourceError, match="did not answer within"):
            await speaker.say(REQUEST, lambda _text: None, 2.0)
        assert (await speaker.say(REQUEST, lambda _text: None, 60.0)).content[0]["text"] == "well"


async def test_nobody_there_and_no_key_are_said(speaker: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker.endpoint = replace(speaker.endpoint, url="http://127.0.0.1:9")
    with pytest.raises(SourceUnreached, match="the model m"):
        await speaker.say(REQUEST, lambda _text: None, 60.0)
    await speaker.close()
    monkeypatch.delenv("ANDON_TEST_KEY")
    async with messages(Says([text("no")])) as server:
        with pytest.raises(SourceDenied, match="invalid x-api-key") as refused:
            await at(speaker, server).say(REQUEST, lambda _text: None, 60.0)
    assert "ANDON_TEST_KEY is not set where andon asks from" in refused.value.hint


async def test_where_nothing_is_found_it_is_said_where_to_look(speaker: Speaker) -> None:
    async with messages(Says([text("no")])) as server:
        speaker.endpoint = replace(speaker.endpoint, url=f"{server.url}/elsewhere")
        with pytest.raises(SourceMalformed) as failed:
            await speaker.say(REQUEST, lambda _text: None, 60.0)
    assert failed.value.hint == "look at [llm] url and model"


async def explain(server: Messages, **changes: Any) -> Diagnosis:
    llm = LlmConfig("m", server.url, "ANDON_TEST_KEY", **changes)
    return await explained(DIAGNOSIS, scene(), llm)


def scene() -> Scene:
    return Scene(Situation(Estate(), nouns.NOON), built_in_step_types(), DIAGNOSIS)


async def test_an_investigation_from_end_to_end_through_the_real_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)
    looks = Says([text("first a look"), use("events", 1, kinds=["deploy"]), use("compare", 2, signal="model.ttft")])
    async with messages(looks, Says([use("conclude", 3, claims=[CLAIM])])) as server:
        done = await explain(server)
    assert done.agent is not None and not done.agent.stopped
    assert [(claim.text, claim.evidence) for claim in done.agent.claims] == [(CLAIM["text"], ("F1",))]
    assert replace(done, agent=None) == DIAGNOSIS  # what the numbers say is what it was
    assert len(server.bodies[0]) < 48_000
    first, second = server.bodies
    same = next((place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    assert same >= 0.8 * len(second)


@pytest.mark.parametrize("turn", [Fails(500), Cuts(), Fails(401), Says([text("I cannot")], stop="refusal")])
async def test_whatever_the_endpoint_does_the_diagnosis_stands(turn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)
    monkeypatch.setattr("console.triage.agent.talking.PAUSE", 0.0)
    async with messages(turn) as server:
        done = await explain(server, seconds=30.0)
    assert done.agent is not None and done.agent.stopped and not done.agent.claims
    assert replace(done, agent=None) == DIAGNOSIS


async def test_without_a_model_nothing_is_asked_and_nothing_is_said() -> None:
    assert await explained(DIAGNOSIS, scene(), None) is DIAGNOSIS
