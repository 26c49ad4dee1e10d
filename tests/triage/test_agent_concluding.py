"""What a model says is held to what was found: no claim without a finding, no number and no remedy of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import nouns
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import UsageError
from console.model import AgentSays, Offer, Side
from console.triage.agent.concluding import MOST_TEXT, concluded, told, unfounded

SLOW = replace(
    nouns.finding("F1", text="model.ttft p95 is 1.68 s, was 460 ms (×3.64)"), ratio=3.64, interval=(3.1, 4.2), p=0.0004,
    current=Side(1.68, 10174, 0.0, 600.0), baseline=Side(0.46, 16418, 0.0, 600.0),
)  # fmt: skip
QUEUE = nouns.finding("F2", text="model.queue.depth mean is 118 request, was 4.37 request (×27.1)")
DIAGNOSIS = replace(
    nouns.diagnosis(findings=(SLOW, QUEUE), causes=(nouns.cause("stuck", remedies=("scale",)), nouns.cause("load"))),
    remedies=(Offer("scale", "stuck"),),
)


def says(*claims: dict[str, Any], **more: Any) -> AgentSays:
    return concluded(told({"claims": [*claims], **more}), DIAGNOSIS, DIAGNOSIS.findings, "m")


def test_a_claim_keeps_the_findings_that_there_are_and_goes_where_none_is_left() -> None:
    found = says(
        {"text": "it queues", "evidence": ["F2", "F99", "F2"], "cause": "stuck"},
        {"text": "trust me", "evidence": []},
        {"text": "trust me more", "evidence": ["F99", "<F1>"]},
    )
    assert [(claim.text, claim.evidence) for claim in found.claims] == [("it queues", ("F2",))]
    assert found.dropped == 2


@pytest.mark.parametrize(
    "text",
    [
        "the first token takes 1.68 s instead of 460 ms", "3.6 times as long", "about 264 % more",
        "10,174 requests were seen", "in 2 of 8 replicas", "since 2026-11-22T12:00:00Z, at 12:00, see F1 and I-30",
        "p is 0.0004", "1.22 s longer",
    ],
)  # fmt: skip
def test_what_the_cited_findings_say_may_be_said_in_other_units_and_rounded(text: str) -> None:
    assert unfounded(text, [SLOW]) == ()


@pytest.mark.parametrize(("text", "wrong"), [
    ("it takes 17.3 s", ("17.3",)), ("97 replicas are gone, and 31 % of the memory", ("97", "31")),
])  # fmt: skip
def test_a_number_that_no_cited_finding_has_is_marked(text: str, wrong: tuple[str, ...]) -> None:
    assert unfounded(text, [SLOW]) == wrong
    (claim,) = says({"text": text, "evidence": ["F1"]}).claims
    assert claim.unfounded == wrong


def test_a_number_of_a_finding_that_is_not_cited_is_none_of_this_claim() -> None:
    assert says({"text": "118 wait", "evidence": ["F1"]}).claims[0].unfounded == ("118",)
    assert says({"text": "118 wait", "evidence": ["F2"]}).claims[0].unfounded == ()


def test_remedies_are_those_that_are_offered_and_another_first_cause_is_said() -> None:
    found = says(
        {"text": "load", "evidence": ["F1"], "cause": "load"}, remedies=["scale", "rm -rf /"], unexplained=["F2", "F7"]
    )
    assert (found.remedies, found.unexplained, found.disagrees) == (("scale",), ("F2",), True)
    assert not says({"text": "stuck", "evidence": ["F1"], "cause": "stuck"}).disagrees
    assert not says({"text": "aliens", "evidence": ["F1"], "cause": "aliens"}).disagrees


def test_what_steers_a_terminal_or_never_ends_is_cut() -> None:
    (claim,) = says({"text": "\x1b[2Jred " + "a" * 5000, "evidence": ["F1"]}).claims
    assert "\x1b" not in claim.text and len(claim.text) == MOST_TEXT


@pytest.mark.parametrize(
    "arguments", [{}, {"claims": "F1"}, {"claims": [{"text": ""}]}, {"claims": [{"evidence": ["F1"]}]}]
)
def test_what_is_no_conclusion_is_refused_in_words_that_help(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"^conclude: claims") as refused:
        told(arguments)
    assert "once more" in refused.value.hint


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=20), lambda inner: (
    st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["claims", "text", "evidence", "remedies"]), inner)
), max_leaves=12)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["claims", "unexplained", "settles", "remedies"]), JSON))
def test_whatever_is_said_nothing_is_kept_that_cites_nothing(arguments: dict[str, Any]) -> None:
    try:
        found = concluded(told(arguments), DIAGNOSIS, DIAGNOSIS.findings, "m")
    except UsageError:
        return
    assert all(set(claim.evidence) <= {"F1", "F2"} and claim.evidence for claim in found.claims)
    assert set(found.remedies) <= {"scale"}
