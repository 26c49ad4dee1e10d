"""Nothing is allowed that no rule allows, a rule that denies wins, and an error is never a yes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nouns import NOON
from plans import plan

from console.errors import ConfigError, UsageError
from console.model import Approval, Blast, PlanRecord, PlanState
from console.remedy.approving import approved, unattended
from console.remedy.planning import plan_hash
from console.remedy.policy import Asked, Decision, Policy, load_policy, policy_of

SMALL = """
[[allow]]
name = "small"
actions = ["kubernetes.scale"]
risk = "medium"
"""


def policy(text: str = SMALL) -> Policy:
    return policy_of(text.encode(), "policy.toml")


def asked(**changes: Any) -> Asked:
    fields: dict[str, Any] = {"operator": "ada", "roles": ("mlops",), "is_attended": True, "now": NOON}
    made = changes.pop("plan", plan())
    return Asked(made, **(fields | changes))


def decide(text: str, **changes: Any) -> Decision:
    return policy(text).decide(asked(**changes))


def test_without_a_rule_nothing_is_allowed(tmp_path: Path) -> None:
    assert not load_policy(tmp_path / "none.toml").decide(asked()).is_allowed
    assert not load_policy(None).decide(asked()).is_allowed
    assert not decide("").is_allowed


def test_a_rule_that_fits_allows_and_is_named() -> None:
    found = decide(SMALL)
    assert (found.is_allowed, found.rule, found.approvers) == (True, "small", 1)


@pytest.mark.parametrize(
    "more",
    [
        'actuators = ["test"]',
        'targets = ["deployment test/*"]',
        'who = ["@oncall", "bob"]',
        'when = "time.hour > 20"',
        "between = [2026-12-24T00:00:00Z, 2026-12-27T00:00:00Z]",
        "objects = 1",
        'often = {times = 1, within = "1h"}',
        "share = 0.5",
    ],
)
def test_what_a_rule_asks_for_must_be_so(more: str) -> None:
    wide = replace(plan(), blast=Blast(2, None))
    found = decide(SMALL + more, plan=wide, earlier=(NOON - 60,))
    assert not found.is_allowed and [each.holds for each in found.outcomes] == [False]


def test_a_rule_that_denies_wins_and_a_freeze_is_one() -> None:
    freeze = '[[deny]]\nname = "freeze"\nbetween = [2026-11-22T00:00:00Z, 2026-11-23T00:00:00Z]\n'
    assert decide(freeze + SMALL).rule == "freeze"
    assert decide(freeze + SMALL, now=NOON + 86400.0).is_allowed


@pytest.mark.parametrize(
    "never",
    [
        "between = [2027-01-04T00:00:00Z, 2026-12-20T00:00:00Z]",
        "between = [2026-12-20T00:00:00Z, 2026-12-20T00:00:00Z]",
        "actions = []",
        "actuators = []",
        "targets = []",
        "who = []",
    ],
)
def test_a_freeze_that_could_never_hold_is_refused_and_not_passed_over(never: str) -> None:
    with pytest.raises(ConfigError, match=r"between|at least 1 item"):
        policy(f'[[deny]]\nname = "freeze"\n{never}\n' + SMALL)


def test_what_cannot_be_answered_denies_even_where_another_rule_allows() -> None:
    unknown = '[[deny]]\nname = "wide"\nwhen = "plan.share > 0.5"\n'
    found = decide(unknown + SMALL, plan=replace(plan(), blast=Blast(2, None)))
    assert (found.is_allowed, found.rule) == (False, "wide") and "cannot be answered" in found.why


def test_where_nobody_is_there_the_rule_must_say_so_and_what_stays_is_never_done() -> None:
    alone = SMALL + "unattended = true\napprovers = 0\n"
    assert not decide(SMALL, is_attended=False).is_allowed
    assert decide(alone, is_attended=False).approvers == 0
    assert not decide(alone, is_attended=False, plan=plan(restore=None)).is_allowed


def test_high_risk_wants_two_whatever_the_rule_says() -> None:
    high = SMALL.replace("medium", "high")
    assert decide(high, plan=plan(risk="high")).approvers == 2
    assert not decide(SMALL, plan=plan(risk="high")).is_allowed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("allow = 3", "allow"),
        ('[[allow]]\nname = "x"\nwhen = "plan.riks == \'low\'"', "nothing is called|plan.riks"),
        ('[[allow]]\nname = "x"\nwhen = "plan.objects"', "a bool is needed"),
        ('[[allow]]\nname = "x"\nwho = "ada"', "who"),
        ('[[allow]]\nname = "x"\nbetween = [2026-12-24T00:00:00, 2026-12-27T00:00:00]', "no zone"),
        ('[[deny]]\nname = "x"\nrisk = "low"', "risk"),
        ("[[", "TOML"),
    ],
)
def test_a_wrong_policy_is_refused_whole(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        policy(text)


def test_a_policy_that_others_may_write_is_none(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(SMALL)
    path.chmod(0o666)
    with pytest.raises(ConfigError, match="others may write"):
        load_policy(path)
    path.chmod(0o644)
    assert load_policy(path).hash == policy().hash


@given(st.text(max_size=200))
def test_no_text_is_more_than_a_refusal_or_a_policy(text: str) -> None:
    try:
        found = policy(text)
    except ConfigError:
        return
    assert isinstance(found.decide(asked()).is_allowed, bool)


# ── approvals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def record(**changes: Any) -> PlanRecord:
    made = plan(**changes)
    return PlanRecord("P-1", plan_hash(made), made)


def given_by(name: str, uid: int, of: PlanRecord, **changes: Any) -> Approval:
    return Approval(**({"time": NOON + 1, "operator": name, "uid": uid, "hash": of.hash} | changes))


def test_an_approval_is_for_exactly_one_plan_in_its_time() -> None:
    one = record()
    done = approved(one, given_by("ada", 1, one), policy(), asked())
    assert (done.state, done.rule) == (PlanState.APPROVED, "small")
    with pytest.raises(UsageError, match="another plan"):
        approved(one, given_by("ada", 1, one, hash="f" * 64), policy(), asked())
    with pytest.raises(UsageError, match="too old"):
        approved(one, given_by("ada", 1, one, time=NOON + 900), policy(), asked())
    with pytest.raises(UsageError, match="is approved"):
        approved(done, given_by("bob", 2, one), policy(), asked())


def test_any_change_of_a_plan_is_another_hash() -> None:
    one = plan()
    others = [
        replace(one, act=replace(one.act, set={"replicas": 5})),
        replace(one, act=replace(one.act, target="deployment prod/other")),
        replace(one, risk="high"),
        replace(one, restore=None),
        replace(one, expires=one.expires + 1),
    ]
    assert len({plan_hash(each) for each in (one, *others)}) == 6


def test_two_means_two_different_operators_and_breaking_the_glass_says_why() -> None:
    rules = policy(SMALL.replace("medium", "high"))
    one = record(risk="high")
    ask = asked(plan=one.plan)
    first = approved(one, given_by("ada", 1, one), rules, ask)
    assert first.state is PlanState.PLANNED
    with pytest.raises(UsageError, match="has approved P-1 already"):
        approved(first, given_by("ada2", 1, one), rules, ask)  # the same uid under another name
    assert approved(first, given_by("bob", 2, one), rules, ask).state is PlanState.APPROVED
    with pytest.raises(UsageError, match="say why"):
        approved(one, given_by("ada", 1, one, is_break_glass=True), rules, ask)
    alone = given_by("ada", 1, one, is_break_glass=True, reason="checkout is down and bob is on a plane")
    assert approved(one, alone, rules, ask).state is PlanState.APPROVED


def test_the_policy_alone_approves_only_what_it_says_may_go_unattended() -> None:
    one = record()
    with pytest.raises(UsageError, match="no rule allows"):
        unattended(one, policy(), asked(is_attended=False))
    with pytest.raises(UsageError, match="wants 1 to approve"):
        unattended(one, policy(SMALL + "unattended = true"), asked(is_attended=False))
    alone = policy(SMALL + "unattended = true\napprovers = 0")
    assert unattended(one, alone, asked(is_attended=False)).state is PlanState.APPROVED
    with pytest.raises(UsageError, match="wants a signature, and nobody is there"):
        unattended(one, policy(SMALL + "unattended = true\napprovers = 0\nsigned = true"), asked(is_attended=False))


def test_a_rule_may_want_each_of_them_to_sign() -> None:
    rules = policy(SMALL + "signed = true\napprovers = 2")
    one = record()
    with pytest.raises(UsageError, match="rule 'small' wants P-1 signed") as refused:
        approved(one, given_by("ada", 1, one), rules, asked())
    assert refused.value.hint == "andon plan approve P-1 --sign ~/.ssh/id_ed25519"
    first = approved(one, given_by("ada", 1, one, signature="…"), rules, asked())
    with pytest.raises(UsageError, match="signed"):
        approved(first, given_by("bob", 2, one), rules, asked())
    in_haste = given_by("bob", 2, one, is_break_glass=True, reason="checkout is down")
    with pytest.raises(UsageError, match="signed"):
        approved(first, in_haste, rules, asked())
    assert approved(first, given_by("bob", 2, one, signature="…"), rules, asked()).state is PlanState.APPROVED
    unsigned = replace(one, approvals=(given_by("ada", 1, one),))  # by another policy, a moment ago
    with pytest.raises(UsageError, match="signed"):
        approved(unsigned, given_by("bob", 2, one, signature="…"), rules, asked())
