"""Files of telemetry as columns: a wide table of metrics, and JSON lines of logs, spans and events.

Lines that cannot be read are skipped and counted, what lies outside the windows asked for is not kept, and what is too
much is thinned out evenly. Each function adds to `notes` what it skipped, in words.
"""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import orjson

from console.model import Event, Frame, Kind, Labels, LogLines, Series, SeriesKey, Span, TraceSpans

MOST_LINES = 400_000  # log lines, or spans, that are kept
MOST_VALUES = 20_000_000  # of metrics
LONGEST_BODY = 4_000  # characters of a log line
SPAN_ID = re.compile(r"\b[0-9a-fA-F]{16}\b")  # W3C Trace Context
LABEL = re.compile(r'([^\s={,"]+)\s*=\s*"((?:[^"\\]|\\.)*)"')
CALENDAR = (-62_135_596_800, 253_402_300_799)
NO_FAILURE = {"", "0", "false", "ok", "unset", "none"}

Row = tuple[Any, ...]


def read_metrics(path: Path, spans: tuple[Span, ...], notes: list[str]) -> Frame | None:
    """The series of a wide table, one column each, by time; None where it has no rows in the windows."""
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        heads = next(csv.reader([file.readline()]), [])
        rows, broken = _rows(file, len(heads), spans)
    if broken:
        notes.append(f"{path.name}: {broken} lines skipped that have no time or another width than the head")
    if not rows:
        return None
    values = np.array(rows)
    values = values[np.argsort(values[:, 0], kind="stable")]
    values[np.isinf(values)] = np.nan
    series: dict[SeriesKey, Series] = {}
    for column, head in enumerate(heads[1:], start=1):
        key = series_key(head)
        if key not in series:
            series[key] = Series(key, values[:, column])
    if doubled := len(heads) - 1 - len(series):
        notes.append(f"{path.name}: {doubled} columns skipped that stand there twice")
    gaps = np.diff(values[:, 0])
    step = float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1.0
    return Frame(values[:, 0], step, tuple(series.values()))


def read_logs(path: Path, spans: tuple[Span, ...], ids: dict[str, int], notes: list[str]) -> LogLines | None:
    """Log lines by time; `ids` says where the spans stand that they may name."""
    count = itertools.count(1)

    def row(line: dict[str, Any]) -> Row:
        body = line.get("body", "")
        body = (body if isinstance(body, str) else orjson.dumps(body).decode())[:LONGEST_BODY]
        texts = _name(line, "service"), _name(line, "severity").upper()
        return time_of(line.get("time")), next(count), *texts, _written_in(line, body, ids), body

    rows = _thinned(path, row, spans, notes)
    if not rows:
        return None
    times, _keys, services, severities, written_in, bodies = zip(*rows, strict=True)
    service_names, service = _coded(services)
    severity_names, severity = _coded(severities)
    span = np.array(written_in, dtype=np.intp)
    return LogLines(np.array(times), service, severity, span, bodies, service_names, severity_names)


def read_spans(path: Path, spans: tuple[Span, ...], notes: list[str]) -> tuple[TraceSpans | None, dict[str, int]]:
    """The spans, and where each id stands among them."""

    def row(line: dict[str, Any]) -> Row:
        trace, start = str(line.get("trace", "")), time_of(line.get("start"))
        end = time_of(line.get("end"))
        ids = (trace, _name(line, "span")), (trace, _name(line, "parent"))
        texts = _name(line, "service"), _name(line, "name")
        return (
            start,
            crc32(trace.encode()),
            end if end is not None else math.nan,
            *ids,
            *texts,
            _name(line, "error").lower() not in NO_FAILURE,
        )

    rows = _thinned(path, row, spans, notes)
    if not rows:
        return None, {}
    starts, _keys, ends, ids, parents, services, operations, failed = zip(*rows, strict=True)
    position = {span: index for index, span in enumerate(ids)}
    # Some tracers lose the trace on the way: an id that only one span has is found all the same.
    ids_seen = Counter(span for _trace, span in ids)
    lone = {span: index for index, (_trace, span) in enumerate(ids) if ids_seen[span] == 1}
    parent = np.array(
        [position.get(parent, lone.get(parent[1], -1)) if parent[1] else -1 for parent in parents], dtype=np.intp
    )
    service_names, service = _coded(services)
    operation_names, operation = _coded(operations)
    traces = TraceSpans(
        np.array(starts), np.array(ends), service, operation, parent, np.array(failed), service_names, operation_names
    )
    return traces, {span: index for (_trace, span), index in position.items()}


