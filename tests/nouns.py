"""Nouns for tests, built short: a finding, a cause, a run, a diagnosis."""

from __future__ import annotations

from typing import Any

from console.model import (
    Cause,
    Diagnosis,
    Exemplar,
    Finding,
    Incident,
    Labels,
    Move,
    Run,
    Side,
    Span,
    State,
    StepResult,
    Symptom,
    Verdict,
    Window,
)

NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z


def window(kind: str = "current", *, start: float = NOON - 900, end: float = NOON) -> Window:
    return Window((Span(start, end),), kind)  # type: ignore[arg-type]


def finding(id_: str = "F1", **changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "kind": "comparison",
        "step": "accuracy",
        "text": "accuracy fell",
        "verdict": Verdict.DEGRADED,
        "signal": "model.feedback.correct",
        "labels": Labels.of(model="glove"),
        "stat": "ratio",
        "current": Side(0.71, 320, NOON - 900, NOON),
        "baseline": Side(0.97, 1280, NOON - 605700, NOON - 604800, "seasonal"),
        "ratio": 0.73,
        "interval": (0.7, 0.77),
        "p": 1e-9,
        "onset": NOON - 540,
    }
    return Finding(id=id_, **(fields | changes))


def step(id_: str = "accuracy", state: State = State.DEGRADED, **changes: Any) -> StepResult:
    fields: dict[str, Any] = {"title": f"Is {id_} fine?", "uses": "compare", "seconds": 0.1}
    return StepResult(id=id_, state=state, **(fields | changes))


def cause(id_: str = "input_changed", odds: float = 100.0, **changes: Any) -> Cause:
    fields: dict[str, Any] = {
        "playbook": "accuracy_drop",
        "title": "The inputs changed; the model answers as before",
        "subject": "glove",
        "probability": odds / (1 + odds),
        "evidence": ("F1",),
        "against": (),
        "moves": (Move("steps.inputs.verdict == 'degraded'", "strong", False, ("F1",)),),
    }
    return Cause(id=id_, odds=odds, **(fields | changes))


def a_run(**changes: Any) -> Run:
    fields: dict[str, Any] = {
        "id": "R-1",
        "playbook": "accuracy_drop",
        "title": "Did the world change, or the model?",
        "started": NOON,
        "finished": NOON + 1,
        "verdict": Verdict.DEGRADED,
        "steps": (step(findings=(finding(),)),),
        "causes": (cause(),),
        "current": window(),
        "baseline": window("seasonal", start=NOON - 605700, end=NOON - 604800),
    }
    return Run(**(fields | changes))


def incident(**changes: Any) -> Incident:
    fields: dict[str, Any] = {
        "id": "I-1",
        "title": "answers got worse",
        "state": "open",
        "opened": NOON,
        "symptom": Symptom("accuracy fell", "model.feedback.correct", Labels.of(model="glove"), Verdict.DEGRADED),
        "subject": "glove",
    }
    return Incident(**(fields | changes))


def picture(grey: int, size: int = 4) -> tuple[tuple[int, ...], ...]:
    return tuple((grey,) * size for _ in range(size))


def exemplar_pair() -> Finding:
    sides = (
        Exemplar("baseline", NOON - 604800, "image", "line=1", pixels=picture(200)),
        Exemplar("current", NOON, "image", "line=1", pixels=picture(20)),
    )
    return finding("F2", kind="exemplar", verdict=Verdict.OK, text="one of each", exemplars=sides)


def diagnosis(**changes: Any) -> Diagnosis:
    one = a_run()
    fields: dict[str, Any] = {
        "verdict": Verdict.DEGRADED,
        "exit": 1,
        "incident": incident(),
        "causes": one.causes,
        "findings": one.findings,
        "unexplained": (),
        "runs": (one,),
    }
    return Diagnosis(**(fields | changes))
