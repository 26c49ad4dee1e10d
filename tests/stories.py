"""Builds incidents for ranking changes: metrics by the minute, logs, spans and events from a few words each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from console.model import (
    Case,
    Event,
    Frame,
    Kind,
    Labels,
    LogLines,
    Series,
    SeriesKey,
    Span,
    TraceSpans,
    Window,
)

ONSET = 1_800_000_000.0
STEP = 60.0


@dataclass(frozen=True)
class Metric:
    """A series: its level before, its level after `at` minutes before the onset, and how long the way there takes."""

    signal: str
    service: str
    before: float
    after: float
    at: float = 3.0
    ramp: float = 0.0  # minutes


@dataclass(frozen=True)
class Log:
    service: str
    severity: str
    text: str
    at: float = 3.0  # minutes before the onset; from then on
    lines: int = 10
    until: float = -10.0


@dataclass(frozen=True)
class Change:
    id: str
    at: float  # minutes before the onset
    title: str
    detail: str = ""
    kind: str = "commit"
    service: str = ""
    deployed: tuple[float, str] | None = None  # minutes before the onset, service


@dataclass(frozen=True)
class Incident:
    name: str
    alert: tuple[str, str, str]  # service, metric, summary
    metrics: Sequence[Metric]
    logs: Sequence[Log]
    changes: Sequence[Change]
    truth: str
    spans: Sequence[tuple[str, str, bool, int]] = ()  # service, operation, failed, parent's position or -1
    hours: float = 2.0
    chatter: Sequence[str] = ("request served", "health check passed")


NOISE = tuple(
    Change(f"n{at:02}", at, title, detail)
    for at, title, detail in (
        (95, "docs: explain on-call rotation", "docs/oncall.md\n"),
        (88, "test: cover empty basket", "tests/basket_test.py\n@@ -1 +1,2 @@\n+assert not total([])"),
        (80, "chore: update CODEOWNERS", "CODEOWNERS\n"),
        (71, "ci: cache dependencies between jobs", ".github/workflows/ci.yml\n"),
        (62, "style: run formatter", "lib/shared/format.py\n"),
        (54, "feat: add trace attribute for region", "lib/tracing/attrs.py\n@@ -3 +3,4 @@\n+span.set('region')"),
        (46, "chore: bump eslint from 9.1.0 to 9.1.2", "package.json\n@@ -9 +9 @@\n-eslint: 9.1.0,\n+eslint: 9.1.2,"),
        (35, "refactor: rename helper module", "lib/strings/casing.py\n"),
        (26, "fix: typo in onboarding mail", "lib/mail/templates/hello.html\n@@ -2 +2 @@\n-Wellcome\n+Welcome"),
        (12, "feat: dark mode for settings page", "web/settings/theme.ts\n@@ -1 +1 @@\n+const dark = '#111'"),
        (-8, "chore: tidy imports", "lib/shared/imports.py\n"),
    )
)  # fmt: skip


def case_of(incident: Incident) -> Case:
    """The incident as a case: metrics by the minute, logs, spans and events."""
    start, end = ONSET - incident.hours * 3600, ONSET + 600
    rng = np.random.default_rng(sum(map(ord, incident.name)))
    times = np.arange(start, end, STEP)
    series = []
    for one in incident.metrics:
        share = np.clip((times - (ONSET - one.at * 60)) / max(one.ramp * 60, 1.0), 0, 1)
        level = one.before + (one.after - one.before) * share
        scatter = 0.03 * max(abs(one.before), 0.02 * abs(one.after))
        values = level + rng.normal(0, 1, times.size) * scatter
        key = SeriesKey(one.signal, Labels.of(service=one.service), Kind.GAUGE)
        series.append(Series(key, values))
    services = sorted({one.service for one in incident.metrics} | {one.service for one in incident.logs})
    lines = [
        (float(at), service, "INFO", incident.chatter[n % len(incident.chatter)])
        for n, service in enumerate(services)
        for at in np.linspace(start, end, 40)
    ]
    for log in incident.logs:
        lines += [
            (float(at), log.service, log.severity, log.text.replace("#", str(17 + n)))
            for n, at in enumerate(np.linspace(ONSET - log.at * 60, ONSET - log.until * 60, log.lines))
        ]
    lines.sort()
    severities = sorted({line[2] for line in lines})
    logs = LogLines(
        times=np.array([line[0] for line in lines]),
        service=np.array([services.index(line[1]) for line in lines]),
        severity=np.array([severities.index(line[2]) for line in lines]),
        span=np.full(len(lines), -1),
        bodies=tuple(line[3] for line in lines),
        services=tuple(services),
        severities=tuple(severities),
    )
    service, metric, summary = incident.alert
    return Case(
        current=Window((Span(ONSET - 180, end),)),
        baseline=Window((Span(start, ONSET - 600),), "span"),
        onset=ONSET,
        violated=SeriesKey(metric, Labels.of(service=service), Kind.GAUGE),
        alert=Labels.of(service=service, metric=metric, summary=summary, severity="critical"),
        metrics=Frame(times, STEP, tuple(series)),
        logs=logs,
        spans=_spans(incident),
        events=_events((*incident.changes, *NOISE)),
    )


def _events(changes: Sequence[Change]) -> tuple[Event, ...]:
    events = []
    for one in changes:
        events.append(Event(ONSET - one.at * 60, one.kind, one.service, one.title, _hash(one), one.detail))
        if one.deployed:
            at, service = one.deployed
            events.append(
                Event(
                    ONSET - at * 60, "deploy", service, f"deploy {service}", f"deploy:{one.id}", f"commit {_hash(one)}"
                )
            )
    return tuple(sorted(events, key=lambda event: event.time))


def _hash(change: Change) -> str:
    """Commits are known by hashes, everything else by its name."""
    return change.id if change.kind != "commit" else "".join(f"{ord(letter):02x}" for letter in f"{change.id:>20}")


def answer(incident: Incident) -> str:
    """The id that should come first."""
    return next((_hash(one) for one in (*incident.changes, *NOISE) if one.id == incident.truth), incident.truth)


def _spans(incident: Incident) -> TraceSpans | None:
    if not incident.spans:
        return None
    services = sorted({span[0] for span in incident.spans})
    operations = sorted({span[1] for span in incident.spans})
    starts = np.array([ONSET - 60 + 0.01 * n for n in range(len(incident.spans))])
    return TraceSpans(
        starts=starts,
        ends=starts + 0.5,
        service=np.array([services.index(span[0]) for span in incident.spans]),
        operation=np.array([operations.index(span[1]) for span in incident.spans]),
        parent=np.array([span[3] for span in incident.spans]),
        failed=np.array([span[2] for span in incident.spans]),
        services=tuple(services),
        operations=tuple(operations),
    )
