"""What does an incident show, where, and since when? Its alert, metrics, logs and spans as texts that have a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from console.analysis.incidents.anomalies import NAMING, service_of
from console.analysis.incidents.news import LogNews, within

if TYPE_CHECKING:
    from console.model import Array, Case, Frame, SeriesKey

MOST_STEPS = 300  # of a series in which a beginning is looked for; longer ones are thinned out
LEAST_STEPS = 8
FAR = 4.0  # standard deviations from its earlier course
LEAST_WAY = 0.1  # of how far it then went
LEAST_EXPLAINED = 0.6  # of a series' variance by a beginning, for there to be one
LEAST_NEWS = 1.0  # score of a log template for its first line to be a beginning
LEAST_LINES = 10  # of the baseline, for new lines to be new
MOST_SIGNS = 60
# Names of attributes say what is always logged (`http.route=`), not what is wrong; their values may.
_ATTRIBUTE = re.compile(r"\b[\w-]+(?:\.[\w-]+)+=|\b\w+_id=\S*")

Where = Literal["alert", "metric", "log", "span"]


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that an incident shows, in its own words."""

    where: Where
    text: str
    service: str
    weight: float  # among the signs of its kind, 0..1
    time: float | None = None  # since when


@dataclass(frozen=True, slots=True)
class Beginning:
    """When a series left its course: a step, or a ramp that set in."""

    key: SeriesKey
    service: str
    time: float  # the last step that still followed its course
    earliest: float  # when a slow ramp may have set in: that is seen later
    explained: float  # share of its variance, 0..1


@dataclass(frozen=True, slots=True)
class Signs:
    """Everything that an incident shows."""

    signs: tuple[Sign, ...]
    beginnings: tuple[Beginning, ...]
    began: float | None  # the first of it all, as far as anything tells; epoch seconds
    violated: str  # the service that the alert is about, or ""
    origins: tuple[str, ...] = ()  # services whose own innermost operations fail


def signs_of(case: Case, news: Iterable[LogNews] = ()) -> Signs:
    """What the case shows, from its alert, its metrics, the news of its logs and its failing spans."""
    news = tuple(one for one in news if one.change != "vanished")[:MOST_SIGNS]
    found = [*_alert(case), *_logs(news), *_spans(case)]
    beginnings = beginnings_of(case.metrics, case.onset) if case.metrics else ()
    loudest = max((one.explained for one in beginnings), default=1.0)
    found += [
        Sign("metric", one.key.signal, one.service, one.explained / loudest, one.time)
        for one in beginnings[:MOST_SIGNS]
    ]
    times = [one.time for one in beginnings if one.key == case.violated]
    if _knows_before(case):
        times += [one.first for one in news if one.score >= LEAST_NEWS and one.change == "new"]
    if case.onset is not None:
        times = [time for time in times if time <= case.onset] or [case.onset]
    return Signs(tuple(found), beginnings, min(times, default=None), _violated(case), _origins(case))


def _knows_before(case: Case) -> bool:
    """Whether the logs of the baseline are there: without them the first line of an error is no beginning."""
    return case.logs is not None and int(within(case.logs.times, case.baseline).sum()) >= LEAST_LINES


def _violated(case: Case) -> str:
    named = service_of(case.violated.labels) if case.violated else ""
    return named or service_of(case.alert)


def _alert(case: Case) -> list[Sign]:
    violated = _violated(case)
    found = []
    if case.violated:
        found.append(Sign("alert", case.violated.signal, violated, 1.0, case.onset))
    said = [value for name, value in case.alert if name not in NAMING and not re.fullmatch(r"[\d.:TZ+-]*", value)]
    if said:
        found.append(Sign("alert", "\n".join(said), violated, 1.0, case.onset))
    return found


def _logs(news: tuple[LogNews, ...]) -> list[Sign]:
    gravest = max((one.score for one in news), default=1.0)
    return [Sign("log", _ATTRIBUTE.sub(" ", one.example), one.service, one.score / gravest, one.first) for one in news]


def _spans(case: Case) -> list[Sign]:
    """Operations that fail now and did not, or hardly, before."""
    spans = case.spans
    if spans is None or not spans.failed.any():
        return []
    now = within(spans.starts, case.current) | (spans.starts >= (np.inf if case.onset is None else case.onset))
    failing: Counter[tuple[int, int]] = Counter()
    first: dict[tuple[int, int], float] = {}
    for at in np.flatnonzero(spans.failed).tolist():  # sorted by start
        kind = (int(spans.service[at]), int(spans.operation[at]))
        failing[kind] += 1 if now[at] else -1
        first.setdefault(kind, float(spans.starts[at]))
    found = [
        Sign("span", spans.operations[operation], spans.services[service], 1.0, first[service, operation])
        for (service, operation), more in failing.items()
        if more >= 0
    ]
    return found[:MOST_SIGNS]


