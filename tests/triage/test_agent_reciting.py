"""What a model said of one diagnosis, in the numbers of another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import nouns
from hypothesis import given
from hypothesis import strategies as st

from console.model import AgentClaim, AgentSays, Diagnosis, Finding, Offer, Verdict
from console.triage.agent.reciting import marked, recited


def found(id_: str, step: str, **changes: Any) -> Finding:
    return nouns.finding(id_, step=step, **changes)


def diagnosis(*findings: Finding, **changes: Any) -> Diagnosis:
    return nouns.diagnosis(findings=findings, **changes)


THEN = diagnosis(found("F1", "queue"), found("F2", "deploys"), found("F3", "kv"))
LOOKED = found("F4", "look")
SAYS = AgentSays(
    "m",
    claims=(AgentClaim("F3 came before F1.", "kv", evidence=("F3", "F4"), against=("F1",)),),
    unexplained=("F2",),
    remedies=("scale", "restart"),
    findings=(LOOKED, found("F5", "other")),
    dropped=2,
)


def test_what_is_still_there_is_cited_by_its_number_of_now_and_what_is_not_comes_along() -> None:
    now = diagnosis(
        found("F1", "kv", text="the same, told anew"), found("F2", "queue"), remedies=(Offer("scale", "kv"),)
    )
    told = recited(SAYS, THEN, now)
    (claim,) = told.claims
    assert (claim.text, claim.evidence, claim.against) == ("F1 came before F2.", ("F1", "F4"), ("F2",))
    assert told.unexplained == ("F3",)
    assert [(each.id, each.step) for each in told.findings] == [("F3", "deploys"), ("F4", "look")]
    assert (told.remedies, told.dropped) == (("scale",), 2)


def test_another_number_is_another_finding() -> None:
    now = diagnosis(found("F1", "kv", verdict=Verdict.OK), found("F2", "queue", onset=1.0))
    assert [(each.id, each.step) for each in recited(SAYS, THEN, now).findings] == [
        ("F3", "queue"),
        ("F4", "deploys"),
        ("F5", "kv"),
        ("F6", "look"),
    ]


@given(st.permutations(THEN.findings), st.integers(0, 3))
def test_each_citation_leads_to_the_finding_that_was_cited(findings: list[Finding], kept: int) -> None:
    now = diagnosis(*(replace(each, id=f"F{at}") for at, each in enumerate(findings[:kept], 1)))
    told = recited(SAYS, THEN, now)
    then = {each.id: each for each in (*THEN.findings, *SAYS.findings)}
    here = [*now.findings, *told.findings]
    assert len({each.id for each in here}) == len(here)
    steps = {each.id: marked(each) for each in here}
    for before, after in (
        (SAYS.claims[0].evidence, told.claims[0].evidence),
        (SAYS.claims[0].against, told.claims[0].against),
        (SAYS.unexplained, told.unexplained),
    ):
        assert [marked(then[id_]) for id_ in before] == [steps[id_] for id_ in after]
