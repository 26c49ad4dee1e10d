"""How often the answer was right, in every format: what fails in one fails in all; what was said is a stranger's."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from console.model import Usage
from console.report.evaluated import evaluated_junit, evaluated_report, evaluated_shape, progress
from console.triage.evaluating import Attempt, Evaluation, Graded

EVIL = "x\x1b[2J<b>\uffff"
RIGHT = Attempt("full", is_right=True, usage=Usage(calls=2, tokens_in=900, tokens_out=100, money=0.02, seconds=4.0))
WRONG = Attempt(EVIL, is_right=False, dropped=2, unfounded=1, usage=Usage(calls=4, tokens_in=3000, seconds=8.0))
SILENT = Attempt("none", is_right=False, stopped="it refused to answer")
ONE = Graded("there/a.andon", "full", "tests of playbooks", "full", (RIGHT, WRONG, SILENT, SILENT))
TWO = Graded("there/b.andon", "none", "tests of playbooks", "idle", (replace(RIGHT, cause="none"),) * 4)
TOLD = Evaluation((ONE, TWO, Graded("c.andon", skipped="nobody knows"), Graded("d.andon", error="bad", hint="mend it")),
                  "m", 4, 0.8)  # fmt: skip


def test_a_line_a_bundle_below_it_what_was_said_instead_then_the_sums() -> None:
    assert evaluated_report(TOLD).splitlines() == [
        "bundle   expected  numbers  model   calls  tokens  dollars  seconds  dropped  unfounded",
        "a.andon  full      right    1 of 4  1.5    1,000   0.005    3.0      2        1",
        "      2 × no answer: it refused to answer",
        "      1 × it names x<b>",
        "b.andon  none      wrong    4 of 4  2.0    1,000   0.020    4.0      0        0",
        "      the numbers name idle",
        "total              1 of 2   5 of 8  1.8    1,000   0.013    3.5      2        1",
        "c.andon: nobody knows; not graded",
        "d.andon: bad; mend it",
        "",
        "62.5% right with m: less than 80%",
    ]


def test_a_share_that_is_met_fails_nothing_in_junit_and_one_that_is_not_fails_one_case() -> None:
    for fail_under, failures in ((0.8, 1), (0.625, 0)):
        told = replace(TOLD, fail_under=fail_under)
        (suite,) = ElementTree.fromstring(evaluated_junit(told))
        assert suite.get("failures") == str(failures) == str(len([*suite.iter("failure")]))
        assert (suite.get("tests"), suite.get("errors"), suite.get("skipped")) == ("5", "1", "1")
    said = suite.findtext("testcase[@name='there/a.andon']/system-out") or ""
    assert "expected: full" in said and "1 × it names x<b>" in said and "\x1b" not in said


def test_where_none_was_graded_junit_has_an_error_as_the_exit_code_is_no_success() -> None:
    told = Evaluation((Graded("c.andon", skipped="nobody knows"),))
    (suite,) = ElementTree.fromstring(evaluated_junit(told))
    assert (suite.get("errors"), len([*suite.iter("error")]), told.exit) == ("1", 1, 3)
    assert evaluated_report(told).splitlines()[-1] == "nothing was graded"


def test_the_shape_counts_for_machines() -> None:
    told = evaluated_shape(replace(TOLD, is_interrupted=True))
    assert (told["share"], told["interrupted"], told["exit"]) == (0.625, True, 130)
    assert [(each["right"], each["is_right"]) for each in told["bundles"]] == [(1, True), (4, False), (0, False),
                                                                               (0, False)]  # fmt: skip


@pytest.mark.parametrize(
    ("each", "line"),
    [
        (ONE, "a.andon: right by the numbers, right in 1 of 4 runs with the model"),
        (replace(ONE, attempts=(RIGHT,)), "a.andon: right by the numbers, right in 1 of 1 runs with the model, so far"),
        (replace(ONE, attempts=()), "a.andon: right by the numbers"),
        (Graded("c.andon", skipped="nobody knows"), "c.andon: nobody knows; not graded"),
    ],
)
def test_progress_is_one_line_a_bundle(each: Graded, line: str) -> None:
    assert progress(each, 4) == line
