"""Tables of odd names, odd times and odd numbers: what they say is about the rows that were meant."""

from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb
import pytest

from console.errors import SourceMalformed, UsageError
from console.model import ColumnProfile, Span
from console.sources.at_hand import AtHand, usual_time
from console.sources.options import TableOptions
from console.sources.samples import SampleFiles
from console.sources.tables import Table
from console.sources.types import ProfileRequest

NOON = 1_780_000_000.0


def csv(path: Path, head: str, cells: list[str]) -> str:
    path.write_text("\n".join([head, *cells]) + "\n")
    return str(path)


@pytest.mark.parametrize(
    ("name", "other"), [("day[12].csv", "day1.csv"), ("day?.csv", "day1.csv"), ("day*.csv", "day12.csv")]
)
def test_a_file_called_like_a_glob_is_that_file(tmp_path: Path, name: str, other: str) -> None:
    meant = csv(tmp_path / name, "v", ["1", "2", "3"])
    csv(tmp_path / other, "v", ["4", "5", "6", "7"])
    assert AtHand([meant]).profile().rows == 3
    assert SampleFiles("current", meant).look(["v"]).rows == 3


def test_a_pipe_is_no_file_to_count_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.csv")
    with pytest.raises(UsageError, match="there is no file"):
        AtHand([str(tmp_path / "rows.csv")])


@pytest.mark.parametrize("cell", ["1e21", "-1e300", "1e308"])
def test_numbers_beyond_the_calendar_are_no_times(tmp_path: Path, cell: str) -> None:
    path = csv(tmp_path / "rows.csv", "ts,v", [f"{cell},1", f"{cell},2"])
    assert usual_time([path]) is None
    with pytest.raises(SourceMalformed, match="no row has a time"):
        AtHand([path], time="ts").extent()


@pytest.mark.parametrize("neighbours", [("0.3", "0.30000000000000004"), ("0", "5e-324", "-5e-324")])
def test_values_as_near_as_numbers_can_be_are_counted_once(tmp_path: Path, neighbours: tuple[str, ...]) -> None:
    profile = AtHand([csv(tmp_path / "rows.csv", "v", [*neighbours] * 50)]).profile()
    [column] = profile.columns
    assert sorted(count for count in column.counts if count) == [50] * len(neighbours)
    assert len(set(column.edges)) == len(column.edges)


@pytest.mark.parametrize("width", [[3], [3, 4]])
def test_a_vector_with_a_hole_is_missing_not_a_number(tmp_path: Path, width: list[int]) -> None:
    path = tmp_path / "rows.jsonl"
    cells = [[None if i % 3 == 0 else 1.0 + i, *[0.5] * (width[i % len(width)] - 1)] for i in range(300)]
    path.write_text("".join(json.dumps({"vec": cell}) + "\n" for cell in cells))
    norm = AtHand([str(path)], embedding=["vec"]).profile().column("vec [norm]")
    assert norm is not None
    assert norm.missing * 2 == norm.rows - norm.missing


def price(path: Path, text: str, encoding: str = "utf-8") -> ColumnProfile:
    path.write_text(text, encoding=encoding)
    column = AtHand([str(path)]).profile().column("price")
    assert column is not None
    return column


def test_commas_are_decimal_ones_where_semicolons_part_the_cells(tmp_path: Path) -> None:
    rows = "".join(f"{number};{number},5\n" for number in range(100))
    column = price(tmp_path / "semi.csv", "id;price\n" + rows)
    assert (column.kind, column.mean) == ("numeric", 50.0)


def test_utf_16_is_read_as_such(tmp_path: Path) -> None:
    rows = "".join(f"{number},{number}.5\n" for number in range(100))
    assert price(tmp_path / "wide.csv", "id,price\n" + rows, "utf-16").mean == 50.0


def test_a_cell_may_hold_line_ends(tmp_path: Path) -> None:
    rows = "".join(f'"line one\nline {number}",{number}\n' for number in range(100))
    column = price(tmp_path / "prompts.csv", "prompt,price\n" + rows)
    assert (column.rows, column.mean) == (100, 49.5)


def test_lines_that_are_not_utf_8_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"{NOON + at},café,{at}\n".encode() for at in range(100)]
    lines[7], lines[70] = "1,café,7\n".encode("latin-1"), b"2,\xff\xfe,70\n"
    path.write_bytes(b"time,name,price\n" + b"".join(lines))
    table = AtHand([str(path)], time="time")
    assert table.profile().rows == 98
    assert table.unread() == table.unread() == 2
    status = Table("rows", TableOptions(path=str(path))).check()
    assert status.reason == "100 rows in 1 file, 2 lines are not UTF-8: left out where their text is read"
    path.write_bytes(b"time,name,price\n" + lines[0])
    assert table.unread() == 0


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("parts", [1, 1_000, 1_000_000, 1_000_000_000])
def test_times_may_be_counted_in_parts_of_a_second(tmp_path: Path, suffix: str, parts: int) -> None:
    path = tmp_path / f"rows{suffix}"
    form = {".csv": "HEADER", ".jsonl": "FORMAT json", ".parquet": "FORMAT parquet"}[suffix]
    duckdb.sql(
        f"COPY (SELECT ({NOON:.0f} + i) * {parts} AS time, i AS price FROM range(100) t(i)) TO '{path}' ({form})"
    )
    table = AtHand([str(path)], time="time")
    extent = table.extent()
    assert extent is not None and (round(extent.start), round(extent.end)) == (NOON, NOON + 99)
    [group] = Table("rows", TableOptions(path=str(path))).profiles(ProfileRequest((Span(NOON + 10, NOON + 20),)))
    assert group.profile.rows == 10
