"""Rows in files: counted into bins by DuckDB where they lie, with exemplars to look at. Blocking; runs in a child."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from console.errors import SourceError, SourceMalformed, UsageError
from console.model import ColumnKind, Exemplar, Profile, Record, Span
from console.sources.beside import Beside
from console.sources.counting import absent, count
from console.sources.duck import Duck
from console.sources.fitting import Bins, bins_of, fitted
from console.sources.late import WHEN, LateLabels, with_labels
from console.sources.outcomes import count_outcomes
from console.sources.pictures import read_pgm
from console.sources.redact import shown_fields, shown_value
from console.sources.rows import FILE
from console.sources.sampling import NO_SAMPLE, Sample, sampled
from console.sources.selection import Selection, select, whole_lines
from console.sources.shards import Shards, unread
from console.sources.types import ExemplarRequest, OutcomesRequest, ProfileGroup, ProfileRequest, SourceStatus
from console.words import lapse

if TYPE_CHECKING:
    from console.sources.options import TableOptions

MOST_GROUPS = 500  # of one answer
MOST_EXEMPLARS = 16


class Table:
    """One table: `profiles` counts its rows, `exemplars` shows a few."""

    def __init__(self, name: str, options: TableOptions, shards: Shards | None = None) -> None:
        self.name = name
        self.options = options
        paths = [options.path] if isinstance(options.path, str) else options.path
        self._shards = shards or Shards(name, paths, options.time)
        self._late = LateLabels.of(options)
        late_folders = [] if self._late is None else Shards(name, [self._late.where], None).folders()
        self._duck = Duck(name, [*self._shards.folders(), *late_folders])

    def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup]:
        """One profile per value of `by` and step of `every`, or one of all rows.

        Without `like`, bins fit all the rows asked for, so that the groups share them. A column of `like` that no row
        has is left out; one that is all null is there, with every row missing.
        Of very many values of `by`, the MOST_GROUPS with the most rows are counted.
        Raises SourceError, SourceDenied, SourceMalformed, and UsageError for more than MOST_GROUPS steps.
        """
        selection = self._selection(request)
        columns = self._columns(selection, request)
        known = bins_of(request.like) if request.like else {}
        group = self._grouping(selection, request)
        sample = self._sample(selection, request, columns, known, group)
        bins = [known.get(column) or fitted(sample, column) for column in columns]
        counted = count(self._duck, selection, bins, newest=sample.newest, group=group, most=MOST_GROUPS)
        if not sum(profile.rows for _keys, profile in counted):
            self._must_have_times(selection)
        gone = self._absent(selection, request, counted)
        beside = Beside.of(sample, bins, request.like, related=request.sampled)
        counted = [(keys, beside.added(profile, keys)) for keys, profile in counted]
        start = min((span.start for span in request.spans), default=0.0)
        groups = []
        for keys, profile in counted:
            value = (keys[0] or "") if request.by is not None else None
            step = start + keys[-1] * request.every if request.every is not None else None
            groups.append(ProfileGroup(value, step, _framed(profile, gone.get(keys, set()), request, step)))
        return groups

    def outcomes(self, request: OutcomesRequest) -> Record:
        """How the rows were answered: as a whole, by segment, by step. Raises as `profiles` does, and NoData."""
        if request.every is not None and self.options.time is None:
            raise UsageError(f"table {self.name} cannot be cut into steps without a column of time", "")
        selection = self._labelled(self._selection(ProfileRequest(request.spans, request.where)))
        return count_outcomes(self._duck, selection, request)

    def exemplars(self, request: ExemplarRequest) -> Sequence[Exemplar]:
        """Rows of a window: those with a picture first, then nearest to `near` in `column`, then newest."""
        selection = self._selection(ProfileRequest(request.spans, request.where))
        rows, options = selection.rows, self.options
        order = "andon_time DESC NULLS LAST"
        values = dict(selection.values)
        if request.column in rows.columns and request.column is not None and request.near is not None:
            values["near"] = request.near
            order = f"abs({rows.number(request.column)} - $near) NULLS LAST, {order}"
        names = [column for column in rows.columns if column not in (options.time, options.image)]
        parts = [f"{rows.text(column)} AS c{i}" for i, column in enumerate(names)]
        image = rows.text(options.image) if options.image is not None and options.image in rows.columns else "NULL"
        parts += [f"{image} AS image", f"{FILE} AS file", "andon_time"]
        limit = max(0, min(request.limit, MOST_EXEMPLARS))
        found = self._duck.asks(f"{selection.query(parts)} ORDER BY {image} IS NULL, {order} LIMIT {limit}", values)
        return [self._exemplar(request, {name: row[f"c{i}"] for i, name in enumerate(names)}, row) for row in found]

    def slices(self) -> Sequence[str]:
        """The columns to slice by."""
        return tuple(self.options.slices)

    def outputs(self) -> Sequence[str]:
        """The columns that the model itself wrote."""
        return () if self.options.prediction is None else (self.options.prediction,)

    def columns(self) -> Sequence[str]:
        """The columns that the files have. Raises as `profiles` does."""
        return tuple(self._shards.rows(self._duck, ()).columns)

    def extent(self) -> Span | None:
        """From the oldest row to just after the newest; None where no row says its time. Raises as `profiles` does."""
        selection = self._selection(ProfileRequest(()))
        parts = ["min(andon_time) AS oldest", "max(andon_time) AS newest"]
        [found] = self._duck.asks(selection.query(parts), selection.values)
        self._must_have_times(selection)
        return None if found["oldest"] is None else Span(found["oldest"], math.nextafter(found["newest"], math.inf))

    def unread(self) -> int:
        """How many lines are left out because they are no text; of CSV alone. Raises as `profiles` does."""
        if self._shards.format != "csv":
            return 0
        try:
            return unread(self._shards.rows(self._duck, ()).files)
        except (OSError, EOFError) as error:
            raise SourceError(f"table {self.name} cannot be read: {error}", "look at its files") from None

    def check(self) -> SourceStatus:
        """How many rows there are and how new. Raises as `profiles` does."""
        began = time.monotonic()
        selection = self._selection(ProfileRequest(()))
        [found] = self._duck.asks(
            selection.query(["count(*) AS rows", "count(andon_time) AS timed", "max(andon_time) AS newest"]),
            selection.values,
        )
        self._must_have_times(selection)
        files = len(selection.rows.files)
        reason = f"{found['rows']:,} rows in {files} file{'s' if files != 1 else ''}"
        untimed = found["rows"] - found["timed"]
        if self.options.time is not None and untimed:
            reason += f", {untimed} without a time"
        if self._late is not None:
            reason += self._labelling()
        if lines := self.unread():
            reason += f", {lines} lines are not UTF-8: left out where their text is read"
        return SourceStatus(self.name, "table", "ok", reason, newest=found["newest"], seconds=time.monotonic() - began)

    def _labelled(self, selection: Selection) -> Selection:
        """The same rows with the labels that came in files of their own."""
        if self._late is None or not selection.rows.columns:
            return selection
        rows, values = with_labels(self._duck, self.name, selection.rows, self._late)
        return replace(selection, rows=rows, values={**selection.values, **values})

    def _labelling(self) -> str:
        """How many rows have their label by now, and how long those took, in words."""
        selection = self._labelled(self._selection(ProfileRequest(())))
        if self._late is None or self._late.label not in selection.rows.columns:
            return ""
        held = selection.rows.held(self._late.label)
        delay = f"median({WHEN} - andon_time)" if self._late.time else "NULL"
        parts = ["count(*) AS rows", f"count({held}) AS labelled", f"{delay} AS delay"]
        [found] = self._duck.asks(selection.query(parts), selection.values)
        late = "" if found["delay"] is None else f", {lapse(found['delay'])} after their row (median)"
        return f", {found['labelled']} with a label{late}"

    def _selection(self, request: ProfileRequest) -> Selection:
        return select(self._shards, self._duck, request.spans, request.where, self.options.model)

    def _columns(self, selection: Selection, request: ProfileRequest) -> list[str]:
        """What is asked for and there, facets by their column; else those of `like`, then whatever else there is."""
        known = [column.of or column.name for column in request.like.columns] if request.like else []
        if request.columns:
            facets = {column.name: column.of for column in request.like.columns if column.of} if request.like else {}
            wanted = [facets.get(name, name) for name in request.columns]
        else:
            left_out = {self.options.time, self.options.image, self.options.label}
            wanted = known + [column for column in selection.rows.columns if column not in left_out]
        return [column for column in dict.fromkeys(wanted) if column in selection.rows.columns]

    def _sample(
        self,
        selection: Selection,
        request: ProfileRequest,
        columns: Sequence[str],
        known: Mapping[str, Bins],
        group: Sequence[str],
    ) -> Sample:
        """Of the columns that need one: all of them, or those without bins and those that have facets or ages."""
        options = self.options
        kinds: dict[str, ColumnKind] = {column: one.kind for column, one in known.items()}
        for column in (*options.text, *options.embedding):
            kinds.setdefault(column, "text" if column in options.text else "embedding")
        if not request.sampled:
            columns = [column for column in columns if kinds.get(column) not in ("numeric", "categorical", "boolean")]
        return sampled(self._duck, selection, columns, known=kinds, group=group) if columns else NO_SAMPLE

    def _grouping(self, selection: Selection, request: ProfileRequest) -> list[str]:
        group = []
        if request.by is not None:
            if request.by not in selection.rows.columns:
                raise SourceMalformed(f"table {self.name} has no column {request.by!r} to group by", "")
            group.append(selection.rows.text(request.by))
        if request.every is not None:
            if not request.spans or self.options.time is None:
                raise UsageError(f"table {self.name} cannot be cut into steps without a span of time", "")
            start = min(span.start for span in request.spans)
            if not 0 < (max(span.end for span in request.spans) - start) / MOST_GROUPS <= request.every:
                raise UsageError(f"steps of {request.every:g} s are too many", f"at most {MOST_GROUPS} are counted")
            group.append(f"floor((andon_time - {start!r}) / {request.every!r})")
        return group

    def _must_have_times(self, selection: Selection) -> None:
        """A time column that says no time in any row is a broken table, not an empty window."""
        if selection.time is None:
            return
        everything = replace(selection, condition="true")
        [found] = self._duck.asks(
            everything.query(["count(*) AS rows", "count(andon_time) AS timed"]), selection.values
        )
        if found["rows"] and not found["timed"]:
            raise SourceMalformed(f"table {self.name}: no row has a time in column {selection.time!r}",
                                  "it holds epoch seconds or RFC 3339")  # fmt: skip

    def _absent(
        self, selection: Selection, request: ProfileRequest, counted: Sequence[tuple[tuple[Any, ...], Profile]]
    ) -> dict[tuple[Any, ...], set[str]]:
        """The columns that no row of a group has; only what is all missing is looked up, for that reads once more."""
        suspects = {
            column.name
            for _keys, profile in counted
            for column in profile.columns
            if profile.rows and column.missing == profile.rows
        }
        lines = whole_lines(selection, self._shards, request.spans, request.where, self.options.model)
        if not suspects or lines is None:
            return {}
        return absent(self._duck, lines, sorted(suspects), self._grouping(lines, request))

    def _exemplar(self, request: ExemplarRequest, cells: dict[str, str | None], row: dict[str, Any]) -> Exemplar:
        options = self.options
        said = [f"{word} {shown_value(cells[column])}" for word, column in
                (("predicted", options.prediction), ("labelled", options.label), (request.column, request.column))
                if column is not None and cells.get(column) is not None]  # fmt: skip
        pixels = read_pgm(self._shards.home(row["file"]), row["image"]) if row["image"] is not None else ()
        when = row["andon_time"]
        return Exemplar(
            request.side, 0.0 if when is None else when, "image" if pixels else "row",
            ", ".join(said) or "a row", shown_fields(cells), pixels,
        )  # fmt: skip


def _framed(profile: Profile, absent_columns: set[str], request: ProfileRequest, step: float | None) -> Profile:
    """The profile with its span, and without the columns that no row has."""
    columns = tuple(column for column in profile.columns if column.name not in absent_columns)
    start, end = step, step + request.every if step is not None and request.every is not None else None
    if step is None and request.spans:
        start, end = min(span.start for span in request.spans), max(span.end for span in request.spans)
    return replace(profile, columns=columns, start=start, end=end)
