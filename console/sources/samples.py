"""One side of `andon compare`: files of samples, read value by value or, where they are many, counted. Blocking.

A value counted is rounded to four digits, so ten million rows come back as at most some thousands of numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from console.analysis.samples import Samples
from console.analysis.series.timed import STEPS
from console.errors import UsageError
from console.model import Labels
from console.sources.duck import Duck
from console.sources.rows import NUMBER, Rows
from console.sources.shards import FORMATS, Shards

MOST_CELLS = 4_000_000  # of a side are read one by one; of more, values are counted
TIME_NAMES = ("time", "timestamp", "ts", "datetime", "date")
BETWEEN = "\x1f"  # of the values of several labels
DIGITS = 4  # that are kept of a value that is counted

ColumnIs = Literal["number", "text", "empty"]


@dataclass(frozen=True, slots=True)
class Look:
    """What a side holds, before any value is read."""

    rows: int
    columns: Mapping[str, ColumnIs]
    odd: Mapping[str, int]  # cells of a column of numbers that are none


class SampleFiles:
    """The files of one side. Raises SourceError, SourceDenied and SourceMalformed where they cannot be read."""

    def __init__(self, side: str, path: str) -> None:
        self.side = side
        self._path = str(Path(path).absolute())
        if Path(path).suffix not in FORMATS:
            raise UsageError(f"{path} is no file of samples", f"samples are read from {', '.join(FORMATS)}")
        self._shards = Shards(side, [self._path], None)
        self._duck = Duck(side, self._shards.folders())
        self._rows: Rows = self._shards.rows(self._duck, ())

    @property
    def columns(self) -> Sequence[str]:
        """All columns, in the order of the file."""
        return tuple(self._rows.columns)

    def look(self, columns: Sequence[str]) -> Look:
        """How many rows there are, and what these columns hold."""
        rows = self._rows
        if not rows.columns:
            return Look(0, {}, {})
        parts = ["count(*) AS rows"]
        for i, column in enumerate(columns):
            parts += [f"count({rows.dtype(column)}) AS told{i}", f"count({rows.number(column)}) AS numbers{i}"]
        [found] = self._asks(parts)
        kinds, odd = {}, {}
        for i, column in enumerate(columns):
            told, numbers = found[f"told{i}"], found[f"numbers{i}"]
            if rows.format == "parquet":
                kinds[column] = _of_type(rows.columns[column])
            else:
                kinds[column] = "empty" if not told else "number" if numbers * 2 >= told else "text"
                odd[column] = told - numbers if kinds[column] == "number" else 0
        return Look(found["rows"], kinds, odd)

    def times(self, column: str) -> tuple[float, float] | None:
        """From when to when the rows are, by this column; None where hardly one of them says."""
        time = self._rows.time(column)
        [found] = self._asks([f"min({time}) AS first", f"max({time}) AS last", f"count({time}) AS timed",
                              "count(*) AS rows"])  # fmt: skip
        return (found["first"], found["last"]) if found["rows"] and found["timed"] * 2 >= found["rows"] else None

    def label_sets(self, by: Sequence[str]) -> Counter[str]:
        """How many rows each label set has, under a key that `read` takes."""
        if not by:
            return Counter({"": 1})
        return Counter({row["key"]: row["rows"] for row in self._asks([f"{self._key(by)} AS key", "count(*) AS rows"],
                                                                      "GROUP BY ALL")})  # fmt: skip

    def read(
        self,
        columns: Sequence[str],
        by: Sequence[str],
        keys: Sequence[str],
        time: str | None,
        rows: int,
        span: tuple[float, float] | None,
    ) -> list[Samples]:
        """These columns of the chosen label sets; with `time` (rows lie in `span`), with the time of each value."""
        if not self._rows.columns or not columns:
            return []
        if rows * len(columns) <= MOST_CELLS:
            return self._values(columns, by, keys, time)
        return self._counts(columns, by, keys, time, span)

    def _values(self, columns: Sequence[str], by: Sequence[str], keys: Sequence[str], time: str | None
                ) -> list[Samples]:  # fmt: skip
        parts = [f"{self._rows.number(column)} AS c{i}" for i, column in enumerate(columns)]
        parts.append(f"list_position($keys, {self._key(by)})::DOUBLE AS place")
        parts.append(f"{'NULL::DOUBLE' if time is None else self._rows.time(time)} AS at")
        found = self._duck.arrays(self._statement(parts), {"files": list(self._rows.files), "keys": list(keys)})
        place, at = found["place"], found["at"]
        held = []
        for number, key in enumerate(keys, 1):
            mine = place == number
            for i, column in enumerate(columns):
                values, times = found[f"c{i}"][mine], at[mine]
                held.append(_samples(column, _labels(by, key), values, None if time is None else times))
        return held

    def _counts(
        self, columns: Sequence[str], by: Sequence[str], keys: Sequence[str], time: str | None,
        span: tuple[float, float] | None,
    ) -> list[Samples]:  # fmt: skip
        step, start = 0.0, 0.0
        slot = "0"
        if time is not None and span is not None:
            start, step = span[0], max(span[1] - span[0], 1e-3) / STEPS
            slot = f"least(floor(({self._rows.time(time)} - {start!r}) / {step!r}), {STEPS - 1})"
        parts = [f"{self._key(by)} AS key", f"{slot} AS slot", "count(*) AS rows"]
        for i, column in enumerate(columns):
            number = self._rows.number(column)
            digits = f"{DIGITS - 1} - floor(log10(abs({number})))::INTEGER"
            rounded = f"CASE WHEN {number} = 0 THEN 0 WHEN isfinite({number}) THEN round({number}, {digits}) END"
            parts.append(f"histogram(({rounded})::DOUBLE) AS h{i}")
        chosen = set(keys)
        groups: dict[str, list[dict[str, Any]]] = {key: [] for key in keys}
        for row in self._asks(parts, "GROUP BY ALL"):
            if row["key"] in chosen:
                groups[row["key"]].append(row)
        held = []
        for key, found in groups.items():
            for i, column in enumerate(columns):
                pieces = [(row["slot"], row[f"h{i}"] or {}) for row in found if time is None or row["slot"] is not None]
                values = np.array([value for _slot, bins in pieces for value in bins], dtype=np.float64)
                counts = np.array([count for _slot, bins in pieces for count in bins.values()], dtype=np.float64)
                times = None
                if time is not None:
                    slots = np.array([slot for slot, bins in pieces for _value in bins], dtype=np.float64)
                    times = start + (slots + 0.5) * step
                order = np.argsort(values if times is None else times, kind="stable")
                held.append(
                    Samples(column, _labels(by, key), values[order], counts[order],
                            None if times is None else times[order], sum(row["rows"] for row in found))
                )  # fmt: skip
        return held

    def _key(self, by: Sequence[str]) -> str:
        """SQL: a row's label set as one text."""
        return f" || '{BETWEEN}' || ".join(f"coalesce({self._rows.text(column)}, '')" for column in by) or "''"

    def _asks(self, parts: Sequence[str], tail: str = "") -> list[dict[str, Any]]:
        return self._duck.asks(f"{self._statement(parts)} {tail}", {"files": list(self._rows.files)})

    def _statement(self, parts: Sequence[str]) -> str:
        rows = self._rows
        return f"SELECT {', '.join(parts)} FROM {rows.relation} WHERE {rows.is_there()}"  # noqa: S608 - as Duck says


def _samples(metric: str, labels: Labels, values: Any, times: Any) -> Samples:
    known = np.isfinite(values)
    if times is None:
        return Samples.of(metric, values, labels)
    known &= np.isfinite(times)
    order = np.argsort(times[known], kind="stable")
    return Samples(
        metric, labels, values[known][order], np.ones(int(known.sum())), times[known][order], int(values.size)
    )


def _labels(by: Sequence[str], key: str) -> Labels:
    return Labels.of(dict(zip(by, key.split(BETWEEN), strict=False)) if by else {})


def _of_type(dtype: str) -> ColumnIs:
    return "number" if NUMBER.fullmatch(dtype) else "text"
