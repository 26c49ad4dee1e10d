"""Runs in the daemon: they wait for people, go on where they stood, and outlive the daemon they began in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from household import Clock, ask, eventually

from console.errors import SourceError, UsageError
from console.model import Labels, State, Symptom, Verdict
from console.playbook.loader import built_in_step_types, load_text
from console.service.diary import INTERRUPTED, Diary
from console.service.house import House
from console.service.operation import perform
from console.service.operations import all_operations
from console.service.peer import Peer
from console.service.protocol import Request

Open = Callable[..., Awaitable[House]]
SLOW = Symptom("slow", "model.latency", Labels.of(model="glove"), Verdict.DEGRADED)
ROLES = {"oncall": ("ada", "bob")}
BOOK = """\
schema: andon/v1
name: restart
title: Is a restart due?
inputs: {model: {type: string, default: glove}}
steps:
  - {id: depth, title: Deep queue?, uses: compare, with: {signal: model.queue.depth}}
  - {id: how_many, title: How many?, uses: ask, with: {question: How many were there?, type: number}}
  - id: announced
    title: Announced?
    if: steps.how_many.number > 2.0
    uses: ask
    with: {question: Was it announced?, answers: ["yes", "no"], unattended: unknown}
causes:
  - id: load_increase
    title: More load
    prior: "1:1"
    evidence: [{if: 'steps.announced.answer == "yes"', weight: strong}]
