"""What a configured model says of an incident, asked by the daemon: seen while it goes on, interrupted, asked on, kept
to be read; and that nothing is asked where nobody wants it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from messagesserver import KEY, Fails, Hangs, Messages, Says, messages, text, use
from stages import Stage

from console.config import LlmConfig
from console.errors import UsageError
from console.wire import dump

CLAIM = {"text": "more wait than usual", "evidence": ["F1"], "cause": "too_few"}
LOOK = use("compare", 1, signal="model.queue.depth", stat="mean", current="5m", baseline={"offset": "30m"})


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)


def concludes(at: int = 2, **claim: Any) -> Says:
    return Says([use("conclude", at, claims=[CLAIM | claim], remedies=["scale"])])


def use_model(stage: Stage, server: Messages, **changes: Any) -> None:
    stage.house.explaining.llm = LlmConfig("m", server.url, "ANDON_TEST_KEY", **changes)


async def examined(stage: Stage) -> dict[str, Any]:
    told: dict[str, Any] = await stage.ask("triage", incident="I-1", llm=False)
    return told


async def ended(stage: Stage) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            seen: dict[str, Any] = await stage.ask("explain.seen", incident="I-1")
            if seen["view"]["ended"]:
                return seen
            await asyncio.sleep(0.05)


async def until(stage: Stage, name: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            view: dict[str, Any] = (await stage.ask("explain.seen", incident="I-1"))["view"]
            if view[name]:
                return view
            await asyncio.sleep(0.05)


async def test_a_triage_says_what_the_model_makes_of_it_beside_what_the_numbers_say(stage: Stage) -> None:
    async with messages(Says([LOOK]), concludes()) as server:
        use_model(stage, server)
        told = await stage.ask("triage", incident="I-1")
        plain = await examined(stage)
    assert [claim["text"] for claim in told["agent"]["claims"]] == [CLAIM["text"]]
    assert told["agent"]["remedies"] == ["scale"]
    assert "is 30 request" in told["agent"]["findings"][0]["text"]  # it looked for itself
    assert plain["agent"] is None and len(server.asked) == 2 and len(server.probes) == 1
    assert [cause["id"] for cause in plain["causes"]] == [cause["id"] for cause in told["causes"]]


async def test_a_dead_endpoint_changes_no_cause(stage: Stage) -> None:
    async with messages(Fails(401, "authentication_error")) as server:
        server.probe = lambda _asked: Fails(401, "authentication_error")
        use_model(stage, server)
        told = await stage.ask("triage", incident="I-1")
    assert told["agent"]["stopped"].startswith("the model m: ")
    assert [cause["id"] for cause in told["causes"]] == ["too_few"]


async def test_two_symptoms_are_explained_at_once_and_a_third_diagnosis_stands(stage: Stage) -> None:
    symptom = dump((await stage.house.records.incident("I-1")).symptom)
    async with messages(Hangs()) as server:
        use_model(stage, server)
        both = [asyncio.ensure_future(stage.ask("triage", symptom=symptom)) for _ in range(2)]
        async with asyncio.timeout(60):
            while len(server.asked) < 2:
                await asyncio.sleep(0.05)
        third = await stage.ask("triage", symptom=symptom)
        assert third["causes"] and third["agent"]["stopped"].startswith("2 diagnoses are being explained already")
        for each in both:  # who asked leaves: nobody could read what is said
            each.cancel()
        async with asyncio.timeout(60):
            while len(await stage.ask("transcript.list")) < 2:
                await asyncio.sleep(0.05)
    assert {each["says"]["stopped"] for each in await stage.ask("transcript.list")} == {"it was interrupted"}


async def test_it_is_seen_while_it_goes_on_and_stands_in_the_diagnosis_afterwards(stage: Stage) -> None:
    await examined(stage)
    async with messages(Says([text("First the queue. "), LOOK]), concludes()) as server:
        use_model(stage, server)
        await stage.ask("explain", incident="I-1")
        seen = await ended(stage)
    assert "First the queue." in seen["view"]["text"]
    assert seen["view"]["looks"] == ["compare signal=model.queue.depth stat=mean current=5m baseline={'offset': '30m'}"]
    assert seen["view"]["used"]["calls"] == seen["spent"]["incident"]["calls"] == seen["spent"]["day"]["calls"] == 3
    diagnosis = await stage.ask("diagnosis", incident="I-1")
    assert diagnosis["agent"]["claims"][0]["text"] == CLAIM["text"]
    assert [each["says"]["remedies"] for each in seen["said"]] == [["scale"]]


async def test_what_was_said_of_another_examination_is_not_told_of_this_one(stage: Stage) -> None:
    await examined(stage)
    async with messages(concludes()) as server:
        use_model(stage, server)
        await stage.ask("explain", incident="I-1")
        await ended(stage)
    run = (await stage.house.records.incident("I-1")).runs
    for each in await stage.house.records.runs(run):
        await stage.house.records.keep_run(type(each)(**{**_fields(each), "id": "again", "steps": each.steps[:0]}))
    await stage.house.writer.do(lambda store: store.incidents.attach_run("I-1", "again"))
    assert (await stage.ask("diagnosis", incident="I-1"))["agent"] is None
    assert [each["is_old"] for each in (await stage.ask("explain.seen", incident="I-1"))["said"]] == [True]


async def test_a_question_goes_on_from_what_was_said(stage: Stage) -> None:
    await examined(stage)
    async with messages(concludes(), concludes(3, text="since noon", cause="")) as server:
        use_model(stage, server)
        await stage.ask("explain", incident="I-1")
        await ended(stage)
        await stage.ask("explain", incident="I-1", question="since when, says ada@example.org?")
        seen = await ended(stage)
    first, second = server.asked
    assert second["messages"][: len(first["messages"])] == first["messages"]
    last = second["messages"][-1]["content"]
    assert last[0]["type"] == "tool_result" and "since when" in last[1]["text"] and "ada@" not in last[1]["text"]
    assert [each["says"]["claims"][0]["text"] for each in seen["said"]] == [CLAIM["text"], "since noon"]
    assert len(server.probes) == 1  # what the endpoint can do is known by now
    diagnosis = await stage.ask("diagnosis", incident="I-1")
    assert diagnosis["agent"]["claims"][0]["text"] == CLAIM["text"]  # an answer is no explanation of the whole


async def test_it_can_be_interrupted_and_says_so(stage: Stage) -> None:
    await examined(stage)
    async with messages(Hangs()) as server:
        use_model(stage, server)
        await stage.ask("explain", incident="I-1")
        async with asyncio.timeout(60):
            while not server.asked:
                await asyncio.sleep(0.05)
        with pytest.raises(UsageError, match="being explained already"):
            await stage.ask("explain", incident="I-1")
        await stage.ask("explain.interrupt", incident="I-1")
        seen = await ended(stage)
    assert seen["said"][0]["says"]["stopped"] == "it was interrupted"
    with pytest.raises(UsageError, match="nobody explains"):
        await stage.ask("explain.interrupt", incident="I-1")


async def test_the_model_asks_the_operator_and_goes_on_with_the_answer(stage: Stage) -> None:
    await examined(stage)
    asks = Says([use("ask_operator", 1, question="Was anything deployed?", answers=["yes", "no"])])
    async with messages(asks, concludes(2, text="a deploy", evidence=["F2"])) as server:
        use_model(stage, server)
        await stage.ask("explain", incident="I-1")
        view = await until(stage, "asks")
        assert (view["asks"]["text"], view["asks"]["answers"]) == ("Was anything deployed?", ["yes", "no"])
        with pytest.raises(UsageError, match="is no answer"):
            await stage.ask("explain.answer", incident="I-1", answer="maybe")
        await stage.ask("explain.answer", incident="I-1", answer="yes")
        seen = await ended(stage)
    (finding,) = seen["said"][0]["says"]["findings"]
    assert (finding["id"], finding["kind"]) == ("F2", "answer") and "said 'yes'" in finding["text"]
    assert seen["said"][0]["says"]["claims"][0]["evidence"] == ["F2"]


async def test_what_would_be_sent_can_be_seen_and_is_not_sent(stage: Stage) -> None:
    await examined(stage)
    async with messages(concludes()) as server:
        use_model(stage, server)
        shown = await stage.ask("explain.prompt", incident="I-1")
        assert not server.asked and not server.probes
        await stage.ask("explain", incident="I-1")
        await ended(stage)
    sent = {name: value for name, value in server.asked[0].items() if name != "stream"}
    assert sent == shown


async def test_a_budget_for_a_day_counts_all_that_was_spent_in_it(stage: Stage) -> None:
    await examined(stage)
    async with messages(concludes()) as server:
        use_model(stage, server, prices={"read": 100.0}, dollars_a_day=0.01)
        await stage.ask("explain", incident="I-1")
        first = await ended(stage)
        asked = len(server.asked) + len(server.probes)
        await stage.ask("explain", incident="I-1")
        second = await ended(stage)
    assert first["spent"]["day"]["money"] > 0.01
    assert second["said"][-1]["says"]["stopped"] == "the budget of $0.01 a day is used up"
    assert len(server.asked) + len(server.probes) == asked


async def test_what_another_one_costs_counts_while_it_is_still_at_it(stage: Stage) -> None:
    await examined(stage)
    asks = Says([use("ask_operator", 3, question="Was it you?")], usage={"input_tokens": 1_000_000})
    async with messages(asks) as server:
        use_model(stage, server, tokens=10_000_000, prices={"read": 1.0}, dollars_a_day=0.5)
        await stage.ask("explain", incident="I-1")
        await until(stage, "asks")
        asked = len(server.asked) + len(server.probes)
        symptom = (await stage.house.records.incident("I-1")).symptom
        other = await stage.ask("triage", symptom=dump(symptom))
        assert other["agent"]["stopped"] == "the budget of $0.5 a day is used up"
        assert len(server.asked) + len(server.probes) == asked
        await stage.ask("explain.answer", incident="I-1", answer="no")
        first = await ended(stage)
    assert first["said"][-1]["says"]["stopped"] == "the budget of $0.5 a day is used up"


async def test_transcripts_are_kept_message_by_message_without_secrets(stage: Stage) -> None:
    await examined(stage)
    async with messages(Says([LOOK]), concludes()) as server:
        use_model(stage, server)
        await stage.ask("explain", incident="I-1")
        await ended(stage)
    (row,) = await stage.ask("transcript.list", incident="I-1")
    kept = await stage.ask("transcript.show", transcript=row["id"])
    assert row["messages"] == [] and kept["id"] == "T-1"
    assert {**kept["head"], "messages": kept["messages"][:3]} == {
        k: v for k, v in server.asked[1].items() if k != "stream"
    }
    assert [each["role"] for each in kept["messages"]] == ["user", "assistant", "user", "assistant"]
    with pytest.raises(UsageError, match="no transcript T-9"):
        await stage.ask("transcript.show", transcript="T-9")


async def test_without_a_model_nothing_is_sent_and_that_is_said(stage: Stage) -> None:
    await examined(stage)
    for op in ("explain", "explain.prompt"):
        with pytest.raises(UsageError, match="no language model was configured"):
            await stage.ask(op, incident="I-1")
    assert (await stage.ask("triage", incident="I-1"))["agent"] is None


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}
