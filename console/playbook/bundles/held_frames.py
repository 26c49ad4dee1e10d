"""What recorded frames say of a query that nobody asked in these words: cut, folded and coarsened, never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from console.analysis.frames import aggregate, coarsen, concatenate
from console.model import Frame, Labels, Query, Series, Span
from console.signals.catalogue import find_signal

NEAR = 1e-6  # of a step


@dataclass(frozen=True, slots=True)
class HeldFrame:
    """A recorded answer and what it is the answer to."""

    signal: str
    spans: tuple[Span, ...]
    where: Mapping[str, str]
    by: tuple[str, ...]
    frame: Frame


def told(query: Query, held: Sequence[HeldFrame]) -> Frame:
    """The answer to a query out of recorded ones; a frame without series where none of them holds it.

    A frame holds what is asked where it keeps apart every label that the query selects or keeps apart. Each span is
    taken from the frame that holds most of it, and of those from the finest.
    """
    where = dict(query.where) | dict(query.window.where)
    fitting = [one for one in held if one.signal == query.signal and _keeps_apart(one, where, query.by)]
    pieces = [piece for span in query.window.spans if (piece := _piece(span, where, query.by, fitting)) is not None]
    if not pieces:
        return Frame(np.empty(0), query.step)
    step = max(query.step, *(piece.step for piece in pieces))
    joined = concatenate([coarsen(piece, step) for piece in pieces])
    return aggregate(joined, query.by, find_signal(query.signal).across)


def _keeps_apart(held: HeldFrame, where: Mapping[str, str], by: Sequence[str]) -> bool:
    known = {*held.by, *held.where}
    return held.where.items() <= where.items() and set(where) <= known and set(by) <= known


def _piece(span: Span, where: Mapping[str, str], by: Sequence[str], held: Sequence[HeldFrame]) -> Frame | None:
    ranked = sorted(held, key=lambda one: (-_overlap(span, one.spans), one.frame.step, len(one.by)))
    if not ranked or _overlap(span, ranked[0].spans) <= 0:
        return None
    best = ranked[0]
    series = (replace(one, key=replace(one.key, labels=_labels(one, best))) for one in best.frame.series)
    chosen = tuple(one for one in series if where.items() <= dict(one.key.labels).items())
    return _cut(replace(best.frame, series=chosen), span)


def _labels(one: Series, held: HeldFrame) -> Labels:
    """Its own labels, and those that all of the frame have since they were selected by them."""
    return Labels.of({**held.where, **dict(one.key.labels)})


def _cut(frame: Frame, span: Span) -> Frame:
    """The steps that lie within a span."""
    near = NEAR * frame.step
    inside = (frame.times - frame.step >= span.start - near) & (frame.times <= span.end + near)
    series = tuple(
        Series(one.key, one.values[inside], None if one.sums is None else one.sums[inside]) for one in frame.series
    )
    return Frame(frame.times[inside], frame.step, series)


def _overlap(span: Span, spans: Sequence[Span]) -> float:
    return sum(max(0.0, min(span.end, one.end) - max(span.start, one.start)) for one in spans)
