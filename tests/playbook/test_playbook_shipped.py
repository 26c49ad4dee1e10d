"""The playbooks that ship: they hold together, and conclude from what the steps found what a person would."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from console.library import library_dir
from console.model import Finding, Run, State, Verdict
from console.playbook.checking import check_remedies
from console.playbook.editing import schema
from console.playbook.engine import run
from console.playbook.loader import built_in_step_types, load
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType, load_plugins
from console.sources.estate import Estate, Situation

PLAYBOOKS = {book.name: book for book in map(load, library_dir("playbooks").glob("*.yaml"))}
ACTIONS = load_plugins().by_name("andon_actions")
NOW = 1_795_348_800.0


def test_the_published_schema_is_the_one_the_loader_checks() -> None:
    published = json.loads((library_dir("playbooks") / "playbook.schema.json").read_text())
    assert published == schema(), "write it anew: andon playbook schema > playbooks/playbook.schema.json"


@pytest.mark.parametrize("name", sorted(PLAYBOOKS))
def test_what_ships_is_valid_for_editors_too(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    tree = YAML(typ="safe", pure=True).load((library_dir("playbooks") / f"{name}.yaml").read_text())
    jsonschema.validate(tree, schema())


def test_they_are_there_and_each_is_triggered_by_what_it_asks() -> None:
    assert set(PLAYBOOKS) >= {"accuracy_drop", "latency_regression", "error_burst", "bad_rollout"}
    for playbook in PLAYBOOKS.values():
        assert playbook.triggers
        assert all(check.step for check in playbook.trigger_checks)


@pytest.mark.parametrize("name", sorted(PLAYBOOKS))
def test_each_says_why_what_helps_and_is_tested_on_bundles(name: str) -> None:
    playbook = PLAYBOOKS[name]
    assert playbook.causes
    assert playbook.remedies
    assert all(line.title for cause in playbook.causes for line in cause.evidence)
    assert all(cause.remedies for cause in playbook.causes), "each cause has something that helps"
    assert len(playbook.tests) >= 2
    assert all((library_dir("playbooks") / test.bundle).exists() for test in playbook.tests)
    expected = {test.expect.cause for test in playbook.tests}
    assert {cause.id for cause in playbook.causes} <= expected, "each cause is the first one named in some bundle"
    assert len(expected) >= 2, "at least one bundle is not of that cause"


@pytest.mark.parametrize("name", sorted(PLAYBOOKS))
def test_each_remedy_is_an_action_that_takes_what_it_says(name: str) -> None:
    assert check_remedies(PLAYBOOKS[name], ACTIONS) == []


def test_no_playbook_knows_the_practice_line() -> None:
    for playbook in PLAYBOOKS.values():
        assert not re.search(r"\b(gloves?|lab|hog|brightness|station)\b", playbook.source.lower())


async def concluded(name: str, found: Mapping[str, Mapping[str, Any]]) -> Run:
    """The run of a playbook whose steps found this; a step that is not named found nothing to judge by."""

    def stand_in(real: StepType) -> StepType:
        async def step(context: StepContext, _options: Any) -> StepOutcome:
            values = found.get(context.step)
            if values is None:
                return StepOutcome(State.NO_DATA, "absent: nobody has it")
            verdict = Verdict(values.get("verdict", "ok"))
            finding = Finding("", "comparison", context.step, context.step, verdict)
            return StepOutcome(State(verdict), "", (finding,), values)

        step.__module__ = "console.playbook.steps.stand_in"
        return replace(real, run=step)

    types = {name: stand_in(step_type) for name, step_type in built_in_step_types().items()}
    return await run(PLAYBOOKS[name], {"model": "shoes"}, Situation(Estate(), NOW), step_types=types)


OK, WORSE = {"verdict": "ok", "ratio": 1.0}, {"verdict": "degraded", "ratio": 1.8}
SAME = {"verdict": "ok", "same": True, "changed": 0}
OTHER = {"verdict": "degraded", "same": False, "changed": 12}
STILL = {"verdict": "ok", "moved": False, "schema_changed": False, "issues": [], "new_columns": []}
MOVED = {"verdict": "degraded", "moved": True, "schema_changed": False, "issues": [], "new_columns": []}
BROKEN = {"verdict": "degraded", "moved": False, "schema_changed": True, "issues": ["type"], "new_columns": []}
HOLES = BROKEN | {"issues": ["missing"]}
QUIET, DEPLOYED = {"count": 0}, {"count": 1}

WORLD = {"accuracy": WORSE, "confidence": WORSE, "world": MOVED, "model": SAME, "released": QUIET, "upstream": QUIET}
SLOW = {"latency": WORSE, "compute": OK, "queue": OK, "dependency": OK, "cpu_wait": OK, "host_cpu": OK, "load": OK,
        "released": QUIET}  # fmt: skip
BURST = {"errors": WORSE, "reasons": WORSE, "load": OK, "dependency": OK, "dependency_latency": OK, "queue": OK,
         "feed": STILL, "model": SAME, "released": QUIET, "upstream": QUIET}  # fmt: skip
BUSIER = {"verdict": "degraded", "ratio": 1.9}
TRACED = {"verdict": "degraded", "slowest.service": "orders", "slowest.callee": "orders", "slowest.caller": "shoes"}
OWN = {"verdict": "degraded", "slowest.service": "shoes", "slowest.callee": "shoes", "slowest.caller": "web"}
EVENLY = {"verdict": "ok"}
NOTHING_NEW = {"verdict": "ok", "new_errors": 0}
CRASHES = {"verdict": "degraded", "new_errors": 1, "top.template": "request <*> failed KeyError"}
REFUSED = {"verdict": "degraded", "new_errors": 2, "top.template": "could not reach orders: connection refused"}
DATABASE = {"verdict": "degraded", "ratio": 9.0, "labels": {"dependency": "orders"}}


@pytest.mark.parametrize(
    ("playbook", "found", "cause"),
    [
        ("accuracy_drop", WORLD, "input_changed"),
        ("accuracy_drop", WORLD | {"accuracy": None}, "input_changed"),  # no label has come yet
        ("accuracy_drop", WORLD | {"released": DEPLOYED}, "input_changed"),  # the latest deploy is usually innocent
        ("accuracy_drop", WORLD | {"model": None}, "input_changed"),  # weaker, where no probe can be sent
        ("accuracy_drop", WORLD | {"world": STILL, "model": OTHER}, "model_changed"),
        ("accuracy_drop", WORLD | {"world": STILL, "model": OTHER, "released": DEPLOYED}, "model_changed"),
        ("accuracy_drop", WORLD | {"world": BROKEN}, "upstream_schema_changed"),
        ("accuracy_drop", WORLD | {"world": HOLES}, "missing_values"),
        ("accuracy_drop", WORLD | {"world": HOLES | {"new_columns": ["mass"]}}, "upstream_schema_changed"),
        ("accuracy_drop", WORLD | {"world": STILL, "model": OTHER, "version": OK, "served": DEPLOYED}, "serving_skew"),
        ("accuracy_drop", WORLD | {"world": STILL, "confidence": OK}, "concept_changed"),
        ("accuracy_drop", WORLD | {"accuracy": OK, "confidence": OK, "world": STILL}, None),
        ("accuracy_drop", {}, None),
        ("latency_regression", SLOW | {"cpu_wait": WORSE}, "cpu_contention"),
        ("latency_regression", SLOW | {"cpu_wait": WORSE, "host_cpu": WORSE, "compute": WORSE}, "cpu_contention"),
        ("latency_regression", SLOW | {"cpu_wait": WORSE, "compute": WORSE, "released": DEPLOYED}, "cpu_contention"),
        ("latency_regression", SLOW | {"cpu_wait": WORSE, "compute": WORSE, "dependency": DATABASE}, "cpu_contention"),
        ("latency_regression", SLOW | {"dependency": DATABASE}, "slow_dependency"),
        ("latency_regression", SLOW | {"dependency": DATABASE, "queue": WORSE}, "slow_dependency"),
        ("latency_regression", SLOW | {"load": BUSIER, "queue": WORSE}, "load_increase"),
        ("latency_regression", SLOW | {"compute": WORSE}, "model_slower"),
        ("latency_regression", SLOW | {"compute": WORSE, "released": DEPLOYED}, "model_slower"),
        ("latency_regression", SLOW | {"dependency": None, "time": TRACED}, "slow_dependency"),
        ("latency_regression", SLOW | {"time": TRACED}, None),  # all calls, measured, outweigh a sample of them
        ("latency_regression", SLOW | {"compute": WORSE, "time": OWN}, "model_slower"),
        ("latency_regression", SLOW | {"cpu_wait": WORSE, "compute": WORSE, "time": OWN}, "cpu_contention"),
        ("latency_regression", SLOW | {"load": BUSIER, "queue": WORSE, "time": EVENLY}, "load_increase"),
        ("latency_regression", SLOW | {"latency": OK}, None),
        ("latency_regression", {"latency": WORSE}, None),
        ("error_burst", BURST | {"feed": BROKEN}, "upstream_schema_changed"),
        ("error_burst", BURST | {"feed": BROKEN, "released": DEPLOYED}, "upstream_schema_changed"),
        ("error_burst", BURST | {"dependency": DATABASE}, "dependency_failing"),
        ("error_burst", BURST | {"model": OTHER, "released": DEPLOYED}, "bad_release"),
        ("error_burst", BURST | {"load": BUSIER, "queue": WORSE}, "overload"),
        ("error_burst", BURST | {"model": OTHER, "released": DEPLOYED, "logs": CRASHES}, "bad_release"),
        ("error_burst", BURST | {"model": None, "released": DEPLOYED, "logs": CRASHES}, "bad_release"),
        ("error_burst", BURST | {"released": QUIET, "logs": CRASHES}, None),
        ("error_burst", BURST | {"dependency": None, "logs": REFUSED}, "dependency_failing"),
        ("error_burst", BURST | {"dependency": DATABASE, "logs": REFUSED}, "dependency_failing"),
        ("error_burst", BURST | {"logs": REFUSED}, None),
        ("error_burst", BURST | {"feed": BROKEN, "logs": CRASHES, "released": DEPLOYED}, "upstream_schema_changed"),
        ("error_burst", BURST | {"load": BUSIER, "queue": WORSE, "logs": NOTHING_NEW}, "overload"),
        ("error_burst", BURST | {"errors": OK, "reasons": OK}, None),
        ("error_burst", {"errors": WORSE}, None),
    ],
)
async def test_a_person_would_conclude_the_same(playbook: str, found: dict[str, Any], cause: str | None) -> None:
    done = await concluded(playbook, {step: values for step, values in found.items() if values is not None})
    named = [each.id for each in done.causes if each.is_named]
    assert named[:1] == ([cause] if cause else []), [(each.id, round(each.odds, 3)) for each in done.causes]
    if cause and None not in (found.get("model", SAME), found.get("dependency", OK)):
        assert done.causes[0].is_likely or cause == "concept_changed"  # what is left over is never more than possible
        assert done.causes[1].odds < done.causes[0].odds / 5


async def test_load_that_was_announced_speaks_for_load() -> None:
    odds = []
    for announced in ("unknown", "no", "yes"):
        found = SLOW | {"load": BUSIER, "announced": {"answer": announced}}
        done = await concluded("latency_regression", found)
        odds.append(next(cause.odds for cause in done.causes if cause.id == "load_increase"))
    assert odds == [pytest.approx(odds[0]), pytest.approx(odds[0]), pytest.approx(10 * odds[0])]


async def test_the_subject_is_the_dependency_that_is_slow() -> None:
    done = await concluded("latency_regression", SLOW | {"dependency": DATABASE})
    assert done.causes[0].subject == "orders"
    assert {cause.subject for cause in done.causes[1:]} == {"shoes"}


async def test_a_healthy_model_is_healthy() -> None:
    done = await concluded("accuracy_drop", WORLD | {"accuracy": OK, "confidence": OK, "world": STILL})
    assert done.verdict is Verdict.OK
    done = await concluded("accuracy_drop", {"confidence": OK, "world": STILL})
    assert done.verdict is Verdict.NO_DATA  # whether the answers are right is what nobody knows


async def test_every_claim_cites_findings() -> None:
    done = await concluded("accuracy_drop", WORLD)
    for cause in done.causes:
        assert all(move.findings for move in cause.moves)
    ids = {finding.id for finding in done.findings}
    assert set(done.causes[0].evidence) <= ids
