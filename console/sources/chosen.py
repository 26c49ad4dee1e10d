"""Which rows of a database are meant, as Ibis expressions: those within spans of time that match.

Blocking modules alone import this one, and only once a database is asked for: Ibis costs half a second.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import ibis
import ibis.expr.datatypes as dt

from console.errors import SourceMalformed
from console.model import Labels, Span
from console.sources.late import LateLabels
from console.sources.redact import shown_value
from console.words import nearest

TIME = "andon_time"  # the column of epoch seconds that every chosen row has
RFC3339 = (
    r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"([ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?$"
)
LATEST = 253_402_300_799  # the end of the year 9999 in seconds: a larger number counts parts of one
PARTS = (10**3, 10**6, 10**9)
FIRST, LAST = -2_208_988_800, 7_258_118_400  # 1900 and 2200: times that every engine can write down


def chosen(
    table: Any,
    time: str | None,
    spans: Sequence[Span],
    where: Labels,
    model: str | None,
    epoch: Callable[[Any], Any],
) -> Any:
    """The rows within `spans` (all where there are none, or where rows carry no time) that match, with TIME.

    `model` is the one that all rows are about, for tables without such a column.
    Raises SourceMalformed where the time column or a column of `where` is not there.
    """
    if time is None:
        rows = table.mutate(**{TIME: ibis.null("float64")})
    else:
        _must_have(table, time)
        if spans:
            table = table.filter(_about(table[time], spans))
        rows = table.mutate(**{TIME: epoch(table[time])})
        if spans:
            rows = rows.filter(ibis.or_(*((rows[TIME] >= span.start) & (rows[TIME] < span.end) for span in spans)))
    for name, value in where:
        if name in table.columns:
            rows = rows.filter(is_called(rows[name], value))
        elif name != "model" or model is None:
            raise SourceMalformed(f"it has no column {name!r} to select by ({shown_value(value)})",
                                  "for a table of one model, say which in its settings: model = \"…\"")  # fmt: skip
        elif value != model:
            rows = rows.filter(ibis.literal(False))
    return rows


def before(table: Any, time: str, until: float) -> Any:
    """The times of a table as they are, up to the second that `until` lies in. Raises SourceMalformed without such."""
    _must_have(table, time)
    return table.filter(_about(table[time], [Span(FIRST + 1, until)]))[time]


def with_labels(rows: Any, labels: Any, late: LateLabels, epoch: Callable[[Any], Any]) -> Any:
    """Rows with the newest label of their key as one more column; NULL where none came yet.

    Raises SourceMalformed for a column that is not there.
    """
    for there, column in ((rows, late.key), (labels, late.key), (labels, late.label), (labels, late.time)):
        if column is not None and column not in there.columns:
            what = "its labels have" if there is labels else "it has"
            raise SourceMalformed(f"{what} no column {column!r}", nearest(column, there.columns))
    when = ibis.literal(0.0) if late.time is None else epoch(labels[late.time]).fill_null(float(-LATEST))
    told = labels.select(andon_key=labels[late.key], andon_label=labels[late.label], andon_when=when)
    told = told.filter(told.andon_label.notnull() & told.andon_key.notnull())
    newest = ibis.row_number().over(group_by=told.andon_key, order_by=told.andon_when.desc())
    told = told.mutate(andon_rank=newest)
    told = told.filter(told.andon_rank == 0).select("andon_key", "andon_label")
    rows = rows.drop(late.label) if late.label in rows.columns else rows
    one, other = rows[late.key], told.andon_key
    is_one_type = one.type().copy(nullable=True) == other.type().copy(nullable=True)
    is_same = one == other if is_one_type else one.cast("string") == other.cast("string")
    joined = rows.left_join(told, is_same)
    return joined.select(*rows.columns, **{late.label: joined.andon_label})


def epoch(column: Any, dialect: str) -> Any:
    """A time of any type as epoch seconds, to the microsecond; what says no zone is UTC. NULL where it is none."""
    kind = column.type()
    if kind.is_numeric():
        number = column.cast("float64")
        return _in_seconds(is_finite(number).ifelse(number, ibis.null("float64")) if kind.is_floating() else number)
    if kind.is_string():
        column = column.re_search(RFC3339).ifelse(column, ibis.null("string")).cast("timestamp('UTC')")
    elif kind.is_date():
        column = column.cast("timestamp")
    elif not kind.is_timestamp():
        return ibis.null("float64")
    return _microseconds(finite(column, dialect), dialect).cast("float64") / 1e6


def is_finite(number: Any) -> Any:
    """Whether a number is neither infinite nor NaN: in words that every engine understands alike."""
    return (number >= -sys.float_info.max) & (number <= sys.float_info.max)


def finite(times: Any, dialect: str) -> Any:
    """Timestamps, NULL where one is infinite: of those there is no epoch, and Python has none."""
    may_be_infinite = dialect in ("postgres", "duckdb")
    return _isfinite(times).ifelse(times, ibis.null(times.type())) if may_be_infinite else times


def is_called(cell: Any, name: str) -> Any:
    """Whether a cell has this name; numbers and booleans are compared as such, for engines write them differently."""
    kind = cell.type()
    if kind.is_boolean():
        return cell if name == "true" else ~cell if name == "false" else ibis.literal(False)
    if kind.is_numeric():
        number = _number(name)
        return ibis.literal(False) if number is None else cell == number
    return (cell if kind.is_string() else cell.cast("string")) == name


def name_of(cell: Any) -> Any:
    """A cell as the name of a group, of a kind that `is_called` knows again."""
    if cell.type().is_boolean():
        return ibis.cases((cell, "true"), (~cell, "false"))
    return cell if cell.type().is_string() else cell.cast("string")


def _must_have(table: Any, time: str) -> None:
    if time not in table.columns:
        raise SourceMalformed(f"it has no time column {time!r}", nearest(time, table.columns))


def _about(column: Any, spans: Sequence[Span]) -> Any:
    """A little more than the spans, asked of the column as it is: what an index or a partition is found by."""
    low, high = math.floor(min(span.start for span in spans)), math.ceil(max(span.end for span in spans))
    kind = column.type()
    if kind.is_timestamp() and FIRST < low <= high < LAST:
        zone = UTC if kind.timezone else None
        start, end = (datetime.fromtimestamp(at, UTC).replace(tzinfo=zone) for at in (low, high))
        return (column >= start) & (column <= end)
    if not kind.is_numeric():
        return ibis.literal(True)
    spans_of_units = [(low, high), *((max(low * parts, LATEST * parts // 1000), high * parts) for parts in PARTS)]
    held = [(first, last) for first, last in spans_of_units if first <= last and _fits(kind, first)]
    return ibis.or_(*((column >= first) & (column <= last) for first, last in held))


def _in_seconds(number: Any) -> Any:
    """A number as epoch seconds; beyond the year 9999 it is of milli-, micro- or nanoseconds."""
    finer = ((number <= float(LATEST) * parts, number / parts) for parts in PARTS)
    return ibis.cases((number <= float(LATEST), number), *finer, else_=number)


def _fits(kind: Any, number: int) -> bool:
    """Whether a number can be in a column of this type: engines balk at being asked for one that cannot."""
    return not kind.is_integer() or abs(number) < 2 ** (8 * kind.nbytes - 1)


def _number(name: str) -> float | int | None:
    for read in (int, float):
        try:
            number = read(name)
        except ValueError:
            continue
        return number if math.isfinite(number) else None
    return None


def _microseconds(times: Any, dialect: str) -> Any:
    """Timestamps as microseconds since 1970: what Ibis has for it, Spark cannot do and ClickHouse does after 1970."""
    if dialect == "pyspark":
        return _unix_micros(times.cast("timestamp('UTC')"))
    if dialect == "clickhouse":
        return _to_unix_micros(times.cast("timestamp(6)"))
    return times.truncate("s").epoch_seconds().cast("int64") * 1_000_000 + times.microsecond().cast("int64")


def _function(name: str, answer: str) -> Callable[[Any], Any]:
    """A function of timestamps that some engine has by this name."""
    signature = ((dt.Timestamp(),), dt.dtype(answer))
    return cast("Callable[[Any], Any]", ibis.udf.scalar.builtin(lambda time: None, name=name, signature=signature))


_isfinite = _function("isfinite", "boolean")  # of PostgreSQL and DuckDB
_unix_micros = _function("unix_micros", "int64")  # of Spark
_to_unix_micros = _function("toUnixTimestamp64Micro", "int64")  # of ClickHouse
