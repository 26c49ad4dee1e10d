"""What a configured model says of an incident, asked by the daemon; and that nothing is asked where nobody wants it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from messagesserver import KEY, Fails, Says, messages, use
from stages import Stage

from console.config import LlmConfig

CLAIM = {"text": "more wait than usual", "evidence": ["F1"], "cause": "too_few"}


async def test_a_triage_says_what_the_model_makes_of_it_beside_what_the_numbers_say(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)
    look = use("compare", 1, signal="model.queue.depth", stat="mean", current="5m", baseline={"offset": "30m"})
    async with messages(Says([look]), Says([use("conclude", 2, claims=[CLAIM], remedies=["scale"])])) as server:
        stage.house.config = replace(stage.house.config, llm=LlmConfig("m", server.url, "ANDON_TEST_KEY"))
        told = await stage.ask("triage", incident="I-1")
        plain = await stage.ask("triage", incident="I-1", llm=False)
    assert [claim["text"] for claim in told["agent"]["claims"]] == [CLAIM["text"]]
    assert told["agent"]["remedies"] == ["scale"]
    assert "is 30 request" in told["agent"]["findings"][0]["text"]  # it looked for itself
    assert plain["agent"] is None and len(server.asked) == 2
    assert [cause["id"] for cause in plain["causes"]] == [cause["id"] for cause in told["causes"]]


async def test_a_dead_endpoint_changes_no_cause(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)
    async with messages(Fails(401, "authentication_error")) as server:
        stage.house.config = replace(stage.house.config, llm=LlmConfig("m", server.url, "ANDON_TEST_KEY"))
        told = await stage.ask("triage", incident="I-1")
    assert told["agent"]["stopped"].startswith("the model m: ")
    assert [cause["id"] for cause in told["causes"]] == ["too_few"]
