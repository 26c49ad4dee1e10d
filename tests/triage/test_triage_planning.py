"""What a run would ask, without asking it."""

from __future__ import annotations

import pytest

from console.config import Config
from console.errors import UsageError
from console.playbook.loader import load_text
from console.report.planned import planned_report
from console.triage.planning import plan_run

BOOK = """\
schema: andon/v1
name: p
title: P
inputs: {model: {type: string, default: glove}}
steps:
  - {id: kv, title: Full?, uses: compare, with: {signal: model.kv.usage},
     windows: {baseline: {offset: 1d}}, dry_run: true}
  - {id: hosts, title: Busy?, uses: compare, with: {signal: host.load, where: {host: "${{ each }}"}}, foreach: [a, b]}
  - id: told
    title: Told?
    if: steps.hosts.verdict == "degraded"
    uses: ask
    with: {question: Was it told?, answers: ["yes", "no"], unattended: unknown}
  - {id: drain, title: Drain?, uses: ask, with: {question: Drain it?, type: boolean, roles: [lead]}}
"""


def test_it_says_what_is_done_for_whom_and_what_is_asked_of_a_person() -> None:
    plan = plan_run(load_text(BOOK, "p.yaml"), {}, Config(), None, None)
    shown = planned_report(plan)
    assert [step.foreach for step in plan.steps] == [(), ("a", "b"), (), ()]
    assert "dry run: decides nothing" in shown and "for each of a, b" in shown
    assert 'if steps.hosts.verdict == "degraded"' in shown
    assert "told: Was it told? (yes, no; else counted as unknown)" in shown
    assert "drain: Drain it? (true, false, by lead; else the run waits)" in shown


@pytest.mark.parametrize("baseline", ["{pinned: good}", "{before: onset, of: kv}"])
def test_a_baseline_that_only_the_run_knows_is_left_open(baseline: str) -> None:
    book = load_text(BOOK.replace("steps:", f"windows: {{baseline: {baseline}}}\nsteps:", 1), "p.yaml")
    assert plan_run(book, {}, Config(), None, None).windows.baseline is None


def test_inputs_that_do_not_fit_are_refused_before_anything_is_asked() -> None:
    with pytest.raises(UsageError, match="has no input 'modle'"):
        plan_run(load_text(BOOK, "p.yaml"), {"modle": "x"}, Config(), None, None)
