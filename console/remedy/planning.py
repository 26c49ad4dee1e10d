"""From a cause that a run named to a plan: the remedy's options with what the run found, in absolute terms."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from console.config import ActuatorConfig
from console.errors import NoData, UsageError
from console.model import Act, Cause, Check, Draft, Plan, Receipt, Run
from console.playbook.definition import Playbook, Remedy
from console.playbook.engine import resolve_inputs
from console.playbook.expressions import Unknown
from console.playbook.template import fill
from console.wire import dump
from console.words import nearest

LIVES_SECONDS = 900.0  # from plan to approval and act: what it was made for may be over by then


def remedy_of(playbook: Playbook, cause: Cause, name: str) -> Remedy:
    """A remedy that the cause points to. UsageError for another one: a plan is for what was found."""
    if name not in cause.remedies:
        raise UsageError(f"{cause.id} has no remedy {name!r}", nearest(name, cause.remedies))
    return next(remedy for remedy in playbook.remedies if remedy.id == name)


def options_of(playbook: Playbook, remedy: Remedy, run: Run) -> dict[str, Any]:
    """The remedy's options with every hole filled by what the run found; NoData where it did not find it."""
    if run.playbook_hash != playbook.hash:
        raise UsageError(f"playbook {playbook.name} changed since run {run.id}", "examine the incident again first")
    filled = fill(remedy.options, remedy.templates, _values(playbook, run))
    if isinstance(filled, Unknown):
        raise NoData(f"remedy {remedy.id} needs what run {run.id} did not find: {filled.why}", "do it by hand")
    return dict(filled)


def plan_of(
    playbook: Playbook,
    remedy: Remedy,
    cause: Cause,
    run: Run,
    draft: Draft,
    *,
    actuator: ActuatorConfig,
    incident: str,
    operator: str,
    now: float,
) -> Plan:
    """The plan: what the actuator said it would change, and what it is for. UsageError where nothing would change."""
    if not draft.changes:
        raise UsageError(f"{draft.target} is already so: {remedy.id} would change nothing", "look for another remedy")
    return Plan(
        title=f"{remedy.uses} {draft.target}",
        incident=incident,
        run=run.id,
        playbook=playbook.name,
        playbook_hash=playbook.hash,
        remedy=remedy.id,
        cause=cause.id,
        subject=cause.subject,
        act=Act(remedy.uses, actuator.name, draft.target, draft.set, draft.expect),
        changes=draft.changes,
        risk=remedy.risk,
        operator=operator,
        created=now,
        expires=now + LIVES_SECONDS,
        probability=cause.probability,
        restore=draft.restore,
        blast=draft.blast,
        check=_watched(remedy.verify, run),
        warnings=draft.warnings,
        place=place_of(actuator),
    )


def plan_hash(plan: Plan) -> str:
    """SHA-256 over everything that the plan says: an approval is for this and nothing else."""
    return hashlib.sha256(json.dumps(dump(plan), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def place_of(actuator: ActuatorConfig) -> str:
    """What an actuator's table says, as a digest: an approval is for what is reached by it, and not for a name."""
    told = [actuator.kind, dict(actuator.options), str(actuator.folder or ""), list(actuator.only)]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def reverse(plan: Plan, receipt: Receipt) -> Act:
    """The act that takes a plan's back. It expects what the receipt says that the object was then.

    Where nobody lived to see that, it expects the act's key alone, as the last that was left on the object.
    """
    if plan.restore is None:
        raise UsageError(f"{plan.title} cannot be taken back", "it was planned as such; mend it by hand")
    expect = receipt.facts or {"key": receipt.key}
    return Act(plan.act.action, plan.act.actuator, plan.act.target, plan.restore, expect)


def _watched(check: Check | None, run: Run) -> Check | None:
    """A check that is believed once as much was seen as the trouble was found in; but half of its time at most."""
    if check is None or run.current is None:
        return check
    return replace(check, watch=min(run.current.end - run.current.start, check.within / 2))


def _values(playbook: Playbook, run: Run) -> dict[str, Any]:
    """What expressions read once a run has ended."""
    return {
        **{f"inputs.{name}": value for name, value in resolve_inputs(playbook, run.inputs).items()},
        **{f"vars.{name}": value for name, value in playbook.constants.items()},
        **{f"steps.{step.id}.{name}": value for step in run.steps for name, value in step.values.items()},
    }
