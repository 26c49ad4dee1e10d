"""Weighs evidence: each cause has its own log-odds, and every move is shown.

A line that is true multiplies its cause's odds by its weight, or divides them. Lines of one group tell the same thing,
so of each group only the strongest in each direction counts. Several causes may hold at once: no share is computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from console.model import Cause, Move, StepResult
from console.playbook.definition import CauseRule, Playbook
from console.playbook.expressions import Unknown
from console.playbook.template import Template

FACTORS: Mapping[str, float] = {"weak": 3.0, "moderate": 10.0, "strong": 30.0, "decisive": 100.0}


def weigh(playbook: Playbook, results: Mapping[str, StepResult], values: Mapping[str, Any]) -> tuple[Cause, ...]:
    """Every cause of the playbook with its odds, best first.

    `values` are what expressions read (`steps.kv.verdict`, `inputs.model`). A line counts only when it is true and the
    steps it reads gave findings: a claim that cites nothing moves nothing. What a dry run measured is never evidence.
    """
    dry = {step.id for step in results.values() if step.is_dry}
    if dry:
        results = {name: replace(result, findings=()) if name in dry else result for name, result in results.items()}
        values = {name: value for name, value in values.items() if _step_of(name) not in dry}
    causes = [_cause(rule, playbook.name, results, values) for rule in playbook.causes]
    return tuple(sorted(causes, key=lambda cause: -cause.odds))


def odds(prior: float, moves: Iterable[Move]) -> float:
    """Posterior odds: the prior, times the factor of every counted move (divided by it for one against).

    >>> odds(1 / 30, [Move("kv > 0.95", "strong", False, ("F1",)), Move("queue grew", "moderate", False, ("F2",))])
    10.0
    """
    for move in moves:
        if move.counted:
            prior = prior / FACTORS[move.weight] if move.against else prior * FACTORS[move.weight]
    return prior


def strongest_of_each_group(moves: Iterable[Move]) -> tuple[Move, ...]:
    """The same moves; of each group, all but the strongest in each direction are marked as not counted."""
    taken = list(moves)
    best: dict[tuple[str, bool], int] = {}
    for index, move in enumerate(taken):
        if move.group is None:
            continue
        key = (move.group, move.against)
        if key not in best or FACTORS[move.weight] > FACTORS[taken[best[key]].weight]:
            best[key] = index
    return tuple(
        move if move.group is None else replace(move, counted=best[move.group, move.against] == index)
        for index, move in enumerate(taken)
    )


def _cause(rule: CauseRule, playbook: str, results: Mapping[str, StepResult], values: Mapping[str, Any]) -> Cause:
    moves = sorted(strongest_of_each_group(_moves(rule, results, values)), key=lambda move: -FACTORS[move.weight])
    posterior = odds(rule.prior, moves)
    return Cause(
        id=rule.id,
        playbook=playbook,
        title=rule.title,
        subject=_subject(rule, values),
        odds=posterior,
        probability=posterior / (1 + posterior),
        evidence=_cited(move for move in moves if not move.against),
        against=_cited(move for move in moves if move.against),
        moves=tuple(moves),
        remedies=rule.remedies,
    )


def _moves(rule: CauseRule, results: Mapping[str, StepResult], values: Mapping[str, Any]) -> Iterable[Move]:
    for line in rule.evidence:
        if line.expression.evaluate(values) is not True:
            continue
        findings = tuple(finding.id for step in line.expression.steps for finding in results[step].findings)
        if findings:
            yield Move(line.title or line.expression.source, line.weight, line.against, findings, line.group)


def _cited(moves: Iterable[Move]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding for move in moves for finding in move.findings))


def _step_of(name: str) -> str | None:
    """The step whose result a variable is."""
    parts = name.split(".")
    return parts[1] if parts[0] == "steps" else None


def _subject(rule: CauseRule, values: Mapping[str, Any]) -> str:
    said = rule.subject.fill(values) if isinstance(rule.subject, Template) else rule.subject
    if said is None or isinstance(said, Unknown):
        said = values.get("inputs.model", "")
    return str(said)
