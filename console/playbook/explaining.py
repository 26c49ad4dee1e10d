"""Which missing evidence would change a run's answer most cheaply: what if it were there, and what would it cost?

Every step that gave no answer is supposed to have one, each way in turn, and the causes are weighed anew with it.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from console.model import Move, Run, State, StepResult
from console.playbook.definition import CauseRule, Evidence, Playbook, Step
from console.playbook.expressions import Expression, Unknown
from console.playbook.weigh import odds, strongest_of_each_group
from console.signals.dialect import Dialect

Lack = Literal["person", "samples", "stale", "unreachable", "denied", "golden", "broken", "no_series", "no_source"]

COSTS: Mapping[Lack, tuple[float, str]] = {
    "person": (1.0, "a person answers in a minute"),
    "samples": (2.0, "it comes by itself, after a while"),
    "stale": (3.0, "a source that stopped telling has to be mended"),
    "unreachable": (3.0, "a source that does not answer has to be mended"),
    "denied": (4.0, "somebody has to give leave"),
    "golden": (4.0, "golden inputs have to be pinned while all is well"),
    "broken": (5.0, "the playbook or its step has to be mended"),
    "no_series": (6.0, "a source is there, and what it reads has to export it"),
    "no_source": (8.0, "a source has to be set up"),
}
NAMED, LIKELY = 3.0, 20.0  # odds
MOST_DIALECTS = 4


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One way it could turn out, and the first cause then."""

    supposed: str
    cause: str | None  # the first cause that would be named; None: none would
    odds: float  # of that cause, or of the nearest one
    changes: bool  # whether another cause would be first, or one where there is none


@dataclass(frozen=True, slots=True)
class Missing:
    """A step without an answer, what it could change, and how to get it."""

    step: str
    title: str
    lack: Lack
    reason: str
    cost: float
    because: str  # why it costs that much
    todo: str
    what_if: tuple[WhatIf, ...]  # the most telling first
    worth: float  # change of the answer per cost; 0: it could change nothing


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a run's answer hangs on. The published shape of `andon playbook explain`."""

    playbook: str
    run: str
    cause: str | None  # the first one named
    odds: float  # its, or those of the nearest one
    missing: tuple[Missing, ...]  # the most change for the least cost first


def explain(playbook: Playbook, run: Run, *, dialects: Iterable[Dialect] = (), incident: str = "") -> Explanation:
    """What this run of this playbook lacks, the cheapest change first.

    `dialects` say who has a signal that no source has; `incident` is where a question is answered.
    """
    case = _Case(playbook, run)
    first, its_odds = case.answer(case.holding({}))
    missing = [
        _missing(case, step, tuple(dialects), incident) for step in playbook.steps if step.id in case.roots(step.id)
    ]
    ranked = sorted(missing, key=lambda each: (-each.worth, each.cost))
    return Explanation(playbook.name, run.id, first, its_odds, tuple(ranked))


def _missing(case: _Case, step: Step, dialects: Sequence[Dialect], incident: str) -> Missing:
    result = case.results[step.id]
    lack = _lack(result)
    cost, because = COSTS[lack]
    what_if = sorted(case.what_ifs(step), key=lambda each: -_weight(case, each))
    return Missing(
        step=step.id,
        title=step.title,
        lack=lack,
        reason=result.reason,
        cost=cost,
        because=because,
        todo=_todo(case, step, lack, dialects, incident),
        what_if=tuple(what_if),
        worth=max((_weight(case, each) for each in what_if), default=0.0) / cost,
    )


def _weight(case: _Case, what_if: WhatIf) -> float:
    """How much of an answer it changes: another first cause counts most, then how far the odds move."""
    _first, before = case.answer(case.holding({}))
    moved = min(abs(math.log10(max(what_if.odds, 1e-9) / max(before, 1e-9))) / 4.0, 0.9)
    return 2.0 + moved if what_if.changes else moved


# ── what if ──────────────────────────────────────────────────────────────────────────────────────────────────────────

Line = tuple[str, int]
"""A line of evidence: its cause, and its place in it."""


