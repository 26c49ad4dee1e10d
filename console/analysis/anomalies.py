"""How far has each series left its baseline, and which way is bad? For ranking: robust, floored, both directions."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.news import within

if TYPE_CHECKING:
    from console.model import Array, Frame, Labels, SeriesKey, Window

LEAST_SCALE = 0.02  # of the centre: a flat baseline does not explode
LEAST_STEPS = 3
FAMILY = 0.0
NAMING = (
    "service",
    "app",
    "job",
    "workload",
    "deployment",
    "container",
    "pod",
    "model",
    "instance",
    "host",
    "node",
    "gpu",
)


class Meaning(StrEnum):
    """What a series is about, as its name says."""

    LATENCY = "latency"
    SUCCESS = "success"
    ERRORS = "errors"
    RESOURCE = "resource"
    TRAFFIC = "traffic"
    OTHER = "other"


# The field's own words, the first that fits; names are split into words first (camel case, dots, underscores).
_WORDS = (
    (Meaning.LATENCY, r"latency|duration|response time|delay|lag|wait|ttft|tpot|itl|rtt|time to|elapsed|age"),
    (Meaning.SUCCESS, r"availability|success|succeeded|uptime|up|goodput|healthy|ready|hit"),
    (
        Meaning.ERRORS,
        r"errors?|fail(ed|ures?|s)?|faults?|exceptions?|[45](xx|\d\d)|reject\w*|timeouts?|drop(s|ped)?|denied|unauthorized"
        r"|abort\w*|retries|retry|restarts?|throttl\w*|oom|evict\w*|unhealthy|invalid|miss(es)?|lost|loss",
    ),
    (
        Meaning.RESOURCE,
        r"cpu|mem|memory|heap|rss|disk|fs|filesystem|io|iops|network|net|syscall\w*|gpu|thread\w*|gc|load|connections?|pool|queue"
        r"|depth|backlog|pending|saturation|utilization|usage|kv|cache|temperature|power|space|handles|fds?",
    ),
    (
        Meaning.TRAFFIC,
        r"requests?|workload|ops|qps|rps|tps|throughput|calls?|hits|count|rate|tokens|messages|traffic|volume",
    ),
    (Meaning.LATENCY, r"seconds|millis\w*|ms|time"),
)
_PATTERNS = tuple((meaning, re.compile(rf"\b(?:{words})\b")) for meaning, words in _WORDS)
_OTHERS = re.compile(r"\b(?:client|upstream|outbound|outgoing|egress|downstream|dependency)\b")
_SPLIT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One series that left its baseline."""

    key: SeriesKey
    service: str
    meaning: Meaning
    before: float  # the baseline's median
    now: float  # the current mean
    strength: float  # mean and farthest step together, in scales of the baseline; above 0 is bad
    onset: float | None  # the first step that was far off


def meaning_of(name: str) -> Meaning:
    """What a metric is about, by the words in its name.

    >>> meaning_of("http_request_duration_seconds"), meaning_of("PodSuccessRate"), meaning_of("CpuUsageRate")
    (<Meaning.LATENCY: 'latency'>, <Meaning.SUCCESS: 'success'>, <Meaning.RESOURCE: 'resource'>)
    """
    words = _SPLIT.sub(" ", name).lower()
    return next((meaning for meaning, pattern in _PATTERNS if pattern.search(words)), Meaning.OTHER)


def of_others(name: str) -> bool:
    """Whether a metric is about what a service waits for, not about what it does.

    >>> of_others("http_client_duration"), of_others("http_server_duration")
    (True, False)
    """
    return _OTHERS.search(_SPLIT.sub(" ", name).lower()) is not None


def service_of(labels: Labels) -> str:
    """Whom a series is about: its service, or the nearest thing to one that its labels name."""
    named = dict(labels)
    return next((named[name] for name in NAMING if name in named), "")


def anomalies(frame: Frame, current: Window, baseline: Window) -> tuple[Anomaly, ...]:
    """Each series with data in both windows, measured against its own baseline and its siblings' scales.

    Series of one metric in other services share a unit, so the floor of a scale is also the family's median scale: what
    was constant before is kept, and moves of no size do not shout.
    """
    if not frame.series:
        return ()
    values = np.stack([series.values for series in frame.series])
    in_current, in_baseline = within(frame.times, current), within(frame.times, baseline)
    now, before = values[:, in_current], values[:, in_baseline & ~in_current]
    known = (np.isfinite(before).sum(axis=1) >= LEAST_STEPS) & np.isfinite(now).any(axis=1)
    meanings = [meaning_of(series.key.signal) for series in frame.series]
    for at in [at for at, meaning in enumerate(meanings) if meaning is Meaning.SUCCESS]:
        all_of_it = 1.0 if np.nanmax(values[at], initial=0.0) <= 1.0 else 100.0
        now[at], before[at] = all_of_it - now[at], all_of_it - before[at]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # rows without any data
        centre = np.nanmedian(before, axis=1)
        scale = _scales(before, centre, [series.key for series in frame.series])
        mean = np.nanmean(now, axis=1)
        off = (now - centre[:, None]) / scale[:, None]
    times = frame.times[in_current]
    found = []
    for at in np.flatnonzero(known).tolist():
        key = frame.series[at].key
        meaning = meanings[at]
        steps = off[at]
        # One wild step is news, and so is a shift of the mean; the first alone says less of a long window.
        shift, extreme = float(np.nanmean(steps)), float(steps[np.nanargmax(np.abs(steps))])
        strength = (shift + extreme) / 2
        far = np.flatnonzero(np.abs(steps) > 3)
        onset = float(times[far[0]]) if far.size else None
        found.append(Anomaly(key, service_of(key.labels), meaning, float(centre[at]), float(mean[at]), strength, onset))
    return tuple(found)


def _scales(before: Array, centre: Array, keys: list[SeriesKey]) -> Array:
    """Robust spread of each baseline, (series,), floored by its own level and by its family's median spread."""
    spread = 1.4826 * np.nanmedian(np.abs(before - centre[:, None]), axis=1)
    # More than half the steps may be equal: then the ordinary spread speaks. And a tail is usual where it was there.
    spread = np.where(spread > 0, spread, np.nanstd(before, axis=1))
    spread = np.fmax(spread, (np.nanquantile(before, 0.95, axis=1) - centre) / 1.645)
    families: dict[tuple[object, ...], list[int]] = {}
    for at, key in enumerate(keys):
        others = tuple(pair for pair in key.labels if pair[0] not in NAMING)
        families.setdefault((key.signal, others), []).append(at)
    floor = np.zeros(len(keys))
    for members in families.values():
        if np.isfinite(spread[members]).any():
            floor[members] = np.nanmedian(spread[members])
    level = LEAST_SCALE * np.maximum(np.abs(centre), np.nanmax(np.abs(before), axis=1))
    return np.asarray(np.fmax(np.fmax(np.fmax(spread, floor * FAMILY), level), 1e-9))
