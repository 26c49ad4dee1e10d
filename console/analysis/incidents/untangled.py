"""Spans as they come from a tracing backend, made ready to be reckoned with: parents found, circles cut, clocks set.

Hosts' clocks differ by more than many a call takes. Durations are each measured on one clock and are trusted; where a
callee's spans do not fit into its caller's, its clock is moved by as little as makes them fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from console.model import TraceSpan, TraceSpans

if TYPE_CHECKING:
    from console.model import Array, Codes


@dataclass(frozen=True, slots=True, eq=False)
class Untangled:
    """Spans as columns, in order of start, and the trace of each."""

    spans: TraceSpans
    trace: Codes  # (spans,) of `traces`
    traces: tuple[str, ...]


def untangled(spans: Sequence[TraceSpan]) -> Untangled:
    """The spans of many traces as columns.

    A span that came twice is one. Where two services share an id (a client's side and a server's of one call), the
    shorter one is the other's child and the parent of what names that id. A span without a parent that was kept begins
    a trace of its own, and so do those whose parents stand in a circle.
    """
    known = _distinct(spans)
    sides: dict[tuple[str, str], list[int]] = {}
    for at, span in enumerate(known):
        sides.setdefault((span.trace, span.id), []).append(at)
    parent = np.full(len(known), -1, np.intp)
    for at, span in enumerate(known):
        of_id = sides[span.trace, span.id]
        if span.id and of_id[0] != at:  # the server's side of a shared id; the client's is the longest
            parent[at] = of_id[0]
        elif span.parent and span.parent != span.id:
            parent[at] = sides.get((span.trace, span.parent), [-1])[-1]
    parent = _without_circles(parent)
    traces: dict[str, int] = {}
    services: dict[str, int] = {}
    operations: dict[str, int] = {}
    trace = np.array([traces.setdefault(span.trace, len(traces)) for span in known], np.intp)
    service = np.array([services.setdefault(span.service, len(services)) for span in known], np.intp)
    operation = np.array([operations.setdefault(span.operation, len(operations)) for span in known], np.intp)
    starts = np.array([span.start for span in known], np.float64)
    ends = np.array([span.end for span in known], np.float64)
    shift = _shifts(starts, ends, parent, trace, service)
    order = np.argsort(starts + shift, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    parent = np.where(parent[order] >= 0, place[parent[order]], -1)
    failed = np.array([span.failed for span in known], np.bool_)[order]
    columns = TraceSpans(
        (starts + shift)[order], (ends + shift)[order], service[order], operation[order], parent, failed,
        tuple(services), tuple(operations),
    )  # fmt: skip
    return Untangled(columns, trace[order], tuple(traces))


def _distinct(spans: Sequence[TraceSpan]) -> list[TraceSpan]:
    """Those with times that can be, each once; of one id the longest first."""
    found: dict[tuple[str, str, str, str], TraceSpan] = {}
    for at, span in enumerate(spans):
        if not (math.isfinite(span.start) and math.isfinite(span.end)):
            continue
        whole = span if span.end >= span.start else replace(span, end=span.start)
        key = (span.trace, span.id or f"#{at}", span.service, span.operation if span.id else "")
        if key not in found or whole.end - whole.start > found[key].end - found[key].start:
            found[key] = whole
    return sorted(found.values(), key=lambda span: span.start - span.end)


def _without_circles(parent: Codes) -> Codes:
    """The same, what is reached from no root being roots."""
    order = np.argsort(parent, kind="stable")
    ordered = parent[order]
    reached = np.zeros(parent.size, np.bool_)
    level = np.flatnonzero(parent < 0)
    while level.size:
        reached[level] = True
        level = _children(order, ordered, level)
    return np.where(reached, parent, -1)


def _children(order: Codes, ordered: Codes, of: Codes) -> Codes:
    first, last = np.searchsorted(ordered, of, "left"), np.searchsorted(ordered, of, "right")
    many = last - first
    start = np.repeat(first - np.concatenate([[0], np.cumsum(many)[:-1]]), many)
    below: Codes = order[start + np.arange(many.sum())]
    return below


def _shifts(starts: Array, ends: Array, parent: Codes, trace: Codes, service: Codes) -> Array:
    """Seconds to add to each span's times: of its caller's clock, and of its own against that, (spans,)."""
    step = np.zeros(starts.size)
    child = np.flatnonzero(parent >= 0)
    child = child[service[child] != service[parent[child]]]
    if not child.size:
        return step
    above = parent[child]
    _kinds, pair = np.unique(np.stack([trace[child], service[above], service[child]]), axis=1, return_inverse=True)
    pair = pair.ravel()
    many = int(pair.max()) + 1
    fits = ends[child] - starts[child] <= ends[above] - starts[above]
    least, most = np.full(many, -np.inf), np.full(many, np.inf)
    np.maximum.at(least, pair, starts[above] - starts[child])
    np.minimum.at(most, pair[fits], (ends[above] - ends[child])[fits])  # what outlives its caller says nothing
    between = np.where(np.isfinite(most), (least + np.where(np.isfinite(most), most, 0.0)) / 2, least)
    moved = np.where(least > most, between, np.where(least > 0, least, np.where(most < 0, most, 0.0)))
    step[child] = moved[pair]
    # What runs in a callee runs by its clock, and so does what it calls in turn, until that clock is set itself.
    order = np.argsort(parent, kind="stable")
    ordered = parent[order]
    total = np.zeros(starts.size)
    level = _children(order, ordered, np.flatnonzero(parent < 0))
    while level.size:
        same = service[level] == service[parent[level]]
        total[level] = np.where(same, total[parent[level]], total[parent[level]] + step[level])
        level = _children(order, ordered, level)
    return total