def read_events(path: Path, notes: list[str]) -> tuple[Event, ...]:
    """Events of any time, by time."""
    if not path.is_file():
        return ()
    found: list[Event] = []
    for line in _lines(path, notes):
        time = time_of(line.get("time"))
        if time is not None:
            texts = {key: _name(line, key) for key in ("kind", "title", "id", "detail")}
            found.append(Event(time=time, target=_name(line, "service"), **texts))
    return tuple(sorted(found, key=lambda event: event.time))


def series_key(name: str) -> SeriesKey:
    """A series by its name in a table's head: `metric{label="value",…}`.

    >>> series_key('latency{service="cart",stat="p95"}').labels
    (('service', 'cart'), ('stat', 'p95'))
    """
    metric, _brace, rest = name.partition("{")
    labels = {key: value.replace('\\"', '"').replace("\\\\", "\\") for key, value in LABEL.findall(rest)}
    return SeriesKey(metric.strip(), Labels.of(labels), Kind.GAUGE)


def time_of(value: Any) -> float | None:
    """Epoch seconds, as a number or in figures, or RFC 3339; None beyond the years 1 to 9999, which have a name."""
    try:
        time = float(value)
    except (TypeError, ValueError):
        try:
            moment = datetime.fromisoformat(value)
            time = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (TypeError, ValueError):
            return None
    return time if CALENDAR[0] <= time <= CALENDAR[1] else None


def _rows(lines: Iterable[str], width: int, spans: tuple[Span, ...]) -> tuple[list[list[float]], int]:
    """The rows inside the windows, each beginning with its time; every second one once they become too many."""
    most = max(1_000, MOST_VALUES // max(width, 1))
    rows: list[list[float]] = []
    broken, seen, stride = 0, 0, 1
    for line in lines:
        cells = line.rstrip("\r\n").split(",") if '"' not in line else next(csv.reader([line]), [])
        time = time_of(cells[0])
        if time is None or len(cells) != width:
            broken += bool(line.strip())
        elif _within(time, spans):
            seen += 1
            if seen % stride == 0:
                rows.append([time, *_numbers(cells[1:])])
            if len(rows) >= most:
                rows, stride = rows[1::2], stride * 2
    return rows, broken


def _numbers(cells: list[str]) -> list[float]:
    try:
        return [float(cell) if cell else math.nan for cell in cells]
    except ValueError:
        return [_number(cell) for cell in cells]


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _written_in(line: dict[str, Any], body: str, ids: dict[str, int]) -> int:
    """The span that a line names, in a field of its own or in its text; -1 where it names none that was kept."""
    if not ids:
        return -1
    named = line.get("span") or line.get("span_id")
    return next((ids[found] for found in ([str(named)] if named else SPAN_ID.findall(body)) if found in ids), -1)


def _thinned(path: Path, row: Callable[[dict[str, Any]], Row], spans: tuple[Span, ...], notes: list[str]) -> list[Row]:
    """Rows (time, key, …) by time. Beyond the limit every second key goes: whole traces, on both sides alike."""
    rows: list[Row] = []
    stride = 1
    for line in _lines(path, notes) if path.is_file() else ():
        found = row(line)
        if found[0] is not None and found[1] % stride == 0 and _within(found[0], spans):
            rows.append(found)
            while len(rows) >= MOST_LINES:
                stride *= 2
                fewer = [kept for kept in rows if kept[1] % stride == 0]
                rows = fewer if len(fewer) < len(rows) else rows[::2]  # one endless trace
    if stride > 1:
        notes.append(f"{path.name}: one in {stride} was read, there are too many")
    return sorted(rows, key=lambda found: found[0])


def _lines(path: Path, notes: list[str]) -> Iterator[dict[str, Any]]:
    broken = 0
    with path.open("rb") as file:
        for text in file:
            try:
                line = orjson.loads(text)
            except orjson.JSONDecodeError:
                broken += bool(text.strip())
                continue
            if isinstance(line, dict):
                yield line
            else:
                broken += 1
    if broken:
        notes.append(f"{path.name}: {broken} lines skipped that are no JSON objects")


def _coded(values: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray[Any, np.dtype[np.intp]]]:
    names: dict[str, int] = {}
    codes = np.array([names.setdefault(value, len(names)) for value in values], dtype=np.intp)
    return tuple(names), codes


def _name(line: dict[str, Any], key: str) -> str:
    value = line.get(key)
    return "" if value is None else str(value)


def _within(time: float, spans: tuple[Span, ...]) -> bool:
    return any(span.start <= time < span.end for span in spans)
