"""What do the logs say that they did not say before? Templates counted in both windows, for each service."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from console.analysis.templates import message_of, templates_of

if TYPE_CHECKING:
    from console.model import Array, Codes, Flags, LogLines, Window

PRIOR_LINES = 0.5  # that a baseline without such a line is taken to have had
LEAST_RATIO = 2.0
LEAST_GAIN = 4.0  # of the log-likelihood, in nats: by chance about 1 template in 200
MOST_GAIN = 20.0  # a burst of ten thousand lines is not a thousand times the news of ten
LEAST_PAIRED = 3  # lines on each side, for a template to say how much was logged on either
REST_SHARE = 0.25  # of a service's other news, beside its gravest

_WEIGHTS = {"debug": 0.1, "info": 0.2, "warn": 1.0, "error": 3.0, "fatal": 4.0}
_SPELLINGS = {
    "trace": "debug", "verbose": "debug", "notice": "info", "information": "info", "warning": "warn", "err": "error",
    "severe": "error", "critical": "fatal", "crit": "fatal", "alert": "fatal", "emergency": "fatal", "panic": "fatal",
    "d": "debug", "i": "info", "w": "warn", "e": "error", "f": "fatal",
}  # fmt: skip
_GRAVE = re.compile(
    r"(?i)exception|\berrors?\b|\bfatal|\bpanic|\bfail(?:ed|ure|s)?\b|refused|timed? ?out|\bdenied|\bkilled"
    r"|out of memory|traceback|unavailable|unreachable|exhausted|deadlock|corrupt|rejected|no space"
)


@dataclass(frozen=True, slots=True)
class LogNews:
    """One template of one service that is new, or far more or less frequent than the baseline lets expect."""

    service: str
    template: str
    severity: str  # the gravest of its lines: debug, info, warn, error, fatal
    change: Literal["new", "surged", "vanished"]
    current: int  # lines
    baseline: int
    expected: float  # lines that the baseline lets expect in the current window
    first: float  # when the first of all its lines was written, epoch seconds
    example: str  # a line of it, in full up to some length
    score: float
    kind: int  # of `Counted`


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Lines counted by service and template, in both windows."""

    kind: Codes  # (lines,) of the kinds
    service: Codes  # (kinds,) of the services
    template: Codes  # (kinds,) of `templates`
    templates: tuple[str, ...]
    now: Array  # (kinds,) lines in the current window
    before: Array  # (kinds,) in the baseline
    exposure: float  # lines that the current window lets expect for each one of the baseline

    @property
    def expected(self) -> Array:
        """How many lines of each kind the baseline lets expect in the current window."""
        expected: Array = (self.before + PRIOR_LINES) * self.exposure
        return expected


def counted(
    lines: LogLines, current: Window, baseline: Window, exposure: float | None = None, kept: float = 1.0
) -> Counted:
    """How often each service says what. `exposure` is that of the windows, where it is known from elsewhere; `kept` how
    many times as large a share of the current lines is here as of the baseline's.

    How much was logged in each window is told by the templates that both have (the median of their ratios: Anders and
    Huber, Genome Biology 11, 2010), else by the windows' lengths: traffic differs, and logs are often kept for part of
    a window only.
    """
    ids, templates = templates_of(lines.bodies)
    kinds, kind = np.unique(np.stack([lines.service, ids]), axis=1, return_inverse=True)
    kind = kind.ravel()
    many = kinds.shape[1]
    now, before = within(lines.times, current), within(lines.times, baseline)
    k = np.bincount(kind[now], minlength=many).astype(np.float64)
    m = np.bincount(kind[before & ~now], minlength=many).astype(np.float64)
    if exposure is None:
        exposure = _exposure(k, m, current, baseline, kept)
    return Counted(kind, kinds[0], kinds[1], templates, k, m, exposure)


