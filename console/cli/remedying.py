"""A remedy without anybody there: planned, approved by the policy alone, applied, and watched until it is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from console.errors import AndonError, ConfigError, DaemonUnreachable, Exit

if TYPE_CHECKING:
    from console.cli.session import Session
    from console.model import Diagnosis

PLAN_SECONDS = 90.0
ACT_SECONDS = 180.0
LOOK_SECONDS = 1.0
AT_WORK = ("applying", "applied", "verifying")


def remedied(session: Session, diagnosis: Diagnosis, sha256: str) -> tuple[Diagnosis, int]:
    """The diagnosis with what was done about it, and the exit code: 0 verified, 5 where it failed or did not help.

    As without remedies where nothing may be done. Raises ConfigError where the policy is another one than that of this
    hash.
    """
    from console.model import PlanRecord
    from console.triage import with_plans
    from console.wire import load

    session.refuse_if_locked()
    run, cause = diagnosis.runs[0], diagnosis.causes[0]
    for remedy in cause.remedies:
        plan = _approved(session, run.id, cause.id, remedy, sha256)
        if plan is not None:
            _say(f"{plan['id']}: {plan['plan']['title']}, approved by rule {plan['rule']!r}")
            plan = _watched(session, session.client.request("plan.apply", timeout=ACT_SECONDS, plan=plan["id"]))
            return with_plans(diagnosis, [load(PlanRecord, plan)]), _outcome(plan, diagnosis.exit)
    return diagnosis, diagnosis.exit


def _approved(session: Session, run: str, cause: str, remedy: str, sha256: str) -> dict[str, Any] | None:
    """The plan, where it can be made and the policy alone allows it; None, having said why, where not."""
    ask = session.client.request
    made: dict[str, Any] | None = None
    try:
        made = ask("plan.make", timeout=PLAN_SECONDS, run=run, remedy=remedy, cause=cause)
        approved: dict[str, Any] = ask("plan.approve_by_policy", plan=made["id"], sha256=sha256)
    except DaemonUnreachable:
        raise
    except AndonError as error:
        if made is not None:
            ask("plan.cancel", plan=made["id"])
        if isinstance(error, ConfigError):
            raise
        _say(f"{remedy}: {error.message}")
        return None
    return approved


def _watched(session: Session, plan: dict[str, Any]) -> dict[str, Any]:
    """The plan once nothing follows by itself any more."""
    state = ""
    while plan["state"] in AT_WORK and (plan["state"] != "applied" or plan["plan"].get("check")):
        if plan["state"] != state:
            state = plan["state"]
            _say(f"{plan['id']} is {state}")
        time.sleep(LOOK_SECONDS)
        plan = session.client.request("plan.show", plan=plan["id"])
    return plan


def _outcome(plan: dict[str, Any], code: int) -> int:
    said = plan["state"].replace("_", " ")
    _say(f"{plan['id']} is {said}{': ' if plan['reason'] else ''}{plan['reason']}")
    if plan["state"] == "verified":
        return Exit.HEALTHY
    return code if plan["state"] in ("applied", "expired") else Exit.REMEDY


def _say(line: str) -> None:
    from console.report.clean import clean

    click.echo(clean(line), err=True)
