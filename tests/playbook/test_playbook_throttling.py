"""How often a playbook is run by itself: a run of a moment ago stands for another one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playbook_world import NOW, nothing, says, situation

from console.errors import PlaybookError
from console.model import Labels, Run, Symptom, Verdict
from console.playbook.definition import Playbook
from console.playbook.loader import load_text
from console.playbook.throttling import is_throttled
from console.triage.investigate import investigate

TYPES = {"nothing": says(nothing, "nothing")}


def book(throttle: str = "{every: 10m, per: [model]}") -> Playbook:
    text = (
        "schema: andon/v1\nname: p\ntitle: P\n"
        "triggers: [{signal: model.latency}]\n"
        "inputs: {model: {type: string, from: incident.labels.model}, share: {type: number, default: 2}}\n"
        f"throttle: {throttle}\nsteps:\n  - {{id: a, title: A, uses: nothing}}\n"
    )
    return load_text(text, "p.yaml", TYPES)


def ran(ago: float, **more: Any) -> Run:
    run = Run("r1", "p", "P", NOW - ago, NOW - ago, Verdict.OK, (), (), {"model": "glove", "share": "2.0"})
    return replace(run, **more)


@pytest.mark.parametrize(("earlier", "is_held"), [
    (ran(60), True),
    (ran(700), False),
    (ran(60, playbook="q"), False),
    (ran(60, inputs={"model": "shoe"}), False),
    (ran(60, inputs={"model": "glove", "share": "5"}), True),
])  # fmt: skip
def test_it_is_held_back_for_the_same_inputs_only_and_not_for_long(earlier: Run, is_held: bool) -> None:
    assert is_throttled(book(), {"model": "glove"}, [earlier], NOW) is is_held


def test_without_per_all_inputs_tell_runs_apart() -> None:
    every = book("{every: 10m}")
    assert is_throttled(
        every, {"model": "glove", "share": "2"}, [ran(60, inputs={"model": "glove", "share": "2"})], NOW
    )
    assert not is_throttled(every, {"model": "glove", "share": "5"}, [ran(60)], NOW)


def test_a_default_is_an_input_too() -> None:
    assert is_throttled(book("{every: 10m}"), {"model": "glove"}, [ran(60)], NOW)


def test_only_inputs_tell_runs_apart() -> None:
    with pytest.raises(PlaybookError, match=r"^p\.yaml:6:\d+: there is no input 'modle'"):
        book("{every: 10m, per: [modle]}")


async def test_a_run_that_stands_is_no_run_again() -> None:
    noticed = Symptom("slow", "model.latency", Labels.of(model="glove"), Verdict.DEGRADED)
    standing = ran(60)
    held = await investigate([noticed], {"p": book()}, situation(), TYPES, earlier=[standing])
    anew = await investigate([noticed], {"p": book()}, situation(), TYPES)
    assert [run.id for run in held.runs] == ["r1"]
    assert [run.id for run in anew.runs] != ["r1"]
