"""What stands right now: each playbook's triggers as it would look at them, and what is alike is looked at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from console.errors import PlaybookError
from console.lab.scenes.scene import Scene
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
    p: float | None = None  # by how much chance

    @property
    def step_types(self) -> dict[str, StepType]:
        built_in = built_in_step_types()["compare"]
        judge = StepType("compare", "C", built_in.options, built_in.result, self._run)
        return {"compare": judge}

    async def _run(self, _context: StepContext, options: Any) -> StepOutcome:
        self.asked.append(options.tolerance)
        verdict = Verdict.DEGRADED if options.tolerance < 0.3 else Verdict.OK
        finding = Finding("", "comparison", "slow", "", verdict, labels=Labels.of(model="m"), p=self.p)
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


@pytest.mark.parametrize(("p", "stands"), [(0.02, False), (0.001, True), (None, True)])
async def test_what_chance_would_do_once_a_day_opens_nothing(p: float | None, stands: bool) -> None:
    found = await standing([book("a", "20%")], Situation(Estate(), NOW), Judge(p=p).step_types)
    assert [finding.verdict for finding in found.findings] == [Verdict.DEGRADED]
    assert bool(found.symptoms) is stands


async def test_a_trigger_that_names_a_step_looks_at_its_windows() -> None:
    text = """
schema: andon/v1
name: canary
title: Is the canary worse?
triggers: [{signal: model.queue.depth, step: beside}]
inputs: {model: {from: incident.labels.model, default: ""}}
windows: {current: 10m, baseline: {offset: 30m}}
steps:
  - id: all
    title: More?
    uses: compare
    with: {signal: model.queue.depth, stat: mean, where: {model: "${{ inputs.model }}"}}
  - id: beside
    title: More than the stable ones?
    windows: {current: 10m, baseline: {where: {track: stable}}}
    uses: compare
    with: {signal: model.queue.depth, stat: mean, where: {model: "${{ inputs.model }}", track: canary}}
"""
    canary = load_text(text, "canary.yaml")
    scene = Scene().gauge("model.queue.depth", 30.0, model="chat", track="canary")
    scene.gauge("model.queue.depth", 10.0, model="chat", track="stable")
    with scene.situation() as situation:
        found = await standing([canary], situation, built_in_step_types())
    assert [(each.signal, dict(each.labels)) for each in found.symptoms] == [("model.queue.depth", {"model": "chat"})]
    whole = load_text(text.replace(", step: beside", ""), "canary.yaml")
    with scene.situation() as situation:
        assert not (await standing([whole], situation, built_in_step_types())).symptoms


@pytest.mark.parametrize(
    ("step", "why"), [("besides", "there is no step"), ("other", "does not judge model.queue.depth by itself")]
)
def test_a_trigger_names_a_step_that_judges_its_signal(step: str, why: str) -> None:
    text = f"""
schema: andon/v1
name: canary
title: Is the canary worse?
triggers: [{{signal: model.queue.depth, step: {step}}}]
steps:
  - {{id: beside, title: More?, uses: compare, with: {{signal: model.queue.depth, stat: mean}}}}
  - {{id: other, title: More?, uses: compare, with: {{signal: model.requests, stat: rate}}}}
"""
    with pytest.raises(PlaybookError, match=rf"^canary.yaml:5:46: .*{why}"):
        load_text(text, "canary.yaml")


async def test_where_no_canary_is_out_none_has_vanished() -> None:
    text = """
schema: andon/v1
name: canary
title: Is the canary worse?
triggers: [{signal: model.queue.depth, step: beside}]
steps:
  - id: beside
    title: More than the stable ones?
    windows: {current: 10m, baseline: {where: {track: stable}}}
    uses: compare
    with: {signal: model.queue.depth, stat: mean, where: {track: canary}}
"""
    with Scene().gauge("model.queue.depth", 10.0, model="chat", track="stable").situation() as situation:
        found = await standing([load_text(text, "canary.yaml")], situation, built_in_step_types())
    assert not found.symptoms and not found.findings


@pytest.mark.parametrize(("ago", "until", "stands"), [(540.0, 360.0, False), (200.0, 0.0, True)])
async def test_a_tail_that_is_over_is_no_symptom_and_one_that_goes_on_is(
    ago: float, until: float, stands: bool
) -> None:
    """Both lie in the ten minutes that are looked at, and make the same tail of them."""
    scene = Scene().histogram("model.latency", 0.1, per_second=20.0, model="m")
    scene.change("model.latency", ago, until=until, times=20.0, model="m")
    with scene.situation() as situation:
        found = await standing([book("slow", "50%")], situation, built_in_step_types())
    assert [finding.verdict for finding in found.findings] == [Verdict.DEGRADED]  # the window is as bad either way
    assert bool(found.symptoms) is stands