def _origins(case: Case) -> tuple[str, ...]:
    """Services with a failing span below which no other one fails."""
    spans = case.spans
    if spans is None:
        return ()
    has_failing_child = np.zeros(spans.failed.shape, dtype=np.bool_)
    parents = spans.parent[spans.failed]
    has_failing_child[parents[parents >= 0]] = True
    return tuple(sorted({spans.services[at] for at in spans.service[spans.failed & ~has_failing_child].tolist()}))


def beginnings_of(frame: Frame, until: float | None) -> tuple[Beginning, ...]:
    """Where series left their course before `until`: each its best step or hinge, if it explains most of its variance.

    A hinge is judged beside the straight line through the whole series, a step beside its mean (least squares; Bai and
    Perron, J. Appl. Econometrics 18, 2003, for one break). What stands before a break is looked at once more: a leak
    begins long before the restart that ends it. Clearest first.
    """
    kept = np.flatnonzero(frame.times <= until) if until is not None else np.arange(frame.times.size)
    kept = kept[:: max(1, -(-kept.size // MOST_STEPS))]
    if kept.size < LEAST_STEPS or not frame.series:
        return ()
    times = frame.times[kept]
    values = np.stack([_filled(series.values[kept]) for series in frame.series])
    breaks = {at: [found] for at, found in enumerate(_breaks(values)) if found}
    for at in sorted(breaks, key=lambda at: -breaks[at][0][2])[:MOST_SIGNS]:
        knot = breaks[at][0][1]
        earlier = _breaks(values[at : at + 1, : knot - 1])[0] if knot > LEAST_STEPS else None
        breaks[at] += [earlier] if earlier else []
    found = []
    for at, of in breaks.items():
        key = frame.series[at].key
        service = service_of(key.labels)
        found += [
            Beginning(key, service, float(times[calm]), float(times[min(calm, knot)]), share)
            for calm, knot, share in of
        ]
    return tuple(sorted(found, key=lambda one: (-one.explained, one.time)))


def _breaks(values: Array) -> list[tuple[int, int, float] | None]:
    """(last calm step, knot, share of its variance that is explained) of each row's break; None without one."""
    n = values.shape[1]
    x = np.linspace(0.0, 1.0, n)
    knots = np.arange(2, n - 1)
    ones = np.ones_like(x)
    line = np.stack([ones, x])
    flat, bent = _without(values, ones[None, :]), _without(values, line)
    by_step = _explained(flat, _without((x[None, :] >= x[knots, None]).astype(np.float64), ones[None, :]))
    by_hinge = _explained(bent, _without(np.maximum(0.0, x[None, :] - x[knots, None]), line))
    whole, rest = np.sum(flat**2, axis=1), np.sum(bent**2, axis=1)
    trivial = 1e-9 * n * np.max(np.abs(values), axis=1) ** 2
    found: list[tuple[int, int, float] | None] = []
    for at in range(values.shape[0]):
        if whole[at] <= trivial[at]:
            found.append(None)
            continue
        step, hinge = int(np.argmax(by_step[at])), int(np.argmax(by_hinge[at]))
        is_hinge = rest[at] - by_hinge[at, hinge] < whole[at] - by_step[at, step]
        share = float(by_hinge[at, hinge] / max(rest[at], trivial[at]) if is_hinge else by_step[at, step] / whole[at])
        knot = int(knots[hinge if is_hinge else step])
        found.append((_last_calm(values[at], knot), knot - 1, share) if share >= LEAST_EXPLAINED else None)
    return found


def _last_calm(values: Array, knot: int) -> int:
    """The last step that still followed the course from before the break: a ramp that ends in a plateau misleads."""
    quiet = max(3, (2 * knot) // 3)
    x = np.arange(values.size, dtype=np.float64)
    slope, level = np.polyfit(x[:quiet], values[:quiet], 1)
    off = values - (level + slope * x)
    if abs(slope) * quiet < 2 * np.std(off[:quiet]):  # no more than chance: then it was level
        off = values - np.median(values[:quiet])
    chance = FAR * max(float(np.std(off[:quiet])), 1e-9 + 0.005 * float(np.max(np.abs(values[:quiet]))))
    far = np.abs(off) > max(chance, LEAST_WAY * float(np.max(np.abs(off[quiet:]), initial=0.0)))
    stays = far[:-1] & far[1:] & (np.sign(off[:-1]) == np.sign(off[1:]))
    first = np.flatnonzero(stays[quiet - 1 :])
    return int(first[0]) + quiet - 2 if first.size else knot - 1


def _filled(values: Array) -> Array:
    """Gaps filled by what stood before them: they must not look like beginnings."""
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return np.zeros_like(values)
    return np.interp(np.arange(values.size), known, values[known])


def _without(rows: Array, base: Array) -> Array:
    """Each row (n,) without what the rows of `base` explain of it."""
    q, _r = np.linalg.qr(base.T)
    return np.asarray(rows - (rows @ q) @ q.T)


def _explained(rows: Array, shapes: Array) -> Array:
    """Sum of squares that each shape alone explains of each row: (rows, shapes)."""
    size = np.sum(shapes**2, axis=1)
    return np.asarray((rows @ shapes.T) ** 2 / np.where(size > 1e-12, size, np.inf))
