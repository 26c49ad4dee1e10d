"""A diagnosis as JUnit XML: degraded is a failure, inconclusive and no_data are errors, skipped is skipped."""

from __future__ import annotations

from xml.etree import ElementTree  # writes only; nothing from outside is parsed here

from console import words
from console.model import AgentSays, Diagnosis, Run, State, StepResult
from console.report import phrases
from console.report.clean import clean
from console.report.plan_junit import plan_suite
from console.report.said import lines_of

ELEMENTS = {
    State.DEGRADED: "failure",
    State.INCONCLUSIVE: "error",
    State.NO_DATA: "error",
    State.ERROR: "error",
    State.SKIPPED: "skipped",
    State.WAITING: "skipped",
}


def junit_report(diagnosis: Diagnosis) -> str:
    """One test suite a run, one test case a step; one suite a plan that was made of a remedy; and one without any case
    for what a model says, which is no test and fails none.
    """
    root = ElementTree.Element("testsuites", name="andon", time=f"{diagnosis.seconds:.3f}")
    for run in diagnosis.runs:
        root.append(_suite(run, diagnosis))
    if diagnosis.agent is not None:
        root.append(_agent(diagnosis.agent))
    root.extend(plan_suite(offer.plan) for offer in diagnosis.remedies if offer.plan)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(run: Run, diagnosis: Diagnosis) -> ElementTree.Element:
    kinds = [_element(step) for step in run.steps]
    suite = ElementTree.Element(
        "testsuite",
        name=run.playbook,
        tests=str(len(run.steps)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
        timestamp=words.instant(run.started),
        time=f"{sum(step.seconds for step in run.steps):.3f}",
    )
    suite.extend(_case(run, step) for step in run.steps)
    told = [
        f"{cause.title} ({phrases.odds(cause)}), about {cause.subject}; for {', '.join(cause.evidence)}"
        for cause in diagnosis.causes
        if cause.playbook == run.playbook
    ]
    unexplained = [each.id for each in run.findings if each.id in diagnosis.unexplained]
    told += [f"unexplained: {', '.join(unexplained)}"] if unexplained else []
    if told:
        ElementTree.SubElement(suite, "system-out").text = "\n".join(map(clean, told))
    return suite


def _agent(says: AgentSays) -> ElementTree.Element:
    """What it says in words, and what of it a machine may want to watch."""
    suite = ElementTree.Element("testsuite", name="agent", tests="0", failures="0", errors="0", skipped="0")
    suite.set("time", f"{says.usage.seconds:.3f}")
    properties = ElementTree.SubElement(suite, "properties")
    told = {
        "model": says.model,
        "stopped": says.stopped,
        "claims": len(says.claims),
        "claims_dropped": says.dropped,
        "numbers_unfounded": sum(len(claim.unfounded) for claim in says.claims),
        "disagrees": str(says.disagrees).lower(),
        "calls": says.usage.calls,
        "tokens": says.usage.tokens,
        "dollars": f"{says.usage.money:.4f}",
    }
    for name, value in told.items():
        ElementTree.SubElement(properties, "property", name=f"agent.{name}", value=clean(str(value)))
    lines = [f"What {says.model} says ({phrases.cost(says.usage)})", *(line.in_words for line in lines_of(says))]
    ElementTree.SubElement(suite, "system-out").text = "\n".join(map(clean, lines))
    return suite


def _element(step: StepResult) -> str | None:
    return "skipped" if phrases.aside(step) else ELEMENTS.get(step.state)


def _case(run: Run, step: StepResult) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=run.playbook, name=step.id, time=f"{step.seconds:.3f}")
    element = _element(step)
    if element is not None:
        why = phrases.aside(step) or step.reason or step.title
        said = ElementTree.SubElement(case, element, message=clean(why))
        if element != "skipped":
            said.set("type", str(step.state))
            said.text = "\n".join(
                clean(f"{finding.id} {finding.text} {phrases.certainty(finding)}").rstrip() for finding in step.findings
            )
    return case
