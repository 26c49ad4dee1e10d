"""Apply and take back: the intent is written before the act, the receipt after it, and where neither the answer nor the
live object tells whether it happened, that is what is said.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from console.clock import Clock
from console.errors import ActRefused, AndonError, UsageError
from console.model import Act, PlanRecord, PlanState, Receipt
from console.remedy.actuator import Actuator
from console.remedy.planning import reverse
from console.remedy.states import moved, past, refuse_unless
from console.sources.redact import shown_line
from console.store.audit import Entry

ACT_SECONDS = 60.0
SETTLE_SECONDS = 5.0  # after an act that nobody saw end: until then it may still arrive
TRIES = (0.0, 2.0, 10.0)  # seconds before each look at whether it happened

Change = Callable[[PlanRecord, PlanRecord, Entry], Awaitable[PlanRecord]]
"""(before, after, line of the audit log): one transaction; UsageError where somebody else was quicker."""
Opened = Callable[[str], AbstractAsyncContextManager[Actuator]]
"""An actuator by its configured name, for one use."""


@dataclass(frozen=True, slots=True)
class Means:
    """What doing needs of the house around it."""

    change: Change
    opened: Opened
    clock: Clock
    settle: float = SETTLE_SECONDS
    tries: tuple[float, ...] = TRIES


@dataclass(frozen=True, slots=True)
class _Outcome:
    did: bool | None
    text: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


async def apply(record: PlanRecord, operator: str, means: Means) -> PlanRecord:
    """Do what was approved; the record as it is then: applied, failed or unknown.

    UsageError where it is not approved, its time is over, or its target is being changed already.
    """
    now = means.clock()
    if record.state is PlanState.APPROVED and (why := past(record, now)):
        raise UsageError(f"the approval of {record.id} is over: {why}", "make a new plan")
    intent = moved(record, PlanState.APPLYING, now, receipt=Receipt(uuid.uuid4().hex, now))
    intent = await means.change(record, intent, entry(intent, operator, "applying"))
    assert intent.receipt is not None
    return await _applied(intent, operator, await _do(intent.plan.act, intent.receipt.key, means), means)


async def take_back(record: PlanRecord, operator: str, means: Means) -> PlanRecord:
    """Restore the values of before; the record then: rolled back, unknown, or as it was where that was refused.

    UsageError where nothing was applied, it cannot be taken back, or it is being taken back already.
    """
    refuse_unless(record, PlanState.ROLLED_BACK)
    if record.receipt is None or record.receipt.did is not True:
        raise UsageError(
            f"{record.id} was not applied, so there is nothing to take back", f"andon plan show {record.id}"
        )
    if record.undoing is not None and record.undoing.ended is None:
        raise UsageError(f"{record.id} is being taken back already", f"andon plan show {record.id}")
    act = reverse(record.plan, record.receipt)
    intent = replace(record, undoing=Receipt(uuid.uuid4().hex, means.clock()), changed=means.clock())
    intent = await means.change(record, intent, entry(intent, operator, "taking back"))
    assert intent.undoing is not None
    return await _taken_back(intent, operator, await _do(act, intent.undoing.key, means), means)


async def reconcile(record: PlanRecord, operator: str, means: Means) -> PlanRecord:
    """What became of an act whose process did not live to see it, by what there is to see."""
    assert record.receipt is not None
    if record.undoing is not None and record.undoing.ended is None:
        found = await _found(reverse(record.plan, record.receipt), record.undoing, "", means)
        return await _taken_back(record, operator, found, means)
    found = await _found(record.plan.act, record.receipt, "", means)
    return await _applied(record, operator, found, means)


def entry(record: PlanRecord, operator: str, what: str, **more: Any) -> Entry:
    """The audit log's line about a change of a plan."""
    plan = record.plan
    facts = {
        "state": record.state, "hash": record.hash, "action": plan.act.action, "actuator": plan.act.actuator,
        "target": plan.act.target, "incident": plan.incident, "reason": record.reason, **more,
    }  # fmt: skip
    return Entry(record.changed, operator, what, record.id, {name: told for name, told in facts.items() if told != ""})


async def _applied(intent: PlanRecord, operator: str, found: _Outcome, means: Means) -> PlanRecord:
    to = {True: PlanState.APPLIED, False: PlanState.FAILED, None: PlanState.UNKNOWN}[found.did]
    assert intent.receipt is not None
    now = means.clock()
    receipt = replace(intent.receipt, ended=now, did=found.did, text=found.text, facts=found.facts)
    done = moved(intent, to, now, receipt=receipt, reason="" if found.did else found.text)
    return await means.change(intent, done, entry(done, operator, to, key=receipt.key))


async def _taken_back(intent: PlanRecord, operator: str, found: _Outcome, means: Means) -> PlanRecord:
    assert intent.undoing is not None
    now = means.clock()
    undoing = replace(intent.undoing, ended=now, did=found.did, text=found.text, facts=found.facts)
    if found.did is False:
        same = replace(intent, undoing=undoing, reason=f"it could not be taken back: {found.text}", changed=now)
        return await means.change(intent, same, entry(same, operator, "not taken back", key=undoing.key))
    to = PlanState.ROLLED_BACK if found.did else PlanState.UNKNOWN
    done = moved(intent, to, now, undoing=undoing, reason=intent.reason or found.text)
    return await means.change(intent, done, entry(done, operator, to, key=undoing.key))


async def _do(act: Act, key: str, means: Means) -> _Outcome:
    """Do it once. Whatever ends it without a clear answer is looked into."""
    began = means.clock()
    is_sent = False
    try:
        async with asyncio.timeout(ACT_SECONDS), means.opened(act.actuator) as actuator:
            is_sent = True
            facts = await actuator.act(act, key)
    except ActRefused as error:
        return _Outcome(False, error.message)
    except Exception as error:  # noqa: BLE001 - a plugin's own: whatever it was, the plan must not stay as it is
        why = _words(error)
        if not is_sent:
            return _Outcome(False, why)
        return await _found(act, Receipt(key, began), why, means)
    return _Outcome(True, "", facts)


async def _found(act: Act, receipt: Receipt, why: str, means: Means) -> _Outcome:
    """Whether an act happened, by what there is to see."""
    trouble = why
    for wait in means.tries:
        await asyncio.sleep(wait)
        try:
            async with asyncio.timeout(ACT_SECONDS), means.opened(act.actuator) as actuator:
                did = await actuator.did(act, receipt.key)
                if did is False:  # it may be on its way still
                    await asyncio.sleep(means.settle)
                    did = await actuator.did(act, receipt.key)
        except Exception as error:  # noqa: BLE001 - a plugin's own
            trouble = _words(error)
            continue
        if did is not None:
            return _Outcome(did, why or ("it was done" if did else "it was not done"))
        trouble = why or "what there is to see does not tell"
    return _Outcome(None, f"nobody can tell whether it happened: {trouble}")


def _words(error: Exception) -> str:
    if isinstance(error, AndonError):
        return error.message
    if isinstance(error, TimeoutError):
        return f"it took more than {ACT_SECONDS:g} s"
    return shown_line(f"the actuator raised {type(error).__name__}: {error}")
