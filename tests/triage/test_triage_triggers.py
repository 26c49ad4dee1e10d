"""What stands right now: each playbook's triggers as it would look at them, and what is alike is looked at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from console.model import Finding, Labels, Verdict
from console.playbook.loader import built_in_step_types, load_text
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType
from console.sources.estate import Estate, Situation
from console.triage.triggers import standing

NOW = 1_790_000_000.0


def book(name: str, tolerance: str, baseline: str = "{offset: 1d}") -> Any:
    return load_text(
        f"""\
schema: andon/v1
name: {name}
title: T
triggers: [{{signal: model.latency, verdict: degraded}}]
windows: {{current: 10m, baseline: {baseline}}}
steps: [{{id: slow, title: S, uses: compare, with: {{signal: model.latency, tolerance: {tolerance}}}}}]
""",
        f"{name}.yaml",
    )


@dataclass
class Judge:
    """Says that everything is 30 % slower, so it depends on the tolerance whether it is degraded."""

    asked: list[Any] = field(default_factory=list)

    @property
    def step_types(self) -> dict[str, StepType]:
        built_in = built_in_step_types()["compare"]
        judge = StepType("compare", "C", built_in.options, built_in.result, self._run)
        return {"compare": judge}

    async def _run(self, _context: StepContext, options: Any) -> StepOutcome:
        self.asked.append(options.tolerance)
        verdict = Verdict.DEGRADED if options.tolerance < 0.3 else Verdict.OK
        finding = Finding("", "comparison", "slow", "", verdict, labels=Labels.of(model="m"))
        return StepOutcome(state=verdict, findings=(finding,))  # type: ignore[arg-type]


@pytest.mark.parametrize("tolerances", [("20%", "50%"), ("50%", "20%")])
async def test_each_playbook_looks_with_its_own_tolerance_and_one_that_sees_it_is_enough(
    tolerances: tuple[str, str],
) -> None:
    judge = Judge()
    books = [book(f"b{place}", tolerance) for place, tolerance in enumerate(tolerances)]
    found = await standing(books, Situation(Estate(), NOW), judge.step_types)
    assert sorted(judge.asked) == [0.2, 0.5]
    assert [(symptom.signal, symptom.labels.value("model")) for symptom in found.symptoms] == [("model.latency", "m")]


async def test_what_several_playbooks_ask_alike_is_looked_at_once() -> None:
    judge = Judge()
    books = [book("a", "20%"), book("b", "20%"), book("c", "20%", "{offset: 2d}")]
    found = await standing(books, Situation(Estate(), NOW), judge.step_types)
    assert len(judge.asked) == 2  # another baseline is another question
    assert len(found.symptoms) == 1
