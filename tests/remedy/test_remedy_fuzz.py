"""Whatever is done to plans, with refusals, dead lines, killed daemons and clocks that jump: an act is done once or not
at all, nobody is told otherwise, and every step of it is in the audit log.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from nouns import NOON
from plans import Thing, means, plan

from console.errors import AndonError
from console.model import Act, Approval, PlanRecord, PlanState
from console.remedy import doing
from console.remedy.approving import approved
from console.remedy.doing import entry
from console.remedy.planning import plan_hash
from console.remedy.policy import Asked, policy_of
from console.remedy.states import FOLLOWS, moved
from console.store.audit import Entry, broken
from console.store.store import DATABASE_NAME, Store

POLICY = policy_of(b'[[allow]]\nname = "two"\napprovers = 2\n', "policy.toml")
TROUBLES = st.sampled_from(["", "", "refused", "breaks", "before", "after"])


class Killed(BaseException):
    """The daemon is gone."""


class Remedies(RuleBasedStateMachine):
    """One store, one thing that is changed, and people who do what they like."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="andon-fuzz-")
        self.store = Store.open(Path(self.folder.name) / DATABASE_NAME)
        self.thing = Thing()
        self.now = NOON

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    # ── what people, machines and clocks do ──────────────────────────────────────────────────────────────────────────

    @rule(to=st.integers(2, 6))
    def make(self, to: int) -> None:
        act = Act("kubernetes.scale", "prod", "thing", {"replicas": to}, dict(self.thing.values))
        made = plan(created=self.now, expires=self.now + 900, act=act, restore=dict(self.thing.values), check=None)
        self.store.plans.add(made, plan_hash(made), 2, "", Entry(self.now, "ada", "planned", ""))

    @rule(to=st.integers(2, 6), trouble=TROUBLES, dies=st.sampled_from([0, 0, 2]), back=TROUBLES)
    def make_approve_and_apply(self, to: int, trouble: str, dies: int, back: str) -> None:
        self.make(to)
        for uid in (1, 2):
            self.approve(uid, True, 0)
        self.apply(trouble, dies, 0)
        self.take_back(back, dies, 0)

    @rule(uid=st.integers(1, 3), right=st.booleans(), which=st.integers(0, 9))
    def approve(self, uid: int, right: bool, which: int) -> None:
        if (record := self._one(which)) is None:
            return
        given = Approval(self.now, f"op{uid}", uid, record.hash if right else "0" * 64)
        asked = Asked(record.plan, given.operator, (), True, self.now)
        self._may_refuse(lambda: self._kept(record, approved(record, given, POLICY, asked), "approved"))

    @rule(trouble=TROUBLES, dies=st.sampled_from([0, 0, 0, 1, 2]), which=st.integers(0, 9))
    def apply(self, trouble: str, dies: int, which: int) -> None:
        if (record := self._one(which)) is not None:
            self._do(lambda meant: doing.apply(record, "ada", meant), trouble, dies)

    @rule(trouble=TROUBLES, dies=st.sampled_from([0, 0, 0, 1, 2]), which=st.integers(0, 9))
    def take_back(self, trouble: str, dies: int, which: int) -> None:
        if (record := self._one(which)) is not None:
            self._do(lambda meant: doing.take_back(record, "ada", meant), trouble, dies)

    @rule(blind=st.booleans())
    def restart(self, blind: bool) -> None:
        for record in self.store.plans.unfinished():
            self.thing.fails = ["blind"] if blind else []
            self._do(lambda meant, record=record: doing.reconcile(record, "andon", meant), None, 0)  # type: ignore[misc]
            self.thing.fails = []

    @rule(seconds=st.sampled_from([1.0, 2.0, 60.0, 1000.0, -60.0, -7200.0]))
    def clock(self, seconds: float) -> None:
        self.now += seconds

    @rule(replicas=st.integers(2, 6))
    def somebody_else(self, replicas: int) -> None:
        self.thing.values["replicas"] = replicas

    @rule()
    def expire(self) -> None:
        for record in self.store.plans.list(states=[PlanState.PLANNED, PlanState.APPROVED]):
            if self.now >= record.plan.expires:
                self._kept(record, moved(record, PlanState.EXPIRED, self.now), "expired")

    # ── what always holds ────────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def nothing_is_done_twice_and_nobody_is_told_wrong(self) -> None:
        if not hasattr(self, "store"):
            return
        keys = [key for _set, key in self.thing.acts]
        assert len(keys) == len(set(keys))
        for record in self.store.plans.list():
            for receipt in (record.receipt, record.undoing):
                if receipt is not None and receipt.did is not None:
                    assert receipt.did == (receipt.key in keys), record
            if record.receipt is not None:
                assert len({each.uid for each in record.approvals}) >= 2
                assert NOON - 1e6 < record.receipt.began < record.plan.expires

    @invariant()
    def every_step_is_in_the_log_and_follows_the_one_before(self) -> None:
        if not hasattr(self, "store"):
            return
        lines = [*self.store.audit.lines()]
        assert broken(lines, {}) is None
        states: dict[str, PlanState] = {}
        for line in lines:
            told = line.entry
            state = PlanState(told.facts.get("state", "planned"))
            before = states.get(told.subject, PlanState.PLANNED)
            assert state is before or state in FOLLOWS[before], (before, state)
            states[told.subject] = state
        assert states == {record.id: record.state for record in self.store.plans.list()}

    # ── how ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _one(self, which: int) -> PlanRecord | None:
        found = self.store.plans.list()
        return found[which % len(found)] if found else None

    def _kept(self, before: PlanRecord, after: PlanRecord, what: str) -> None:
        self.store.plans.change(before, after, entry(after, "ada", what))

    def _may_refuse(self, work: Any) -> None:
        try:
            work()
        except AndonError as error:
            assert error.message

    def _do(self, work: Any, trouble: str | None, dies: int) -> None:
        """`dies`: the daemon is gone before the first change is on disk (1), or after the act (2)."""
        if trouble is not None:
            self.thing.fails = [trouble] if trouble else []
        usual = means(self.store, self.thing)
        changes = 0

        async def change(before: PlanRecord, after: PlanRecord, line: Entry) -> PlanRecord:
            nonlocal changes
            changes += 1
            if changes == dies:
                raise Killed
            return await usual.change(before, after, line)

        async def whole(going: Awaitable[PlanRecord]) -> None:
            await going

        try:
            asyncio.run(whole(work(replace(usual, change=change, clock=lambda: self.now))))
        except AndonError as error:
            assert error.message
        except Killed:
            pass
        finally:
            self.thing.fails = []


TestRemedies = Remedies.TestCase
TestRemedies.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
