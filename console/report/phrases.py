"""Causes, windows and findings in a phrase; the same in every format."""

from __future__ import annotations

from console.model import Cause, Diagnosis, Finding, State, StepResult, Usage, Verdict, Window
from console.playbook.steps.wording import unit_of
from console.words import UNANSWERED, WINDOW_WORDS, WITHOUT_CAUSE, instant, number, quantity


def without_cause(diagnosis: Diagnosis) -> str:
    """What to say of a diagnosis that names no cause."""
    if not diagnosis.runs:
        return "not examined yet; ask again in a moment"
    steps = [step for run in diagnosis.runs for step in run.steps if not (step.is_optional or step.is_dry)]
    is_unanswered = any(step.state is State.ERROR for step in steps)
    return UNANSWERED if is_unanswered and diagnosis.verdict is Verdict.NO_DATA else WITHOUT_CAUSE[diagnosis.verdict]


def aside(step: StepResult) -> str:
    """Why a step decides nothing; empty for one that may.

    >>> aside(StepResult("kv", "KV", "compare", State.DEGRADED, is_dry=True))
    'dry run: decides nothing'
    """
    if step.is_dry:
        return "dry run: decides nothing"
    return "optional: decides nothing" if step.is_optional and step.state is State.ERROR else ""


def odds(cause: Cause) -> str:
    """`likely, 99 %` or `possible, 80 %`."""
    word = "likely" if cause.is_likely else "possible"
    return f"{word}, {100 * cause.probability:.3g} %"


def window(window: Window | None) -> str:
    """A window's kind and span, and what was left out of it."""
    if window is None:
        return "–"
    parts = [WINDOW_WORDS[window.kind]]
    if window.name:
        parts[0] += f" {window.name}"
    parts.append(f"{instant(window.start)} to {instant(window.end)}")
    if len(window.spans) > 1 and window.kind != "seasonal":  # its own note says how many
        parts.append(f"{len(window.spans)} spans pooled")
    if window.note:
        parts.append(window.note)
    return "; ".join(parts)


def cost(usage: Usage) -> str:
    """What an investigation by a model took.

    >>> cost(Usage(calls=3, tokens_in=12_000, tokens_out=500, money=0.043, seconds=12.3))
    '3 calls, 12,500 tokens, $0.043, 12 s'
    """
    calls = f"{usage.calls} call{'' if usage.calls == 1 else 's'}"
    money = f", ${usage.money:.2g}" if usage.money else ""
    return f"{calls}, {usage.tokens:,} tokens{money}, {usage.seconds:.0f} s"


def certainty(finding: Finding) -> str:
    """How sure a comparison's text is: the interval of its ratio or difference, and what it was counted on.

    >>> certainty(Finding("F1", "event", "s", "t", Verdict.OK))
    ''
    """
    parts = []
    if finding.interval is not None:
        low, high = finding.interval
        if finding.ratio is not None:
            parts.append(f"×{number(low)} to {number(high)}")
        else:
            parts.append(f"{_change(low, finding)} to {_change(high, finding)}")
    if finding.current is not None and finding.baseline is not None:
        parts.append(f"n {finding.baseline.n:.0f} → {finding.current.n:.0f}")
    return ", ".join(parts)


def _change(value: float, finding: Finding) -> str:
    """A difference with its sign and, where the signal is known, its unit."""
    unit = unit_of(finding.signal or "", finding.stat)
    return f"{'+' if value >= 0 else ''}{quantity(value, unit)}"
