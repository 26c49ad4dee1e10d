"""How far has each series left its baseline, and which way is bad? For ranking: robust, floored, both directions."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.incidents.news import within

if TYPE_CHECKING:
    from console.model import Array, Frame, Labels, SeriesKey, Window

LEAST_SCALE = 0.02  # of the level: a flat baseline does not explode
LEAST_STEPS = 3
FAR = 3.0  # scales from the centre: where an onset is seen
MUTE = 1e-3  # chance of so long a silence, for a series to have ended
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
    """One series beside its baseline. Success is turned over: what failed counts."""

    key: SeriesKey
    service: str
    meaning: Meaning
    before: float  # the baseline's median
    now: float  # the current mean
    strength: float  # how far off, in scales of the baseline; above 0 is more
    onset: float | None  # the first step that was far off
    ceiling: float = 0.0  # of a success that was turned over

    @property
    def words(self) -> str:
        """`latency ×4.1 (0.2 to 0.82)`, as the series had it."""
        before, now = self.before, self.now
        if self.ceiling:
            before, now = self.ceiling - before, self.ceiling - now
        ratio = f" ×{now / before:.3g}" if before > 0 and now > 0 else ""
        return f"{self.key.signal}{ratio} ({before:.3g} to {now:.3g})"


def meaning_of(name: str) -> Meaning:
    """What a metric is about, by the words in its name.

    >>> meaning_of("http_request_duration_seconds"), meaning_of("PodSuccessRate"), meaning_of("CpuUsageRate")
    (<Meaning.LATENCY: 'latency'>, <Meaning.SUCCESS: 'success'>, <Meaning.RESOURCE: 'resource'>)
    """
    words = _SPLIT.sub(" ", name).lower()
    return next((meaning for meaning, pattern in _PATTERNS if pattern.search(words)), Meaning.OTHER)


def is_of_others(name: str) -> bool:
    """Whether a metric is about what a service waits for, not about what it does.

    >>> is_of_others("http_client_duration"), is_of_others("http_server_duration")
    (True, False)
    """
    return _OTHERS.search(_SPLIT.sub(" ", name).lower()) is not None


def service_of(labels: Labels) -> str:
    """Whom a series is about: its service, or the nearest thing to one that its labels name."""
    named = dict(labels)
    return next((named[name] for name in NAMING if name in named), "")


def anomalies(frame: Frame, current: Window, baseline: Window) -> tuple[Anomaly, ...]:
    """Each series with data in both windows, measured against its own baseline. Series that were constant are kept.

    Its strength is half the shift of the mean and half the farthest step: one wild step is news, and so is a small
    change that stays. A scale is the robust spread, at least that of the tails, floored by the level.
    """
    if not frame.series:
        return ()
    values = np.stack([series.values for series in frame.series])
    meanings = [meaning_of(series.key.signal) for series in frame.series]
    ceilings = np.zeros(len(meanings))
    for at in [at for at, meaning in enumerate(meanings) if meaning is Meaning.SUCCESS]:
        ceilings[at] = 1.0 if np.nanmax(values[at], initial=0.0) <= 1.0 else 100.0
        values[at] = ceilings[at] - values[at]
    in_current = within(frame.times, current)
    before, now = values[:, within(frame.times, baseline) & ~in_current], values[:, in_current]
    known = (np.isfinite(before).sum(axis=1) >= LEAST_STEPS) & np.isfinite(now).any(axis=1)
    if not known.any():
        return ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # rows without any data
        centre, scale = _centre_and_scale(before)
        mean = np.nanmean(now, axis=1)
    times = frame.times[in_current]
    found = []
    for at in np.flatnonzero(known).tolist():
        steps = (now[at] - centre[at]) / scale[at]
        strength = (float(np.nanmean(steps)) + float(steps[np.nanargmax(np.abs(steps))])) / 2
        far = np.flatnonzero(steps * np.sign(strength) > FAR)
        onset = float(times[far[0]]) if far.size else None
        key = frame.series[at].key
        found.append(
            Anomaly(
                key, service_of(key.labels), meanings[at], float(centre[at]), float(mean[at]), strength, onset,
                float(ceilings[at]),
            )
        )  # fmt: skip
    return tuple(found)


def ended(frame: Frame, current: Window, baseline: Window) -> dict[str, float]:
    """Services whose series ended: the share of those that usually report. None where most of all series did.

    A series with gaps may be silent for a while; it has ended where such a silence would be a matter of chance.
    """
    in_current = within(frame.times, current)
    in_baseline = within(frame.times, baseline) & ~in_current
    usual: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for series in frame.series:
        heard = np.isfinite(series.values)
        if heard[in_baseline].sum() < LEAST_STEPS:
            continue
        reports = min(float(heard[in_baseline].mean()), 0.95)
        if (1 - reports) ** in_current.sum() > MUTE:
            continue
        service = service_of(series.key.labels)
        usual[service] += 1
        gone[service] += not heard[in_current].any()
    if sum(gone.values()) * 2 > sum(usual.values()):
        return {}
    return {service: count / usual[service] for service, count in gone.items() if count}


def _centre_and_scale(before: Array) -> tuple[Array, Array]:
    """Median and robust spread of each baseline, each (series,)."""
    low, centre, high = np.nanquantile(before, (0.05, 0.5, 0.95), axis=1)
    spread = 1.4826 * np.nanmedian(np.abs(before - centre[:, None]), axis=1)
    # More than half the steps may be equal: then the ordinary spread speaks. And a tail is usual where it was there.
    spread = np.where(spread > 0, spread, np.nanstd(before, axis=1))
    spread = np.fmax(spread, np.fmax(high - centre, centre - low) / 1.645)
    level = LEAST_SCALE * np.nanmax(np.abs(before), axis=1)
    return centre, np.fmax(np.fmax(spread, level), 1e-9)
