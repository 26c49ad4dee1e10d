"""Findings that no named cause cites are always listed, in every format, with a cause and without one."""

from __future__ import annotations

from dataclasses import replace

import nouns
import pytest

from console.model import Diagnosis, State, Verdict
from console.report.junit import junit_report
from console.report.markdown import markdown_report
from console.report.text import text_report
from console.triage.diagnose import diagnose
from console.wire import dump


def diagnosis(*, with_cause: bool, **step: bool) -> Diagnosis:
    run = nouns.a_run()
    odd = replace(run.steps[0].findings[0], verdict=Verdict.DEGRADED, text="nobody said why", step="odd", id="F9")
    more = nouns.step("odd", State.DEGRADED, findings=(odd,))
    run = replace(run, steps=(*run.steps, replace(more, **step)), causes=run.causes if with_cause else ())
    return diagnose([run])


@pytest.mark.parametrize("with_cause", [True, False])
def test_what_no_cause_explains_is_listed_everywhere(with_cause: bool) -> None:
    made = diagnosis(with_cause=with_cause)
    last = made.findings[-1].id
    assert last in made.unexplained
    assert bool(made.causes) is with_cause
    assert last in dump(made)["unexplained"]
    assert f"Unexplained  {', '.join(made.unexplained)}" in text_report(made, width=200)
    assert f"Unexplained: {', '.join(made.unexplained)}." in markdown_report(made)
    assert f"unexplained: {', '.join(made.unexplained)}" in junit_report(made)


def test_a_dry_run_needs_no_explanation_and_fails_nothing() -> None:
    made = diagnosis(with_cause=False, is_dry=True)
    assert made.findings[-1].id not in made.unexplained
    assert "nobody said why" in text_report(made, width=200)
    assert "dry run: decides nothing" in text_report(made, width=200)
    assert 'message="dry run: decides nothing"' in junit_report(made)
    assert "dry run: decides nothing" in markdown_report(made)
