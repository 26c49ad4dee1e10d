"""What does a line of a log say? When, how grave, whose, in which trace: of plain text, JSON and logfmt alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

import orjson

from console.sources.log_times import moment, time_in

LONGEST_BODY = 4_000  # characters
LOOKED_AT = 160  # of plain text, for a severity
NESTED = 2  # a line of JSON in the line of a container's runtime

# Fields by convention, the first that is there: OpenTelemetry, Elastic, zap, logrus, pino, structlog, slog, Docker …
FIELDS: Mapping[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "@timestamp", "ts", "t", "asctime", "datetime", "date", "Timestamp", "eventTime"),
    "severity": ("severity", "level", "lvl", "levelname", "log.level", "severityText", "SeverityText", "loglevel",
                 "severity_text", "priority", "PRIORITY"),
    "body": ("message", "msg", "body", "Body", "log", "event", "text", "MESSAGE", "short_message"),
    "failure": ("error", "err", "exception", "exc_info", "exception.message", "stack_trace", "stack", "reason"),
    "service": ("service", "service.name", "service_name", "app", "application"),
    "trace": ("trace_id", "traceId", "traceid", "traceID", "trace.id", "TraceId", "dd.trace_id", "otelTraceID"),
}  # fmt: skip
# Numbers for severities: pino and bunyan count in tens, syslog and journald down from 7.
TENS = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}
SYSLOG = ("fatal", "fatal", "fatal", "error", "warn", "notice", "info", "debug")
GLOG = {"D": "debug", "I": "info", "W": "warn", "E": "error", "F": "fatal"}
# As LogQL and Python read it alike.
TROUBLE = (
    r"error|exception|fatal|panic|fail|refused|timed ?out|timeout|denied|killed|out of memory|traceback|unavailable"
    r"|unreachable|exhausted|deadlock|corrupt|rejected|no space|critical|severe|warn"
)

TROUBLE_BYTES = re.compile(TROUBLE.encode(), re.IGNORECASE)

_TROUBLE = re.compile(TROUBLE, re.IGNORECASE)
_CRI = re.compile(r"^(\S{20,40}) (?:stdout|stderr) [FP] (.*)", re.DOTALL)
_PAIR = re.compile(r'([\w.@-]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)')
_IS_LOGFMT = re.compile(r"(?:^|\s)(?:level|lvl|msg|severity|ts)=")
_WORD = re.compile(
    r"\b(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|SEVERE|CRIT(?:ICAL)?|ALERT|FATAL|PANIC|EMERG(?:ENCY)?)\b"
    r"|[\[<(|](trace|debug|info|notice|warn(?:ing)?|error|err|crit(?:ical)?|alert|fatal|emerg)[\]>)|:]"
    r"|\b(?:level|severity)\W{1,3}([A-Za-z]+)"
)
_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|SEVERE|CRIT(?:ICAL)?|ALERT|FATAL|PANIC|EMERG(?:ENCY)?)"
# What stands between a time and what is said: brackets, a severity.
_HEAD = re.compile(rf"^\]?[ \t|:-]*(?:[\[<(]?{_LEVEL}[\]>)]?(?=[\s:|-])[ \t|:-]*)?", re.IGNORECASE)
_GLOG = re.compile(r"^([DIWEF])\d{4} \d\d:")
_SYSLOG = re.compile(r"^<(\d{1,3})>")
_TRACE = re.compile(r"(?i)trace[_-]?id\W{1,4}([0-9a-f]{16,32})\b")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Names:
    """Which fields of a line are which; names that are given go before those by convention."""

    given: Mapping[str, str] = field(default_factory=dict)

    def of(self, what: str) -> Sequence[str]:
        """The names of a field, the first to look for first."""
        return (self.given[what],) if what in self.given else FIELDS[what]


@dataclass(frozen=True, slots=True)
class Written:
    """What one line says of itself; what it does not say is empty."""

    time: float | None
    severity: str
    body: str
    service: str = ""
    trace: str = ""


CONVENTIONS = Names()


def written(text: str, zone: tzinfo | None, near: float, names: Names = CONVENTIONS, nested: int = NESTED) -> Written:
    """A line, without its end. `zone` and `near` are those of `log_times.time_in`.

    >>> written('level=error ts=2026-11-22T12:00:00Z msg="no route"', None, 0.0)
    Written(time=1795348800.0, severity='error', body='no route', service='', trace='')
    """
    if (container := _CRI.match(text)) and (time := moment(container[1])) is not None:
        inner = written(container[2], zone, near, names, 0)
        return Written(time, inner.severity, inner.body, inner.service, inner.trace)
    stripped = text.strip()
    if stripped.startswith("{") and stripped.endswith("}") and (fields := _json(stripped)) is not None:
        return _of_fields(fields, stripped, zone, near, names, nested)
    if _IS_LOGFMT.search(text) and len(pairs := _PAIR.findall(text)) > 1:
        return _of_fields({key: _unquoted(value) for key, value in pairs}, text, zone, near, names, 0)
    trace = _TRACE.search(text) if "race" in text else None
    at = time_in(text, zone, near)
    severity = _severity_in(text)
    body = text if at is None or at.start > 1 else _HEAD.sub("", text[at.end :], 1) or text
    return Written(None if at is None else at.time, severity, body[:LONGEST_BODY], "", trace[1] if trace else "")


def is_trouble(severity: str, body: str) -> bool:
    """Whether a line may be about trouble: by its severity, or by a word of it."""
    return bool(_TROUBLE.search(severity) or _TROUBLE.search(body))


def _of_fields(
    fields: Mapping[str, Any], text: str, zone: tzinfo | None, near: float, names: Names, nested: int
) -> Written:
    body, failure = _said(fields, names.of("body")), _said(fields, FIELDS["failure"])
    time = next((at for name in names.of("time") if (at := moment(fields.get(name), zone, near)) is not None), None)
    service, trace = _said(fields, names.of("service")), _said(fields, names.of("trace"))
    severity = _word(next((fields[name] for name in names.of("severity") if name in fields), ""))
    if nested and body and not severity:  # what a container's runtime wrapped
        inner = written(body.rstrip("\n"), zone, near, names, nested - 1)
        if time is None:
            time = inner.time
        return Written(time, inner.severity, _joined(inner.body, failure), service or inner.service,
                       trace or inner.trace)  # fmt: skip
    return Written(time, severity, _joined(body, failure) or text[:LONGEST_BODY], service, trace)


def _joined(body: str, failure: str) -> str:
    between = "\n" if "\n" in failure else " "
    return f"{body}{between}{failure}".strip()[:LONGEST_BODY] if failure and failure != body else body[:LONGEST_BODY]


def _said(fields: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first of these fields that says something, as text; `a.b` may be a field of a field."""
    for name in names:
        value = fields.get(name)
        if value is None and "." in name:
            first, _, rest = name.partition(".")
            inner = fields.get(first)
            value = inner.get(rest) if isinstance(inner, Mapping) else None
        if value not in (None, "", {}, []):
            return value if isinstance(value, str) else _plain(value)
    return ""


def _plain(value: Any) -> str:
    if isinstance(value, Mapping) and (inner := _said(value, ("message", "msg", "name", "type", "stringValue"))):
        return inner
    return orjson.dumps(value, default=str).decode()[:LONGEST_BODY]


def _json(text: str) -> dict[str, Any] | None:
    try:
        fields = orjson.loads(text.encode("utf-8", "replace"))
    except (orjson.JSONDecodeError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _unquoted(value: str) -> str:
    return _ESCAPE.sub(r"\1", value[1:-1]) if value.startswith('"') else value


def _word(value: Any) -> str:
    """A severity in a word, whatever a logger counts it by."""
    text = str(value).strip()
    if text.isascii() and text.isdigit() and len(text) < 4:
        number = int(text)
        return TENS.get(number, SYSLOG[number] if number < len(SYSLOG) else "")
    return text[:20].lower()


def _severity_in(text: str) -> str:
    if found := _GLOG.match(text):
        return GLOG[found[1]]
    if found := _WORD.search(text, 0, LOOKED_AT):
        return str(next(each for each in found.groups() if each)).lower()
    found = _SYSLOG.match(text)
    return SYSLOG[int(found[1]) % 8] if found else ""
