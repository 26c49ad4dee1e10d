"""Where do traces lose time, and where do they begin to fail? Extra seconds are a service's own or the wire's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.incidents.news import within

if TYPE_CHECKING:
    from console.model import Array, Codes, Flags, TraceSpans, Window

LEAST_SPANS = 3  # of one path on each side
LEAST_Z = 2.0  # of the rank sum: what could be chance counts for nothing


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Call paths: spans that came about in the same way, by the same operations from the root down."""

    path: Codes  # (spans,)
    parent: Codes  # (paths,) of the paths; -1 for roots
    service: Codes  # (paths,)
    operation: Codes  # (paths,)


@dataclass(frozen=True, slots=True)
class Losses:
    """Extra seconds, and extra failures, of the current window over the baseline, by where they came about."""

    own: dict[str, float]  # service -> seconds of its own work
    wire: dict[tuple[str, str], float]  # caller, callee -> seconds between them
    links: dict[tuple[str, str], int]  # caller, callee -> calls in the current window
    failures: dict[str, float]  # service -> spans that failed while none of their children did


def call_paths(spans: TraceSpans) -> Paths:
    """The path of every span.

    Comparing along paths keeps the mix of requests out: a service that is asked for other things is not slower.
    """
    step = spans.service * len(spans.operations) + spans.operation
    path = np.full(step.size, -1)
    parents: list[Codes] = []
    steps: list[Codes] = []
    count = 0
    level = np.flatnonzero(spans.parent < 0)
    children = _by_parent(spans.parent)
    while level.size:
        above = np.where(spans.parent[level] >= 0, path[spans.parent[level]], -1)
        kinds, at = np.unique(np.stack([above, step[level]]), axis=1, return_inverse=True)
        path[level] = count + at.ravel()
        parents.append(kinds[0])
        steps.append(kinds[1])
        count += kinds.shape[1]
        level = children(level)
    # What hangs in a circle of parents is on no path.
    path[path < 0] = count
    parents.append(np.array([-1]))
    steps.append(np.array([0]))
    service, operation = np.divmod(np.concatenate(steps), len(spans.operations))
    return Paths(path, np.concatenate(parents), service, operation)


def _by_parent(parent: Codes) -> Callable[[Codes], Codes]:
    order = np.argsort(parent, kind="stable")
    ordered = parent[order]

    def children(of: Codes) -> Codes:
        first, last = np.searchsorted(ordered, of, "left"), np.searchsorted(ordered, of, "right")
        many = last - first
        start = np.repeat(first - np.concatenate([[0], np.cumsum(many)[:-1]]), many)
        below: Codes = order[start + np.arange(many.sum())]
        return below

    return children


def losses(spans: TraceSpans, paths: Paths, current: Window, baseline: Window) -> Losses:
    """Where time went and failures began.

    A span's own time is what its children do not cover. Where a span does nothing but wait for one other service, that
    time is the wire's: sending, queueing, receiving.
    """
    now, before = within(spans.starts, current), within(spans.starts, baseline)
    own_time = own_times(spans)
    callee = waits_for(spans, paths, before, now)
    found = Losses({}, {}, {}, {})
    # The service to blame for a span's own time or failure: itself, or the one that it waits for.
    blamed = np.where(callee >= 0, callee, spans.service)
    for members in groups(paths.path * (len(spans.services) + 1) + callee + 1):
        b, x = members[before[members]], members[now[members]]
        if not x.size:
            continue
        service = spans.services[spans.service[x[0]]]
        link = (service, spans.services[callee[x[0]]]) if callee[x[0]] >= 0 else None
        if link:
            found.links[link] = found.links.get(link, 0) + x.size
        lost = _extra(own_time[b], own_time[x])
        if lost > 0 and link:
            found.wire[link] = found.wire.get(link, 0.0) + lost
        elif lost > 0:
            found.own[service] = found.own.get(service, 0.0) + lost
    has_failed_child = np.zeros(spans.starts.size, dtype=np.bool_)
    has_failed_child[spans.parent[spans.failed & (spans.parent >= 0)]] = True
    origin = spans.failed & ~has_failed_child
    for at in np.unique(blamed[origin & now]).tolist():
        of = blamed == at
        rate = (origin & before & of).sum() / max((before & of).sum(), 1)
        extra = (origin & now & of).sum() - rate * (now & of).sum()
        if extra > 0:
            found.failures[spans.services[at]] = float(extra)
    return found


