"""Would the tests of playbooks notice? Of every cause the strongest evidence is taken away, and a test must fail.

    python -m benchmarks.mutations [NAME|FILE…]

Each test is replayed once; without a line of evidence it is only weighed anew. A line of a cause is the strongest where
it moved most in one of the tests that expect this cause. Ends with 1 where a cause survives or no test expects it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from console.library import library_dir
from console.model import Cause, Move, Run
from console.playbook.bundles.testing import differences, run_test
from console.playbook.definition import CauseRule, Evidence, Playbook, PlaybookTest
from console.playbook.engine import resolve_inputs
from console.playbook.loader import built_in_step_types, library, load
from console.playbook.weigh import FACTORS, weigh
from console.report.tables import columns


@dataclass(frozen=True, slots=True)
class Mutant:
    """A cause without one line of its evidence, and the tests that notice."""

    playbook: str
    cause: str
    line: str
    weight: str
    tests: int  # that expect the cause
    killed_by: tuple[str, ...]
    is_strongest: bool  # of the cause, in one of its tests


@dataclass(frozen=True, slots=True)
class Mutated:
    """What came of one playbook."""

    playbook: str
    tests: int
    failing: tuple[str, ...]  # tests that fail or break with all evidence in place: they say nothing
    untested: tuple[str, ...]  # causes that no test expects
    mutants: tuple[Mutant, ...]

    @property
    def survived(self) -> list[Mutant]:
        """The strongest lines whose loss no test noticed."""
        return [each for each in self.mutants if each.is_strongest and not each.killed_by]


async def mutated(playbook: Playbook, playbooks: Mapping[str, Playbook]) -> Mutated:
    """Every test of a playbook once, and again without each strong line of the causes that they expect."""
    results = [await run_test(playbook, test, built_in_step_types(), playbooks) for test in playbook.tests]
    pairs = list(zip(playbook.tests, results, strict=True))
    sound = [(test, each.run) for test, each in pairs if each.passed and each.run is not None]
    mutants: list[Mutant] = []
    untested: list[str] = []
    for rule in playbook.causes:
        expecting = [(test, run) for test, run in sound if test.expect.cause == rule.id]
        if not expecting:
            untested.append(rule.id)
            continue
        strongest = {at for _test, run in expecting if (at := _strongest(rule, run)) is not None}
        strong = {at for at, line in enumerate(rule.evidence) if line.weight in ("strong", "decisive")}
        for at in sorted(strongest | {at for at in strong if not rule.evidence[at].against}):
            without = _without(playbook, rule, at)
            killers = tuple(test.bundle for test, run in expecting if _fails(without, test, run))
            line = rule.evidence[at]
            mutants.append(
                Mutant(playbook.name, rule.id, _text(line), line.weight, len(expecting), killers, at in strongest)
            )
    failing = tuple(test.bundle for test, each in pairs if not each.passed)
    return Mutated(playbook.name, len(pairs), failing, tuple(untested), tuple(mutants))


def _strongest(rule: CauseRule, run: Run) -> int | None:
    """The place of the line that spoke loudest for the cause in a run."""
    cause: Cause = next(each for each in run.causes if each.id == rule.id)
    moves: list[Move] = [move for move in cause.moves if move.counted and not move.against]
    if not moves:
        return None
    top = max(moves, key=lambda move: FACTORS[move.weight])
    told = [(_text(line), line.weight, line.against) for line in rule.evidence]
    return told.index((top.text, top.weight, False))


def _text(line: Evidence) -> str:
    return line.title or line.expression.source


def _without(playbook: Playbook, rule: CauseRule, at: int) -> Playbook:
    kept = replace(rule, evidence=(*rule.evidence[:at], *rule.evidence[at + 1 :]))
    return replace(playbook, causes=tuple(kept if each.id == rule.id else each for each in playbook.causes))


def _fails(playbook: Playbook, test: PlaybookTest, run: Run) -> bool:
    """Whether a test notices, when its run is weighed by this playbook."""
    values: dict[str, Any] = {
        **{f"inputs.{name}": value for name, value in resolve_inputs(playbook, run.inputs).items()},
        **{f"vars.{name}": value for name, value in playbook.constants.items()},
        **{f"steps.{step.id}.{name}": value for step in run.steps for name, value in step.values.items()},
    }
    causes = weigh(playbook, {step.id: step for step in run.steps}, values)
    return bool(differences(test.expect, replace(run, causes=causes)))


# ── the whole library ────────────────────────────────────────────────────────────────────────────────────────────────


def chosen(names: Sequence[str]) -> list[str]:
    """These playbooks, by name or file, or all of the library."""
    return list(names) or sorted(path.stem for path in library_dir("playbooks").glob("*.yaml"))


def one(name: str) -> Mutated:
    """What comes of a playbook."""
    if not _library:
        _library.update(library([library_dir("playbooks")], on_problem=_raise))
    book = load(Path(name)) if name.endswith((".yaml", ".yml")) else _library[name]
    return asyncio.run(mutated(book, _library))


_library: dict[str, Playbook] = {}


def _raise(problem: Exception) -> None:
    raise problem


def report(found: Iterable[Mutated]) -> str:
    """A line a mutant, and the totals."""
    all_of_them = list(found)
    mutants = [mutant for each in all_of_them for mutant in each.mutants]
    rows = [
        (
            each.playbook,
            each.cause,
            "strongest" if each.is_strongest else "other",
            each.weight,
            each.line,
            f"{len(each.killed_by)} of {each.tests}" if each.killed_by else "SURVIVED" if each.is_strongest else "–",
        )
        for each in mutants
    ]
    told = [columns(["playbook", "cause", "", "weight", "without", "tests that fail"], rows)]
    told += [f"{each.playbook}: no test expects {', '.join(each.untested)}" for each in all_of_them if each.untested]
    told += [
        f"{each.playbook}: these tests fail as it is: {', '.join(each.failing)}" for each in all_of_them if each.failing
    ]
    strongest = [each for each in mutants if each.is_strongest]
    killed = sum(bool(each.killed_by) for each in strongest)
    causes = sum(len({m.cause for m in each.mutants}) + len(each.untested) for each in all_of_them)
    untested = sum(len(each.untested) for each in all_of_them)
    told.append(
        f"{len(all_of_them)} playbooks, {sum(each.tests for each in all_of_them)} tests, {causes} causes: {killed} of "
        f"{len(strongest)} strongest lines would be noticed, {len(strongest) - killed} survive, "
        f"{untested} causes untested"
    )
    return "\n".join(told)


def main() -> int:
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(one, chosen(sys.argv[1:])))
    print(report(found))
    return int(any(each.survived or each.untested or each.failing for each in found))


if __name__ == "__main__":
    sys.exit(main())