def log_news(lines: LogLines, current: Window, baseline: Window, of: Counted | None = None) -> tuple[LogNews, ...]:
    """What is new in the logs of the current window, gravest first.

    A template's lines are compared with what the baseline lets expect, a Poisson count, by likelihood. `of` are these
    very lines, counted.
    """
    if not lines.bodies:
        return ()
    of = of or counted(lines, current, baseline)
    kind, k, m, expected = of.kind, of.now, of.before, of.expected
    gain = likelihood_gain(k, expected)
    ratio = np.maximum(k / expected, expected / np.maximum(k, PRIOR_LINES))
    gravity = np.array([_WEIGHTS[gravity_of(name)] for name in lines.severities])[lines.severity]
    heaviest = np.zeros(k.size)
    np.maximum.at(heaviest, kind, gravity)
    first_at = np.full(k.size, len(lines.bodies) - 1)
    np.minimum.at(first_at, kind, np.arange(len(lines.bodies)))  # lines are sorted by time
    # One line of an error that was never seen is news; one line of chatter is not.
    grave = heaviest >= _WEIGHTS["error"]
    is_news = ((gain >= LEAST_GAIN) & (ratio >= LEAST_RATIO)) | (grave & (m == 0) & (k > 0))
    found = []
    for at in np.flatnonzero(is_news).tolist():
        body, template = lines.bodies[first_at[at]], of.templates[of.template[at]]
        weight = max(float(heaviest[at]), _WEIGHTS["warn"] if _GRAVE.search(template) else 0.0)
        change: Literal["new", "surged", "vanished"] = (
            "vanished" if k[at] < expected[at] else "surged" if m[at] else "new"
        )
        score = weight * math.log1p(min(max(float(gain[at]), 0.5), MOST_GAIN)) * (0.5 if change == "vanished" else 1.0)
        service, severity = lines.services[of.service[at]], _severity(float(heaviest[at]))
        found.append(
            LogNews(
                service, template, severity, change, int(k[at]), int(m[at]),
                float(expected[at]), float(lines.times[first_at[at]]), message_of(body)[:400], score, at,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.score, one.service, one.template)))


def likelihood_gain(k: Array, expected: Array) -> Array:
    """How much likelier counts are by a rate of their own than by the expected one, in nats."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gain: Array = np.where(k > 0, k * np.log(k / expected), 0.0) - (k - expected)
    return gain


def says_trouble(text: str) -> bool:
    """Whether a line without a severity speaks of something that went wrong."""
    return bool(_GRAVE.search(text))


def log_scores(news: Iterable[LogNews]) -> dict[str, float]:
    """How much the logs speak for each service: its gravest news and a share of its others."""
    scores: dict[str, list[float]] = {}
    for one in news:
        scores.setdefault(one.service, []).append(one.score)
    return {
        service: max(of) + REST_SHARE * math.sqrt(sum(score**2 for score in of) - max(of) ** 2)
        for service, of in scores.items()
    }


def gravity_of(severity: str) -> str:
    """The common word of a severity, whatever a logger calls it: debug, info, warn, error or fatal.

    >>> gravity_of("WARNING")
    'warn'
    """
    word = severity.strip().lower()
    word = _SPELLINGS.get(word, word)
    return word if word in _WEIGHTS else "info"


def within(times: Array, window: Window) -> Flags:
    """Which times lie in a window's spans, both ends included: (times,)."""
    inside = np.zeros(times.shape, dtype=np.bool_)
    for span in window.spans:
        inside |= (times >= span.start) & (times <= span.end)
    return inside


def _exposure(k: Array, m: Array, current: Window, baseline: Window, kept: float) -> float:
    """How many lines the current window lets expect for each one of the baseline."""
    both = (k >= LEAST_PAIRED) & (m >= LEAST_PAIRED)
    if both.sum() >= LEAST_PAIRED:
        ratios, weights = (k / np.maximum(m, 1))[both], np.minimum(k, m)[both]
        order = np.argsort(ratios)
        upto = np.cumsum(weights[order])
        return float(ratios[order][np.searchsorted(upto, upto[-1] / 2)])
    seconds = [max(_covered(window), 1.0) for window in (current, baseline)]
    return seconds[0] / seconds[1] * kept


def _covered(window: Window) -> float:
    """Seconds of a window; spans may overlap."""
    total, upto = 0.0, -math.inf
    for span in sorted(window.spans, key=lambda span: span.start):
        total += max(0.0, span.end - max(span.start, upto))
        upto = max(upto, span.end)
    return total


def _severity(weight: float) -> str:
    return next(name for name, known in _WEIGHTS.items() if known >= weight)