class _Case:
    """A run with its playbook: what each line of evidence says, and would say."""

    def __init__(self, playbook: Playbook, run: Run) -> None:
        self.playbook, self.run = playbook, run
        self.results = {result.id: result for result in run.steps if not result.is_dry}  # those decide nothing
        self.steps = {step.id: step for step in playbook.steps}
        self.values: dict[str, Any] = {
            f"inputs.{name}": playbook.inputs[name].value(text)
            for name, text in run.inputs.items()
            if name in playbook.inputs
        } | {f"vars.{name}": value for name, value in playbook.constants.items()}
        for result in self.results.values():
            self.values |= {f"steps.{result.id}.{name}": value for name, value in result.values.items()}

    def roots(self, id_: str) -> frozenset[str]:
        """The steps that have to say more before this one can; empty where it has said all it can."""
        result, step = self.results.get(id_), self.steps.get(id_)
        if result is None or step is None:
            return frozenset()
        if result.question is not None or result.state in (State.NO_DATA, State.ERROR, State.INCONCLUSIVE):
            return frozenset((id_,))
        if result.state is State.WAITING or (result.state is State.SKIPPED and not self._is_settled(step)):
            return frozenset().union(*map(self.roots, step.needs))
        return frozenset()

    def what_ifs(self, root: Step) -> Iterator[WhatIf]:
        """Every way in which a step could turn out that moves a cause."""
        prefix = f"steps.{root.id}."
        answers = _answers(self.results[root.id])
        if answers:
            for said, given in answers.items():
                values = {f"{prefix}{name}": value for name, value in given.items()}
                yield self._what_if(f"the answer is {said}", self.holding(values))
            return
        reads = [line for line in self._lines() if self._could_tell(line, root.id)]
        verdicts: dict[str, dict[str, Any]] = {}
        if any(f"{prefix}verdict" in self._line(line).expression.names for line in reads):
            verdicts = {f"it is {word}": {f"{prefix}verdict": word} for word in ("degraded", "ok")}
        decided: set[str] = set()
        for supposed, values in verdicts.items():
            held = self.holding(values)
            decided |= {self._line(line).expression.source for line in reads if line in held}
            if any(line in held for line in reads):
                yield self._what_if(supposed, held)
        for source in dict.fromkeys(self._line(line).expression.source for line in reads):
            if source not in decided:
                line = next(line for line in reads if self._line(line).expression.source == source)
                yield self._what_if(self._line(line).title or source, self._holding_if(source, verdicts.values()))

    def holding(self, supposed: Mapping[str, Any]) -> frozenset[Line]:
        """The lines that are true of the run, with these values in the place of its own."""
        values = {**self.values, **supposed}
        told = {name.split(".")[1] for name in supposed}
        return frozenset(
            line
            for line in self._lines()
            if self._line(line).expression.evaluate(values) is True
            and any(step in told or self._findings(step) for step in self._line(line).expression.steps)
        )

    def answer(self, holding: frozenset[Line]) -> tuple[str | None, float]:
        """(the first cause named or None, the best odds) where these lines hold."""
        best = max(self.playbook.causes, key=lambda rule: self._odds(rule, holding), default=None)
        if best is None:
            return None, 0.0
        its_odds = self._odds(best, holding)
        return (best.id if its_odds >= NAMED else None), its_odds

    def _what_if(self, supposed: str, holding: frozenset[Line]) -> WhatIf:
        cause, its_odds = self.answer(holding)
        return WhatIf(supposed, cause, its_odds, cause != self.answer(self.holding({}))[0])

    def _holding_if(self, source: str, verdicts: Iterable[Mapping[str, Any]]) -> frozenset[Line]:
        """With this expression true wherever it stands, and the verdict that lets it be so."""
        lines = [line for line in self._lines() if self._line(line).expression.source == source]
        expression = self._line(lines[0]).expression
        fitting = (each for each in verdicts if expression.evaluate({**self.values, **each}) is not False)
        return self.holding(next(fitting, {})) | frozenset(lines)

    def _could_tell(self, line: Line, root: str) -> bool:
        """Whether a line of evidence waits for this step: nobody knows what it says, or its step is not sure."""
        expression = self._line(line).expression
        waits = any(root in self.roots(step) for step in expression.steps)
        is_open = isinstance(expression.evaluate(self.values), Unknown)
        return waits and (is_open or (root in expression.steps and self.results[root].state is State.INCONCLUSIVE))

    def _odds(self, rule: CauseRule, holding: frozenset[Line]) -> float:
        moves = [
            Move(line.expression.source, line.weight, line.against, (), line.group)
            for place, line in enumerate(rule.evidence)
            if (rule.id, place) in holding
        ]
        return odds(rule.prior, strongest_of_each_group(moves))

    def _lines(self) -> Iterator[Line]:
        return ((rule.id, place) for rule in self.playbook.causes for place in range(len(rule.evidence)))

    def _line(self, line: Line) -> Evidence:
        rule = next(rule for rule in self.playbook.causes if rule.id == line[0])
        return rule.evidence[line[1]]

    def _findings(self, step: str) -> bool:
        return step in self.results and bool(self.results[step].findings)

    def _is_settled(self, step: Step) -> bool:
        """Whether it was left out because its condition is not so."""
        condition: Expression | None = step.condition
        return condition is not None and condition.evaluate(self.values) is False


