"""What a model says, in every format: the same words, escaped as the rest is, and no verdict changes because of it."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import nouns
import pytest

from console.model import AgentClaim, AgentSays, Usage
from console.report.junit import junit_report
from console.report.markdown import markdown_report
from console.report.text import text_report

EVIL = "# x\x1b[2J\u202e<script>alert(1)</script> | `[F1](http://x)` \uffff]]> & *done*"
CLAIM = AgentClaim("it queues, 17 s", "input_changed", ("F1",), ("F2", "F9"), ("17",))
FULL = AgentSays(
    "m", (CLAIM,), unexplained=("F4", "F5"), settles=("look at the pods", "ask the feed"), remedies=("scale",),
    findings=(nouns.finding("F9", text="the pods wait"),), dropped=2, disagrees=True,
    usage=Usage(calls=3, tokens_in=12_000, tokens_out=500, money=0.043, seconds=12.3),
)  # fmt: skip
WORDS = (
    "it queues, 17 s",
    "F1, against F2, F9",
    "no finding that it cites has 17",
    "it puts another cause first than the numbers do",
    "look at the pods; ask the feed",
    "F4, F5",
    "scale",
    "the pods wait",
    "2 of its claims cited nothing that was found, and are not shown",
    "3 calls, 12,500 tokens, $0.043, 12 s",
)


@pytest.mark.parametrize("render", [text_report, markdown_report, junit_report])
def test_every_format_says_all_of_it_in_the_same_words(render) -> None:
    told = render(replace(nouns.diagnosis(), agent=FULL))
    assert [words for words in WORDS if words not in told] == []
    told = render(replace(nouns.diagnosis(), agent=AgentSays("m", stopped="it refused to answer")))
    assert "nothing: it refused to answer; the diagnosis stands" in told


@pytest.mark.parametrize("render", [text_report, markdown_report, junit_report])
def test_what_it_found_before_it_was_stopped_is_shown(render) -> None:
    stopped = AgentSays("m", stopped="the budget is used up", findings=FULL.findings)
    assert "the pods wait" in render(replace(nouns.diagnosis(), agent=stopped))


@pytest.mark.parametrize("render", [text_report, markdown_report, junit_report])
def test_where_no_model_was_asked_none_is_spoken_of(render) -> None:
    assert "says" not in render(nouns.diagnosis())


def test_markdown_has_it_after_the_causes_and_before_what_can_be_done() -> None:
    told = markdown_report(replace(nouns.diagnosis(), agent=FULL))
    assert told.index("## Causes") < told.index("## What m says") < told.index("## Findings")
    at = told.splitlines().index("## What m says")
    assert told.splitlines()[at + 2 : at + 12] == [
        "3 calls, 12,500 tokens, $0.043, 12 s. Verdicts and the order of causes are those of the numbers.",
        "",
        "- “it queues, 17 s” (F1, against F2, F9)",
        "  - **!** no finding that it cites has 17",
        "- **!** it puts another cause first than the numbers do",
        "- to settle it: look at the pods; ask the feed",
        "- it cannot explain: F4, F5",
        "- remedies: scale",
        "- F9: the pods wait",
        "- 2 of its claims cited nothing that was found, and are not shown",
    ]


@pytest.mark.parametrize("beginning", ["# ", "- ", "1. ", "> ", "```", "    ", "---", "| "])
def test_however_a_claim_begins_it_is_words_in_markdown(beginning: str) -> None:
    says = AgentSays("m", (AgentClaim(f"{beginning}done\n{beginning}done", evidence=("F1",)),))
    line = next(each for each in markdown_report(replace(nouns.diagnosis(), agent=says)).splitlines() if "“" in each)
    assert line.startswith("- “") and line.endswith("done” (F1)")


def test_what_a_stranger_wrote_formats_nothing_in_markdown() -> None:
    says = AgentSays(EVIL, (AgentClaim(EVIL, evidence=("F1",)),), settles=(EVIL,), stopped=EVIL)
    told = markdown_report(replace(nouns.diagnosis(), agent=says))
    assert "\x1b" not in told and "\u202e" not in told and "\n# x" not in told
    assert not re.search(r"(?<!\\)(?:<script|`|\]\(http|\| )", told.partition("## What")[2].partition("\n## ")[0])


def test_junit_stays_xml_and_counts_no_failure_for_what_a_model_says() -> None:
    says = AgentSays(EVIL, (AgentClaim(EVIL, evidence=("F1",)),), stopped=EVIL, disagrees=True)
    plain, told = (
        ElementTree.fromstring(junit_report(each))
        for each in (nouns.diagnosis(), replace(nouns.diagnosis(), agent=says))
    )
    counts = [
        {key: sum(int(suite.get(key, "0")) for suite in root) for key in ("tests", "failures", "errors", "skipped")}
        for root in (plain, told)
    ]
    assert counts[0] == counts[1]
    for bad in ("failure", "error", "skipped"):
        assert len([*plain.iter(bad)]) == len([*told.iter(bad)])
    suite = told.find("testsuite[@name='agent']")
    assert suite is not None and suite.find("testcase") is None
    assert "<script>alert(1)</script>" in (suite.findtext("system-out") or "")


def test_junit_has_figures_that_a_machine_can_watch() -> None:
    root = ElementTree.fromstring(junit_report(replace(nouns.diagnosis(), agent=FULL)))
    watched = {each.get("name"): each.get("value") for each in root.iter("property")}
    assert watched == {
        "agent.model": "m",
        "agent.stopped": "",
        "agent.claims": "1",
        "agent.claims_dropped": "2",
        "agent.numbers_unfounded": "1",
        "agent.disagrees": "true",
        "agent.calls": "3",
        "agent.tokens": "12500",
        "agent.dollars": "0.0430",
    }
