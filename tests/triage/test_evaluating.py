"""Grading: what should be said of a bundle, and how often a model says it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nouns
import pytest
from agents import Scripted, reply, uses

from console.config import LlmConfig, McpConfig
from console.errors import Exit, SourceDenied, SourceError, UsageError
from console.library import library_dir
from console.playbook.bundles.file import load, save
from console.playbook.loader import built_in_step_types, library
from console.triage.agent.speaker import Reply
from console.triage.evaluating import Evaluation, Graded, bundles_in, evaluate

BUNDLES = library_dir("playbooks") / "bundles"
FULL, TIGHT = BUNDLES / "disk-fills.andon", BUNDLES / "disk-always-tight.andon"
BOOKS = library([library_dir("playbooks")], built_in_step_types(), on_problem=pytest.fail)


LLM = LlmConfig("m", seconds=30.0)
REFUSES = reply(stop="refusal")


class Model(Scripted):
    """A scripted model in place of the process that speaks to one; it can call tools, and says so without a turn."""

    probes = 0

    async def say(self, request: Mapping[str, Any], on_text: Any, seconds: float) -> Reply:
        if [tool["name"] for tool in request.get("tools", ())] == ["ready"]:
            self.probes += 1
            return reply(uses("ready"))
        return await super().say(request, on_text, seconds)

    async def close(self) -> None:
        """There is no process."""


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Model]:
    def scripted(*turns: Reply | Exception) -> Model:
        model = Model(*turns)
        monkeypatch.setattr("console.triage.agent.explaining.Speaker", lambda _endpoint: model)
        return model

    return scripted


def concludes(cause: str, *more: Mapping[str, Any], text: str = "the disk fills") -> Reply:
    return reply(uses("conclude", claims=[{"text": text, "evidence": ["F1"], "cause": cause}, *more]))


async def graded(*paths: Path, llm: LlmConfig | None = None, runs: int = 5, books: Any = BOOKS) -> list[Graded]:
    """Each bundle as it was graded in the end."""
    found: dict[str, Graded] = {}
    async for each in evaluate(paths, books, built_in_step_types(), llm, runs):
        found[each.bundle] = each
    return list(found.values())


async def test_a_model_that_is_right_three_times_of_five_scores_six_tenths_and_fails(says: Any) -> None:
    uncited = {"text": "it was 777 GB", "evidence": ["F99"]}
    right, wrong = concludes("disk_full"), concludes("inodes_full", uncited, text="the disk has 4321 errors")
    says(right, wrong, right, wrong, right)
    (each,) = await graded(FULL, llm=LLM)
    assert (each.expected, each.found, each.is_right) == ("disk_full", "disk_full", True)
    assert [attempt.is_right for attempt in each.attempts] == [True, False, True, False, True]
    assert [(attempt.dropped, attempt.unfounded) for attempt in each.attempts[:2]] == [(0, 0), (1, 1)]
    told = Evaluation((each,), "m", 5, fail_under=0.8)
    assert (told.share, told.exit) == (0.6, Exit.PROBLEM)
    assert replace(told, fail_under=0.6).exit is Exit.HEALTHY
    assert replace(told, is_interrupted=True).exit is Exit.INTERRUPTED


async def test_each_run_begins_anew_and_is_told_of_as_it_ends(says: Any) -> None:
    model = says(concludes("disk_full"))
    steps = [each async for each in evaluate([FULL], BOOKS, built_in_step_types(), LLM, 3)]
    assert [len(each.attempts) for each in steps] == [0, 1, 2, 3]
    assert [len(asked["messages"]) for asked in model.asked] == [1, 1, 1]  # nothing of an earlier run is in a later one


async def test_the_endpoint_is_tried_once_and_runs_end_with_the_dollars_of_a_day(says: Any) -> None:
    model = says(replace(concludes("disk_full"), usage={"input_tokens": 1_000_000}))
    dear = replace(LLM, prices={"read": 1.0}, dollars=1.5, dollars_a_day=2.0)
    each, other = await graded(FULL, TIGHT, llm=dear, runs=2)
    assert [attempt.stopped for attempt in each.attempts] == ["", ""]
    assert [attempt.stopped for attempt in other.attempts] == ["the budget of $2 a day is used up"] * 2
    assert (len(model.asked), model.probes) == (2, 1)


async def test_the_cause_of_the_first_claim_that_is_about_one_counts(says: Any) -> None:
    remark = {"text": "node-a is in trouble", "evidence": ["F1"]}
    full, inodes = ({"text": "see", "evidence": ["F1"], "cause": cause} for cause in ("disk_full", "inodes_full"))
    says(reply(uses("conclude", claims=[remark, full, inodes])), reply(uses("conclude", claims=[remark, inodes, full])))
    (each,) = await graded(FULL, llm=LLM, runs=2)
    assert [attempt.is_right for attempt in each.attempts] == [True, False]


@pytest.mark.parametrize("turn", [SourceDenied("the key is wrong"), SourceError("it hangs"), REFUSES])
@pytest.mark.parametrize("path", [FULL, TIGHT])  # where nothing is to be found, silence is no answer either
async def test_a_run_that_comes_to_no_answer_is_never_right(
    turn: Any, path: Path, says: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.triage.agent.talking.AGAIN", 0)
    says(turn)
    (each,) = await graded(path, llm=LLM, runs=2)
    assert each.is_right and each.right == 0 and all(attempt.stopped for attempt in each.attempts)
    assert Evaluation((each,), "m", 2, 0.1).exit is Exit.PROBLEM


async def test_where_nothing_is_wrong_the_model_that_names_no_cause_is_right(says: Any) -> None:
    says(reply(uses("conclude", claims=[])), concludes("disk_full"))
    (each,) = await graded(TIGHT, llm=LLM, runs=2)
    assert [attempt.is_right for attempt in each.attempts] == [True, False]


async def test_where_nothing_is_found_no_model_is_asked_which_is_no_answer_if_a_cause_is_expected(
    says: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def finds_nothing(*_given: Any) -> Any:
        return nouns.diagnosis(findings=(), causes=(), runs=())

    monkeypatch.setattr("console.triage.evaluating.replay", finds_nothing)
    model = says(concludes("disk_full"))
    full, tight = await graded(FULL, TIGHT, llm=LLM, runs=2)
    assert not model.asked and tight.is_right and tight.attempts == ()
    assert not full.is_right and [attempt.is_right for attempt in full.attempts] == [False, False]


async def test_nothing_but_the_bundle_is_looked_at(says: Any, tmp_path: Path) -> None:
    mark = tmp_path / "started"
    says(concludes("disk_full"))
    server = McpConfig("wiki", ("search",), ("touch", str(mark)))
    (each,) = await graded(FULL, llm=replace(LLM, mcp=(server,)), runs=1)
    assert each.right == 1 and not mark.exists()


async def test_without_a_model_the_numbers_alone_are_graded() -> None:
    told = Evaluation(tuple(await graded(FULL, TIGHT)), fail_under=0.8)
    assert [(each.expected, each.is_right, each.attempts) for each in told.bundles] == [
        ("disk_full", True, ()),
        ("none", True, ()),
    ]
    assert (told.share, told.exit) == (1.0, Exit.HEALTHY)


async def test_a_bundle_of_no_test_is_held_to_what_it_was_recorded_with(tmp_path: Path) -> None:
    shutil.copy(FULL, tmp_path)
    shutil.copy(TIGHT, tmp_path)
    tight, full = await graded(*bundles_in([tmp_path]))
    assert (full.expected, full.by, full.is_right) == ("disk_full", "its own diagnosis, as recorded", True)
    assert tight.skipped and not tight.expected
    assert Evaluation((tight,)).exit is Exit.INCONCLUSIVE


@pytest.mark.parametrize(
    ("tests", "recorded", "expected"),
    [
        ({"a": "x"}, ("y", "a"), "x"),
        ({"a": "x", "b": "none"}, ("x", "a"), "x"),
        ({"a": "x", "b": "y"}, ("y", "b"), "y"),
        ({"a": "x", "b": "y"}, ("z", "b"), ""),
        ({"a": "x", "b": "y"}, None, ""),
        ({"a": "none"}, ("x", "a"), "none"),  # the test was changed since
        ({"a": "none"}, ("x", "b"), "x"),  # another playbook's cause, of which this test says nothing
        ({"a": "none"}, None, "none"),
        ({}, ("x", "a"), "x"),
        ({}, None, ""),
    ],
)
async def test_tests_of_playbooks_say_what_is_expected_and_the_recorded_diagnosis_where_they_leave_it_open(
    tests: dict[str, str], recorded: tuple[str, str] | None, expected: str, tmp_path: Path
) -> None:
    causes = (nouns.cause(recorded[0], playbook=recorded[1]),) if recorded else ()
    path = tmp_path / "it.andon"
    save(replace(load(TIGHT), diagnosis=nouns.diagnosis(causes=causes)), path)
    books = dict(BOOKS)
    for name, cause in tests.items():
        test = BOOKS["disk_full"].tests[0]
        test = replace(test, bundle=path.name, expect=replace(test.expect, cause=cause))
        books[name] = replace(BOOKS["disk_full"], name=name, path=str(tmp_path / f"{name}.yaml"), tests=(test,))
    (each,) = await graded(path, books=books)
    assert (each.expected, bool(each.skipped)) == (expected, not expected)


async def test_a_broken_bundle_is_told_and_the_others_are_graded(tmp_path: Path) -> None:
    broken = tmp_path / "broken.andon"
    broken.write_bytes(b"no bundle")
    told = Evaluation(tuple(await graded(broken, FULL)))
    assert told.bundles[0].error and told.bundles[1].is_right
    assert told.exit is Exit.USAGE


def test_files_and_folders_each_bundle_once(tmp_path: Path) -> None:
    assert bundles_in([FULL, BUNDLES])[0] == FULL
    assert len(bundles_in([FULL, BUNDLES, FULL])) == len(list(BUNDLES.glob("*.andon")))
    with pytest.raises(UsageError, match="holds no bundle"):
        bundles_in([tmp_path])
