"""Rows in a database: counted there, by whatever engine Ibis speaks to. Bins travel, and a bounded sample of the rows.

Blocking; runs in a child. Ibis, and the drivers of some engines, come with the `tables` extra.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from console.errors import SourceError, SourceMalformed, UsageError
from console.model import NO_LABELS, ColumnKind, Exemplar, Labels, Profile, Record, Span
from console.sources.beside import Beside
from console.sources.duck import Duck
from console.sources.engines import Engine, connected, in_words
from console.sources.fitting import bins_of, fitted
from console.sources.late import LateLabels
from console.sources.redact import shown_fields, shown_value
from console.sources.rows import Rows
from console.sources.sampling import MOST_CELLS, MOST_ROWS, NO_SAMPLE, Sample, sampled
from console.sources.selection import Selection
from console.sources.types import ExemplarRequest, OutcomesRequest, ProfileGroup, ProfileRequest, SourceStatus
from console.words import nearest

if TYPE_CHECKING:
    from console.sources.options import DatabaseOptions

MOST_GROUPS = 500  # of one answer
MOST_EXEMPLARS = 16
FETCHED = "andon_fetched"  # the sample, as the local engine calls it
FETCHED_TIME = "andon_at"
MARGIN = 1.1  # engines sample roughly: of rows drawn with a chance each, more than wanted may come
MOST_VECTORS = 4000  # rows of a sample that has vectors, which are wide
MOST_EPOCH = 7_258_000_000.0  # 2199: past all rows, and a time that every engine can write down
STATEMENT_SECONDS = 7.0  # of a statement: less than a child's answer may take


@dataclass(frozen=True, slots=True)
class Minute:
    """How many rows lie in a minute that were read before, and how many that are new; the time of the newest."""

    old: int
    new: int
    newest: float


class Database:
    """One table of a database. Methods as those of `sources.tables.Table`; all raise UsageError where Ibis or a driver
    is not installed, SourceDenied, SourceMalformed for a table or column that is not there, and SourceError.
    """

    def __init__(
        self, name: str, options: DatabaseOptions, engine: Engine | None = None, *, seconds: float = STATEMENT_SECONDS
    ) -> None:
        """An `engine` is for what Ibis does not connect to itself; `seconds` is how long a statement may take."""
        self.name = name
        self.options = options
        self._given = self._engine = engine
        self._seconds = seconds
        self._duck = Duck(name, ())

    def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup]:
        """One profile per value of `by` and step of `every`, or one of all rows.

        Repeated rows are not counted: telling them apart would bring them all together.
        """
        return self.counted(request)

    def counted(self, request: ProfileRequest, within: Span | None = None) -> Sequence[ProfileGroup]:
        """The profiles, of those rows alone whose time lies within a span."""
        spans = request.spans if within is None else _clipped(request.spans, within)
        if request.spans and not spans:
            return []
        rows, group = self._grouped(self._chosen(spans, request.where), request)
        from console.sources.tallies import tallied

        columns = self._columns(request)
        known = bins_of(request.like) if request.like else {}
        kinds: dict[str, ColumnKind] = dict.fromkeys(self.options.text, "text")
        kinds |= dict.fromkeys(self.options.embedding, "embedding")
        kinds |= {column: one.kind for column, one in known.items()}
        told = ("numeric", "categorical", "boolean")
        drawn = [column for column in columns if request.sampled or kinds.get(column) not in told]
        sample = self._sample(rows, drawn, kinds, group)
        bins = [known.get(column) or fitted(sample, column) for column in columns]
        counted = tallied(
            self._ask, rows, bins, epoch=self._epoch, group=group, most=MOST_GROUPS,
            newest={} if self.options.time else sample.newest,
        )  # fmt: skip
        beside = Beside.of(sample, bins, request.like, related=request.sampled)
        start = min((span.start for span in request.spans), default=0.0)
        found = []
        for keys, profile in counted:
            step = start + keys[-1] * request.every if request.every is not None else None
            value = keys[0] if request.by is not None else None
            found.append(ProfileGroup(value, step, _framed(beside.added(profile, keys), request, step)))
        return found

    def outcomes(self, request: OutcomesRequest) -> Record:
        """How the rows were answered: as a whole, by segment, by step. Raises NoData for a baseline without labels."""
        if request.every is not None and self.options.time is None:
            raise UsageError(f"{self.name} cannot be cut into steps without a column of time", "")
        rows = self._chosen(request.spans, request.where)
        from console.sources.outcomes_there import outcomes_of

        return outcomes_of(self._ask, self._labelled(rows), request)

    def exemplars(self, request: ExemplarRequest) -> Sequence[Exemplar]:
        """Rows of a window: nearest to `near` in `column` first, then newest."""
        rows = self._chosen(request.spans, request.where)
        order = [rows.andon_time.desc(nulls_first=False)]
        if request.column in rows.columns and request.near is not None and rows[request.column].type().is_numeric():
            order.insert(0, (rows[request.column].cast("float64") - request.near).abs().asc(nulls_first=False))
        found = self._ask(rows.order_by(order).limit(max(0, min(request.limit, MOST_EXEMPLARS)))).to_pylist()
        return [self._exemplar(request, row) for row in found]

    def slices(self) -> Sequence[str]:
        return tuple(self.options.slices)

    def outputs(self) -> Sequence[str]:
        return () if self.options.prediction is None else (self.options.prediction,)

    def columns(self) -> Sequence[str]:
        """The columns of the table."""
        return tuple(self._table().columns)

    def extent(self) -> Span | None:
        """From the oldest row to just after the newest; None where no row says its time."""
        if self.options.time is None:
            return None
        rows = self._chosen()
        [found] = self._ask(rows.aggregate(oldest=rows.andon_time.min(), newest=rows.andon_time.max())).to_pylist()
        return None if found["oldest"] is None else Span(found["oldest"], math.nextafter(found["newest"], math.inf))

    def check(self) -> SourceStatus:
        """Whether it answers, and how new its rows are; how many there are may take it minutes to say."""
        began = time.monotonic()
        reason = f"{len(self.columns())} columns"
        if self.options.time is None:
            newest = None
            self._ask(self._chosen().limit(1))
        else:
            newest = self.newest(MOST_EPOCH)
            reason += "" if newest is not None else f", no row has a time in {self.options.time}"
        return SourceStatus(self.name, "database", "ok", reason, newest=newest, seconds=time.monotonic() - began)

    def newest(self, until: float) -> float | None:
        """The newest time up to `until`, asked of the column as it is, so that an index answers it."""
        table = self._table()
        from console.sources.chosen import before

        assert self.options.time is not None, "rows without a time are never newer"
        with self._in_words():
            times = before(table, self.options.time, until)
        newest = self._epoch(times.max())
        [found] = self._ask(newest.name("newest").as_table()).to_pylist()
        return cast("float | None", found["newest"])

    def by_minute(self, start: float, read: float, until: float) -> tuple[Mapping[int, Minute], int]:
        """The rows from `start` until `until` by minute, in those up to `read` and those after; and how many are after
        `until`.
        """
        rows = self._chosen([Span(start, MOST_EPOCH)])
        time = rows.andon_time
        is_old, is_new = time <= read, (time > read) & (time <= until)
        counted = rows.group_by(minute=(time / 60).floor().cast("int64")).aggregate(
            old=is_old.sum(), new=is_new.sum(), ahead=(time > until).sum(), newest=time.max(where=time <= until)
        )
        found = self._ask(counted).to_pylist()
        minutes = {
            row["minute"]: Minute(row["old"], row["new"], row["newest"]) for row in found if row["old"] or row["new"]
        }
        return minutes, sum(row["ahead"] for row in found)

    def _opened(self) -> Engine:
        if self._engine is None:
            self._engine = connected(_url(self.options), self._seconds)
        return self._engine

    def _table(self) -> Any:
        with self._in_words():
            return self._opened().table(self.options.table)

    def _ask(self, expression: Any) -> Any:
        with self._in_words():
            return self._opened().answer(expression)

    def _epoch(self, column: Any) -> Any:
        from console.sources.chosen import epoch

        return epoch(column, self._opened().dialect)

    def _chosen(self, spans: Sequence[Span] = (), where: Labels = NO_LABELS) -> Any:
        table = self._table()
        from console.sources.chosen import chosen

        options = self.options
        with self._in_words():
            return chosen(table, options.time, spans, where, options.model, self._epoch)

    def _labelled(self, rows: Any) -> Any:
        """The same rows with the labels that came to a table of their own."""
        late = LateLabels.of(self.options)
        if late is None:
            return rows
        from console.sources.chosen import with_labels

        with self._in_words():
            return with_labels(rows, self._opened().table(late.where), late, self._epoch)

    def _columns(self, request: ProfileRequest) -> list[str]:
        """What is asked for and there, facets by their column; else those of `like`, then whatever else there is."""
        there = self._table().columns
        known = [column.of or column.name for column in request.like.columns] if request.like else []
        if request.columns:
            facets = {column.name: column.of for column in request.like.columns if column.of} if request.like else {}
            wanted = [facets.get(name, name) for name in request.columns]
        else:
            wanted = known + [column for column in there if column not in (self.options.time, self.options.label)]
        return [column for column in dict.fromkeys(wanted) if column in there]

    def _grouped(self, rows: Any, request: ProfileRequest) -> tuple[Any, list[str]]:
        """The rows with the columns that they are grouped by."""
        group: dict[str, Any] = {}
        if request.by is not None:
            from console.sources.chosen import name_of

            if request.by not in rows.columns:
                raise SourceMalformed(
                    f"{self.name} has no column {request.by!r} to group by", nearest(request.by, rows.columns)
                )
            group["andon_by"] = name_of(rows[request.by]).fill_null("")
        if request.every is not None:
            if not request.spans or self.options.time is None:
                raise UsageError(f"{self.name} cannot be cut into steps without a span of time", "")
            start = min(span.start for span in request.spans)
            if not 0 < (max(span.end for span in request.spans) - start) / MOST_GROUPS <= request.every:
                raise UsageError(f"steps of {request.every:g} s are too many", f"at most {MOST_GROUPS} are counted")
            group["andon_step"] = ((rows.andon_time - start) / request.every).floor().cast("int64")
        return (rows.mutate(**group) if group else rows), [*group]

    def _sample(self, rows: Any, columns: Sequence[str], kinds: dict[str, ColumnKind], group: Sequence[str]) -> Sample:
        """Some rows, each as likely as every other, brought here: what bins are fitted to, and what goes together is
        told by.
        """
        if not columns:
            return NO_SAMPLE
        [total] = self._ask(rows.aggregate(rows=rows.count())).to_pylist()
        is_wide = any(kinds.get(column) == "embedding" or rows[column].type().is_array() for column in columns)
        most = MOST_VECTORS if is_wide else min(MOST_ROWS, max(1, MOST_CELLS // len(columns)))
        wanted = rows.select(
            *group, **{FETCHED_TIME: rows.andon_time}, **{name: self._plain(rows[name]) for name in columns}
        )
        if total["rows"] > most:
            wanted = wanted.sample(most / total["rows"], method="row")
        self._duck.hold(FETCHED, self._ask(wanted.limit(round(most * MARGIN))))
        types = {row["column_name"]: row["column_type"] for row in self._duck.asks(f"DESCRIBE {FETCHED}", {})}
        selection = Selection(Rows("parquet", FETCHED, (), types), self.options.time and FETCHED_TIME, "true", {})
        return sampled(self._duck, selection, columns, known=kinds, group=group, most=most)

    def _plain(self, cell: Any) -> Any:
        """A cell as what every engine can hand over: of a rare type as text."""
        kind = cell.type()
        if kind.is_timestamp():
            from console.sources.chosen import finite

            return finite(cell, self._opened().dialect)
        is_plain = kind.is_numeric() or kind.is_boolean() or kind.is_string() or kind.is_date() or kind.is_array()
        return cell if is_plain else cell.cast("string")

    def _exemplar(self, request: ExemplarRequest, row: dict[str, Any]) -> Exemplar:
        options = self.options
        when = row.pop("andon_time", None)
        cells = {name: None if value is None else str(value) for name, value in row.items() if name != options.time}
        said = [f"{word} {shown_value(cells[column])}" for word, column in
                (("predicted", options.prediction), ("labelled", options.label), (request.column, request.column))
                if column is not None and cells.get(column) is not None]  # fmt: skip
        return Exemplar(request.side, when or 0.0, "row", ", ".join(said) or "a row", shown_fields(cells))

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """An error as one of andon's own; after one the next question connects anew."""
        try:
            with in_words(self.name, _url(self.options)):
                yield
        except SourceError:
            self._engine = self._given
            raise


def _url(options: DatabaseOptions) -> str:
    """Where the database is: as it is set, or as a variable of the environment says."""
    if options.url_env is None:
        return options.url or ""
    if options.url_env not in os.environ:
        raise UsageError(f"the environment has no variable {options.url_env}", "set it to the URL of the database")
    return os.environ[options.url_env]


def _clipped(spans: Sequence[Span], within: Span) -> tuple[Span, ...]:
    clipped = (Span(max(span.start, within.start), min(span.end, within.end)) for span in spans)
    return tuple(span for span in clipped if span.start < span.end)


def _framed(profile: Profile, request: ProfileRequest, step: float | None) -> Profile:
    """The profile with its span."""
    if step is not None and request.every is not None:
        return replace(profile, start=step, end=step + request.every)
    if not request.spans:
        return profile
    return replace(profile, start=min(s.start for s in request.spans), end=max(s.end for s in request.spans))
