"""What a run would ask of which window, and of which person, without asking it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.clock import clock_of
from console.config import Config
from console.errors import NoData
from console.model import Question, Window, Windows
from console.playbook.definition import Playbook, Step
from console.playbook.engine import resolve_inputs
from console.playbook.expressions import Expression
from console.sources.estate import Estate, Situation
from console.sources.windows import baseline_window, current_window, parse_baseline

KNOWN_LATER = ("pinned", "before")  # baselines that only the store, or the run itself, can tell


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step that would run."""

    id: str
    title: str
    uses: str
    options: Mapping[str, Any]
    condition: str = ""  # only where this is true
    needs: tuple[str, ...] = ()
    foreach: tuple[str, ...] = ()  # once for each of these, or for what one `${{ }}` gives
    question: Question | None = None  # put to a person, as written
    unattended: str | None = None  # what counts where nobody is there; None with a question: the run waits
    is_dry: bool = False  # measured, and decides nothing


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """What a run would ask of which window."""

    playbook: str
    inputs: Mapping[str, str]
    sources: tuple[str, ...]
    windows: Windows  # the baseline is None where only the store or the run knows it
    baseline: Mapping[str, Any]
    steps: tuple[PlannedStep, ...]


def plan_run(
    playbook: Playbook, inputs: Mapping[str, str], config: Config, current: str | None, baseline: str | None
) -> PlannedRun:
    """What a run would ask. UsageError for inputs that do not fit, and for a window that cannot be."""
    resolve_inputs(playbook, inputs)
    now = clock_of(config.clock)()
    window = current_window(current or playbook.current, now)
    spec = parse_baseline(baseline) if baseline else playbook.baseline
    return PlannedRun(
        playbook=playbook.name,
        inputs=inputs,
        sources=tuple(source.name for source in config.sources),
        windows=Windows(window, _baseline(spec, window, now)),
        baseline=spec,
        steps=tuple(map(_planned, playbook.steps)),
    )


def _baseline(spec: Mapping[str, Any], current: Window, now: float) -> Window | None:
    if any(kind in spec for kind in KNOWN_LATER):
        return None
    try:
        return baseline_window(spec, current, Situation(Estate(), now))
    except NoData:
        return None


def _planned(step: Step) -> PlannedStep:
    options = dict(step.options)
    unattended = options.get("unattended")
    return PlannedStep(
        id=step.id,
        title=step.title,
        uses=step.uses,
        options=options,
        condition=step.condition.source if step.condition else "",
        needs=step.needs,
        foreach=_items(step),
        question=_question(options) if step.uses == "ask" else None,
        unattended=None if unattended is None else _text(unattended),
        is_dry=step.is_dry,
    )


def _items(step: Step) -> tuple[str, ...]:
    if step.foreach is None:
        return ()
    items = step.foreach.items
    return (f"${{{{ {items.source} }}}}",) if isinstance(items, Expression) else tuple(map(_text, items))


def _question(options: Mapping[str, Any]) -> Question:
    """As it stands in the playbook; its holes are filled when it is asked."""
    answers = tuple(options.get("answers") or ())
    return Question(str(options["question"]), answers, options.get("type") or "choice", tuple(options.get("roles", ())))


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
