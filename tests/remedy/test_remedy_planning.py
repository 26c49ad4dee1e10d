"""From a cause that was named to absolute terms, and whether it helped."""

from __future__ import annotations

from dataclasses import replace

import pytest
from nouns import NOON, a_run, cause, step
from plans import plan

from console.config import ActuatorConfig
from console.errors import NoData, UsageError
from console.model import Blast, Change, Check, Draft, PlanState, State, Verdict
from console.playbook.loader import load_text
from console.remedy.planning import options_of, plan_of, remedy_of
from console.remedy.verifying import ENOUGH, after_look, is_due, only

BOOK = load_text(
    """
schema: andon/v1
name: queue
title: Q
inputs: {model: {from: incident.labels.model}}
steps:
  - {id: depth, title: D, uses: compare, with: {signal: model.queue.depth}}
  - {id: errors, title: E, uses: compare, with: {signal: model.errors}}
  - {id: after, title: A, if: steps.depth.verdict == "degraded", uses: compare, with: {signal: model.latency}}
causes:
  - id: load
    title: L
    evidence: [{if: 'steps.depth.verdict == "degraded"', weight: strong}]
    remedies: [scale, deeper]
remedies:
  - id: scale
    uses: kubernetes.scale
    with: {workload: "${{ inputs.model }}-server", by: 1}
    risk: low
    verify: {step: depth, want: ok, within: 5m, guards: [errors]}
  - {id: deeper, uses: kubernetes.scale, with: {workload: "${{ steps.after.labels.workload }}", by: 1}, risk: low}
""",
    "queue.yaml",
)
LOAD = cause("load", playbook="queue", remedies=("scale", "deeper"))
RUN = a_run(playbook="queue", inputs={"model": "chat"}, playbook_hash=BOOK.hash, steps=(step("depth"),))
DRAFT = Draft("deployment a/chat", {"replicas": 3}, {}, (Change("spec.replicas", 2, 3),), {"replicas": 2}, Blast(1))


def test_what_the_run_found_fills_the_remedys_options() -> None:
    assert options_of(BOOK, remedy_of(BOOK, LOAD, "scale"), RUN) == {"workload": "chat-server", "by": 1}


def test_what_was_not_found_cannot_be_planned_nor_by_another_text_of_the_playbook() -> None:
    with pytest.raises(NoData, match="did not find"):
        options_of(BOOK, remedy_of(BOOK, LOAD, "deeper"), RUN)
    with pytest.raises(UsageError, match="changed since"):
        options_of(BOOK, remedy_of(BOOK, LOAD, "scale"), replace(RUN, playbook_hash="x"))
    with pytest.raises(UsageError, match="has no remedy"):
        remedy_of(BOOK, LOAD, "reboot")


def test_a_plan_that_would_change_nothing_is_none() -> None:
    wanted = remedy_of(BOOK, LOAD, "scale")
    made = plan_of(
        BOOK,
        wanted,
        LOAD,
        RUN,
        DRAFT,
        actuator=ActuatorConfig("prod", "kubernetes"),
        incident="I-1",
        operator="ada",
        now=NOON,
    )
    assert made.act.set == {"replicas": 3} and made.restore == {"replicas": 2} and made.expires > NOON
    assert made.check == Check("depth", Verdict.OK, 300.0, ("errors",), watch=150.0)
    with pytest.raises(UsageError, match="already so"):
        plan_of(
            BOOK, wanted, LOAD, RUN, replace(DRAFT, changes=()),
            actuator=ActuatorConfig("prod", "kubernetes"), incident="I-1", operator="ada", now=NOON,
        )  # fmt: skip


def test_only_the_steps_that_are_asked_and_what_they_need_are_played_again() -> None:
    assert [each.id for each in only(BOOK, ["depth", "errors"]).steps] == ["depth", "errors"]
    part = only(BOOK, ["after"])
    assert [each.id for each in part.steps] == ["depth", "after"]
    assert part.hash == BOOK.hash and not part.causes


def watched(watch: float = 0.0) -> object:
    from console.model import PlanRecord

    made = plan(check=Check("depth", Verdict.OK, 300.0, ("errors",), watch))
    return PlanRecord("P-1", "h", made, PlanState.VERIFYING, watched=NOON, changed=NOON)


def look(record: object, depth: State, now: float, errors: State = State.OK) -> object:
    return after_look(record, a_run(steps=(step("depth", depth), step("errors", errors))), now)  # type: ignore[arg-type]


def test_it_helped_once_it_says_so_twice_in_a_row() -> None:
    record = watched()
    for at, state in enumerate([State.OK, State.DEGRADED, State.OK], 1):
        record = look(record, state, NOON + 15 * at)
        assert record.state is PlanState.VERIFYING  # type: ignore[attr-defined]
    record = look(record, State.OK, NOON + 60)
    assert record.state is PlanState.VERIFIED and len(record.looks) == 4  # type: ignore[attr-defined]
    assert ENOUGH == 2


def test_it_is_believed_once_as_much_was_seen_as_the_trouble_was_found_in() -> None:
    record = watched(watch=100.0)
    for at in (15, 30, 45):
        record = look(record, State.OK, NOON + at)
        assert record.state is PlanState.VERIFYING  # type: ignore[attr-defined]
    assert look(record, State.OK, NOON + 105).state is PlanState.VERIFIED  # type: ignore[attr-defined]


def test_its_time_is_over_once_and_a_guard_ends_it_early() -> None:
    late = look(look(watched(), State.DEGRADED, NOON + 285), State.DEGRADED, NOON + 300)
    assert late.state is PlanState.NOT_RECOVERED  # type: ignore[attr-defined]
    early = look(watched(), State.OK, NOON + 15, errors=State.DEGRADED)
    assert early.state is PlanState.NOT_RECOVERED  # type: ignore[attr-defined]
    assert early.reason.startswith("errors turned worse")  # type: ignore[attr-defined]


def test_who_slept_through_its_time_looks_twice_before_it_says_that_it_did_not_help() -> None:
    awake = look(watched(), State.NO_DATA, NOON + 7200)
    assert awake.state is PlanState.VERIFYING  # type: ignore[attr-defined]
    assert look(awake, State.NO_DATA, NOON + 7215).state is PlanState.NOT_RECOVERED  # type: ignore[attr-defined]
    well = look(awake, State.OK, NOON + 7215)
    assert well.state is PlanState.VERIFYING  # type: ignore[attr-defined]
    assert look(well, State.OK, NOON + 7230).state is PlanState.VERIFIED  # type: ignore[attr-defined]


def test_no_data_is_no_help(monkeypatch: pytest.MonkeyPatch) -> None:
    record = look(look(watched(), State.NO_DATA, NOON + 15), State.NO_DATA, NOON + 30)
    assert record.state is PlanState.VERIFYING  # type: ignore[attr-defined]
    assert not is_due(record, NOON + 31) and is_due(record, NOON + 45)  # type: ignore[arg-type]
    assert is_due(record, NOON - 3600)  # type: ignore[arg-type]  # a clock that was set back stops nothing
