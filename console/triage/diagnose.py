"""Runs put together: one numbering of findings, one list of causes, one verdict, one exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from console.model import (
    Cause,
    Diagnosis,
    Finding,
    Incident,
    Move,
    Offer,
    PlanRecord,
    Run,
    StepResult,
    Verdict,
    Windows,
)
from console.playbook.concluding import exit_of

# Worst first: what a person reading one word should know.
VERDICTS = (Verdict.DEGRADED, Verdict.INCONCLUSIVE, Verdict.NO_DATA, Verdict.IMPROVED, Verdict.OK)


def diagnose(runs: Sequence[Run], incident: Incident | None = None) -> Diagnosis:
    """What these runs, oldest first, say together; a playbook's last run stands for it. Without any run: no data."""
    runs = _numbered(list({run.playbook: run for run in runs}.values()))
    causes = _ranked(cause for run in runs for cause in run.causes if cause.is_named)
    findings = tuple(finding for run in runs for finding in run.findings)
    cited = {id_ for cause in causes for id_ in cause.evidence}
    verdict = min((run.verdict for run in runs), key=VERDICTS.index, default=Verdict.NO_DATA)
    steps = [step for run in runs for step in run.steps]
    undecided = {finding.id for step in steps if step.is_dry for finding in step.findings}
    return Diagnosis(
        verdict=verdict,
        exit=exit_of(verdict, runs),
        incident=incident,
        causes=causes,
        findings=findings,
        unexplained=tuple(
            each.id for each in findings if each.verdict == Verdict.DEGRADED and each.id not in cited | undecided
        ),
        remedies=tuple(Offer(remedy, cause.id) for cause in causes for remedy in cause.remedies),
        windows=Windows(runs[0].current, runs[0].baseline) if runs else Windows(),
        runs=runs,
        seconds=sum(run.seconds for run in runs),
    )


def with_plans(diagnosis: Diagnosis, plans: Sequence[PlanRecord]) -> Diagnosis:
    """The diagnosis with the last plan of each remedy that it offers; `plans` are the newest first."""
    last = {(each.plan.remedy, each.plan.cause): each for each in reversed(plans)}
    offers = tuple(replace(offer, plan=last.get((offer.id, offer.cause))) for offer in diagnosis.remedies)
    return replace(diagnosis, remedies=offers)


def _ranked(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Best first; where two playbooks name one cause of one subject, the stronger case stands."""
    best: dict[tuple[str, str], Cause] = {}
    for cause in causes:
        held = best.get((cause.id, cause.subject))
        if held is None or cause.odds > held.odds:
            best[cause.id, cause.subject] = cause
    return tuple(sorted(best.values(), key=lambda cause: -cause.odds))


def _numbered(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The runs with findings F1, F2 … through all of them, in citations too."""
    numbered = []
    count = 0
    for run in runs:
        names = {finding.id: f"F{count + place}" for place, finding in enumerate(run.findings, 1)}
        count += len(names)
        numbered.append(
            replace(
                run,
                steps=tuple(_step(step, names) for step in run.steps),
                causes=tuple(_cause(cause, names) for cause in run.causes),
            )
        )
    return tuple(numbered)


def _step(step: StepResult, names: dict[str, str]) -> StepResult:
    findings: tuple[Finding, ...] = tuple(replace(finding, id=names[finding.id]) for finding in step.findings)
    return replace(step, findings=findings)


def _cause(cause: Cause, names: dict[str, str]) -> Cause:
    def renamed(ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names[id_] for id_ in ids if id_ in names)

    moves: tuple[Move, ...] = tuple(replace(move, findings=renamed(move.findings)) for move in cause.moves)
    return replace(cause, evidence=renamed(cause.evidence), against=renamed(cause.against), moves=moves)
