"""A playbook's tests: each replays a bundle, and every difference from what is expected is one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from console.errors import AndonError
from console.model import Cause, Labels, Run
from console.playbook.bundles import file
from console.playbook.bundles.bundle import Bundle
from console.playbook.bundles.replaying import answered, replayed
from console.playbook.concluding import exit_of
from console.playbook.definition import Expectation, Playbook, PlaybookTest
from console.playbook.engine import run
from console.plugins import StepType

NONE = "none"  # as an expected cause: that none is named


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test as it went."""

    playbook: str
    bundle: str
    expect: str  # in words
    differences: tuple[str, ...] = ()  # none: it passed
    error: str = ""  # why it could not be run: the bundle or the inputs are wrong
    hint: str = ""
    seconds: float = 0.0
    run: Run | None = None

    @property
    def passed(self) -> bool:
        return not self.differences and not self.error


async def run_tests(
    playbook: Playbook, step_types: Mapping[str, StepType], playbooks: Mapping[str, Playbook]
) -> list[TestResult]:
    """Every test of a playbook, in the order of the file. `playbooks` are those that it may use."""
    return [await run_test(playbook, test, step_types, playbooks) for test in playbook.tests]


async def run_test(
    playbook: Playbook, test: PlaybookTest, step_types: Mapping[str, StepType], playbooks: Mapping[str, Playbook]
) -> TestResult:
    """One test. What is wrong with its bundle or its inputs is told as its error."""
    expect = expected(test.expect)
    if not bundle_path(playbook, test).exists():
        lacking = f"there is no {bundle_path(playbook, test)}"
        hint = f"put the bundle there, or take its entry out of `tests:` in {playbook.path}"
        return TestResult(playbook.name, test.bundle, expect, error=lacking, hint=hint)
    try:
        bundle = file.load(bundle_path(playbook, test))
        done = await replay_run(playbook, bundle, step_types, playbooks, test.inputs)
    except AndonError as error:
        return TestResult(playbook.name, test.bundle, expect, error=error.message, hint=error.hint)
    seconds = (done.finished or done.started) - done.started
    return TestResult(
        playbook.name, test.bundle, expect, tuple(differences(test.expect, done)), seconds=seconds, run=done
    )


async def replay_run(
    playbook: Playbook,
    bundle: Bundle,
    step_types: Mapping[str, StepType],
    playbooks: Mapping[str, Playbook],
    inputs: Mapping[str, str] | None = None,
) -> Run:
    """The playbook on what a bundle holds. Raises UsageError for an input that is missing."""
    given = inputs_of(playbook, bundle) | dict(inputs or {})
    situation = replayed(bundle)
    return await run(playbook, given, situation, step_types=step_types, ask=answered(bundle), playbooks=playbooks)


def inputs_of(playbook: Playbook, bundle: Bundle) -> dict[str, str]:
    """Those of the recorded run of this playbook, as far as it still has them; else what the symptoms' labels say."""
    if playbook.name in bundle.inputs:
        recorded = bundle.inputs[playbook.name]
        return {name: value for name, value in recorded.items() if name in playbook.inputs}
    inputs: dict[str, str] = {}
    for symptom in bundle.symptoms:
        labels = Labels.of({**dict(symptom.alert), **dict(symptom.labels)})
        inputs = playbook.inputs_from(labels) | inputs
    return inputs


def bundle_path(playbook: Playbook, test: PlaybookTest) -> Path:
    """Where the bundle of a test lies: from the playbook's own folder."""
    return Path(playbook.path).parent / test.bundle


def differences(expect: Expectation, done: Run) -> list[str]:
    """What a run says otherwise than expected, one sentence each."""
    named = [cause for cause in done.causes if cause.is_named]
    found = list(_cause_differences(expect, named))
    found += [
        f"{cause.id} must never be named, but is, at {cause.odds:.3g}:1" for cause in named if cause.id in expect.never
    ]
    if expect.verdict is not None and done.verdict is not expect.verdict:
        found.append(f"the verdict is {done.verdict}, not {expect.verdict}")
    if expect.exit is not None and (code := int(exit_of(done.verdict, [done]))) != expect.exit:
        found.append(f"the exit code is {code}, not {expect.exit}")
    if found:
        found += [f"step {step.id} ended in an error: {step.reason}" for step in done.steps if step.state == "error"]
    return found


def _cause_differences(expect: Expectation, named: list[Cause]) -> list[str]:
    if expect.cause is None:
        return []
    if expect.cause == NONE:
        return [f"no cause should be named, but {_told(named[0])} is"] if named else []
    first = named[0] if named else None
    if first is None:
        return [f"no cause is named; {expect.cause} should be"]
    if first.id != expect.cause:
        return [f"the first cause is {_told(first)}, not {expect.cause}"]
    found = []
    if expect.subject is not None and first.subject != expect.subject:
        found.append(f"the subject of {first.id} is {first.subject or 'empty'}, not {expect.subject}")
    if expect.odds is not None and first.odds < expect.odds:
        found.append(f"{first.id} has odds of {first.odds:.3g}:1, less than {expect.odds:g}:1")
    return found


def _told(cause: Cause) -> str:
    return f"{cause.id} of {cause.subject or '?'} ({cause.odds:.3g}:1)"


def expected(expect: Expectation) -> str:
    """An expectation in words.

    >>> expected(Expectation(cause="kv_cache_exhausted", odds=20, exit=1))
    'kv_cache_exhausted at 20:1 or more, exit 1'
    """
    told = []
    if expect.cause == NONE:
        told.append("no cause")
    elif expect.cause is not None:
        told.append(expect.cause + (f" of {expect.subject}" if expect.subject else ""))
        told[0] += f" at {expect.odds:g}:1 or more" if expect.odds is not None else ""
    told += [f"never {cause}" for cause in expect.never]
    told += [str(expect.verdict)] if expect.verdict is not None else []
    told += [f"exit {expect.exit}"] if expect.exit is not None else []
    return ", ".join(told)