"""
FOR_ONCALL = BOOK.replace("type: number", "type: number, roles: [oncall], ttl: 1h")


async def by(house: House, operator: str, op: str, **args: Any) -> Any:
    return await perform(all_operations(house), Request(1, op, args), Peer(0, operator))


def states(diagnosis: dict[str, Any]) -> list[str]:
    return [step["state"] for step in diagnosis["runs"][0]["steps"]]


async def begun(house: House, text: str = BOOK, **more: Any) -> tuple[str, dict[str, Any]]:
    told = await ask(house, "run", playbook=text, **more)
    return told["runs"][0]["id"], told


async def test_a_run_waits_and_goes_on_with_another_operators_answers(opened: Open) -> None:
    house = await opened()
    id_, told = await begun(house)
    assert (told["exit"], told["runs"][0]["state"], states(told)) == (3, "paused", ["no_data", "waiting", "waiting"])
    (row,) = await ask(house, "run.list")
    assert (row["state"], row["operator"]) == ("paused", "ada")
    assert [(each["step"], each["question"]["kind"]) for each in row["waits"]] == [("how_many", "number")]
    told = await by(house, "bob", "run.resume", run=id_, answers={"how_many": "3"})
    assert (told["runs"][0]["id"], states(told)) == (id_, ["no_data", "ok", "skipped"])
    told = await ask(house, "run.resume", run=id_, answers={"announced": "yes"})  # nobody was there the first time
    assert states(told) == ["no_data", "ok", "ok"]
    assert told["causes"][0]["id"] == "load_increase"
    assert (await ask(house, "run.list"))[0]["state"] == "finished"
    assert (await ask(house, "run.show", run=id_))["text"] == BOOK


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"how_many": "many"}, "is no answer"),
        ({"depth": "3"}, "asks nothing that is open"),
        ({"howmany": "3"}, "asks nothing that is open"),
    ],
)
async def test_what_is_no_answer_is_refused_and_the_run_waits_on(
    opened: Open, answers: dict[str, str], said: str
) -> None:
    house = await opened()
    id_, _told = await begun(house)
    with pytest.raises(UsageError, match=said):
        await ask(house, "run.resume", run=id_, answers=answers)
    assert [each["step"] for each in (await ask(house, "run.list"))[0]["waits"]] == ["how_many"]


async def test_only_who_has_the_role_may_answer(opened: Open) -> None:
    house = await opened(roles=ROLES)
    id_, _told = await begun(house, FOR_ONCALL)
    with pytest.raises(UsageError, match="is for oncall, which eve is not") as refused:
        await by(house, "eve", "run.resume", run=id_, answers={"how_many": "3"})
    assert refused.value.hint == "ada, bob may"
    assert (await by(house, "bob", "run.resume", run=id_, answers={"how_many": "1"}))["runs"][0]["state"] == "finished"


async def test_a_role_that_nobody_has_says_how_to_give_it(opened: Open) -> None:
    house = await opened()
    id_, _told = await begun(house, FOR_ONCALL)
    with pytest.raises(UsageError) as refused:
        await ask(house, "run.resume", run=id_, answers={"how_many": "3"})
    assert 'under [roles]: oncall = ["ada"]' in refused.value.hint


async def test_a_question_that_nobody_answers_in_time_holds_up_nothing(opened: Open, clock: Clock) -> None:
    house = await opened(roles=ROLES)
    id_, _told = await begun(house, FOR_ONCALL)
    clock.set(clock.now + 1800)
    assert await house.running.expire(house.clock()) == []
    assert (await ask(house, "run.resume", run=id_))["runs"][0]["state"] == "paused"  # asking again gives no more time
    clock.set(clock.now + 1801)
    assert await house.running.expire(house.clock()) == [id_]
    run, _origin = await house.records.run_with_origin(id_)
    assert run.state == "finished"
    assert "Nobody answered in time" in run.steps[1].reason


async def test_a_playbook_that_changed_is_not_gone_on_with_and_nothing_is_kept_of_the_answer(
    opened: Open, tmp_path: Path
) -> None:
    house = await opened()
    file = tmp_path / "restart.yaml"
    file.write_text(BOOK)
    id_, _told = await begun(house, path=str(file))
    file.write_text(BOOK + "# more\n")
    with pytest.raises(UsageError, match="changed since"):
        await ask(house, "run.resume", run=id_, answers={"how_many": "3"})
    run, _origin = await house.records.run_with_origin(id_)
    assert (run.state, run.steps[1].state) == ("paused", State.WAITING)
    file.write_text("token: secret")
    with pytest.raises(UsageError) as refused:
        await ask(house, "run.resume", run=id_)
    assert "token" not in refused.value.message
    file.unlink()  # what the run began with is kept
    assert states(await ask(house, "run.resume", run=id_, answers={"how_many": "3"}))[1] == "ok"


async def test_from_a_step_on_it_runs_anew(opened: Open) -> None:
    house = await opened("steady")
    id_, _told = await begun(house)
    await ask(house, "run.resume", run=id_, answers={"how_many": "1"})
    with pytest.raises(UsageError, match="nothing of run"):
        await ask(house, "run.resume", run=id_)
    told = await ask(house, "run.resume", run=id_, from_step="how_many")
    assert (told["runs"][0]["state"], states(told)[1]) == ("paused", "waiting")
    with pytest.raises(UsageError, match="has no step 'howmany'"):
        await ask(house, "run.resume", run=id_, from_step="howmany")


async def test_inputs_that_do_not_fit_leave_no_run_behind(opened: Open) -> None:
    house = await opened()
    for wrong in ({"inputs": {"modle": "x"}}, {"current": "soon"}):
        with pytest.raises(UsageError):
            await ask(house, "run", playbook=BOOK, **wrong)
    assert await ask(house, "run.list") == []


async def test_a_run_goes_on_when_who_began_it_leaves(opened: Open) -> None:
    house = await opened()
    has_left = asyncio.Event()
    do = house.running.bench.do

    class Slow:
        async def do(self, work: Any) -> Any:
            await has_left.wait()
            return await do(work)

    house.running.bench = Slow()  # type: ignore[assignment]
    asking = asyncio.create_task(ask(house, "run", playbook=BOOK))
    await eventually(lambda: bool(house.running._at_work))
    (row,) = await ask(house, "run.list")
    assert (row["state"], row["verdict"]) == ("under way", None)
    with pytest.raises(UsageError, match="is under way"):
        await ask(house, "run.resume", run=row["id"])
    asking.cancel()
    has_left.set()
    await house.running.settled()
    (row,) = await ask(house, "run.list")
    assert (row["state"], len(row["waits"])) == ("paused", 1)


async def test_a_run_that_a_daemon_did_not_live_to_end_goes_on_from_what_it_had(opened: Open) -> None:
    house = await opened()
    id_, _told = await begun(house)
    run, _origin = await house.records.run_with_origin(id_)
    looks: list[str] = []
    so_far: list[Any] = []

    class Cut:
        """The records of a daemon that is killed after each thing it writes."""

        async def keep_run(self, kept: Any, *_origin: Any) -> None:
            so_far.append(kept)

    book = load_text(BOOK, "restart.yaml", built_in_step_types())
    diary = Diary(Cut(), book, replace(run, steps=()), {})  # type: ignore[arg-type]
    diary.note(run.steps[0])
    await eventually(lambda: bool(so_far))
    assert [step.state for step in so_far[-1].steps] == [State.NO_DATA, State.WAITING, State.WAITING]
    assert so_far[-1].steps[2].reason == INTERRUPTED
    await house.records.keep_run(so_far[-1])  # as the next daemon finds it
    inner = house.running.step_types["compare"].run

    async def counted(context: Any, options: Any) -> Any:
        looks.append(context.step)
        return await inner(context, options)

    types = dict(house.running.step_types) | {"compare": replace(house.running.step_types["compare"], run=counted)}
    house.running.step_types = types
    told = await ask(house, "run.resume", run=id_)
    assert (states(told), looks) == (["no_data", "waiting", "waiting"], [])
    assert told["runs"][0]["steps"][1]["question"]["text"] == "How many were there?"


async def test_an_answer_to_an_incident_goes_on_with_its_run_and_says_who_gave_it(
    opened: Open, clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "restart.yaml").write_text(FOR_ONCALL)
    house = await opened(playbook_dirs=(tmp_path,), roles=ROLES)
    incident = await house.records.open(SLOW, "glove", clock.now)
    id_, _told = await begun(house, FOR_ONCALL)
    run, _origin = await house.records.run_with_origin(id_)
    await house.records.keep_runs([run], incident.id)
    with pytest.raises(UsageError, match="is for oncall"):
        await by(house, "eve", "answer", incident=incident.id, question="How many were there?", answer="1")
    await by(house, "bob", "answer", incident=incident.id, question="How many were there?", answer="1")
    await house.running.settled()
    told = await ask(house, "diagnosis", incident=incident.id)
    assert [run["id"] for run in told["runs"]] == [id_]
    assert (told["runs"][0]["state"], states(told)[1]) == ("finished", "ok")
    assert [(note["operator"], note["text"]) for note in told["incident"]["notes"]] == [
        ("bob", "How many were there? 1")
    ]
    assert house.watch.examinations == 0  # nothing else was looked at again


async def test_a_later_run_of_an_incident_takes_the_place_of_one_that_waits(opened: Open, clock: Clock) -> None:
    house = await opened()
    incident = await house.records.open(SLOW, "glove", clock.now)
    id_, _told = await begun(house)
    run, _origin = await house.records.run_with_origin(id_)
    await house.records.keep_runs([run], incident.id)
    await house.records.keep_runs([replace(run, id="later", started=run.started + 60)], incident.id)
    assert {row["id"]: row["state"] for row in await ask(house, "run.list")} == {id_: "left", "later": "paused"}
    assert [run.id for run in await house.records.paused_runs()] == ["later"]


async def test_a_throttled_playbook_is_run_by_itself_once_and_for_a_person_always(
    opened: Open, clock: Clock, tmp_path: Path
) -> None:
    text = BOOK.split("causes:")[0].replace("type: number", "type: number, unattended: 0")
    triggered = "triggers: [{signal: model.latency}]\nthrottle: {every: 10m}\nsteps:"
    (tmp_path / "restart.yaml").write_text(text.replace("steps:", triggered, 1))
    house = await opened(playbook_dirs=(tmp_path,))
    incident = await house.records.open(SLOW, "glove", clock.now)

    async def ran() -> str:
        diagnosis = await house.examine(incident, [SLOW])
        await house.records.keep_runs(diagnosis.runs, incident.id)
        return next(run.id for run in diagnosis.runs if run.playbook == "restart")

    first = await ran()
    clock.set(clock.now + 60)
    assert await ran() == first
    house.watch.examine(incident, clock.now)  # a person asks
    await house.watch.settled()
    asked = (await house.records.latest_runs(0.0))[0]
    assert asked.id != first
    clock.set(clock.now + 601)
    assert await ran() not in (first, asked.id)


WAITS = """\
schema: andon/v1
name: patience
title: Does it come back by itself?
steps:
  - {id: wait, title: Let it settle, uses: wait_for, with: {seconds: SECONDS}, timeout: 3s}
"""


async def test_what_a_step_waits_is_not_counted_as_looking(opened: Open) -> None:
    house = await opened()
    house.running.seconds = 0.2
    _id, told = await begun(house, WAITS.replace("SECONDS", "0.6"))
    assert states(told) == ["ok"]


async def test_a_run_that_never_ends_is_stopped_and_says_after_how_long(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await opened()
    monkeypatch.setattr("console.service.running.LONGEST_RUN", 0.2)
    with pytest.raises(SourceError, match="the run took more than 0 s and was stopped") as stopped:
        await begun(house, WAITS.replace("SECONDS", "2"))
    assert "andon run --resume" in stopped.value.hint


async def test_two_who_answer_at_once_do_not_both_go_on(opened: Open) -> None:
    house = await opened()
    id_, _told = await begun(house)
    answers = [ask(house, "run.resume", run=id_, answers={"how_many": "1"}) for _ in range(2)]
    done = await asyncio.gather(*answers, return_exceptions=True)
    assert sum(isinstance(each, UsageError) for each in done) == 1
