"""A remedy in the daemon, from a named cause to a verified fix: planned, approved, applied, watched, taken back."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from household import ask, eventually
from stages import POLICY, Stage

from console.errors import AndonError, ConfigError, StoreFull, UsageError
from console.model import PlanRecord, PlanState, Run, Span, Window
from console.service.board import read_board
from console.service.operations import all_operations
from console.store.audit import broken
from console.store.notices import Due
from console.store.plans import Plans


async def test_what_is_well_again_by_itself_is_left_alone(stage: Stage) -> None:
    await stage.approved()
    await stage.live(315, 3.0)
    done = await stage.ask("plan.apply", plan="P-1")
    assert (done["state"], stage.values()) == ("expired", {"replicas": 2})
    assert done["reason"] == "what it was for is over: depth is ok by now"


async def test_a_run_by_itself_is_mended_by_policy_alone_and_by_no_other_policy(stage: Stage, tmp_path: Path) -> None:
    text = POLICY + "unattended = true\napprovers = 0\n"
    (tmp_path / "policy.toml").write_text(text)
    (run,) = (await stage.house.records.incident("I-1")).runs[-1:]
    made = await stage.ask("plan.make", run=run, remedy="scale")
    assert (made["plan"]["incident"], made["plan"]["run"]) == ("", run)
    with pytest.raises(ConfigError, match="another one"):
        await stage.ask("plan.approve_by_policy", plan="P-1", sha256="0" * 64)
    done = await stage.ask("plan.approve_by_policy", plan="P-1", sha256=hashlib.sha256(text.encode()).hexdigest())
    assert (done["state"], done["rule"]) == ("approved", "levers")


async def test_what_was_compared_with_its_hour_of_other_days_is_compared_with_the_hour_it_is(
    stage: Stage,
) -> None:
    book = stage.house.playbooks["deep_queue"]
    (before,) = await stage.house.records.runs((await stage.house.records.incident("I-1")).runs[-1:])
    now = stage.clock.now
    again = await stage.house.play_again(book, before, now - 60)
    assert again.baseline == before.baseline  # an offset would reach into the trouble by now
    daily = replace(book, baseline={"seasonal": {"period": "1d", "count": 1}})
    earlier = replace(before, baseline=Window((Span(now - 90_000, now - 89_700),), "seasonal"))
    again = await stage.house.play_again(daily, earlier, now - 60)
    assert again.baseline is not None and again.baseline.spans == (Span(now - 86_460, now - 86_400),)


async def test_from_a_cause_to_a_fix_that_was_seen_to_work(stage: Stage, tmp_path: Path) -> None:
    made = await stage.ask("plan.make", incident="I-1", remedy="scale")
    assert (made["state"], made["rule"], stage.values()) == ("planned", "levers", {"replicas": 2})
    with pytest.raises(UsageError, match="cannot become applying"):
        await stage.ask("plan.apply", plan="P-1")
    done = await stage.ask("plan.approve", plan="P-1", hash=made["hash"])
    assert done["state"] == "approved"
    done = await stage.ask("plan.apply", plan="P-1")
    assert (done["state"], stage.values()["replicas"], stage.values()["times"]) == ("verifying", 4, 1)
    await stage.live(240, 3.0)
    done = await stage.ask("plan.show", plan="P-1")
    assert done["state"] == "verified" and done["looks"][-1]["verdict"] == "ok"
    whats = [line.entry.what for line in await stage.house.writer.do(lambda store: [*store.audit.lines()])]
    assert whats == ["planned", "approved", "applying", "applied", "verifying", "verified"]
    notes = [note["text"] for note in (await stage.ask("incident.show", incident="I-1"))["notes"]]
    assert any("P-1 is verified" in note for note in notes)
    assert len((tmp_path / "heads").read_text().splitlines()) == len(whats)


async def test_people_who_are_not_looking_are_told_of_a_plan_also_where_no_incident_is_its_reason(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLD", str(tmp_path))

    def told() -> list[str]:
        return (tmp_path / "told").read_text().splitlines() if (tmp_path / "told").exists() else []

    (tmp_path / "policy.toml").write_text(POLICY + "approvers = 2\n")
    await stage.approved()
    await eventually(lambda: told() == ["P-1 second_operator"])
    (run,) = (await stage.house.records.incident("I-1")).runs[-1:]
    made = await stage.ask("plan.make", run=run, remedy="scale")
    reason = "checkout is down and bob is on a plane"
    await stage.ask("plan.approve", plan="P-2", hash=made["hash"], reason=reason, break_glass=True)
    await eventually(lambda: told()[1:] == ["P-2 break_glass"])
    stage.machine.write_text(json.dumps({"replicas": 2, "trouble": "refuses"}))
    await stage.ask("plan.apply", plan="P-2")
    await eventually(lambda: told()[2:] == ["P-2 failed"])
    notice = await stage.house.notice(Due("P-1", "second_operator", "file", 1.0))
    assert (notice.command, notice.incident and notice.incident.id) == ("andon plan approve P-1", "I-1")


async def test_where_nobody_is_told_who_breaks_the_glass_hears_that(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY + "approvers = 2\n")
    stage.house.notifying.voices.clear()
    made = await stage.ask("plan.make", incident="I-1", remedy="scale")
    done = await stage.ask("plan.approve", plan="P-1", hash=made["hash"], reason="it cannot wait", break_glass=True)
    assert done["state"] == "approved" and done["reason"].startswith("nobody was told that the glass was broken")


async def test_every_board_shows_what_waits_for_somebody(stage: Stage, tmp_path: Path) -> None:
    async def shown() -> list[tuple[str, str]]:
        return [(each["id"], each["text"]) for each in (await read_board(stage.house))["plans"]]

    (tmp_path / "policy.toml").write_text(POLICY + "approvers = 2\n")
    made = await stage.ask("plan.make", incident="I-1", remedy="scale")
    assert await shown() == [("P-1", "waits for 2 operators to approve it")]
    await stage.ask("plan.approve", plan="P-1", hash=made["hash"])
    assert await shown() == [("P-1", "waits for another operator to approve it, ada did")]
    await stage.ask("plan.approve", plan="P-1", hash=made["hash"], by="bob", uid=2)
    assert await shown() == [("P-1", "is approved and not applied")]
    await stage.ask("plan.apply", plan="P-1")
    assert await shown() == [("P-1", "is done; whether it helped is being watched")]
    await stage.ask("plan.rollback", plan="P-1")
    assert await shown() == []


async def test_a_freeze_that_began_after_the_approval_holds(stage: Stage, tmp_path: Path) -> None:
    await stage.approved()
    (tmp_path / "policy.toml").write_text(POLICY + '[[deny]]\nname = "freeze"\n')
    with pytest.raises(UsageError, match="rule 'freeze' does not let this be done"):
        await stage.ask("plan.apply", plan="P-1")
    assert ((await stage.ask("plan.show", plan="P-1"))["state"], stage.values()) == ("approved", {"replicas": 2})
    (tmp_path / "policy.toml").write_text(POLICY + "approvers = 2\n")
    with pytest.raises(UsageError, match="rule 'levers' wants P-1 approved by 2 by now"):
        await stage.ask("plan.apply", plan="P-1")
    (tmp_path / "policy.toml").write_text(POLICY)
    assert (await stage.ask("plan.apply", plan="P-1"))["state"] == "verifying"


async def test_how_often_is_counted_as_the_act_begins_and_not_only_as_it_is_approved(
    stage: Stage, tmp_path: Path
) -> None:
    (tmp_path / "policy.toml").write_text(POLICY + 'often = {times = 1, within = "1h"}\n')
    first, second = await stage.approved(), await stage.approved()
    await stage.ask("plan.apply", plan=first["id"])
    await stage.ask("plan.rollback", plan=first["id"])
    with pytest.raises(UsageError, match="no rule allows this"):
        await stage.ask("plan.apply", plan=second["id"])


async def test_what_the_policy_approved_alone_it_is_asked_about_as_such_again(stage: Stage, tmp_path: Path) -> None:
    alone = POLICY + "unattended = true\napprovers = 0\n"
    (tmp_path / "policy.toml").write_text(alone)
    await stage.ask("plan.make", incident="I-1", remedy="scale")
    await stage.ask("plan.approve_by_policy", plan="P-1")
    (tmp_path / "policy.toml").write_text(POLICY)
    with pytest.raises(UsageError, match="no rule allows this"):
        await stage.ask("plan.apply", plan="P-1")
    (tmp_path / "policy.toml").write_text(alone)
    assert (await stage.ask("plan.apply", plan="P-1"))["state"] == "verifying"


async def test_a_plan_that_was_changed_where_it_is_kept_is_not_done(stage: Stage) -> None:
    approved = await stage.approved()
    record = await stage.house.remedying.get(approved["id"])
    forged = replace(record, plan=replace(record.plan, act=replace(record.plan.act, set={"replicas": 400})))
    await stage.house.writer.do(lambda store: store.plans.look(record, forged))
    with pytest.raises(UsageError, match="is not the plan that was approved"):
        await stage.ask("plan.apply", plan="P-1")
    signed = replace(record, approvals=(replace(record.approvals[0], signature="forged"),))
    await stage.house.writer.do(lambda store: store.plans.look(forged, signed))
    with pytest.raises(ConfigError, match="no signature can be checked"):
        await stage.ask("plan.apply", plan="P-1")
    assert stage.values() == {"replicas": 2}


async def test_what_would_be_restored_is_what_was_approved_too(stage: Stage) -> None:
    await stage.approved()
    await stage.ask("plan.apply", plan="P-1")
    record = await stage.house.remedying.get("P-1")
    forged = replace(record, plan=replace(record.plan, restore={"replicas": 999}))
    await stage.house.writer.do(lambda store: store.plans.look(record, forged))
    with pytest.raises(UsageError, match="is not the plan that was approved"):
        await stage.ask("plan.rollback", plan="P-1")
    signed = replace(record, approvals=(replace(record.approvals[0], signature="forged"),))
    await stage.house.writer.do(lambda store: store.plans.look(forged, signed))
    with pytest.raises(ConfigError, match="no signature can be checked"):
        await stage.ask("plan.rollback", plan="P-1")
    assert stage.values()["replicas"] == 4


async def test_one_operator_is_not_two_because_the_store_says_so(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY + "approvers = 2\n")
    await stage.approved()
    record = await stage.house.remedying.get("P-1")
    again = replace(record.approvals[0], uid=2)
    twice = replace(record, approvals=(*record.approvals, again), state=PlanState.APPROVED)
    await stage.house.writer.do(lambda store: store.plans.look(record, twice))
    with pytest.raises(UsageError, match="is not the plan that was approved"):
        await stage.ask("plan.apply", plan="P-1")
    assert stage.values() == {"replicas": 2}


@pytest.mark.parametrize("change", ["elsewhere", "only", "gone"])
async def test_an_approval_is_for_one_place_and_not_for_whatever_has_its_name(
    stage: Stage, tmp_path: Path, change: str
) -> None:
    await stage.approved()
    remedying = stage.house.remedying
    (plant,) = remedying.config.actuators
    (tmp_path / "other.json").write_text('{"replicas": 2}')
    by_now = {
        "elsewhere": (replace(plant, options={"file": str(tmp_path / "other.json")}),),
        "only": (replace(plant, only=("lever.push",)),),
        "gone": (),
    }
    remedying.config = replace(remedying.config, actuators=by_now[change])
    with pytest.raises(UsageError, match=r"is another one by now|any more"):
        await stage.ask("plan.apply", plan="P-1")
    assert stage.values() == json.loads((tmp_path / "other.json").read_text()) == {"replicas": 2}


@pytest.mark.parametrize("by", ["incident", "run"])
async def test_what_came_in_a_bundle_changes_nothing_here(stage: Stage, by: str) -> None:
    recorded = (await stage.ask("incident.export", incident="I-1"))["bundle"]
    taken = await stage.ask("incident.import", bundle=recorded)
    which = {"incident": taken["id"]} if by == "incident" else {"run": taken["runs"][-1]}
    with pytest.raises(UsageError, match=f"{taken['id']} was imported"):
        await stage.ask("plan.make", remedy="scale", **which)


async def test_whatever_is_asked_of_plans_is_answered_or_refused_in_words(stage: Stage) -> None:
    rng = random.Random(11)
    made = await stage.ask("plan.make", incident="I-1", remedy="scale")
    ops = [name for name in all_operations(stage.house) if name.startswith("plan.")]
    words = [
        "plan",
        "incident",
        "remedy",
        "cause",
        "run",
        "hash",
        "reason",
        "break_glass",
        "signature",
        "state",
        "all",
        "?",
    ]
    values = [
        "P-1", "P-0", "P-999999999999", "p-1", "P-١", "I-1", "scale", "applied", made["hash"], "0" * 64, "", "\x1b[2J",
        "a" * 9000, 1, -1.5, True, None, [], {}, ["P-1"], {"$ne": 1},
    ]  # fmt: skip
    for _ in range(600):
        args = {name: rng.choice(values) for name in rng.sample(words, rng.randint(0, 4))}
        try:
            await stage.ask(rng.choice(ops), **args)
        except AndonError as error:
            assert error.message
    lines = await stage.house.writer.do(lambda store: [*store.audit.lines()])
    assert broken(lines, {}) is None and stage.values().get("times", 0) <= 2


async def test_an_operator_who_sees_it_do_harm_does_not_wait_for_the_verdict(stage: Stage) -> None:
    await stage.approved()
    await stage.ask("plan.apply", plan="P-1")
    await stage.live(60, 30.0)
    done = await stage.ask("plan.rollback", plan="P-1", by="bob", uid=2)
    assert (done["state"], stage.values()["replicas"]) == ("rolled_back", 2)


async def test_a_clock_that_is_set_back_while_it_is_watched_begins_the_watch_anew(stage: Stage) -> None:
    await stage.approved()
    await stage.ask("plan.apply", plan="P-1")
    await stage.live(60, 3.0)
    stage.clock.set(stage.clock.now - 7200)
    await stage.house.remedying.round()
    done = await stage.ask("plan.show", plan="P-1")
    assert (done["state"], done["watched"]) == ("verifying", stage.clock.now)
    whats = [line.entry.what for line in await stage.house.writer.do(lambda store: [*store.audit.lines()])]
    assert whats[-1] == "watched anew: the clock went back"


async def test_a_plan_whose_age_nobody_knows_is_over(stage: Stage) -> None:
    made = await stage.ask("plan.make", incident="I-1", remedy="scale")
    stage.clock.set(stage.clock.now - 7200)
    with pytest.raises(UsageError, match="the clock went back"):
        await stage.ask("plan.approve", plan=made["id"], hash=made["hash"])
    await stage.house.remedying.round()
    assert (await stage.ask("plan.show", plan="P-1"))["state"] == "expired"


async def test_what_was_applied_and_not_yet_watched_is_watched_by_whoever_comes_next(stage: Stage) -> None:
    approved = await stage.approved()
    record = await stage.house.remedying.get(approved["id"])
    from console.model import Receipt
    from console.remedy.doing import entry
    from console.remedy.states import moved

    now = stage.clock.now
    intent = moved(record, PlanState.APPLYING, now, receipt=Receipt("k", now))
    done = moved(intent, PlanState.APPLIED, now, receipt=Receipt("k", now, now, True))
    for before, after in ((record, intent), (intent, done)):
        line = entry(after, "ada", after.state)
        await stage.house.writer.do(lambda store, b=before, a=after, e=line: store.plans.change(b, a, e))  # type: ignore[misc]
    await stage.house.remedying.round()
    assert (await stage.ask("plan.show", plan="P-1"))["state"] == "verifying"


@pytest.mark.parametrize("trouble", [UsageError("there is no step type any more", ""), TimeoutError()])
async def test_where_nobody_can_look_any_more_it_is_not_watched_for_ever(stage: Stage, trouble: Exception) -> None:
    async def play(*_told: object) -> Run:
        raise trouble

    await stage.approved()
    await stage.ask("plan.apply", plan="P-1")
    stage.house.remedying.play = play
    await stage.live(240, 30.0)
    assert (await stage.ask("plan.show", plan="P-1"))["state"] == "verifying"
    await stage.live(90, 30.0)
    done = await stage.ask("plan.show", plan="P-1")
    assert (done["state"], done["looks"][-1]["verdict"]) == ("rolled_back", "no_data")
    assert done["reason"].startswith("depth is no_data") and stage.values()["replicas"] == 2


async def test_one_operator_cannot_bury_the_plans_of_others(stage: Stage) -> None:
    for _ in range(20):
        await stage.ask("plan.make", incident="I-1", remedy="scale", by="eve")
    with pytest.raises(UsageError, match="20 plans of eve wait already"):
        await stage.ask("plan.make", incident="I-1", remedy="scale", by="eve")
    assert (await stage.ask("plan.make", incident="I-1", remedy="scale"))["id"] == "P-21"
    await stage.ask("plan.cancel", plan="P-1", by="eve")
    assert (await stage.ask("plan.make", incident="I-1", remedy="scale", by="eve"))["id"] == "P-22"


async def test_what_did_not_help_is_taken_back(stage: Stage) -> None:
    await stage.approved()
    await stage.ask("plan.apply", plan="P-1")
    await stage.live(330, 30.0)
    done = await stage.ask("plan.show", plan="P-1")
    assert done["state"] == "rolled_back" and done["reason"].startswith("depth is degraded")
    assert (stage.values()["replicas"], stage.values()["times"]) == (2, 2)


async def test_a_dropped_line_is_looked_into_and_a_refusal_changes_nothing(stage: Stage) -> None:
    await stage.approved()
    stage.machine.write_text(json.dumps({"replicas": 2, "trouble": "drops"}))
    done = await stage.ask("plan.apply", plan="P-1")
    assert (done["state"], stage.values()["times"]) == ("verifying", 1)
    await stage.ask("plan.rollback", plan="P-1") if done["state"] == "verified" else None
    stage.machine.write_text(json.dumps({"replicas": 2, "trouble": "refuses"}))
    await stage.live(330, 30.0)
    second = await stage.approved()
    refused = await stage.ask("plan.apply", plan=second["id"])
    assert (refused["state"], refused["reason"]) == ("failed", "it is not what it was")


async def test_without_a_policy_nothing_is_done_and_explain_says_why(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").unlink()
    made = await stage.ask("plan.make", incident="I-1", remedy="scale")
    with pytest.raises(UsageError, match="no rule allows this"):
        await stage.ask("plan.approve", plan=made["id"], hash=made["hash"])
    told = await stage.ask("plan.explain", plan=made["id"])
    assert not told["decision"]["is_allowed"]


async def test_what_nobody_approved_expires(stage: Stage) -> None:
    await stage.ask("plan.make", incident="I-1", remedy="scale")
    await stage.live(915, 30.0)
    assert (await stage.ask("plan.show", plan="P-1"))["state"] == "expired"
    assert await stage.ask("plan.list") == []


async def test_a_remedy_that_is_none_is_told_with_those_there_are(stage: Stage) -> None:
    with pytest.raises(UsageError, match="no cause of I-1 has a remedy 'reboot'") as refused:
        await stage.ask("plan.make", incident="I-1", remedy="reboot")
    assert "too_few: scale" in refused.value.hint
    with pytest.raises(UsageError, match="no plan P-9"):
        await ask(stage.house, "plan.show", plan="P-9")


async def test_an_act_that_could_not_be_written_down_is_found_out_once_it_can(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.approved()
    keep, full = Plans.change, [StoreFull("the disk is full", "make room")]

    def change(plans: Plans, before: PlanRecord, after: PlanRecord, *more: Any) -> PlanRecord:
        if after.state is PlanState.APPLIED and full:
            raise full.pop()
        return keep(plans, before, after, *more)

    monkeypatch.setattr(Plans, "change", change)
    with pytest.raises(StoreFull):
        await stage.ask("plan.apply", plan="P-1")
    assert ((await stage.ask("plan.show", plan="P-1"))["state"], stage.values()["times"]) == ("applying", 1)
    await stage.house.remedying.round()
    assert ((await stage.ask("plan.show", plan="P-1"))["state"], stage.values()["times"]) == ("verifying", 1)


async def test_the_next_daemon_finds_out_what_became_of_an_act(stage: Stage) -> None:
    approved = await stage.approved()
    record = await stage.house.remedying.get(approved["id"])
    from console.model import Receipt
    from console.remedy.doing import entry
    from console.remedy.states import moved

    intent = moved(record, PlanState.APPLYING, stage.clock.now, receipt=Receipt("k", stage.clock.now))
    await stage.house.writer.do(lambda store: store.plans.change(record, intent, entry(intent, "ada", "applying")))
    stage.machine.write_text(json.dumps({"replicas": 4, "key": "k", "times": 1}))
    await stage.house.remedying.resume()
    assert (await stage.ask("plan.show", plan="P-1"))["state"] == "verifying"
    assert stage.values()["times"] == 1


async def test_the_next_daemon_takes_back_what_the_last_one_saw_not_helping(stage: Stage) -> None:
    await stage.approved()
    await stage.ask("plan.apply", plan="P-1")
    from console.remedy.doing import entry
    from console.remedy.states import moved

    record = await stage.house.remedying.get("P-1")
    seen = moved(record, PlanState.NOT_RECOVERED, stage.clock.now, reason="depth is degraded")
    await stage.house.writer.do(lambda store: store.plans.change(record, seen, entry(seen, "andon", "not_recovered")))
    await stage.house.remedying.resume()
    assert (await stage.ask("plan.show", plan="P-1"))["state"] == "rolled_back"
    assert stage.values()["replicas"] == 2
