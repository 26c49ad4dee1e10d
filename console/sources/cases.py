"""Reads a case folder: an incident as files, any of them missing, for `andon rank`; docs/ranking.md has the layout."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from console.errors import NoData, SourceError, SourceMalformed, UsageError
from console.model import Case, Labels, Span, Window
from console.sources.telemetry import read_events, read_logs, read_metrics, read_spans, series_key, time_of

LAYOUT = "docs/ranking.md has the layout of a case"


def read_case(folder: Path) -> Case:
    """Everything that the folder holds.

    Raises UsageError where it is no case, SourceMalformed where case.json has another layout, SourceError where a file
    cannot be read, NoData where nothing says when the incident was.
    """
    about = _about(folder)
    try:
        case = _described(about)
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise SourceMalformed(f"{folder / 'case.json'} has another layout: {error}", LAYOUT) from error
    spans = (*case.current.spans, *case.baseline.spans)
    if (folder / "events.jsonl").is_file():
        # Changes are dated by when things began, which may lie between the windows.
        spans = (Span(min(span.start for span in spans), max(span.end for span in spans)),)
    notes: list[str] = []
    try:
        traces, ids = read_spans(folder / "spans.jsonl", spans, notes)
        return replace(
            case,
            metrics=read_metrics(folder / "metrics.csv", spans, notes),
            logs=read_logs(folder / "logs.jsonl", spans, ids, notes),
            spans=traces,
            events=read_events(folder / "events.jsonl", notes),
            notes=tuple(notes),
        )
    except OSError as error:
        raise SourceError(f"{error.filename} cannot be read: {error.strerror}", LAYOUT) from error


def _about(folder: Path) -> dict[str, Any]:
    path = folder / "case.json"
    try:
        about = orjson.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{folder} is no case: it has no case.json", LAYOUT) from error
    except OSError as error:
        raise SourceMalformed(f"{path} cannot be read: {error.strerror}", LAYOUT) from error
    except orjson.JSONDecodeError as error:
        raise SourceMalformed(f"{path} is not JSON: {error}", LAYOUT) from error
    if not isinstance(about, dict):
        raise SourceMalformed(f"{path} holds no object", LAYOUT)
    return about


def _described(about: dict[str, Any]) -> Case:
    """The case without its files."""
    onset, violated = time_of(about.get("onset")), about.get("violated")
    current, baseline = _windows(about.get("windows") or {}, onset)
    alert = about.get("alert") or {}
    return Case(
        current=current,
        baseline=baseline,
        onset=onset,
        violated=series_key(violated) if isinstance(violated, str) else None,
        alert=Labels.of({key: value for key, value in alert.items() if value is not None}),
        services=tuple(str(name) for name in about.get("services") or ()),
        calls=tuple((str(caller), str(callee)) for caller, callee in about.get("calls") or ()),
    )


def _windows(windows: dict[str, Any], onset: float | None) -> tuple[Window, Window]:
    """Both windows, or what the onset says of them: before it all was well."""
    current, baseline = _span_list(windows.get("current")), _span_list(windows.get("baseline"))
    if not current and onset is None:
        raise NoData("case.json says neither onset nor windows", "give it `onset`, in epoch seconds")
    if not current:
        current = (Span(onset or 0.0, math.inf),)
    if not baseline:
        first = min(span.start for span in current)
        baseline = (Span(-math.inf, first if onset is None else min(onset, first)),)
    return Window(current), Window(baseline, "span")


def _span_list(pairs: Any) -> tuple[Span, ...]:
    """Spans of a case have their ends within, so that one step can be a window."""
    if not pairs:
        return ()
    if not isinstance(pairs[0], list):
        pairs = [pairs]
    times = [(time_of(pair[0]), time_of(pair[1])) for pair in pairs]
    known = [(start, end) for start, end in times if start is not None and end is not None]
    if any(end < start for start, end in known):
        raise ValueError("a window ends before it begins")
    return tuple(Span(start, math.nextafter(end, math.inf)) for start, end in known)
