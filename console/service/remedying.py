"""Plans in the daemon: made for a cause that was found, approved by people or by policy, applied once, and watched.

What a plan has come to is on disk before anything follows from it, so that the next daemon goes on where this one died.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from console.clock import Clock
from console.config import ActuatorConfig, Config
from console.errors import AndonError, ConfigError, UsageError
from console.model import Approval, Cause, Plan, PlanRecord, PlanState, Run
from console.playbook.definition import Playbook
from console.plugins import Plugins
from console.remedy.actuator import Actuator, actuator_for, checked, opened
from console.remedy.anchor import keep
from console.remedy.approving import approved, as_approved, still_allowed, unattended
from console.remedy.doing import Means, apply, entry, reconcile, take_back
from console.remedy.planning import options_of, place_of, plan_hash, plan_of, remedy_of
from console.remedy.policy import Asked, Decision, Policy, load_policy
from console.remedy.signing import verify
from console.remedy.states import BACK_SECONDS, OPEN, WAITING, moved, past, said
from console.remedy.telling import told_of
from console.remedy.verifying import after_look, after_nothing, is_due, is_watched, only, steps_of, verdict_of
from console.service.notifying import Notifying
from console.service.peer import Peer
from console.service.records import StoreRecords
from console.store.audit import Entry, Head
from console.store.notices import dues
from console.store.store import Store
from console.triage import diagnose

log = logging.getLogger("andon.remedy")

PLAN_SECONDS = 60.0  # for an actuator to say what it would do
ROUND_SECONDS = 5.0
STILL_SECONDS = 30.0  # for one more look, before anything is changed, at what it is to be changed for
MOST_WAITING = 20  # plans of one operator: more would hide those of others
NOBODY_TOLD = "nobody was told that the glass was broken: no [notify.NAME] is configured"
SELF = "andon"  # who acts where nobody asked: by a rule that is written down

T = TypeVar("T")
Play = Callable[[Playbook, Run, float], Awaitable[Run]]
"""(the steps to run again, the run that they were part of, since when) -> what they say now."""


@dataclass(slots=True)
class Remedying:
    """The plans of one daemon."""

    config: Config
    plugins: Plugins
    records: StoreRecords
    playbooks: Mapping[str, Playbook]
    clock: Clock
    play: Play
    on_change: Callable[[], None]
    notifying: Notifying
    _anchored: Head | None = None
    _at_work: set[str] = field(default_factory=set)  # plans that something is being done with right now
    _deciding: asyncio.Lock = field(default_factory=asyncio.Lock)  # so that no two are counted as the last allowed one

    # ── what people ask for ──────────────────────────────────────────────────────────────────────────────────────────

    async def make(
        self, incident_id: str, remedy: str, cause_id: str | None, peer: Peer, *, run_id: str = ""
    ) -> PlanRecord:
        """A plan for a remedy of a cause that an incident's runs named, or a run by itself; nothing is changed.

        Raises UsageError where there is no such cause or remedy, or nothing would change; what the actuator raises.
        """
        incident = None if run_id else await self.records.incident(incident_id)
        runs = await self.records.runs(incident.runs if incident else [run_id])
        cause, run = _cause(diagnose(runs, incident).causes, runs, remedy, cause_id, run_id or incident_id)
        await self._refuse_of_elsewhere(run)
        playbook = self.playbooks.get(run.playbook)
        if playbook is None:
            raise UsageError(f"there is no playbook {run.playbook} any more", "examine the incident again")
        waiting = await self._do(lambda store: store.plans.list(states=WAITING))
        if sum(each.plan.operator == peer.name for each in waiting) >= MOST_WAITING:
            raise UsageError(f"{MOST_WAITING} plans of {peer.name} wait already", "andon plan cancel those not wanted")
        wanted = remedy_of(playbook, cause, remedy)
        told = options_of(playbook, wanted, run)
        named = told.pop("actuator", None)
        options = checked(wanted.uses, told, self.plugins)
        chosen = actuator_for(wanted.uses, named, self.config.actuators, self.plugins)
        async with asyncio.timeout(PLAN_SECONDS), opened(chosen, self.plugins) as actuator:
            draft = await actuator.draft(wanted.uses, options)
        plan = plan_of(
            playbook, wanted, cause, run, draft,
            actuator=chosen, incident=incident.id if incident else "", operator=peer.name, now=self.clock(),
        )  # fmt: skip
        decision = (await self._policy()).decide(await self._asked(plan, peer.name, is_attended=True))
        hash_ = plan_hash(plan)
        line = Entry(
            plan.created,
            peer.name,
            "planned",
            "",
            {"hash": hash_, "action": plan.act.action, "target": plan.act.target, "cause": plan.cause},
        )
        record = await self._do(
            lambda store: store.plans.add(plan, hash_, max(decision.approvers, 1), decision.rule, line)
        )
        await self._note(record, f"planned {record.id}: {plan.title}", peer.name)
        return record

    async def approve(
        self, id_: str, hash_: str, peer: Peer, *, reason: str = "", is_break_glass: bool = False, signature: str = ""
    ) -> PlanRecord:
        """One operator's yes, to exactly this plan."""
        record = await self.get(id_)
        key = await asyncio.to_thread(verify, hash_, peer.name, signature, self.config.signers) if signature else ""
        given = Approval(self.clock(), peer.name, peer.uid, hash_, reason, is_break_glass, signature)
        policy = await self._policy()
        after = approved(record, given, policy, await self._asked(record.plan, peer.name, is_attended=True))
        if is_break_glass and not self.notifying.voices:
            after = replace(after, reason=NOBODY_TOLD)
        what = "broke the glass" if is_break_glass else "approved"
        return await self._change(record, after, peer.name, what, reason=reason, policy=policy.hash, signed_by=key)

    async def approve_by_policy(self, id_: str, operator: str, sha256: str = "") -> PlanRecord:
        """The policy's yes, where nobody is there; ConfigError where it is not the policy of this hash."""
        record = await self.get(id_)
        policy = await self._policy()
        if sha256 and policy.hash != sha256:
            told = f"it is {policy.hash[:12]}…, and {sha256[:12]}… was asked for"
            raise ConfigError(f"the policy is another one: {told}", "`andon plan policy` shows it; look what changed")
        after = unattended(record, policy, await self._asked(record.plan, operator, is_attended=False))
        return await self._change(record, after, operator, "approved by policy", policy=policy.hash)

    async def reject(self, id_: str, peer: Peer, reason: str) -> PlanRecord:
        """One operator's no, which ends it."""
        record = await self.get(id_)
        after = moved(record, PlanState.REJECTED, self.clock(), reason=reason)
        return await self._change(record, after, peer.name, "rejected")

    async def cancel(self, id_: str, peer: Peer) -> PlanRecord:
        """Not wanted any more."""
        record = await self.get(id_)
        return await self._change(record, moved(record, PlanState.CANCELLED, self.clock()), peer.name, "cancelled")

    async def apply(self, id_: str, peer: Peer) -> PlanRecord:
        """Do what was approved. It goes on when who asked for it leaves."""
        return await self._alone(id_, self._applied(id_, peer.name))

    async def take_back(self, id_: str, peer: Peer) -> PlanRecord:
        """Restore the values of before."""

        async def work() -> PlanRecord:
            record = await self.get(id_)
            done = await self._taken_back(record, peer.name)
            await self._note(done, f"{done.id} is {said(done.state)}", peer.name)
            return done

        return await self._alone(id_, work())

    async def settle(self, id_: str, to: PlanState, peer: Peer, reason: str) -> PlanRecord:
        """A person looked at what nobody could tell, and says what it is."""
        record = await self.get(id_)
        if record.state is not PlanState.UNKNOWN:
            raise UsageError(f"{id_} is {said(record.state)}, which is no question", f"andon plan show {id_}")
        now = self.clock()
        receipt = record.receipt and replace(record.receipt, did=to is not PlanState.FAILED)
        after = moved(record, to, now, reason=reason, receipt=receipt)
        return await self._change(record, after, peer.name, "settled")

    async def explain(self, id_: str, peer: Peer) -> tuple[PlanRecord, Decision]:
        """What each rule of the policy says of a plan, asked by this operator now."""
        record = await self.get(id_)
        return record, (await self._policy()).decide(await self._asked(record.plan, peer.name, is_attended=True))

    async def get(self, id_: str) -> PlanRecord:
        """One plan; UsageError where there is none of that id."""
        return await self._do(lambda store: store.plans.get(id_))

    async def list(self, *, everything: bool = False, incident: str | None = None) -> Sequence[PlanRecord]:
        """Plans that somebody has to do something about or that are at work; or all; the newest first."""
        states = () if everything else OPEN
        return await self._do(lambda store: store.plans.list(states=states, incident=incident))

    # ── what goes on by itself ───────────────────────────────────────────────────────────────────────────────────────

    async def resume(self) -> None:
        """Find out what became of acts that the last daemon did not live to see, and go on from there."""
        begun = await self._do(lambda store: store.plans.unfinished())
        left = await self._do(lambda store: store.plans.list(states=[PlanState.NOT_RECOVERED]))
        for record in (*begun, *left):
            await self._if_it_can_be(record, self._resumed(record))

    async def round(self) -> None:
        """Let plans expire that nobody approved, look at what is watched, and go on with what was left half way."""
        now = self.clock()
        for record in await self._do(lambda store: store.plans.list(states=WAITING)):
            if record.id not in self._at_work and (why := past(record, now)):
                expired = moved(record, PlanState.EXPIRED, now, reason=why)
                await self._if_it_can_be(record, self._change(record, expired, SELF, "expired"))
        for record in await self._do(lambda store: store.plans.unfinished()):
            if record.id in self._at_work:
                continue
            if not is_watched(record):
                await self._if_it_can_be(record, self._resumed(record))
            elif is_due(record, now):
                await self._if_it_can_be(record, self._looked(record))

    async def _if_it_can_be(self, record: PlanRecord, work: Awaitable[PlanRecord]) -> None:
        """Do something with a plan; what goes wrong with one holds up no other."""
        try:
            await self._alone(record.id, work)
        except (AndonError, TimeoutError) as error:
            log.warning("%s: %s", record.id, error.message if isinstance(error, AndonError) else "it took too long")

    # ── at work ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _applied(self, id_: str, operator: str) -> PlanRecord:
        record = await self.get(id_)
        if record.state is PlanState.APPROVED and (why := await self._well_again(record)):
            over = moved(record, PlanState.EXPIRED, self.clock(), reason=why)
            done = await self._change(record, over, operator, "not needed any more")
            await self._note(done, f"{done.id} was not applied: {why}", operator)
            return done
        done = await apply(record, operator, self._means())
        await self._note(done, f"{done.id} ({done.plan.title}) is {said(done.state)}", operator)
        return await self._watch(done, operator)

    async def _well_again(self, record: PlanRecord) -> str:
        """Why a plan is not needed any more: its check says by now what it is to say, and did not. Empty: it is.

        Where nobody can tell, the operators who approved it are believed.
        """
        check, playbook = record.plan.check, self.playbooks.get(record.plan.playbook)
        if check is None or playbook is None or playbook.hash != record.plan.playbook_hash:
            return ""
        (before,) = await self.records.runs([record.plan.run])
        if before.current is None or verdict_of(before, check.step) is check.want:
            return ""
        since = self.clock() - (before.current.end - before.current.start)
        try:
            run = await asyncio.wait_for(self.play(only(playbook, [check.step]), before, since), STILL_SECONDS)
        except (AndonError, TimeoutError) as error:
            log.warning("%s: whether it is still needed is not known: %s", record.id, error)
            return ""
        is_well = verdict_of(run, check.step) is check.want
        return f"what it was for is over: {check.step} is {check.want} by now" if is_well else ""

    async def _watch(self, record: PlanRecord, operator: str) -> PlanRecord:
        """Begin to look whether what was applied helps, where the playbook says how that is seen."""
        if record.state is not PlanState.APPLIED or record.plan.check is None:
            return record
        now = self.clock()
        return await self._change(record, moved(record, PlanState.VERIFYING, now, watched=now), operator, "verifying")

    async def _resumed(self, record: PlanRecord) -> PlanRecord:
        is_doing = record.undoing is not None and record.undoing.ended is None
        if record.state is PlanState.APPLYING or is_doing:
            record = await reconcile(record, SELF, self._means())
            await self._note(record, f"after a restart, {record.id} is {said(record.state)}", SELF)
        return await self._without_help(await self._watch(record, SELF))

    async def _looked(self, record: PlanRecord) -> PlanRecord:
        check = record.plan.check
        playbook = self.playbooks.get(record.plan.playbook)
        assert check is not None
        if (now := self.clock()) < record.watched - BACK_SECONDS:
            return await self._change(record, replace(record, watched=now), SELF, "watched anew: the clock went back")
        if playbook is None or playbook.hash != record.plan.playbook_hash:
            reason = f"playbook {record.plan.playbook} changed meanwhile: nobody can tell whether it helped"
            after = moved(record, PlanState.NOT_RECOVERED, self.clock(), reason=reason)
        else:
            try:
                (before,) = await self.records.runs([record.plan.run])
                run = await self.play(only(playbook, steps_of(check)), before, record.watched)
            except (AndonError, TimeoutError) as error:
                why = error.message if isinstance(error, AndonError) else "it took too long"
                after = after_nothing(record, why, self.clock())
            else:
                after = after_look(record, run, self.clock())
        if after.state is PlanState.VERIFYING:
            return await self._do(lambda store: store.plans.look(record, after))
        done = await self._change(record, after, SELF, after.state)
        await self._note(done, f"{done.id} is {said(done.state)}{': ' * bool(done.reason)}{done.reason}", SELF)
        return await self._without_help(done)

    async def _without_help(self, record: PlanRecord) -> PlanRecord:
        """Restore what was before, where it did not help and that was not tried yet."""
        if record.state is not PlanState.NOT_RECOVERED or record.undoing is not None or not record.plan.is_reversible:
            return record
        done = await self._taken_back(record, SELF)
        is_back = done.state is PlanState.ROLLED_BACK
        told = "the former values are back" if is_back else done.reason
        await self._note(done, f"{done.id} is {said(done.state)}: {told}", SELF)
        return done

    async def _taken_back(self, record: PlanRecord, operator: str) -> PlanRecord:
        """Restore what was before: of exactly what was approved."""
        as_approved(record)
        await self._refuse_forged(record)
        return await take_back(record, operator, self._means())

    async def _alone(self, id_: str, work: Awaitable[PlanRecord]) -> PlanRecord:
        """The work, shielded from whoever asked for it; UsageError while something else is done with the plan."""
        if id_ in self._at_work:
            work.close()  # type: ignore[attr-defined]
            raise UsageError(f"{id_} is being worked on right now", f"andon plan show {id_}")
        self._at_work.add(id_)
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _task: self._at_work.discard(id_))
        return await asyncio.shield(task)

    async def _change(
        self, before: PlanRecord, after: PlanRecord, operator: str, what: str, **facts: Any
    ) -> PlanRecord:
        return await self._kept(before, after, entry(after, operator, what, **facts))

    async def _kept(self, before: PlanRecord, after: PlanRecord, line: Entry) -> PlanRecord:
        """One change on disk: with its line in the audit log, and with what people are to be told of it."""
        what = told_of(before, after)
        told = dues(after.id, what, [*self.notifying.voices], line.time) if what else []
        done = await self._do(lambda store: store.plans.change(before, after, line, told))
        self.notifying.wake()
        self.on_change()
        return done

    async def _note(self, record: PlanRecord, text: str, operator: str) -> None:
        if record.plan.incident:
            await self.records.note(record.plan.incident, text, self.clock(), operator)
        self.on_change()

    def _means(self) -> Means:
        async def change(before: PlanRecord, after: PlanRecord, line: Entry) -> PlanRecord:
            if after.state is not PlanState.APPLYING:
                return await self._kept(before, after, line)
            async with self._deciding:
                await self._still_allowed(before, line.operator)
                return await self._kept(before, after, line)

        return Means(change, self._opened, self.clock)

    def _opened(self, name: str) -> AbstractAsyncContextManager[Actuator]:
        return opened(self._actuator(name), self.plugins)

    def _actuator(self, name: str) -> ActuatorConfig:
        config = next((each for each in self.config.actuators if each.name == name), None)
        if config is None:
            raise UsageError(f"there is no actuator {name!r} any more", "put it back into the configuration")
        return config

    async def _refuse_of_elsewhere(self, run: Run) -> None:
        """UsageError for a run that came in a bundle: what it says was seen elsewhere, or written by anybody."""
        _run, origin = await self.records.run_with_origin(run.id)
        if origin.incident and (await self.records.incident(origin.incident)).is_imported:
            raise UsageError(f"{origin.incident} was imported: it happened elsewhere", "examine what happens here")

    async def _policy(self) -> Policy:
        """As it is now: a change counts at once."""
        return await asyncio.to_thread(load_policy, self.config.policy)

    async def _still_allowed(self, record: PlanRecord, operator: str) -> None:
        """UsageError where the policy, as it is now, does not let this be done any more: a freeze began meanwhile.

        Nor is it done where its actuator's name leads elsewhere by now.
        """
        if place_of(self._actuator(record.plan.act.actuator)) != record.plan.place:
            raise UsageError(f"actuator {record.plan.act.actuator} is another one by now", "make a new plan")
        if record.approvals:
            asked = [await self._asked(record.plan, each.operator, is_attended=True) for each in record.approvals]
        else:
            asked = [await self._asked(record.plan, operator, is_attended=False)]
        still_allowed(record, await self._policy(), asked)
        await self._refuse_forged(record)

    async def _refuse_forged(self, record: PlanRecord) -> None:
        """Check again what was signed: whoever can write the store can write an approval, but no signature."""
        for each in record.approvals:
            if each.signature:
                await asyncio.to_thread(verify, record.hash, each.operator, each.signature, self.config.signers)

    async def _asked(self, plan: Plan, operator: str, *, is_attended: bool) -> Asked:
        roles = tuple(role for role, names in self.config.roles.items() if operator in names)
        earlier = await self._do(lambda store: store.plans.done(plan.act.action))
        return Asked(plan, operator, roles, is_attended, self.clock(), earlier)

    async def _do(self, work: Callable[[Store], T]) -> T:
        """What the store gives; the head of the audit log is kept elsewhere as soon as it is another one."""

        def both(store: Store) -> tuple[T, Head]:
            return work(store), store.audit.head()

        found, head = await self.records.writer.do(both)
        if head.number and head != self._anchored:
            await asyncio.to_thread(keep, self.config.anchor, head)
            self._anchored = head
        return found


def _cause(
    causes: Sequence[Cause], runs: Sequence[Run], remedy: str, cause_id: str | None, whose: str
) -> tuple[Cause, Run]:
    """The named cause that a remedy is for, the likeliest where several have it, and the run that named it."""
    able = [each for each in causes if remedy in each.remedies and cause_id in (None, each.id)]
    if not able:
        offered = "; ".join(f"{each.id}: {', '.join(each.remedies)}" for each in causes if each.remedies)
        hint = f"its causes have: {offered}" if offered else "look at what was found: it named no cause with a remedy"
        raise UsageError(f"no cause of {whose} has a remedy {remedy!r}", hint)
    last = {run.playbook: run for run in runs}
    return able[0], last[able[0].playbook]
