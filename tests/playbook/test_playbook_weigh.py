"""Weighing: the laws of evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model import Finding, Move, State, StepResult, Verdict
from console.playbook.definition import CauseRule, Evidence, Playbook
from console.playbook.expressions import Scope
from console.playbook.template import parse
from console.playbook.weigh import FACTORS, odds, strongest_of_each_group, weigh

moves = st.lists(
    st.builds(
        Move,
        text=st.just("line"),
        weight=st.sampled_from(sorted(FACTORS)),
        against=st.booleans(),
        findings=st.just(("F1",)),
        group=st.sampled_from([None, "kv", "queue"]),
    ),
    max_size=12,
)


@given(moves, st.randoms())
def test_the_order_of_the_evidence_does_not_matter(lines: list[Move], random: Any) -> None:
    shuffled = list(lines)
    random.shuffle(shuffled)
    one, other = (odds(1 / 30, strongest_of_each_group(each)) for each in (lines, shuffled))
    assert one == pytest.approx(other, rel=1e-9)


@given(moves)
def test_turning_every_line_round_turns_the_odds_round(lines: list[Move]) -> None:
    turned = [replace(line, against=not line.against) for line in lines]
    one, other = (odds(1.0, strongest_of_each_group(each)) for each in (lines, turned))
    assert one == pytest.approx(1 / other, rel=1e-9)


@given(moves)
def test_saying_the_same_thing_twice_moves_nothing(lines: list[Move]) -> None:
    grouped = [replace(line, group=line.group or "kv") for line in lines]
    once, twice = (odds(1.0, strongest_of_each_group(each)) for each in (grouped, grouped * 2))
    assert once == pytest.approx(twice, rel=1e-9)


@given(moves, st.sampled_from(sorted(FACTORS)))
def test_more_evidence_for_a_cause_never_makes_it_less_likely(lines: list[Move], weight: Any) -> None:
    more = [*lines, Move("one more", weight, False, ("F2",), "queue")]
    assert odds(1.0, strongest_of_each_group(more)) >= odds(1.0, strongest_of_each_group(lines)) * (1 - 1e-9)


@given(moves)
def test_no_move_is_lost_and_of_a_group_one_counts_each_way(lines: list[Move]) -> None:
    shown = strongest_of_each_group(lines)
    assert [replace(move, counted=True) for move in shown] == lines
    for group in ("kv", "queue"):
        for against in (True, False):
            same = [move for move in shown if move.group == group and move.against is against]
            counted = [move for move in same if move.counted]
            assert len(counted) == min(1, len(same))
            assert all(FACTORS[counted[0].weight] >= FACTORS[move.weight] for move in same)


SCOPE = Scope({"steps.a.n": "double", "steps.b.n": "double", "steps.b.db": "string", "inputs.model": "string"})


def line(source: str, weight: Any = "strong", **more: Any) -> Evidence:
    return Evidence(SCOPE.compile(source), weight, **more)


def result(step: str, *ids: str) -> StepResult:
    findings = tuple(Finding(each, "comparison", step, each, Verdict.DEGRADED) for each in ids)
    return StepResult(step, step, "compare", State.DEGRADED, findings=findings)


def book(*causes: CauseRule) -> Playbook:
    return Playbook("p", "P", (), causes)


RESULTS = {"a": result("a", "F1", "F2"), "b": result("b")}
VALUES = {"steps.a.n": 2.0, "steps.b.n": 2.0, "steps.b.db": "orders", "inputs.model": "glove"}


def test_only_what_is_true_moves_a_cause_and_it_cites_its_findings() -> None:
    rule = CauseRule("c", "C", (line("steps.a.n > 1.0", title="a is up"), line("steps.a.n > 3.0")))
    (cause,) = weigh(book(rule), RESULTS, VALUES)
    assert cause.odds == pytest.approx(1.0)
    assert cause.probability == pytest.approx(0.5)
    assert cause.moves == (Move("a is up", "strong", False, ("F1", "F2")),)
    assert (cause.evidence, cause.against) == (("F1", "F2"), ())


def test_what_nobody_knows_moves_nothing_either_way() -> None:
    rule = CauseRule("c", "C", (line("steps.a.n > 1.0"), line("steps.a.n <= 1.0", against=True)))
    (cause,) = weigh(book(rule), RESULTS, {"inputs.model": "glove"})
    assert cause.odds == pytest.approx(1 / 30)
    assert cause.moves == ()


def test_a_claim_that_cites_nothing_moves_nothing() -> None:
    (cause,) = weigh(book(CauseRule("c", "C", (line("steps.b.n > 1.0", "decisive"),))), RESULTS, VALUES)
    assert cause.odds == pytest.approx(1 / 30)


def test_evidence_against_is_kept_apart() -> None:
    rule = CauseRule("c", "C", (line("steps.a.n > 1.0", against=True),), prior=1.0)
    (cause,) = weigh(book(rule), RESULTS, VALUES)
    assert cause.odds == pytest.approx(1 / 30)
    assert (cause.evidence, cause.against) == ((), ("F1", "F2"))


def test_the_best_cause_comes_first_and_each_has_its_own_odds() -> None:
    likely = CauseRule("likely", "L", (line("steps.a.n > 1.0", "decisive"), line("steps.a.n > 0.0", "moderate")))
    other = CauseRule("other", "O", (line("steps.a.n > 1.0", "decisive"),))
    causes = weigh(book(other, likely), RESULTS, VALUES)
    assert [cause.id for cause in causes] == ["likely", "other"]
    assert [(cause.is_named, cause.is_likely) for cause in causes] == [(True, True), (True, False)]
    assert sum(cause.probability for cause in causes) > 1


def test_a_cause_is_about_what_it_says_or_about_the_model() -> None:
    subject = parse("${{ steps.b.db }}", SCOPE)
    named = CauseRule("c", "C", (line("steps.a.n > 1.0"),), subject=subject)
    assert weigh(book(named), RESULTS, VALUES)[0].subject == "orders"
    assert weigh(book(named), RESULTS, {"inputs.model": "glove"})[0].subject == "glove"
    assert weigh(book(replace(named, subject=None)), RESULTS, VALUES)[0].subject == "glove"
