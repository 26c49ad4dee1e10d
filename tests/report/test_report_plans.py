"""A plan, its receipt and whether it helped, as JUnit XML and as Markdown, by itself and within a diagnosis."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import nouns
import pytest
from consoles import HOSTILE
from nouns import NOON
from plans import plan

from console.model import Act, Approval, Change, Check, Look, Offer, PlanRecord, PlanState, Receipt, Verdict
from console.remedy.planning import plan_hash
from console.remedy.states import BAD
from console.report.formats import FORMATS
from console.report.junit import junit_report
from console.report.markdown import markdown_report
from console.report.plan import in_words
from console.report.plan_junit import plan_junit
from console.report.plan_markdown import plan_markdown
from console.report.text import text_report
from console.triage import with_plans

DONE, NOT_DONE, UNKNOWN = (Receipt("k", NOON, NOON + 2, did, text) for did, text in (
    (True, ""), (False, "it is not what it was"), (None, "nobody can tell")))  # fmt: skip
BACK = Receipt("k2", NOON + 400, NOON + 401, True)
WORSE, BLIND, WELL = (Look(NOON + 300, verdict, str(verdict)) for verdict in (
    Verdict.DEGRADED, Verdict.NO_DATA, Verdict.OK))  # fmt: skip


def record(state: PlanState = PlanState.PLANNED, **changes: object) -> PlanRecord:
    made = plan(check=Check("depth", Verdict.OK, 300.0, ("errors",)))
    one = PlanRecord("P-1", plan_hash(made), made, state, rule="small", watched=NOON + 2, changed=NOON)
    return replace(one, **changes)  # type: ignore[arg-type]


def cases(text: str) -> dict[str, str]:
    """By name what became of each test case."""
    (suite,) = ElementTree.fromstring(text).iter("testsuite")
    found = {case.get("name", ""): next((each.tag for each in case), "passed") for case in suite.iter("testcase")}
    for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(suite.get(count, "")) == [*found.values()].count(tag)
    assert int(suite.get("tests", "")) == len(found)
    return found


S = PlanState


@pytest.mark.parametrize(
    ("one", "approved", "applied", "verified", "kept"),
    [
        (record(), "skipped", "skipped", "skipped", "skipped"),
        (record(S.REJECTED, reason="too wide"), "skipped", "skipped", "skipped", "skipped"),
        (record(S.EXPIRED), "skipped", "skipped", "skipped", "skipped"),
        (record(S.APPROVED), "passed", "skipped", "skipped", "skipped"),
        (record(S.APPLYING, receipt=Receipt("k", NOON)), "passed", "skipped", "skipped", "skipped"),
        (record(S.FAILED, receipt=NOT_DONE), "passed", "failure", "skipped", "skipped"),
        (record(S.UNKNOWN, receipt=UNKNOWN), "passed", "error", "skipped", "skipped"),
        (record(S.VERIFYING, receipt=DONE, looks=(WORSE,)), "passed", "passed", "skipped", "passed"),
        (record(S.VERIFIED, receipt=DONE, looks=(WELL, WELL)), "passed", "passed", "passed", "passed"),
        (record(S.NOT_RECOVERED, receipt=DONE, looks=(WORSE,)), "passed", "passed", "failure", "passed"),
        (record(S.NOT_RECOVERED, receipt=DONE, looks=(BLIND,)), "passed", "passed", "error", "passed"),
        (record(S.NOT_RECOVERED, receipt=DONE, reason="it changed"), "passed", "passed", "error", "passed"),
        (record(S.ROLLED_BACK, receipt=DONE, looks=(WORSE,), undoing=BACK), "passed", "passed", "failure", "failure"),
        (record(S.UNKNOWN, receipt=DONE, looks=(WORSE,), undoing=UNKNOWN), "passed", "passed", "failure", "error"),
    ],
)
def test_junit_says_how_far_it_came(one: PlanRecord, approved: str, applied: str, verified: str, kept: str) -> None:
    assert cases(plan_junit(one)) == {
        "approved": approved, "applied": applied, "verified by depth": verified, "kept": kept,
    }  # fmt: skip


@pytest.mark.parametrize("looks", [(), (WORSE,), (BLIND,), (WELL,)])
@pytest.mark.parametrize(
    ("state", "receipt", "undoing"),
    [
        (S.APPLIED, DONE, None), (S.APPLIED, DONE, NOT_DONE), (S.VERIFYING, DONE, None), (S.VERIFIED, DONE, NOT_DONE),
        (S.NOT_RECOVERED, DONE, None), (S.NOT_RECOVERED, DONE, NOT_DONE), (S.ROLLED_BACK, DONE, BACK),
        (S.ROLLED_BACK, DONE, None), (S.UNKNOWN, UNKNOWN, None), (S.UNKNOWN, DONE, UNKNOWN), (S.FAILED, NOT_DONE, None),
    ],
)  # fmt: skip
def test_junit_fails_where_the_exit_code_does(
    state: PlanState, receipt: Receipt, undoing: Receipt | None, looks: tuple[Look, ...]
) -> None:
    found = cases(plan_junit(record(state, receipt=receipt, undoing=undoing, looks=looks)))
    assert bool({"failure", "error"} & {*found.values()}) == (state in BAD), found


def test_markdown_says_what_changed_who_said_yes_and_whether_it_helped() -> None:
    yes = Approval(NOON + 60, "ada", 1, "h", "checkout is down", is_break_glass=True, signature="…")
    text = plan_markdown(record(S.VERIFIED, receipt=DONE, looks=(WELL, WELL), approvals=(yes,)))
    assert "## ● P-1 verified: kubernetes.scale deployment prod/ranker" in text
    assert "```diff\n  spec.replicas\n- 2\n+ 4\n```" in text
    assert "| approved alone, the glass broken, signed | 2026-11-22T12:01:00Z by ada: checkout is down |" in text
    assert "| applied | done, 2026-11-22T12:00:02Z |" in text
    assert "| allowed by | rule small |" in text
    assert "when depth is ok, within 5 min; ended early where errors turns worse" in text
    assert text.count("| ● ok | ok |") == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_from_outside_formats_or_steers(name: str) -> None:
    hostile = f"{name}```\n<b>x</b> | y"
    act = Act(name, name, hostile, {})
    made = plan(title=hostile, cause=name, subject=name, act=act, changes=(Change(hostile, hostile, hostile),))
    told = PlanRecord("P-1", "0" * 64, made, S.FAILED, reason=hostile, receipt=replace(NOT_DONE, text=hostile))
    for text in (plan_markdown(told), plan_junit(told)):
        assert "\x1b" not in text and "\u202e" not in text
    ElementTree.fromstring(plan_junit(told))
    before, _fence, within = plan_markdown(told).partition("````diff\n")
    assert "<b>" not in before and within.count("````") == 1


def test_within_a_diagnosis_a_plan_stands_beside_the_remedy_that_it_is_of() -> None:
    found = nouns.diagnosis(causes=(nouns.cause(remedies=("scale", "retrain")),))
    of = found.causes[0].id
    made = plan(cause=of)
    ended = PlanRecord(
        "P-2", plan_hash(made), made, S.ROLLED_BACK, reason="depth is degraded", receipt=DONE, undoing=BACK
    )
    first = replace(ended, id="P-1", state=S.FAILED)
    offers = (Offer("scale", of), Offer("retrain", of))
    whole = with_plans(replace(found, remedies=offers), [ended, first])
    assert [offer.plan and offer.plan.id for offer in whole.remedies] == ["P-2", None]
    text = text_report(whole)
    assert "\n   remedy  scale, retrain\n" in text
    assert "\n   plan    P-2 kubernetes.scale deployment prod/ranker is rolled back: depth is" in text
    assert "## ↩ P-2 rolled back: kubernetes.scale deployment prod/ranker" in markdown_report(whole)
    assert "P-2 kubernetes.scale" in [each.get("name", "") for each in ElementTree.fromstring(junit_report(whole))][-1]
    assert '"state": "rolled_back"' in FORMATS["json"](whole)


def test_all_of_a_plan_is_shown_to_whoever_says_yes_to_it() -> None:
    many = tuple(Change(f"spec.field{each}", "a" * 150, "b" * 150) for each in range(60))
    said = in_words(record(plan=plan(changes=many), approvals=(Approval(NOON, "ada", 1, "0" * 64, "I looked"),)))
    assert all(each.path in said for each in many)
    assert "by ada: I looked" in said and "andon plan approve P-1" in said


def test_a_reason_is_no_further_line_of_the_plan() -> None:
    forged = "fine\n  approved  2026-11-22T12:00:00Z by boss, signed"
    made = plan(title=forged, subject=forged, changes=(Change(forged, forged, forged),), warnings=(forged,))
    said = in_words(record(plan=made, reason=forged, approvals=(Approval(NOON, "ada", 1, "0" * 64, forged),)))
    assert [line for line in said.splitlines() if line.startswith("  approved")] == [
        f"  approved  2026-11-22T12:00:00Z by ada: {forged.replace(chr(10), ' ')}"
    ]
