"""Do the logs say something that they did not say before? Templates of lines, each with a verdict of its own.

What is told from ranking (`incidents.news`) is how loudly a template speaks for its service; here it must pass chance:
lines come in bursts, and where hundreds of templates are counted, some are always unlucky.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.incidents.news import (
    Counted,
    LogNews,
    counted,
    likelihood_gain,
    log_news,
    says_trouble,
    within,
)
from console.analysis.onset import onset
from console.analysis.tails import TAIL
from console.model import Direction, LogLine, LogLines, Verdict

if TYPE_CHECKING:
    from console.model import Array, Window

MOMENTS = 100  # of a window: lines of one template in the same one count as one burst
SLICES = 8  # of the baseline, by which a template's wobble is told
LEAST_SLICES = 4
ONSET_STEPS = 40
MOST_EXAMPLES = 6
TOGETHER = 0.05  # seconds within which a line that is indented belongs to the one before


@dataclass(frozen=True, slots=True)
class LogChange:
    """A template that is new, more frequent or gone, and how sure that is."""

    news: LogNews
    verdict: Verdict  # degraded: trouble beyond chance; inconclusive: trouble that chance could be; ok: no trouble
    p: float  # that chance alone brings about so much more of it
    onset: float | None
    examples: tuple[LogLine, ...]  # of the current window, the first ones; of the baseline's where it vanished

    @property
    def is_trouble(self) -> bool:
        """Whether it speaks of something that went wrong."""
        return _is_trouble(self.news)


@dataclass(frozen=True, slots=True)
class LogChanges:
    """What changed in the lines of both windows, gravest first."""

    changes: tuple[LogChange, ...]
    templates: int  # that were counted
    exposure: float  # lines that the current window lets expect for each one of the baseline


def log_changes(
    lines: Sequence[LogLine],
    current: Window,
    baseline: Window,
    *,
    exposure: float | None = None,
    kept: float = 1.0,
) -> LogChanges:
    """What services say that they did not say before, or far more often, in lines of both windows.

    `exposure` and `kept` are those of `incidents.news.counted`.
    """
    ordered = joined(lines)
    if not ordered:
        return LogChanges((), 0, exposure or 1.0)
    columns = columns_of(ordered)
    of = counted(columns, current, baseline, exposure, kept)
    news = log_news(columns, current, baseline, of)
    family = max(1, sum(_is_trouble(one) for one in news if one.change != "vanished"))
    found = [_judged(one, ordered, columns, of, current, baseline, family) for one in news]
    return LogChanges(tuple(sorted(found, key=_gravity)), int(of.now.size), of.exposure)


def columns_of(lines: Sequence[LogLine]) -> LogLines:
    """Lines as columns. What has no severity and speaks of trouble is taken for an error."""
    services: dict[str, int] = {}
    severities: dict[str, int] = {}
    return LogLines(
        times=np.array([line.time for line in lines]),
        service=np.array([services.setdefault(line.service, len(services)) for line in lines], np.intp),
        severity=np.array([severities.setdefault(_severity(line), len(severities)) for line in lines], np.intp),
        span=np.full(len(lines), -1),
        bodies=tuple(line.body for line in lines),
        services=tuple(services),
        severities=tuple(severities),
    )


def joined(lines: Sequence[LogLine]) -> list[LogLine]:
    """The lines in order of time; those of a stack trace that came one by one are one line again."""
    found: list[LogLine] = []
    last: dict[str, int] = {}  # service -> where its last line stands
    for line in sorted(lines, key=lambda line: line.time):
        at = last.get(line.service)
        if at is not None and line.body[:1] in (" ", "\t") and line.time - found[at].time <= TOGETHER:
            above = found[at]
            found[at] = LogLine(above.time, above.service, above.severity, f"{above.body}\n{line.body}"[:4000],
                                above.trace, above.stands_for)  # fmt: skip
        else:
            last[line.service] = len(found)
            found.append(line)
    return found


def _judged(
    one: LogNews,
    lines: Sequence[LogLine],
    columns: LogLines,
    of: Counted,
    current: Window,
    baseline: Window,
    family: int,
) -> LogChange:
    mine = of.kind == one.kind
    now, before = mine & within(columns.times, current), mine & within(columns.times, baseline)
    p = _chance(columns.times, now, before & ~now, of.exposure, current, baseline)
    verdict = Verdict.OK
    if _is_trouble(one) and one.change != "vanished":
        verdict = Verdict.DEGRADED if p * family <= TAIL else Verdict.INCONCLUSIVE
    since = None
    if one.change == "new":
        since = float(columns.times[now][0])
    elif one.change == "surged":
        since = _since(columns.times[now], columns.times[before], current, baseline, of.exposure)
    shown = np.flatnonzero(now if now.any() else before)
    if since is not None:
        shown = shown[columns.times[shown] >= since]
    return LogChange(one, verdict, p, since, tuple(lines[at] for at in shown[:MOST_EXAMPLES].tolist()))


def _chance(times: Array, now: Array, before: Array, exposure: float, current: Window, baseline: Window) -> float:
    """The chance of so many lines, by the larger of two careful counts: moments that have any, and lines by the wobble.

    exp(-gain) bounds the tail of a Poisson count (Chernoff).
    """
    width = max(_seconds(current) / MOMENTS, 1e-3)
    mine, its = (float(np.unique(np.floor(times[side] / width)).size) for side in (now, before))
    gains = [_gain(mine, its, exposure)]
    slices = _per_slice(times[before], baseline, max(1, -(-SLICES // len(baseline.spans))))
    if before.any() and slices.size >= LEAST_SLICES:
        dispersion = max(1.0, float(slices.var(ddof=1) / slices.mean()))
        gains.append(_gain(float(now.sum()), float(before.sum()), exposure) / dispersion)
    return min(1.0, len(gains) * math.exp(-max(gains)))


def _gain(now: float, before: float, exposure: float) -> float:
    expected = (before + 0.5) * exposure
    return float(likelihood_gain(np.array(now), np.array(expected))) if now > expected else 0.0


def _since(now: Array, before: Array, current: Window, baseline: Window, exposure: float) -> float | None:
    """When a template that both windows have became more frequent."""
    steps = _per_slice(now, current, ONSET_STEPS)
    step = _seconds(current) / steps.size
    many = max(1, round(_seconds(baseline) / step / len(baseline.spans)))
    usual = exposure * _per_slice(before, baseline, min(many, 500))
    ends: Array = current.start + step * np.arange(1.0, steps.size + 1.0)
    return onset(usual, steps, ends, Direction.UP, step=step)


def _per_slice(times: Array, window: Window, parts: int) -> Array:
    """Lines of each part of each span, (spans * parts,)."""
    counts = [np.histogram(times, bins=np.linspace(span.start, span.end, parts + 1))[0] for span in window.spans]
    return np.concatenate(counts).astype(np.float64)


def _seconds(window: Window) -> float:
    return sum(span.seconds for span in window.spans)


def _severity(line: LogLine) -> str:
    return line.severity or ("error" if says_trouble(line.body) else "")


def _is_trouble(one: LogNews) -> bool:
    return one.severity in ("error", "fatal") or (one.severity == "warn" and says_trouble(one.template))


def _gravity(change: LogChange) -> tuple[int, float]:
    order = (Verdict.DEGRADED, Verdict.INCONCLUSIVE, Verdict.OK)
    return order.index(change.verdict), -change.news.score
