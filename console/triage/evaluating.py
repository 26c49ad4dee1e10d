"""How often is the answer right, without a model and with one? Recorded incidents, diagnosed again and graded by code.

Nothing but the bundles is looked at: no source, no plugin's tool, no MCP server, which would tell of another day.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from console.config import LlmConfig
from console.errors import AndonError, Exit, UsageError
from console.model import AgentSays, Cause, Diagnosis, Usage
from console.playbook.bundles.bundle import SUFFIX, Bundle
from console.playbook.bundles.file import load
from console.playbook.bundles.replaying import answered, replayed
from console.playbook.bundles.testing import NONE, bundle_path
from console.playbook.definition import Playbook
from console.plugins import StepType
from console.triage.agent.explaining import Investigation
from console.triage.agent.probing import Able
from console.triage.agent.tool import Scene
from console.triage.replay import replay

NOTHING_USED = Usage()
NOT_ASKED = "it was not asked, for nothing was found"

Tests = Mapping[Path, Mapping[str, str]]
"""By bundle: which first cause the tests of which playbook expect in it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run with the model. One that came to no answer is never right."""

    cause: str  # the first that it names; `none` where it names none
    is_right: bool
    stopped: str = ""  # why there is no answer
    dropped: int = 0  # claims that cite nothing
    unfounded: int = 0  # numbers that no cited finding has
    usage: Usage = NOTHING_USED


@dataclass(frozen=True, slots=True)
class Graded:
    """One bundle, as far as it is graded."""

    bundle: str
    expected: str = ""  # the id of a cause, or `none`; empty: it is not graded
    by: str = ""  # who expects that, in words
    found: str = NONE  # the first cause that the numbers name
    attempts: tuple[Attempt, ...] = ()
    skipped: str = ""  # why it is not graded
    error: str = ""  # why it could not be
    hint: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the numbers alone are."""
        return bool(self.expected) and self.found == self.expected

    @property
    def right(self) -> int:
        """How many runs with the model are."""
        return sum(attempt.is_right for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All of them, and what they are held to."""

    bundles: tuple[Graded, ...]
    model: str = ""  # empty: none was asked
    runs: int = 0  # of each bundle with the model
    fail_under: float = 0.0
    is_interrupted: bool = False

    @property
    def graded(self) -> tuple[Graded, ...]:
        """Those of which it is known what should be said."""
        return tuple(each for each in self.bundles if each.expected)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every run with the model."""
        return tuple(attempt for each in self.graded for attempt in each.attempts)

    @property
    def share(self) -> float | None:
        """Of right answers: of the runs with the model, or of the numbers' where it was never asked; None: of none."""
        right = [attempt.is_right for attempt in self.attempts] or [each.is_right for each in self.graded]
        return sum(right) / len(right) if right else None

    @property
    def exit(self) -> Exit:
        """By DESIGN §12: the first that holds."""
        if self.is_interrupted:
            return Exit.INTERRUPTED
        if any(each.error for each in self.bundles):
            return Exit.USAGE
        if self.share is None:
            return Exit.INCONCLUSIVE
        return Exit.HEALTHY if self.share >= self.fail_under else Exit.PROBLEM


def bundles_in(named: Iterable[Path]) -> list[Path]:
    """The files, and those in the folders, each once. UsageError for a folder that holds none."""
    found: dict[Path, Path] = {}
    for path in named:
        files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not files:
            raise UsageError(f"{path} holds no bundle", f"name files, or a folder with *{SUFFIX} right in it")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


async def evaluate(
    paths: Sequence[Path],
    playbooks: Mapping[str, Playbook],
    step_types: Mapping[str, StepType],
    llm: LlmConfig | None,
    runs: int,
) -> AsyncIterator[Graded]:
    """Each bundle as far as it is graded: by the numbers, and again after each run with the model."""
    tests = _tests(playbooks.values())
    model = _Model(replace(llm, mcp=())) if llm is not None else None
    for path in paths:
        async for graded in _graded(path, tests, playbooks, step_types, model, runs):
            yield graded


@dataclass(slots=True)
class _Model:
    """What is asked in every run: its endpoint is tried once, and what all runs cost counts towards a day."""

    llm: LlmConfig
    able: Able | None = None
    dollars: float = 0.0

    async def says(self, diagnosis: Diagnosis, scene: Scene) -> AgentSays:
        if not diagnosis.findings:
            return AgentSays("", stopped=NOT_ASKED)
        investigation = Investigation(diagnosis, scene, self.llm, able=self.able, today=lambda: self.dollars)
        explained = await investigation.through()
        self.able = explained.able
        self.dollars += explained.says.usage.money
        return explained.says


async def _graded(
    path: Path,
    tests: Tests,
    playbooks: Mapping[str, Playbook],
    step_types: Mapping[str, StepType],
    model: _Model | None,
    runs: int,
) -> AsyncIterator[Graded]:
    graded = Graded(str(path))
    try:
        bundle = load(path)
        graded = _with_expectation(graded, _expected_in(path, tests), bundle)
        if graded.skipped:
            yield graded
            return
        diagnosis = await replay(bundle, playbooks, step_types)
    except AndonError as error:
        yield replace(graded, expected="", error=error.message, hint=error.hint)
        return
    graded = replace(graded, found=_first(diagnosis))
    yield graded
    if model is None or (graded.expected == NONE and not diagnosis.findings):
        return
    for _run in range(runs):
        scene = Scene(replayed(bundle), step_types, diagnosis, playbooks, ask=answered(bundle))
        attempt = _attempt(await model.says(diagnosis, scene), graded.expected)
        graded = replace(graded, attempts=(*graded.attempts, attempt))
        yield graded


def _attempt(says: AgentSays, expected: str) -> Attempt:
    cause = next((claim.cause for claim in says.claims if claim.cause), NONE)
    return Attempt(
        cause,
        is_right=not says.stopped and cause == expected,
        stopped=says.stopped,
        dropped=says.dropped,
        unfounded=sum(len(claim.unfounded) for claim in says.claims),
        usage=says.usage,
    )


def _with_expectation(graded: Graded, tests: Mapping[str, str], bundle: Bundle) -> Graded:
    """What should be said of a bundle: what tests of playbooks expect, else the first cause it was recorded with.

    A test speaks for its own playbook alone. So `none` counts where no other names a cause, and where several do, the
    recorded diagnosis tells which comes first.
    """
    causes = [*dict.fromkeys(cause for cause in tests.values() if cause != NONE)]
    recorded = _recorded(bundle)
    if recorded is not None and len(causes) != 1 and (recorded.id in causes or recorded.playbook not in tests):
        by = "tests of playbooks" if recorded.id in causes else "its own diagnosis, as recorded"
        return replace(graded, expected=recorded.id, by=by)
    if len(causes) > 1:
        return replace(graded, skipped=f"tests of playbooks expect different causes in it: {', '.join(causes)}")
    if tests:
        return replace(graded, expected=causes[0] if causes else NONE, by="tests of playbooks")
    return replace(graded, skipped="neither a test of a playbook nor its own diagnosis names a cause")


def _tests(playbooks: Iterable[Playbook]) -> Tests:
    found: dict[Path, dict[str, str]] = {}
    for playbook in playbooks:
        for test in playbook.tests:
            if test.expect.cause is not None:
                found.setdefault(bundle_path(playbook, test).resolve(), {})[playbook.name] = test.expect.cause
    return found


def _expected_in(path: Path, tests: Tests) -> Mapping[str, str]:
    return tests.get(path.resolve(), {})


def _recorded(bundle: Bundle) -> Cause | None:
    return next(iter(bundle.diagnosis.causes), None) if bundle.diagnosis is not None else None


def _first(diagnosis: Diagnosis) -> str:
    return diagnosis.causes[0].id if diagnosis.causes else NONE
