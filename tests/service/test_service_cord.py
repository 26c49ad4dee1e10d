"""The cord, what is asked of a person, and how far an examination is: on a real store with real playbooks."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from household import Clock, ask

from console.errors import UsageError
from console.model import Labels, Symptom, Verdict
from console.service.board import read_board
from console.service.house import House

Open = Callable[..., Awaitable[House]]
SLOW = Symptom("slow", "model.latency", Labels.of(model="glove"), Verdict.DEGRADED)
ANNOUNCED = "Was more load announced?"
CAMPAIGN = """schema: andon/v1
name: campaign
title: Is it only a campaign?
inputs:
  model: {type: string, from: incident.labels.model}
steps:
  - id: announced
    title: Was it announced?
    uses: ask
    with: {question: Was more load announced?, answers: ["yes", "no"], unattended: unknown}
  - id: queue
    title: Is the queue longer?
    uses: compare
    with: {signal: model.queue.depth, stat: mean, where: {model: "${{ inputs.model }}"}}
causes:
  - id: campaign
    title: A campaign was announced
    evidence:
      - {if: steps.announced.answer == "yes", weight: decisive}
"""


@pytest.fixture
async def house(opened: Open, tmp_path: Path) -> House:
    """One that knows the model glove and one playbook of its own beside the library."""
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    house = await opened("steady", playbook_dirs=(tmp_path,))
    await ask(house, "collect")
    return house


async def on_board(house: House) -> dict[str, Any]:
    (incident,) = (await read_board(house))["incidents"]
    return incident


async def test_pulling_the_cord_opens_an_incident_and_looks_at_everything(house: House) -> None:
    incident = await ask(house, "incident.open", subject="glove")
    assert (incident["id"], incident["title"]) == ("I-1", "the cord was pulled on glove")
    assert incident["symptom"]["labels"] == {"model": "glove"}
    assert [(note["operator"], note["text"]) for note in incident["notes"]] == [("ada", "pulled the cord")]
    await house.watch.settled()
    told = await ask(house, "diagnosis", incident="I-1")
    assert {run["playbook"] for run in told["runs"]} == set(house.playbooks)
    assert all(run["inputs"].get("model", "glove") == "glove" for run in told["runs"])
    assert sum("model" in run["inputs"] for run in told["runs"]) > 3


async def test_pulled_again_it_joins_the_open_incident_as_a_note(house: House) -> None:
    await house.records.open(SLOW, "glove", house.clock())
    incident = await ask(house, "incident.open", subject="glove", text="was the campaign announced")
    assert (incident["id"], incident["title"]) == ("I-1", "slow")
    assert [(note["operator"], note["text"]) for note in incident["notes"]] == [("ada", "was the campaign announced")]
    await house.watch.settled()
    told = await ask(house, "diagnosis", incident="I-1")
    assert {"latency_regression", "campaign"} <= {run["playbook"] for run in told["runs"]}


async def test_the_cord_of_a_gpu_names_its_host(house: House) -> None:
    incident = await ask(house, "incident.open", subject="press-2/0", text="it is loud")
    assert incident["symptom"]["labels"] == {"host": "press-2", "gpu": "0"}
    for subject in ("", "x" * 500):
        with pytest.raises(UsageError):
            await ask(house, "incident.open", subject=subject)


async def test_more_open_incidents_than_anyone_can_look_at_are_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.service.operations.incidents.MOST_OPEN", 1)
    await ask(house, "incident.open", subject="glove")
    await ask(house, "incident.open", subject="glove", text="still")
    with pytest.raises(UsageError, match="open already"):
        await ask(house, "incident.open", subject="boot")


async def test_a_question_waits_on_the_board_until_it_is_answered_and_the_answer_counts(
    house: House, clock: Clock
) -> None:
    await ask(house, "incident.open", subject="glove")
    await house.watch.settled()
    assert (await on_board(house))["questions"] == 1
    told = await ask(house, "diagnosis", incident="I-1")
    asked = [step["question"] for run in told["runs"] for step in run["steps"] if step["question"]]
    assert [(each["text"], each["answers"]) for each in asked] == [(ANNOUNCED, ["yes", "no"])]
    for question, answer in ((ANNOUNCED, "perhaps"), ("Is it Friday?", "yes")):
        with pytest.raises(UsageError):
            await ask(house, "answer", incident="I-1", question=question, answer=answer)
    assert (await on_board(house))["cause"] is None
    clock.set(clock.now + 5)
    answered = await ask(house, "answer", incident="I-1", question=ANNOUNCED, answer="yes")
    assert answered["answers"] == [{"time": clock.now, "operator": "ada", "question": ANNOUNCED, "answer": "yes"}]
    assert answered["notes"][-1]["text"] == f"{ANNOUNCED} yes"
    await house.watch.settled()
    row = await on_board(house)
    assert (row["questions"], row["cause"]["title"], row["cause"]["more"]) == (0, "A campaign was announced", 0)
    assert row["cause"]["probability"] > 0.5
    await ask(house, "answer", incident="I-1", question=ANNOUNCED, answer="no")  # on second thoughts
    await house.watch.settled()
    assert (await on_board(house))["cause"] is None


async def test_the_board_does_not_read_runs_that_it_has_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await ask(house, "incident.open", subject="glove")
    await house.watch.settled()
    before = await on_board(house)

    async def nobody(*_: Any) -> None:
        raise AssertionError("the runs were read again")

    monkeypatch.setattr(type(house.records), "runs", nobody)
    assert await on_board(house) == before


async def test_an_examination_shows_its_steps_while_it_runs_and_goes_on_whoever_leaves(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = asyncio.Event()
    seen: list[Any] = []

    async def slowly(*_: Any) -> list[str]:
        await free.wait()
        return []

    monkeypatch.setattr(type(house.estate.readers[0]), "signals", slowly)
    pulling = asyncio.create_task(ask(house, "incident.open", subject="glove", text="campaign"))
    await pulling
    assert (await on_board(house))["examining"]["title"] in ("waiting for its turn", "Is it only a campaign?")
    with pytest.raises(UsageError, match="being examined already"):
        await ask(house, "examine", incident="I-1")
    async with asyncio.timeout(5):
        while len(seen) < 1 or not any(step["state"] for step in seen[-1]["steps"]):
            seen.append((await on_board(house))["examining"])
            await asyncio.sleep(0.01)
    assert (seen[-1]["playbook"], seen[-1]["title"]) == ("campaign", "Is it only a campaign?")
    assert seen[-1]["steps"] == [
        {"id": "announced", "title": "Was it announced?", "state": "skipped"},
        {"id": "queue", "title": "Is the queue longer?", "state": None},
    ]
    free.set()
    await house.watch.settled()
    assert (await on_board(house))["examining"] is None


async def test_an_incident_is_examined_again_when_a_person_asks_and_not_when_it_is_closed(house: House) -> None:
    await ask(house, "incident.open", subject="glove", text="campaign")
    for runs in (1, 2):
        await house.watch.settled()
        assert len((await ask(house, "incident.show", incident="I-1"))["runs"]) == runs
        assert await ask(house, "examine", incident="I-1") == {}
    await house.watch.settled()
    await ask(house, "incident.close", incident="I-1")
    for op, more in (("examine", {}), ("answer", {"question": ANNOUNCED, "answer": "yes"})):
        with pytest.raises(UsageError, match="closed"):
            await ask(house, op, incident="I-1", **more)