def _answers(result: StepResult) -> Mapping[str, Mapping[str, Any]]:
    """What a step gives for each answer to its question that can be told beforehand."""
    if result.question is None:
        return {}
    if result.question.kind == "boolean":
        return {word: {"answer": word, "boolean": word == "true"} for word in ("true", "false")}
    return {answer: {"answer": answer} for answer in result.question.answers}


# ── what it takes ────────────────────────────────────────────────────────────────────────────────────────────────────


def _lack(result: StepResult) -> Lack:
    """What kind of thing is missing, by how the step ended."""
    reason = result.reason
    if result.question is not None:
        return "person"
    if result.state is State.ERROR:
        return "unreachable" if result.unreachable else "broken"
    if result.uses == "probe":
        return "golden"
    if result.state is State.INCONCLUSIVE or reason.startswith(("too few", "partial")):
        return "samples"
    if reason.startswith("stale"):
        return "stale"
    if reason.startswith("denied"):
        return "denied"
    return "no_source" if reason.startswith("absent: no ") else "no_series"


def _todo(case: _Case, step: Step, lack: Lack, dialects: Sequence[Dialect], incident: str) -> str:
    result = case.results[step.id]
    if result.question is not None:
        return _how_to_answer(case.run, step, result.question.text, result.question.answers, incident)
    match lack:
        case "samples":
            return f"wait, and run it again: {result.reason or 'more data decides it'}"
        case "stale" | "unreachable":
            return f"see `andon source check`: {result.reason}"
        case "denied":
            return f"let andon read it: {result.reason}"
        case "golden":
            return "pin golden inputs to the model's endpoint while it answers as it should"
        case "broken":
            return f"mend it: {result.reason}"
    signal = step.options.get("signal")
    if not isinstance(signal, str):
        return f"set up a source that can tell: {result.reason}"
    return f"{'read' if lack == 'no_source' else 'export'} {signal}: {_who_has(signal, dialects)}"


def _how_to_answer(run: Run, step: Step, question: str, answers: Sequence[str], incident: str) -> str:
    value = answers[0] if answers else "VALUE"
    if incident:
        return f"andon incident answer {incident} {shlex.quote(question)} {shlex.quote(value)}"
    if run.state == "paused":
        return f"andon run --resume {run.id} --answer {shlex.quote(f'{step.id}={value}')}"
    return f"answer it: run {run.playbook} at a terminal"


def _who_has(signal: str, dialects: Sequence[Dialect]) -> str:
    having = [dialect for dialect in dialects if dialect.natives(signal)]
    if not having:
        return "no exporter that andon knows has it"
    names = ", ".join(dialect.title or dialect.name for dialect in having[:MOST_DIALECTS])
    more = f" and {len(having) - MOST_DIALECTS} more" if len(having) > MOST_DIALECTS else ""
    return f"{names}{more} {'has' if len(having) == 1 else 'have'} it; add one under [sources]"
