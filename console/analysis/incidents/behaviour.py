"""What do operations no longer do, or do that they did not? Child calls and log lines, compared along call paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.incidents.news import gravity_of, within
from console.analysis.incidents.spans import Paths, groups, waits_for
from console.analysis.templates import templates_of

if TYPE_CHECKING:
    from console.model import Codes, Flags, LogLines, TraceSpans, Window

LEAST_SPANS = 3  # of a path on each side
LEAST_SURPRISE = 3.0  # nats: most of what is less is chance, where hundreds of habits are looked at
NEAR = 10  # spans before and after, in which a service must be heard for its silence to mean something
GRAVE = re.compile(r"(?i)exception|error|fatal|panic|fail|refused|time.?out|denied|unavailable|unreachable|rejected")


@dataclass(frozen=True, slots=True)
class Habit:
    """Something that spans of one path do, and that changed for the worse."""

    service: str
    operation: str
    what: str  # a log template, or a child's operation
    before: tuple[int, int]  # how often it was done, in how many spans
    now: tuple[int, int]
    surprise: float  # log-likelihood, in nats


@dataclass(frozen=True, slots=True, eq=False)
class _Ledger:
    """Who did what: one row for each span and thing that it did."""

    span: Codes  # (rows,)
    what: Codes  # (rows,) of `words`
    times: Codes  # (rows,) how often
    words: tuple[str, ...]
    is_grave: Flags  # (words,) whether more of it is worse; of what is ordinary, less is
    among: Flags  # (spans,) those that were observed


def changed_habits(
    spans: TraceSpans, paths: Paths, logs: LogLines | None, current: Window, baseline: Window
) -> tuple[Habit, ...]:
    """Habits that changed for the worse, most surprising first.

    Worse is less of what is ordinary, and more of what tells of failure. Spans of one path write the same lines and
    make the same calls (Nezha, Yu et al., FSE 2023, compares such patterns). Whether a thing is done is tested by the
    likelihood ratio of two binomials, how often by numbers never seen. Who makes a call that nobody answers is not to
    blame for what it then does not do: its callee is.
    """
    now, before = within(spans.starts, current), within(spans.starts, baseline)
    blamed = _blamed(spans, paths, before, now)
    ledgers = [_calls(spans)]
    if logs is not None and (logs.span >= 0).any():
        ledgers.append(_lines(spans, paths, logs, before))
    found = [
        Habit(
            spans.services[blamed[path]], spans.operations[paths.operation[path]], ledger.words[what],
            did, does, surprise,
        )
        for ledger in ledgers
        for path, what, did, does, surprise in _changes(ledger, paths, before, now)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda habit: -habit.surprise))


def _changes(
    ledger: _Ledger, paths: Paths, before: Flags, now: Flags
) -> Iterator[tuple[int, int, tuple[int, int], tuple[int, int], float]]:
    """Path, what, how often in how many spans before and now, and how surprising that is."""
    on = paths.path[ledger.span]
    spans_before = np.bincount(paths.path[ledger.among & before], minlength=paths.parent.size)
    spans_now = np.bincount(paths.path[ledger.among & now], minlength=paths.parent.size)
    for rows in groups(on * len(ledger.words) + ledger.what):
        path, what = int(on[rows[0]]), int(ledger.what[rows[0]])
        m, n = int(spans_before[path]), int(spans_now[path])
        if m < LEAST_SPANS or n < LEAST_SPANS:
            continue
        is_grave = bool(ledger.is_grave[what])
        done, does = rows[before[ledger.span[rows]]], rows[now[ledger.span[rows]]]
        k, x = done.size, does.size
        surprise = _surprise(k, m, x, n)
        if surprise > LEAST_SURPRISE and (x * m > k * n) == is_grave:
            yield path, what, (k, m), (x, n), surprise
        if k >= LEAST_SPANS and x >= LEAST_SPANS:
            often, oftener = ledger.times[done], ledger.times[does]
            surprise = _novelty(often, oftener)
            if surprise > LEAST_SURPRISE and (oftener.mean() > often.mean()) == is_grave:
                yield path, what, (int(often.sum()), k), (int(oftener.sum()), x), surprise


def _novelty(before: Codes, now: Codes) -> float:
    """How surprising it is that so many numbers are none that was seen before, in nats.

    The share of new ones to expect is that of numbers seen once (Good, The population frequencies of species, 1953).
    """
    numbers, many = np.unique(before, return_counts=True)
    once, new = int((many == 1).sum()), int((~np.isin(now, numbers)).sum())
    return _surprise(once, before.size, new, now.size) if new * before.size > once * now.size else 0.0


def _surprise(k: int, m: int, x: int, n: int) -> float:
    """The log-likelihood ratio of two shares, k of m and x of n, against one."""

    def likelihood(done: int, of: int, share: float) -> float:
        did = done * np.log(share) if done else 0.0
        return float(did + (of - done) * np.log1p(-share)) if done < of else float(did)

    pooled = (k + x) / (m + n)
    apart = likelihood(k, m, k / m) + likelihood(x, n, x / n)
    return apart - likelihood(k, m, pooled) - likelihood(x, n, pooled)


def _calls(spans: TraceSpans) -> _Ledger:
    child = np.flatnonzero(spans.parent >= 0)
    rows, times = np.unique(np.stack([spans.parent[child], spans.operation[child]]), axis=1, return_counts=True)
    is_grave = np.array([GRAVE.search(words) is not None for words in spans.operations], dtype=np.bool_)
    return _Ledger(rows[0], rows[1], times, spans.operations, is_grave, np.ones(spans.starts.size, dtype=np.bool_))


def _lines(spans: TraceSpans, paths: Paths, logs: LogLines, before: Flags) -> _Ledger:
    template, templates = templates_of(logs.bodies)
    line = logs.span >= 0
    rows, times = np.unique(np.stack([logs.span[line], template[line]]), axis=1, return_counts=True)
    grave_severity = np.array([gravity_of(name) in ("error", "fatal") for name in logs.severities], dtype=np.bool_)
    is_grave = np.array([GRAVE.search(words) is not None for words in templates], dtype=np.bool_)
    np.logical_or.at(is_grave, template, grave_severity[logs.severity])
    return _Ledger(rows[0], rows[1], times, templates, is_grave, _heard(spans, paths, rows[0], before))


def _heard(spans: TraceSpans, paths: Paths, wrote: Codes, before: Flags) -> Flags:
    """Spans whose service is heard shortly before and after, (spans,): a log that was lost is no habit that was.

    Only paths whose spans usually write tell.
    """
    writes = np.zeros(before.size, dtype=np.bool_)
    writes[wrote] = True
    many = paths.parent.size
    written = np.bincount(paths.path[before & writes], minlength=many)
    usual = written * 2 > np.bincount(paths.path[before], minlength=many)
    heard = np.ones(before.size, dtype=np.bool_)
    telling = np.flatnonzero(usual[paths.path])
    for members in groups(spans.service[telling]):
        of = telling[members]
        upto = np.concatenate([[0], np.cumsum(writes[of])])
        at = np.arange(of.size)
        earlier = upto[at] - upto[np.maximum(at - NEAR, 0)]
        later = upto[np.minimum(at + 1 + NEAR, of.size)] - upto[at + 1]
        heard[of] = writes[of] | ((earlier > 0) & (later > 0))
    return heard


def _blamed(spans: TraceSpans, paths: Paths, before: Flags, now: Flags) -> Codes:
    """The service to blame for what the spans of a path do, (paths,): whom they wait for in vain, or their own."""
    has_child = np.zeros(now.size, dtype=np.bool_)
    has_child[spans.parent[spans.parent >= 0]] = True
    in_vain = np.full(paths.parent.size, -1)
    alone = now & ~has_child
    np.maximum.at(in_vain, paths.path[alone], waits_for(spans, paths, before, now)[alone])
    return np.where(in_vain >= 0, in_vain, paths.service)
