"""What do operations no longer do, or do that they did not? Child calls and log lines, compared along call paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.news import gravity_of, within
from console.analysis.spans import Paths, waits_for
from console.analysis.templates import templates_of

if TYPE_CHECKING:
    from console.model import Array, Codes, Flags, LogLines, TraceSpans, Window

LEAST_SPANS = 3  # of a path on each side
NEAR = 10
_GRAVE = re.compile(r"(?i)exception|error|fatal|panic|fail|refused|time.?out|denied|unavailable|unreachable|rejected")


@dataclass(frozen=True, slots=True)
class Habit:
    """Something that a share of one path's spans do, and how that share changed for the worse."""

    service: str
    operation: str
    what: str  # a template, or a child's operation
    is_grave: bool
    before: tuple[int, int]  # spans that did, spans
    now: tuple[int, int]
    surprise: float  # nats of log-likelihood beyond what the best of all tests shows by chance


def changed_habits(
    spans: TraceSpans, paths: Paths, logs: LogLines | None, current: Window, baseline: Window
) -> tuple[Habit, ...]:
    """Habits that changed for the worse, most surprising first.

    Spans of one path do the same things: write these lines, make those calls. Worse is less of what is ordinary, and more
    of what tells of failure. Tested by the likelihood ratio of two binomials.
    """
    now, before = within(spans.starts, current), within(spans.starts, baseline)
    callee = waits_for(spans, paths, before, now)
    awaited = np.full(paths.parent.size, -1)
    has_child = np.zeros(now.size, dtype=np.bool_)
    has_child[spans.parent[spans.parent >= 0]] = True
    alone = now & ~has_child
    np.maximum.at(awaited, paths.path[alone], callee[alone])
    to_blame = np.where(awaited >= 0, awaited, paths.service)  # who does not answer is to blame, not who asks
    many = paths.parent.size
    found: list[Habit] = []

    def test(span: Codes, path: Codes, what: Codes, words: tuple[str, ...], grave: Array, among: Codes, times: Codes) -> None:
        spans_before = np.bincount(paths.path[among[before[among]]], minlength=many)
        spans_now = np.bincount(paths.path[among[now[among]]], minlength=many)
        kinds, at = np.unique(np.stack([path, what]), axis=1, return_inverse=True)
        at = at.ravel()
        done_before = np.bincount(at[before[span]], minlength=kinds.shape[1])
        done_now = np.bincount(at[now[span]], minlength=kinds.shape[1])
        n, m = spans_now[kinds[0]], spans_before[kinds[0]]
        known = (n >= LEAST_SPANS) & (m >= LEAST_SPANS)
        surprise = _surprise(done_before, m, done_now, n)
        grown = done_now * m > done_before * n
        is_grave = grave[kinds[1]]
        bad = known & (grown == is_grave)
        order = np.argsort(at, kind="stable")
        for index, members in enumerate(np.split(order, np.cumsum(np.bincount(at))[:-1])):
            b, x = times[members[before[span[members]]]], times[members[now[span[members]]]]
            if b.size < LEAST_SPANS or x.size < LEAST_SPANS:
                continue
            z = _rank_sum(b, x)
            if z * z / 2 > 3 and (z > 0) == is_grave[index]:
                on = kinds[0, index]
                found.append(
                    Habit(
                        spans.services[to_blame[on]], spans.operations[paths.operation[on]], words[kinds[1, index]],
                        bool(is_grave[index]), (int(b.sum()), b.size), (int(x.sum()), x.size), z * z / 2,
                    )
                )  # fmt: skip
        for index in np.flatnonzero(bad & (surprise > 3)).tolist():
            on = kinds[0, index]
            found.append(
                Habit(
                    spans.services[to_blame[on]], spans.operations[paths.operation[on]], words[kinds[1, index]],
                    bool(is_grave[index]), (int(done_before[index]), int(m[index])),
                    (int(done_now[index]), int(n[index])), float(surprise[index]),
                )
            )  # fmt: skip

    if logs is not None and (logs.span >= 0).any():
        template, templates = templates_of(logs.bodies)
        line = logs.span >= 0
        pairs, times = np.unique(np.stack([logs.span[line], template[line]]), axis=1, return_counts=True)
        gravity = np.array([gravity_of(name) in ("error", "fatal") for name in logs.severities])
        grave = np.zeros(len(templates), dtype=np.bool_)
        np.logical_or.at(grave, template, gravity[logs.severity])
        grave |= np.array([_GRAVE.search(words) is not None for words in templates])
        test(pairs[0], paths.path[pairs[0]], pairs[1], templates, grave, _heard(spans, paths, pairs[0], before), times)
    child = np.flatnonzero(spans.parent >= 0)
    pairs, times = np.unique(np.stack([spans.parent[child], spans.operation[child]]), axis=1, return_counts=True)
    grave = np.array([_GRAVE.search(words) is not None for words in spans.operations])
    test(pairs[0], paths.path[pairs[0]], pairs[1], spans.operations, grave, np.arange(now.size), times)
    return tuple(sorted(found, key=lambda habit: -habit.surprise))


def _surprise(k: Codes, m: Codes, x: Codes, n: Codes) -> Array:
    """The likelihood ratio of two shares against one, in nats."""

    def likelihood(done: Array, of: Array, share: Array) -> Array:
        with np.errstate(all="ignore"):
            did = np.where(done > 0, done * np.log(share), 0.0)
            did_not = np.where(of > done, (of - done) * np.log1p(-share), 0.0)
        return did + did_not

    with np.errstate(all="ignore"):
        pooled = (k + x) / (m + n)
        return likelihood(k, m, k / m) + likelihood(x, n, x / n) - likelihood(k, m, pooled) - likelihood(x, n, pooled)


def _heard(spans: TraceSpans, paths: Paths, spoke: Codes, before: Flags) -> Codes:
    """Spans whose service was heard at about that time: a log that was lost is no habit that was.

    Only paths that usually write lines tell; a service is heard where one of the spans around writes.
    """
    writes = np.zeros(before.size, dtype=np.bool_)
    writes[spoke] = True
    many = paths.parent.size
    usual = np.bincount(paths.path[before & writes], minlength=many) * 2 > np.bincount(
        paths.path[before], minlength=many
    )
    heard = writes.copy()
    telling = np.flatnonzero(usual[paths.path])
    for service in range(len(spans.services)):
        members = telling[spans.service[telling] == service]
        near = (
            np.convolve(writes[members], np.ones(2 * NEAR + 1), "full")[NEAR:][: members.size] > 0
            if members.size
            else members
        )
        heard[members[near.astype(np.bool_)]] = True
    rest = np.ones(before.size, dtype=np.bool_)
    rest[telling] = False
    return np.flatnonzero(heard | rest)


def _rank_sum(before: Codes, now: Codes) -> float:
    """How far `now` lies above `before`, in standard deviations, ties accounted for (Mann and Whitney, 1947)."""
    both = np.concatenate([before, now])
    _values, at, many = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(many) - (many - 1) / 2)[at]
    n, total = now.size, both.size
    variance = before.size * n / 12 * (total + 1 - (many**3 - many).sum() / (total * (total - 1)))
    return float((ranks[before.size :].sum() - n * (total + 1) / 2) / np.sqrt(variance)) if variance > 0 else 0.0
