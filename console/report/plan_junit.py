"""A plan as JUnit XML: was it approved, applied, seen to help, kept? It fails where `andon plan show` exits 5."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree  # writes only; nothing from outside is parsed here

from console import words
from console.model import PlanRecord, PlanState, Verdict
from console.report.clean import clean
from console.report.plan import in_words

NO_ANSWER = (Verdict.INCONCLUSIVE, Verdict.NO_DATA)


@dataclass(frozen=True, slots=True)
class _Case:
    """One question about a plan; without an element it passed."""

    name: str
    element: Literal["", "failure", "error", "skipped"] = ""
    message: str = ""
    seconds: float = 0.0


def plan_junit(record: PlanRecord) -> str:
    """A plan by itself."""
    root = ElementTree.Element("testsuites", name="andon")
    root.append(plan_suite(record))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def plan_suite(record: PlanRecord) -> ElementTree.Element:
    """The test suite of a plan."""
    cases = [_approved(record), _applied(record), *_verified(record), _kept(record)]
    kinds = [case.element for case in cases]
    suite = ElementTree.Element(
        "testsuite",
        name=clean(f"{record.id} {record.plan.title}"),
        tests=str(len(cases)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
        timestamp=words.instant(record.plan.created),
        time=f"{sum(case.seconds for case in cases):.3f}",
    )
    for case in cases:
        made = ElementTree.SubElement(
            suite, "testcase", classname=f"remedy.{record.plan.remedy}", name=case.name, time=f"{case.seconds:.3f}"
        )
        if case.element:
            said = ElementTree.SubElement(made, case.element, message=clean(case.message))
            if case.element != "skipped":
                said.set("type", str(record.state))
    ElementTree.SubElement(suite, "system-out").text = in_words(record)
    return suite


def _approved(record: PlanRecord) -> _Case:
    match record.state:
        case PlanState.PLANNED:
            left = record.approvers - len(record.approvals)
            return _Case("approved", "skipped", f"it waits for {left} of {record.approvers} to approve it")
        case PlanState.REJECTED | PlanState.CANCELLED | PlanState.EXPIRED:
            return _Case("approved", "skipped", record.reason or f"it is {record.state}")
    return _Case("approved")


def _applied(record: PlanRecord) -> _Case:
    receipt = record.receipt
    if receipt is None:
        return _Case("applied", "skipped", "nothing was changed")
    seconds = (receipt.ended or receipt.began) - receipt.began
    if receipt.did or record.state is PlanState.APPLYING:
        is_under_way = record.state is PlanState.APPLYING
        return _Case("applied", "skipped" if is_under_way else "", "it is under way", seconds)
    if record.state is PlanState.UNKNOWN:
        return _Case("applied", "error", record.reason, seconds)
    return _Case("applied", "failure", record.reason or receipt.text, seconds)


def _verified(record: PlanRecord) -> Iterator[_Case]:
    check, receipt = record.plan.check, record.receipt
    if check is None:
        return
    name = f"verified by {check.step}"
    seconds = max(record.looks[-1].time - record.watched, 0.0) if record.looks else 0.0
    if record.state is PlanState.VERIFIED:
        yield _Case(name, seconds=seconds)
    elif receipt is None or not receipt.did or record.state in (PlanState.APPLIED, PlanState.VERIFYING):
        yield _Case(name, "skipped", "whether it helped is not known yet")
    elif record.looks and record.looks[-1].verdict not in NO_ANSWER:
        yield _Case(name, "failure", record.reason or record.looks[-1].text, seconds)
    else:
        yield _Case(name, "error", record.reason or "nobody could tell whether it helped", seconds)


def _kept(record: PlanRecord) -> _Case:
    """Whether what was applied is still so."""
    undoing = record.undoing
    seconds = (undoing.ended or undoing.began) - undoing.began if undoing else 0.0
    if record.state is PlanState.ROLLED_BACK:
        return _Case("kept", "failure", f"the former values are back: {record.reason}".rstrip(": "), seconds)
    if record.receipt is None or not record.receipt.did:
        return _Case("kept", "skipped", "nothing was changed")
    if record.state is PlanState.UNKNOWN:
        return _Case("kept", "error", record.reason, seconds)
    is_going_back = undoing is not None and undoing.ended is None
    return _Case("kept", "skipped" if is_going_back else "", "it is being taken back", seconds)