def _extra(before: Array, now: Array) -> float:
    """Seconds that all of `now` took longer than `before` lets expect; 0 where the two could be alike."""
    before, now = before[np.isfinite(before)], now[np.isfinite(now)]
    if before.size < LEAST_SPANS or now.size < LEAST_SPANS:
        return 0.0
    if rank_sum(before, now) < LEAST_Z:
        return 0.0
    return float((np.median(now) - np.median(before)) * now.size)


def rank_sum(before: Array | Codes, now: Array | Codes) -> float:
    """How far `now` lies above `before`, in standard deviations, ties accounted for (Mann and Whitney, 1947)."""
    _values, at, many = np.unique(np.concatenate([before, now]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(many) - (many - 1) / 2)[at]
    n, total = now.size, at.size
    variance = before.size * n / 12 * (total + 1 - (many**3 - many).sum() / (total * (total - 1)))
    return float((ranks[before.size :].sum() - n * (total + 1) / 2) / np.sqrt(variance)) if variance > 0 else 0.0


def own_times(spans: TraceSpans) -> Array:
    """Seconds of each span that no child covers, (spans,). Children may overlap and may outlive their parent.

    Nor is it its own time while a span without children only stands beside a longer one that has some: it waits along.
    """
    time = spans.ends - spans.starts
    child = np.flatnonzero(spans.parent >= 0)
    child = child[np.lexsort([spans.starts[child], spans.parent[child]])]
    parent = spans.parent[child]
    start = np.maximum(spans.starts[child], spans.starts[parent])
    end = np.minimum(np.fmax(spans.ends[child], start), spans.ends[parent])
    # Children of one parent follow each other: the farthest end so far, apart for each parent by a shift of its own.
    origin = spans.starts.min() if spans.starts.size else 0.0
    far = 1.0 + np.nanmax(spans.ends - origin, initial=0.0)
    group = np.cumsum(np.diff(parent, prepend=-1) != 0) * far
    upto = np.maximum.accumulate(np.concatenate([[-np.inf], np.nan_to_num(end - origin) + group]))[:-1] - group
    covered = np.maximum(0.0, (end - origin) - np.maximum(start - origin, upto))
    own = np.maximum(0.0, time - np.bincount(parent, np.nan_to_num(covered), minlength=time.size))
    # The longest child with children of its own, for each parent.
    busy = np.zeros(time.size, dtype=np.bool_)
    busy[parent] = True
    longest = np.full(time.size, -1)
    works = child[busy[child]]
    works = works[np.argsort(time[works], kind="stable")]
    longest[spans.parent[works]] = works
    idle = child[~busy[child]]
    beside = longest[spans.parent[idle]]
    idle, beside = idle[beside >= 0], beside[beside >= 0]
    overlap = np.minimum(spans.ends[idle], spans.ends[beside]) - np.maximum(spans.starts[idle], spans.starts[beside])
    own[idle] = np.maximum(0.0, own[idle] - np.maximum(0.0, overlap))
    return own


def waits_for(spans: TraceSpans, paths: Paths, before: Flags, now: Flags) -> Codes:
    """The one other service that all children of a span belong to, (spans,); -1 where there is none or several.

    A span that has no child this time waits for whom its like wait for: that one did not answer.
    """
    child = np.flatnonzero(spans.parent >= 0)
    parent = spans.parent[child]
    lowest, highest = np.full(spans.starts.size, len(spans.services)), np.full(spans.starts.size, -1)
    np.minimum.at(lowest, parent, spans.service[child])
    np.maximum.at(highest, parent, spans.service[child])
    callee = np.where((lowest == highest) & (highest != spans.service), highest, -1)
    return np.where(highest < 0, _missed(callee, paths, len(spans.services), before, now), callee)


def _missed(callee: Codes, paths: Paths, services: int, before: Flags, now: Flags) -> Codes:
    """For each span, whom its path misses most: called less often, for each span of it, than before. (spans,)."""
    many = paths.parent.size
    calls = np.zeros((2, many, services))
    total = np.zeros((2, many))
    for side, within_window in enumerate((before, now)):
        np.add.at(total[side], paths.path[within_window], 1)
        calling = within_window & (callee >= 0)
        np.add.at(calls[side], (paths.path[calling], callee[calling]), 1)
    missed = calls[0] * (total[1] / np.maximum(total[0], 1))[:, None] - calls[1]
    waits = calls[0].sum(axis=1) * 2 > total[0]
    return np.where(waits, missed.argmax(axis=1), -1)[paths.path]


def groups(kind: Codes) -> list[Codes]:
    """Positions of equal values, one array for each value, in their order."""
    order = np.argsort(kind, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(kind[order])) + 1) if order.size else []
