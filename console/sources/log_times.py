"""When was a line written? The usual ways in which loggers begin a line, and the usual numbers for a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

LOOKED_AT = 96  # characters of a line: a time stands in front
MONTHS = {name: at for at, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}
CALENDAR = (-62_135_596_800.0, 253_402_300_799.0)
# A number's size says its unit: seconds until the year 5138, then milli-, micro- and nanoseconds.
UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (float("inf"), 1e9))
AHEAD = 86_400.0  # seconds by which a line without a year may be ahead of what it is dated by

_CLOCK = r"(?P<h>\d\d):(?P<mi>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?"
_MONTH = r"(?P<mon>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_ZONE = r"(?:\s?(?P<z>Z|UTC|[+-]\d\d:?\d\d)(?![\d:]))?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?<![\d.])(?P<y>\d{{4}})[-/](?P<m>\d\d)[-/](?P<d>\d\d)[T ]{_CLOCK}{_ZONE}",  # ISO 8601, Python, Go, nginx
        rf"(?P<d>\d\d)/{_MONTH}/(?P<y>\d{{4}}):{_CLOCK}{_ZONE}",  # access logs
        rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? {_MONTH} +(?P<d>\d\d?) {_CLOCK} (?P<y>\d{{4}})",  # ctime, Apache's errors
        rf"^(?:<\d+>)?{_MONTH} +(?P<d>\d\d?) {_CLOCK}",  # syslog
        rf"^[DIWEF](?P<m>\d\d)(?P<d>\d\d) {_CLOCK}",  # glog, klog
        rf"^[A-Z]{{4,8}}:? (?P<m>\d\d)-(?P<d>\d\d) {_CLOCK}",  # INFO 11-22 12:00:00
    )
)
_NUMBER = re.compile(r"^\[?(\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19})(?![\w.-])")


@dataclass(frozen=True, slots=True)
class TimeIn:
    """A time in a text, and where it stands."""

    time: float
    start: int
    end: int


def time_in(text: str, zone: tzinfo | None, near: float) -> TimeIn | None:
    """The time that a line begins with, in epoch seconds; None where it has none.

    `zone` (None: this machine's) is that of times that name none, `near` the time that a line without a year lies
    before: that of the file.

    >>> time_in("E1122 12:00:00.500000 1 main.go:7] gone", UTC, 1_795_400_000.0)
    TimeIn(time=1795348800.5, start=0, end=21)
    """
    head = text[:LOOKED_AT]
    if found := _NUMBER.match(head):
        number = moment(float(found[1]))
        return None if number is None else TimeIn(number, *found.span())
    if not any(map(str.isdigit, head)):
        return None
    best = None
    for form in _FORMS:
        if (found := form.search(head)) is not None and (best is None or found.start() < best.start()):
            best = found
            if best.start() <= 1:
                break
    time = None if best is None else _instant(best.groupdict(), zone, near)
    return None if best is None or time is None else TimeIn(time, *best.span())


def moment(value: Any, zone: tzinfo | None = UTC, near: float = 0.0) -> float | None:
    """Epoch seconds of a field: a number in any usual unit, or text; None for what is no time.

    >>> moment(1_795_348_800_500), moment("2026-11-22T12:00:00.5Z")
    (1795348800.5, 1795348800.5)
    """
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        found = time_in(value.strip(), zone, near) if isinstance(value, str) else None
        return None if found is None else found.time
    if not number >= 0:
        return None
    time = number / next(unit for below, unit in UNITS if number < below or below == float("inf"))
    return time if time <= CALENDAR[1] else None


def _instant(parts: dict[str, str | None], zone: tzinfo | None, near: float) -> float | None:
    month = MONTHS[str(parts["mon"]).lower()] if parts.get("mon") else int(parts.get("m") or 0)
    year = parts.get("y")
    clock = (int(parts["h"] or 0), int(parts["mi"] or 0), int(parts["s"] or 0))
    fraction = float(f"0.{parts['f']}") if parts.get("f") else 0.0
    named = _zone(parts.get("z"))

    def of(year: int) -> float:
        return datetime(year, month, int(parts["d"] or 0), *clock, tzinfo=named or zone).timestamp() + fraction

    try:
        if year is not None:
            return of(int(year))
        latest = datetime.fromtimestamp(near, named or zone).year
        time = of(latest)
        return time if time <= near + AHEAD else of(latest - 1)
    except (ValueError, OverflowError, OSError):  # the 31st of February, second 60, a year without a name
        return None


def _zone(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text in ("Z", "UTC"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    away = timedelta(hours=hours, minutes=minutes)
    return timezone(-away if text[0] == "-" else away) if away < timedelta(days=1) else UTC
