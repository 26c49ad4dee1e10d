"""`foreach`: one step done for many items, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from console.model import Finding, Labels, Shown, State, StepResult, Verdict
from console.playbook.attempt import ended
from console.playbook.definition import Foreach, Step
from console.playbook.expressions import Expression, Unknown

RESULT: Mapping[str, str] = {
    "verdict": "string",  # the gravest of all items
    "count": "int",
    "degraded": "list(string)",  # the items that are
    "ok": "list(string)",
    "worst": "string",  # the degraded item with the largest harm
}
GRAVEST_FIRST = (
    State.WAITING, State.DEGRADED, State.ERROR, State.INCONCLUSIVE, State.NO_DATA, State.IMPROVED, State.OK,
    State.SKIPPED,
)  # fmt: skip
LABEL = "item"
VERDICTS = {State(verdict) for verdict in Verdict if verdict is not Verdict.NO_DATA}


def items_of(foreach: Foreach, values: Mapping[str, Any]) -> tuple[str | float, ...] | Unknown | str:
    """The items; Unknown where nobody can tell; a text says why there are too many."""
    items = foreach.items
    if isinstance(items, Expression):
        found = items.evaluate(values)
        if isinstance(found, Unknown):
            return found
        items = tuple(found)
    items = tuple(dict.fromkeys(items))
    return items if len(items) <= foreach.most else f"foreach gives {len(items):,} items, and `most` is {foreach.most}"


def together(step: Step, items: Sequence[str | float], results: Sequence[StepResult]) -> StepResult:
    """The result of the whole step."""
    named = {_text(item): result for item, result in zip(items, results, strict=True)}
    if not named:
        return replace(ended(step, State.SKIPPED, "there is nothing to go through"),
                       values={"count": 0, "degraded": [], "ok": []})  # fmt: skip
    counted = [each for each in results if not (step.is_optional and each.state is State.ERROR)] or list(results)
    gravest = min(counted, key=lambda each: GRAVEST_FIRST.index(each.state))
    degraded = sorted(
        (name for name, each in named.items() if each.state is State.DEGRADED), key=lambda name: -harm(named[name])
    )
    fine = [name for name, each in named.items() if each.state is State.OK]
    values: dict[str, Any] = {"count": len(named), "degraded": degraded, "ok": fine}
    if gravest.state in VERDICTS:
        values["verdict"] = str(gravest.state)
    if degraded:
        values["worst"] = degraded[0]
    return StepResult(
        id=step.id,
        title=step.title,
        uses=step.uses,
        state=gravest.state,
        reason=_reason(named, gravest, degraded),
        findings=tuple(_of_item(each, name) for name, result in named.items() for each in result.findings),
        values=values,
        unreachable=any(each.unreachable for each in results),
        question=next((each.question for each in results if each.question is not None), None),
        shown=_shown([each.shown for each in results if each.shown is not None]),
        attempts=max(each.attempts for each in results),
        is_optional=step.is_optional,
        is_dry=step.is_dry,
    )


def harm(result: StepResult) -> float:
    """How far a result's degraded findings are from what they were compared with; comparable within one step."""
    sizes = [0.0]
    for finding in result.findings:
        if finding.verdict is not Verdict.DEGRADED:
            continue
        if finding.ratio is not None:
            sizes.append(abs(math.log(finding.ratio)) if 0 < finding.ratio < math.inf else math.inf)
        elif finding.drift is not None:
            sizes.append(finding.drift.effect or 0.0)
        elif finding.current is not None and finding.current.value is not None:
            before = finding.baseline.value if finding.baseline is not None else None
            sizes.append(abs(finding.current.value - (before or 0.0)))
    return max(sizes)


def _reason(named: Mapping[str, StepResult], gravest: StepResult, degraded: Sequence[str]) -> str:
    if degraded and gravest.state is State.DEGRADED:
        told = f"{len(degraded)} of {len(named)} are degraded, most of all {degraded[0]}"
        why = named[degraded[0]].reason
        return f"{told}: {why}" if why else told
    if gravest.state in (State.OK, State.IMPROVED):
        return ""
    same = [name for name, each in named.items() if each.state is gravest.state]
    return f"{len(same)} of {len(named)} {gravest.state.replace('_', ' ')}, such as {same[0]}: {gravest.reason}"


def _shown(all_shown: Sequence[Shown]) -> Shown | None:
    if not all_shown:
        return None
    commands = "\n".join(each.command for each in all_shown if each.command)
    return Shown("\n\n".join(each.markdown for each in all_shown), commands)


def _of_item(finding: Finding, item: str) -> Finding:
    labels = finding.labels if finding.labels.value(LABEL) is not None else Labels.of(finding.labels, item=item)
    return replace(finding, labels=labels, text=f"{item}: {finding.text}")


def _text(item: str | float) -> str:
    return item if isinstance(item, str) else f"{item:g}"
