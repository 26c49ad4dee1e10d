"""Where does the time of a request go, now and before? Each service's own work, and the gaps between caller and callee.

A span's own time is what its children do not cover. Where a span does nothing but wait for one other service, what the
callee's span does not cover is the wire's: sending, queueing, connecting, receiving.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from console.analysis.incidents.spans import call_paths, groups, own_times, waits_for
from console.analysis.incidents.untangled import untangled
from console.analysis.onset import onset
from console.analysis.samples import Samples, measured
from console.analysis.series.verdicts import Limits, judged
from console.model import Comparison, Direction, Labels, Stat, TraceSpan, Verdict

if TYPE_CHECKING:
    from console.model import Array, Codes, Flags

What = Literal["own", "gap", "calls", "often", "errors"]

FLOOR_SECONDS = 0.001  # differences below are never news
FLOOR_SHARE = 0.01  # of failing spans
FLOOR_CALLS = 0.5  # of a request
LEAST_TRACES = 10
LARGEST_FAMILY = 60  # services and edges that are compared: those with the most time
ONSET_STEPS = 30


@dataclass(frozen=True, slots=True)
class TraceChange:
    """One service or one edge, now against before."""

    # Own work of a service, errors that begin in it; of an edge its gap, its whole calls, how many a request makes.
    what: What
    service: str  # whose it is; of an edge the caller
    callee: str  # of an edge
    comparison: Comparison
    seconds: float  # that it takes more now than before, of all current spans together; errors: spans more that fail

    @property
    def name(self) -> str:
        """The service, or `caller → callee`."""
        return f"{self.service} → {self.callee}" if self.callee else self.service


@dataclass(frozen=True, slots=True)
class TraceChanges:
    """What traces of both windows say, gravest first."""

    changes: tuple[TraceChange, ...]
    traces: tuple[int, int]  # current, baseline
    spans: tuple[int, int]
    services: int


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """Spans of one kind in one window: values, paths and traces, each (k,), and when their traces began."""

    values: Array
    path: Codes
    trace: Codes
    began: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """What is compared: one kind of value of one service or edge, on both sides."""

    what: What
    service: str
    callee: str
    now: _Side
    before: _Side


def trace_changes(
    current: Sequence[TraceSpan], baseline: Sequence[TraceSpan], *, stat: Stat = "p90", tolerance: float = 0.25
) -> TraceChanges:
    """Services and edges that are slower, or fail more, than in the baseline.

    Like is compared with like: each way in which a span comes about (the operations from the root down) weighs in the
    baseline as much as it does now, so another mix of requests is no news. A trace counts once however many spans of
    one kind it has, so that n is traces.
    """
    kinds = list(_kinds(current, baseline))
    asked = {"errors": ("mean", FLOOR_SHARE), "often": ("mean", FLOOR_CALLS)}
    family = []
    for kind in kinds:
        its, floor = asked.get(kind.what, (stat, FLOOR_SECONDS))
        family.append(measured(*_samples(kind), its, Limits(tolerance, Direction.UP, floor), LEAST_TRACES))  # type: ignore[arg-type]
    changes = [_change(kind, one) for kind, one in zip(kinds, judged(family), strict=True)]
    services = {span.service for side in (current, baseline) for span in side}
    traces = [len({span.trace for span in side}) for side in (current, baseline)]
    return TraceChanges(
        tuple(sorted(changes, key=_gravity)), (traces[0], traces[1]), (len(current), len(baseline)), len(services)
    )


def _kinds(current: Sequence[TraceSpan], baseline: Sequence[TraceSpan]) -> Iterator[_Kind]:
    """Everything that both sides have some spans of, of as many services and edges as may be, the busiest ones."""
    # Both windows may be of the same time, and of the same traces: a canary's beside its siblings'.
    sides = (("now", current), ("before", baseline))
    both = untangled([replace(span, trace=f"{side} {span.trace}") for side, of in sides for span in of])
    spans, trace = both.spans, both.trace
    if not spans.starts.size:
        return
    is_of_now = np.array([name.startswith("now ") for name in both.traces])
    is_now = is_of_now[trace]
    paths = call_paths(spans)
    time, own = spans.ends - spans.starts, own_times(spans)
    callee = waits_for(spans, paths, ~is_now, is_now)
    began = np.full(int(trace.max(initial=0)) + 1, np.inf)
    np.minimum.at(began, trace, spans.starts)
    origin = _origins(spans.failed, spans.parent)
    busiest = sorted(groups(spans.service * (len(spans.services) + 1) + callee + 1), key=lambda at: -time[at].sum())
    for members in busiest[:LARGEST_FAMILY]:
        service, to = int(spans.service[members[0]]), int(callee[members[0]])
        values: dict[What, Array] = {"gap": own, "calls": time} if to >= 0 else {"own": own}
        for what, of in values.items():
            now, before = (_side(members[side[members]], of, paths.path, trace, began) for side in (is_now, ~is_now))
            yield _Kind(what, spans.services[service], spans.services[to] if to >= 0 else "", now, before)
        if to >= 0:
            calling = np.unique(trace[spans.service == service])  # those that could have made such calls
            many = np.bincount(trace[members], minlength=began.size)[calling].astype(np.float64)
            now, before = (
                _Side(many[side], np.zeros(side.sum(), np.intp), calling[side], began[calling[side]])
                for side in (is_of_now[calling], ~is_of_now[calling])
            )
            yield _Kind("often", spans.services[service], spans.services[to], now, before)
    has_child = np.bincount(spans.parent[spans.parent >= 0], minlength=time.size) > 0
    blamed = np.where((callee >= 0) & ~has_child, callee, spans.service)  # one that did not answer has no span
    calls = np.flatnonzero((callee < 0) | ~has_child | origin)  # what only waits is its callee's affair
    for at in groups(blamed[calls]):
        members, failed = calls[at], origin.astype(np.float64)
        if origin[members].any():
            now, before = (
                _side(members[side[members]], failed, paths.path, trace, began) for side in (is_now, ~is_now)
            )
            yield _Kind("errors", spans.services[int(blamed[members[0]])], "", now, before)


def _origins(failed: Flags, parent: Codes) -> Flags:
    """Spans that failed while none of their children did."""
    has_failed_child = np.zeros(failed.size, np.bool_)
    has_failed_child[parent[failed & (parent >= 0)]] = True
    found: Flags = failed & ~has_failed_child
    return found


def _side(members: Codes, values: Array, path: Codes, trace: Codes, began: Array) -> _Side:
    return _Side(values[members], path[members], trace[members], began[trace[members]])


def _samples(kind: _Kind) -> tuple[Samples | None, Samples | None]:
    """Both sides as weighted samples: a trace counts once, and a path in the baseline as much as it does now."""
    now, before = kind.now, kind.before
    name = f"trace.{kind.what}"
    labels = labels_of(kind.what, kind.service, kind.callee)
    shared = np.intersect1d(now.path, before.path)
    if shared.size:
        now, before = (_only(side, np.isin(side.path, shared)) for side in (now, before))
    mine, its = _once_a_trace(now), _once_a_trace(before)
    if shared.size:
        many = int(shared.max()) + 1
        wanted, there = np.bincount(now.path, mine, many), np.bincount(before.path, its, many)
        its = its * (wanted / np.maximum(there, 1e-12))[before.path]
    return _weighted(name, labels, now, mine), _weighted(name, labels, before, its)


def labels_of(what: What, service: str, callee: str) -> Labels:
    """How a service or an edge is labelled in findings."""
    return Labels.of(caller=service, callee=callee) if callee else Labels.of(service=service)


def _once_a_trace(side: _Side) -> Array:
    _traces, at, many = np.unique(side.trace, return_inverse=True, return_counts=True)
    weights: Array = 1.0 / many[at]
    return weights


def _only(side: _Side, kept: Flags) -> _Side:
    return _Side(side.values[kept], side.path[kept], side.trace[kept], side.began[kept])


def _weighted(name: str, labels: Labels, side: _Side, weights: Array) -> Samples | None:
    """Samples that count for as many as their weights leave (Kish): uneven ones know less than their number."""
    values, traces = side.values, np.unique(side.trace).size
    if not traces:
        return None
    effective = min(float(weights.sum() ** 2 / (weights**2).sum()), traces)
    order = np.argsort(values, kind="stable")
    counts = (weights * effective / weights.sum())[order]
    return Samples(name, labels, values[order], counts, None, max(math.ceil(counts.sum()), 1))


def _change(kind: _Kind, comparison: Comparison) -> TraceChange:
    since = _since(kind, comparison) if comparison.verdict is Verdict.DEGRADED else None
    more = comparison.difference or 0.0
    return TraceChange(
        kind.what, kind.service, kind.callee, replace(comparison, onset=since), more * kind.now.values.size
    )


def _since(kind: _Kind, comparison: Comparison) -> float | None:
    """When more of the spans began to lie above the baseline's level."""
    level, now, before = comparison.baseline.value, kind.now, kind.before
    if level is None or now.values.size < 2 * LEAST_TRACES or not before.values.size:
        return None
    first, last = float(now.began.min()), float(now.began.max())
    step = (last - first) / ONSET_STEPS
    if step <= 0:
        return None
    at = np.minimum(np.floor((now.began - first) / step), ONSET_STEPS - 1).astype(np.intp)
    _steps, usual = np.unique(np.floor(before.began / step), return_inverse=True)  # those that have any
    ends: Array = first + step * np.arange(1.0, ONSET_STEPS + 1.0)
    mine, its = _shares(now.values > level, at, ONSET_STEPS), _shares(before.values > level, usual)
    return onset(its, mine, ends, Direction.UP, step=step)


def _shares(above: Flags, step: Codes, steps: int = 0) -> Array:
    """The share of spans above a level in each step, NaN where there are none."""
    many = np.bincount(step, minlength=steps)
    with np.errstate(invalid="ignore"):
        shares: Array = np.bincount(step, above, minlength=steps) / many
    return shares


def _gravity(change: TraceChange) -> tuple[int, float]:
    order = (Verdict.DEGRADED, Verdict.INCONCLUSIVE, Verdict.OK, Verdict.IMPROVED, Verdict.NO_DATA)
    return order.index(change.comparison.verdict), -change.seconds
