"""Two selections of a metrics server against each other: a canary against the stable ones, or now against earlier."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from console.analysis.frames import aggregate, concatenate
from console.analysis.samples import Samples
from console.clock import clock_of
from console.config import Config
from console.errors import NoData, SourceError, UsageError
from console.model import Frame, Labels, Series, Window
from console.plugins import Plugins
from console.signals.promql import matched_labels, without_matchers
from console.sources.estate import Estate, Situation
from console.sources.opening import close, open_estate
from console.sources.types import Selecting
from console.sources.windows import baseline_window, current_window, parse_baseline
from console.triage.comparing import Asked, Judged, Key, judge_frames

STEPS = 60.0  # of a window
LEAST_STEP = 1.0  # seconds
MOST_SECONDS = 60.0  # for all answers together


async def compare_selections(
    baseline: str,
    current: str,
    config: Config,
    plugins: Plugins,
    asked: Asked,
    span: str = "15m",
    against: str | None = None,
) -> Judged:
    """Every series that either expression answers over the span; `against` is the baseline's window, else the same.

    Series are paired by their labels, but for those by which the expressions differ; what is one then is averaged.
    Raises UsageError where no source answers expressions, NoData where there is no answer, and what sources raise.
    """
    now = clock_of(config.clock)()
    window = current_window(span, now)
    before = window
    if against is not None:
        before = baseline_window(parse_baseline(against), window, Situation(Estate(), now))
    if before.where:
        raise UsageError("a selection says itself whom it is about", "write the labels into its braces")
    estate = await open_estate(config.sources, plugins)
    try:
        source = _source(estate)
        step = max(LEAST_STEP, float(round(window.end - window.start) // STEPS))
        mine, its = await asyncio.wait_for(
            asyncio.gather(_read(source, current, window, step), _read(source, baseline, before, step)), MOST_SECONDS
        )
    except TimeoutError:
        raise SourceError(f"no answer within {MOST_SECONDS:g} s", "ask for fewer series or a shorter span") from None
    finally:
        await close(estate)
    return judge_selected(baseline, current, mine, its, asked)


def judge_selected(baseline: str, current: str, mine: Frame, its: Frame, asked: Asked) -> Judged:
    """What two answers say of each other."""
    for text, frame in ((current, mine), (baseline, its)):
        if not frame.series:
            raise NoData(f"{text!r} answers no series over this span", "look at it in the server's own page")
    mine, its = _named(mine, current), _named(its, current)
    apart = _labels_apart(matched_labels(baseline), matched_labels(current))
    notes = [f"paired without {', '.join(sorted(apart))}: the selections differ by it"] if apart else []
    folded = [_fold(frame, apart) for frame in (mine, its)]
    if not _keys(folded[0]) & _keys(folded[1]):
        unlike = _disjoint(*folded)
        notes += [f"paired without {', '.join(sorted(unlike))}: both sides share no value of it"] if unlike else []
        folded = [_fold(frame, unlike) for frame in folded]
    merged = sum(len(frame.series) for frame in (mine, its)) - sum(len(frame.series) for frame in folded)
    notes += [f"{merged} series were averaged with others of the same labels"] if merged else []
    title = f"{current} against {baseline}"
    samples = [{_key(one): Samples.of(one.key.signal, one.values, one.key.labels) for one in side.series}
               for side in folded]  # fmt: skip
    return judge_frames(title, folded[0], folded[1], samples[0], samples[1], asked, tuple(notes))


def _source(estate: Estate) -> Selecting:
    for error in estate.failed.values():
        raise error
    found = [source for source in estate.sources.values() if isinstance(source, Selecting)]
    if not found:
        raise UsageError("no source answers expressions", "name one that does: --source NAME=KIND+http://host:port")
    return found[0]


async def _read(source: Selecting, text: str, window: Window, step: float) -> Frame:
    frames = await asyncio.gather(*(source.select(text, span, step) for span in window.spans))
    return concatenate(frames)


def _named(frame: Frame, text: str) -> Frame:
    """Under the metric's own name, or the expression's where it has none."""
    name = without_matchers(text) or text
    return Frame(frame.times, frame.step, tuple(_renamed(one, one.key.signal or name) for one in frame.series))


def _renamed(series: Series, name: str) -> Series:
    return replace(series, key=replace(series.key, signal=name))


def _labels_apart(baseline: dict[str, frozenset[str]], current: dict[str, frozenset[str]]) -> set[str]:
    return {label for label in {*baseline, *current} if baseline.get(label) != current.get(label)}


def _fold(frame: Frame, apart: set[str]) -> Frame:
    kept = {name for one in frame.series for name, _value in one.key.labels} - apart
    return aggregate(frame, tuple(kept), "mean")


def _disjoint(*frames: Frame) -> set[str]:
    """The labels of which the two sides share no value."""
    values: Sequence[dict[str, set[str]]] = ({}, {})
    for held, frame in zip(values, frames, strict=True):
        for one in frame.series:
            for name, value in one.key.labels:
                held.setdefault(name, set()).add(value)
    mine, its = values
    return {name for name in {*mine, *its} if not mine.get(name, set()) & its.get(name, set())}


def _key(series: Series) -> Key:
    return series.key.signal, series.key.labels


def _keys(frame: Frame) -> set[tuple[str, Labels]]:
    return {_key(one) for one in frame.series}
