"""Whatever stands in policy.toml: it is refused whole, in words, or it is a policy whose answers hold to its laws."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from nouns import NOON
from plans import plan

from console.errors import ConfigError
from console.model import Act, Blast
from console.remedy.policy import Asked, Decision, Policy, policy_of

Rule = dict[str, Any]

WORDS = st.sampled_from(
    ["*", "kubernetes.*", "kubernetes.scale", "prod", "deployment prod/*", "ada", "@oncall", "[", ""]
)
SOUND = [
    "true", "false", "plan.share > 0.5", "plan.objects <= 4", 'plan.risk == "low"', '"mlops" in operator.roles',
    "plan.objects / (plan.objects - 2) > 1", "time.hour >= 8 && time.weekday < 6", "operator.attended",
    'plan.cause.matches("(a+)+$")', "plan.share > 0.5 || true", "plan.probability > 0.9",
]  # fmt: skip
WRONG = ["plan.riks", "plan.objects", "(", ""]
TIMES = st.sampled_from(
    ["2026-11-01T00:00:00Z", "2026-11-22T11:00:00Z", "2026-12-24T00:00:00+02:00", "9999-12-31T23:59:59Z"]
)


def rules(*, is_sound: bool) -> st.SearchStrategy[tuple[list[Rule], list[Rule]]]:
    """What denies, and what allows."""
    return st.tuples(st.lists(denying(is_sound), max_size=3), st.lists(allowing(is_sound), max_size=4))


def denying(is_sound: bool) -> st.SearchStrategy[Rule]:
    return st.fixed_dictionaries({"name": NAMES}, optional=common(is_sound))


def allowing(is_sound: bool) -> st.SearchStrategy[Rule]:
    low = 0 if is_sound else -1
    often = {"times": st.integers(1 + low, 3), "within": st.sampled_from(["1h", "30d"] if is_sound else ["0s", "soon"])}
    more = {
        "risk": st.sampled_from(["low", "medium", "high"]), "objects": st.integers(low, 9),
        "share": st.sampled_from([0.0, 0.5, 1.0] if is_sound else [1.5]), "approvers": st.integers(low, 3),
        "signed": st.booleans(), "unattended": st.booleans(), "often": st.fixed_dictionaries(often),
    }  # fmt: skip
    return st.fixed_dictionaries({"name": NAMES}, optional={**common(is_sound), **more})


def common(is_sound: bool) -> dict[str, st.SearchStrategy[Any]]:
    words = st.lists(WORDS, min_size=1 if is_sound else 0, max_size=2)
    times = st.lists(TIMES, min_size=2, max_size=2, unique=is_sound).map(sorted if is_sound else list)
    return {
        "actions": words, "actuators": words, "targets": words, "who": words,
        "when": st.sampled_from(SOUND if is_sound else SOUND + WRONG), "between": times,
    }  # fmt: skip


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)
PLANS = st.builds(
    lambda objects, share, risk, restore, action: replace(
        plan(risk=risk, restore=restore), blast=Blast(objects, share),
        act=Act(action, "prod", "deployment prod/ranker", {"replicas": 4}),
    ),
    st.integers(0, 9), st.sampled_from([None, 0.0, 0.4, 1.0]), st.sampled_from(["low", "medium", "high"]),
    st.sampled_from([None, {"replicas": 2}]), st.sampled_from(["kubernetes.scale", "host.command"]),
)  # fmt: skip
ASKED = st.builds(
    lambda made, name, roles, is_attended, now, earlier: Asked(made, name, roles, is_attended, now, earlier),
    PLANS, st.sampled_from(["ada", "bob", "*", "@oncall"]), st.sampled_from([(), ("oncall",), ("oncall", "mlops")]),
    st.booleans(), st.sampled_from([NOON, NOON + 4e6, 0.0]), st.sampled_from([(), (NOON - 60.0,), (NOON - 60.0,) * 5]),
)  # fmt: skip


def written(deny: list[Rule], allow: list[Rule]) -> bytes:
    """The file as an operator would write it: times bare, everything else as JSON has it, which TOML reads too."""
    lines: list[str] = []
    for effect, rules in (("deny", deny), ("allow", allow)):
        for rule in rules:
            lines.append(f"[[{effect}]]")
            for name, value in rule.items():
                if name == "between":
                    told = f"[{', '.join(value)}]"
                elif name == "often":
                    told = f"{{times = {value['times']}, within = {json.dumps(value['within'])}}}"
                else:
                    told = json.dumps(value, ensure_ascii=False)
                lines.append(f"{name} = {told}")
    return "\n".join(lines).encode()


def policy(deny: list[Rule], allow: list[Rule]) -> Policy | None:
    """The policy; none where the file is refused, which it is in words."""
    try:
        return policy_of(written(deny, allow), "policy.toml")
    except ConfigError as error:
        assert error.message.startswith("policy.toml")
        return None


def decided(deny: list[Rule], allow: list[Rule], asked: Asked) -> Decision:
    found = policy(deny, allow)
    assert found is not None
    return found.decide(asked)


@settings(max_examples=400, deadline=None)
@given(rules(is_sound=True) | rules(is_sound=False), ASKED)
def test_a_file_is_refused_in_words_or_answers_with_the_rule_that_decides(
    both: tuple[list[Rule], list[Rule]], asked: Asked
) -> None:
    found = policy(*both)
    if found is None:
        return
    decision = found.decide(asked)
    said = {(outcome.rule, outcome.holds) for outcome in decision.outcomes}
    assert decision.why
    if decision.is_allowed:
        assert (decision.rule, True) in said and not any(holds is None for _rule, holds in said)
        assert not any(each.holds for each in decision.outcomes if each.effect == "deny")
        assert asked.plan.risk != "high" or decision.approvers >= 2
        assert asked.is_attended or asked.plan.is_reversible
    elif not decision.rule:
        assert not any(outcome.holds for outcome in decision.outcomes)


@settings(max_examples=200, deadline=None)
@given(rules(is_sound=True), denying(True), ASKED)
def test_one_more_rule_that_denies_never_allows(both: tuple[list[Rule], list[Rule]], more: Rule, asked: Asked) -> None:
    deny, allow = both
    is_allowed = decided(deny, allow, asked).is_allowed
    assert is_allowed or not decided([*deny, more], allow, asked).is_allowed


@settings(max_examples=200, deadline=None)
@given(rules(is_sound=True), ASKED)
def test_one_rule_less_that_allows_never_allows_what_was_answered(
    both: tuple[list[Rule], list[Rule]], asked: Asked
) -> None:
    deny, allow = both
    whole = decided(deny, allow, asked)
    is_open = whole.is_allowed or any(each.holds is None for each in whole.outcomes)
    assert is_open or not decided(deny, allow[:-1], asked).is_allowed


@settings(max_examples=200, deadline=None)
@given(rules(is_sound=True), ASKED, st.integers(0, 99))
def test_the_order_of_rules_does_not_decide_whether(
    both: tuple[list[Rule], list[Rule]], asked: Asked, seed: int
) -> None:
    deny, allow = both
    whole = decided(deny, allow, asked)
    random.Random(seed).shuffle(deny)
    random.Random(seed).shuffle(allow)
    assert decided(deny, allow, asked).is_allowed is whole.is_allowed


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode), ASKED)
def test_bytes_that_are_no_policy_allow_nothing(data: bytes, asked: Asked) -> None:
    try:
        found = policy_of(data, "policy.toml")
    except ConfigError:
        return
    assert not found.decide(asked).is_allowed
