"""A remedy without anybody there: which one is taken, what is waited for, and how it exits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from nouns import NOON, a_run, cause
from plans import plan

from console.cli.remedying import remedied
from console.errors import AndonError, ConfigError, Exit, UsageError
from console.model import Offer, PlanRecord, PlanState
from console.remedy.planning import plan_hash
from console.triage import diagnose
from console.wire import dump

CAUSE = cause("load", playbook="queue", remedies=("first", "second"))
RUN = a_run(playbook="queue", causes=(CAUSE,))
DIAGNOSIS = replace(
    diagnose([RUN]),
    causes=(CAUSE,),
    remedies=tuple(Offer(name, CAUSE.id) for name in CAUSE.remedies),
    exit=Exit.PROBLEM,
)
PLAN = plan(created=NOON, expires=NOON + 900, cause="load")


class Daemon:
    """A session with a daemon that says what it is told to."""

    def __init__(self, ends: str, refuses: dict[str, AndonError] | None = None) -> None:
        self.ends, self.refuses = ends, refuses or {}
        self.asked: list[tuple[str, str]] = []
        self.client = self

    def refuse_if_locked(self) -> None:
        pass

    def request(self, op: str, *, timeout: float = 30.0, **args: Any) -> Any:
        about = str(args.get("remedy") or args["plan"])
        self.asked.append((op, about))
        if (error := self.refuses.get(f"{op} {about}")) is not None:
            raise error
        state = {"plan.apply": "verifying", "plan.show": self.ends}.get(op, "planned")
        made = replace(PLAN, remedy=about.removeprefix("P-"))
        record = PlanRecord(f"P-{made.remedy}", plan_hash(made), made, PlanState(state))
        return dump(record)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.cli.remedying.LOOK_SECONDS", 0.0)


@pytest.mark.parametrize(
    ("ends", "code"),
    [("verified", Exit.HEALTHY), ("rolled_back", Exit.REMEDY), ("failed", Exit.REMEDY), ("unknown", Exit.REMEDY),
     ("expired", Exit.PROBLEM)],
)  # fmt: skip
def test_it_is_waited_for_until_it_is_over(ends: str, code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
    daemon = Daemon(ends)
    done, exits = remedied(daemon, DIAGNOSIS, "")  # type: ignore[arg-type]
    assert exits == code
    assert [offer.plan and (offer.plan.id, str(offer.plan.state)) for offer in done.remedies] == [
        ("P-first", ends),
        None,
    ]
    assert daemon.asked == [
        ("plan.make", "first"), ("plan.approve_by_policy", "P-first"), ("plan.apply", "P-first"),
        ("plan.show", "P-first"),
    ]  # fmt: skip
    assert f"P-first is {ends.replace('_', ' ')}" in capsys.readouterr().err


def test_the_next_one_is_tried_where_one_cannot_be_planned_or_is_not_allowed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cannot = {"plan.make first": UsageError("nothing is configured that does it")}
    daemon = Daemon("verified", cannot)
    assert remedied(daemon, DIAGNOSIS, "")[1] == Exit.HEALTHY  # type: ignore[arg-type]
    assert ("plan.apply", "P-second") in daemon.asked
    denied = {f"plan.approve_by_policy P-{name}": UsageError("rule 'freeze' does not let") for name in CAUSE.remedies}
    daemon = Daemon("verified", denied)
    assert remedied(daemon, DIAGNOSIS, "") == (DIAGNOSIS, Exit.PROBLEM)  # type: ignore[arg-type]
    assert [about for op, about in daemon.asked if op == "plan.cancel"] == ["P-first", "P-second"]
    assert not [op for op, _about in daemon.asked if op == "plan.apply"]
    assert "rule 'freeze'" in capsys.readouterr().err


def test_another_policy_than_the_one_that_was_looked_at_ends_it() -> None:
    daemon = Daemon("verified", {"plan.approve_by_policy P-first": ConfigError("the policy is another one")})
    with pytest.raises(ConfigError):
        remedied(daemon, DIAGNOSIS, "a" * 64)  # type: ignore[arg-type]
    assert daemon.asked[-1] == ("plan.cancel", "P-first")
