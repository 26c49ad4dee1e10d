"""`andon plan`: what a remedy would change, who says yes, and what became of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.session import Group, Session
from console.errors import UsageError

if TYPE_CHECKING:
    from console.model import PlanRecord


@click.group(cls=Group)
def plan() -> None:
    """Make, list, show, approve, apply and take back plans: exactly what a remedy would change."""


@plan.command(short_help="Plan a remedy of an incident; nothing is changed.")
@click.argument("incident", metavar="INCIDENT")
@click.argument("remedy")
@click.option("--cause", help="Which cause it is for; the likeliest that has this remedy where none is named.")
@click.pass_obj
def make(session: Session, incident: str, remedy: str, cause: str | None) -> int:
    """Plan REMEDY, which a cause of INCIDENT points to: what it would change, exactly. Nothing is changed."""
    session.refuse_if_locked()
    return _show(session, session.client.request("plan.make", incident=incident, remedy=remedy, cause=cause))


@plan.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@click.option("--incident", help="Of this incident alone.")
@click.pass_obj
def list_(session: Session, everything: bool, incident: str | None) -> None:
    """Plans that wait for somebody or are at work, newest first."""
    from console import words
    from console.report.tables import columns

    found = session.client.request("plan.list", all=everything, incident=incident)
    rows = [
        (each["id"], each["state"].replace("_", " "), words.instant(each["changed"]), each["plan"]["risk"],
         f"{len(each['approvals'])} of {each['approvers']}", each["plan"]["incident"] or "–", each["plan"]["title"])
        for each in found
    ]  # fmt: skip
    headings = ["id", "state", "since", "risk", "approved", "incident", "what"]
    session.emit_shape(found, lambda: columns(headings, rows, empty="no plan waits for anybody"))


@plan.command(short_help="A plan, whole: what would change, who approved it, what became of it.")
@click.argument("id_", metavar="ID")
@click.pass_obj
def show(session: Session, id_: str) -> int:
    """A plan, whole; exits 5 where it failed, was taken back, or nobody can tell."""
    return _show(session, session.client.request("plan.show", plan=id_))


@plan.command(short_help="What each rule of the policy says of a plan.")
@click.argument("id_", metavar="ID")
@click.pass_obj
def explain(session: Session, id_: str) -> None:
    """What each rule of the policy says of a plan, asked by you, now."""
    from console.report.clean import clean
    from console.report.tables import columns

    told = session.client.request("plan.explain", plan=id_)
    decision = told["decision"]
    rows = [
        (each["effect"], {True: "holds", False: "–", None: "NO ANSWER"}[each["holds"]], each["rule"], each["why"])
        for each in decision["outcomes"]
    ]
    rule = f", by rule {decision['rule']!r}" if decision["rule"] else ""
    said = f"{'allowed' if decision['is_allowed'] else 'denied'}{rule}: {decision['why']}"
    if decision["is_allowed"]:
        said += f"; {decision['approvers']} must approve{', and sign it (--sign)' if decision['is_signed'] else ''}"
    table = columns(
        ["effect", "", "rule", "why"], rows, empty="there is no rule: nothing is allowed (docs/remedies.md)"
    )
    session.emit_shape(told, lambda: f"{clean(said)}\n{table}")


@plan.command(short_help="Say yes to exactly what a plan shows.")
@click.argument("id_", metavar="ID")
@click.option("--hash", "hash_", help="Of the plan that was seen; where nobody is there to look at it now.")
@click.option("--reason", default="", help="Why, for the audit log.")
@click.option("--break-glass", is_flag=True, help="Alone, where two are wanted: needs --reason, and tells everybody.")
@click.option("--sign", "key", type=click.Path(path_type=Path), metavar="KEYFILE", help="Sign it with this SSH key.")
@click.pass_obj
def approve(session: Session, id_: str, hash_: str | None, reason: str, break_glass: bool, key: Path | None) -> int:
    """Say yes to exactly what the plan ID shows. At a terminal it is shown first, and high risk is typed out."""
    from console.model import Plan
    from console.remedy.planning import plan_hash
    from console.remedy.signing import sign
    from console.wire import load

    session.refuse_if_locked()
    shown = session.client.request("plan.show", plan=id_)
    if hash_ is None:
        _look_at(shown)
    elif len(hash_) < 12 or not shown["hash"].startswith(hash_):
        raise UsageError(f"{id_} is not the plan of that hash", f"look at it again: andon plan show {id_}")
    if plan_hash(load(Plan, shown["plan"])) != shown["hash"]:  # of what is shown here, whatever the daemon says
        raise UsageError(f"{id_} has a hash that is not of what it shows", "somebody changed it: andon audit verify")
    signature = "" if key is None else sign(shown["hash"], key)
    done = session.client.request(
        "plan.approve", plan=id_, hash=shown["hash"], reason=reason, break_glass=break_glass, signature=signature
    )
    return _show(session, done)


@plan.command(short_help="Say no; it ends there.")
@click.argument("id_", metavar="ID")
@click.option("--reason", default="", help="Why.")
@click.pass_obj
def reject(session: Session, id_: str, reason: str) -> int:
    """Say no to a plan; it ends there."""
    session.refuse_if_locked()
    return _show(session, session.client.request("plan.reject", plan=id_, reason=reason))


@plan.command(short_help="Give up a plan that was not applied.")
@click.argument("id_", metavar="ID")
@click.pass_obj
def cancel(session: Session, id_: str) -> int:
    """Give up a plan that was not applied."""
    session.refuse_if_locked()
    return _show(session, session.client.request("plan.cancel", plan=id_))


@plan.command(short_help="Do what was approved, once.")
@click.argument("id_", metavar="ID")
@click.pass_obj
def apply(session: Session, id_: str) -> int:
    """Do what was approved, once, where things still are as they were planned; then it is watched."""
    session.refuse_if_locked()
    return _show(session, session.client.request("plan.apply", timeout=ACT_SECONDS, plan=id_))


@plan.command(short_help="Restore what was before.")
@click.argument("id_", metavar="ID")
@click.pass_obj
def rollback(session: Session, id_: str) -> int:
    """Restore the values that were there before a plan was applied."""
    session.refuse_if_locked()
    return _show(session, session.client.request("plan.rollback", timeout=ACT_SECONDS, plan=id_))


@plan.command(short_help="Say what became of a plan where nobody could tell.")
@click.argument("id_", metavar="ID")
@click.argument("state", type=click.Choice(["applied", "failed", "rolled_back"]))
@click.option("--reason", required=True, help="How you know.")
@click.pass_obj
def settle(session: Session, id_: str, state: str, reason: str) -> int:
    """Say what became of a plan where andon could not tell: you looked."""
    session.refuse_if_locked()
    return _show(session, session.client.request("plan.settle", plan=id_, state=state, reason=reason))


@plan.command(short_help="The policy that is in force: its file, its hash, its rules.")
@click.pass_obj
def policy(session: Session) -> None:
    """The policy that is in force: its file, its hash (for `andon run --policy-sha256`) and the names of its rules."""
    from console.remedy.policy import load_policy
    from console.report.clean import clean

    found = load_policy(session.config.policy)
    names = [f"{rule.effect} {rule.table.name}" for rule in found.rules]
    shape = {"path": str(session.config.policy), "sha256": found.hash, "rules": names}
    lines = [f"{session.config.policy}", f"sha256  {found.hash or '– (there is none: nothing is allowed)'}", *names]
    session.emit_shape(shape, lambda: clean("\n".join(lines)))


ACT_SECONDS = 180.0  # an act, and finding out what became of it


def _show(session: Session, item: dict[str, Any]) -> int:
    from console.model import PlanRecord
    from console.wire import load

    return session.emit_plan(load(PlanRecord, item))


def _look_at(item: dict[str, Any]) -> None:
    """Have a person at the terminal see the plan and say yes; UsageError where that is not so."""
    from console.model import PlanRecord
    from console.report.plan import in_words
    from console.wire import load

    if not sys.stdin.isatty():
        raise UsageError("nobody is there to look at the plan", f"name what was seen: --hash {item['hash'][:12]}")
    record = load(PlanRecord, item)
    click.echo(in_words(record), err=True)
    _confirm(record)


def _confirm(record: PlanRecord) -> None:
    if record.plan.risk == "high":
        target = record.plan.act.target
        said = click.prompt(f"high risk: type {target!r} to approve", default="", show_default=False, err=True)
        if said.strip() != target:
            raise UsageError("that is not its name; nothing was approved", "type it as it stands in the plan")
    elif not click.confirm("approve this?", default=False, err=True):
        raise UsageError("nothing was approved", "")
