"""Tables: rows counted into bins, whatever has become of them."""

from __future__ import annotations

import json
import math
import os
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from console.errors import SourceDenied, SourceError, SourceMalformed, UsageError
from console.model import ColumnProfile, Labels, Profile, Span
from console.sources import duck as duck_module
from console.sources import shards as shards_module
from console.sources import tables as tables_module
from console.sources.options import TableOptions
from console.sources.tables import Table
from console.sources.types import ExemplarRequest, ProfileRequest

NOON = 1_700_000_000.0
DAY = (Span(NOON, NOON + 86400),)


def write(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def table(path: Path | str, **options: Any) -> Table:
    return Table("feed", TableOptions(path=str(path), **options))


def profile(source: Table, **request: Any) -> Profile:
    [group] = source.profiles(ProfileRequest(request.pop("spans", DAY), **request))
    return group.profile


def column(counted: Profile, name: str) -> ColumnProfile:
    found = counted.column(name)
    assert found is not None, [one.name for one in counted.columns]
    return found


def rows(count: int, **values: Any) -> list[dict[str, Any]]:
    """Rows a second apart; a callable value is called with the row's number."""
    return [
        {"time": NOON + i} | {key: value(i) if callable(value) else value for key, value in values.items()}
        for i in range(count)
    ]


# ── counting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_numbers_are_counted_about_their_quantiles_and_every_row_is_accounted_for(tmp_path: Path) -> None:
    draw = random.Random(1)
    counted = profile(table(write(tmp_path / "a.jsonl", rows(2000, x=lambda _i: draw.gauss(5, 2)))))
    x = column(counted, "x")
    assert x.kind == "numeric"
    assert x.dtype == "DOUBLE"
    assert len(x.edges) == 19
    assert len(x.counts) == 20
    assert sum(x.counts) == counted.rows == 2000
    assert all(80 <= count <= 120 for count in x.counts)
    assert x.mean == pytest.approx(5, abs=0.2)
    assert counted.newest == NOON + 1999
    assert (counted.start, counted.end) == (DAY[0].start, DAY[0].end)


def test_one_huge_outlier_does_not_swallow_the_bins(tmp_path: Path) -> None:
    data = rows(1000, x=lambda i: 1e9 if i == 7 else i / 1000)
    x = column(profile(table(write(tmp_path / "a.jsonl", data))), "x")
    assert x.edges[-1] < 1
    assert x.maximum == 1e9


def test_a_constant_column_has_a_bin_below_and_one_above_it(tmp_path: Path) -> None:
    source = table(write(tmp_path / "a.jsonl", rows(100, x=3) + [{"time": NOON + 90000, "x": v} for v in (1, 3, 3, 9)]))
    flat = profile(source)
    moved = profile(source, spans=(Span(NOON + 86400, NOON + 172800),), like=flat)
    assert column(flat, "x").counts == (0, 100, 0)
    assert column(moved, "x").counts == (1, 2, 1)


def test_a_window_is_counted_into_the_bins_of_its_baseline(tmp_path: Path) -> None:
    source = table(write(tmp_path / "a.jsonl", rows(200, x=lambda i: i, c=lambda i: "abca"[i % 4])))
    whole = profile(source)
    half = profile(source, spans=(Span(NOON, NOON + 100),), like=whole)
    assert column(half, "x").edges == column(whole, "x").edges
    assert column(half, "c").categories == ("a", "b", "c")
    assert column(half, "c").counts == (50, 25, 25, 0)
    assert sum(column(half, "x").counts[:10]) == 100


def test_new_categories_are_other_and_an_empty_text_is_a_category_of_its_own(tmp_path: Path) -> None:
    data = rows(10, c=lambda i: "" if i % 2 else "a") + [{"time": NOON + 90000, "c": text} for text in ("", "b", "c")]
    source = table(write(tmp_path / "a.jsonl", data))
    before = profile(source)
    after = profile(source, spans=(Span(NOON + 86400, NOON + 172800),), like=before)
    assert dict(zip(column(after, "c").categories, column(after, "c").counts, strict=False)) == {"a": 0, "": 1}
    assert column(after, "c").counts[-1] == 2


def test_more_categories_than_fit_share_the_last_count(tmp_path: Path) -> None:
    data = rows(600, c=lambda i: f"k{i % 30}" if i < 300 else "k0")
    c = column(profile(table(write(tmp_path / "a.jsonl", data))), "c")
    assert len(c.categories) == 20
    assert c.categories[0] == "k0"
    assert sum(c.counts) == 600
    assert c.counts[-1] > 0


def test_a_column_that_names_rows_has_no_categories(tmp_path: Path) -> None:
    c = column(profile(table(write(tmp_path / "a.jsonl", rows(300, id=lambda i: f"request-{i}")))), "id")
    assert (c.categories, c.counts) == ((), (300,))


def test_missing_infinite_and_nan_are_counted_apart(tmp_path: Path) -> None:
    odd = [math.inf, -math.inf, math.nan, None]
    x = column(profile(table(write(tmp_path / "a.jsonl", rows(104, x=lambda i: odd[i] if i < 4 else i)))), "x")
    assert (x.infinite, x.missing, x.unparsable) == (2, 2, 0)
    assert sum(x.counts) == 100
    assert x.maximum == 103


def test_a_number_that_became_text_is_counted_unparsable(tmp_path: Path) -> None:
    data = rows(100, x=lambda i: i) + [{"time": NOON + 90000 + i, "x": "high" if i else "12.5"} for i in range(50)]
    source = table(write(tmp_path / "a.jsonl", data))
    after = profile(source, spans=(Span(NOON + 86400, NOON + 172800),), like=profile(source))
    x = column(after, "x")
    assert (x.unparsable, sum(x.counts), x.dtype) == (50, 0, "VARCHAR")


def test_a_text_that_became_a_number_says_so_in_its_type(tmp_path: Path) -> None:
    data = [*rows(10, c="red"), {"time": NOON + 90000, "c": 7}]
    source = table(write(tmp_path / "a.jsonl", data))
    c = column(profile(source, spans=(Span(NOON + 86400, NOON + 172800),), like=profile(source)), "c")
    assert (c.kind, c.dtype, c.counts) == ("categorical", "DOUBLE", (0, 1))


def test_an_all_null_column_is_missing_in_every_row_and_a_vanished_one_is_not_there(tmp_path: Path) -> None:
    later = [{"time": NOON + 90000 + i, "null": None} for i in range(5)]
    data = rows(10, null=1.5, gone=2.5) + later
    source = table(write(tmp_path / "a.jsonl", data))
    before = profile(source)
    after = profile(source, spans=(Span(NOON + 86400, NOON + 172800),), like=before)
    assert {one.name for one in before.columns} == {"null", "gone"}
    assert (column(after, "null").missing, column(after, "null").rows) == (5, 5)
    assert after.column("gone") is None


def test_a_column_that_appeared_is_counted_beside_those_of_the_baseline(tmp_path: Path) -> None:
    data = [*rows(10, x=1), {"time": NOON + 90000, "x": 1, "x_v2": 4}]
    source = table(write(tmp_path / "a.jsonl", data))
    before = profile(source)
    after = profile(source, spans=(Span(NOON + 86400, NOON + 172800),), like=before)
    assert before.column("x_v2") is None
    assert sum(column(after, "x_v2").counts) == 1


def test_only_the_columns_asked_for_are_counted(tmp_path: Path) -> None:
    source = table(write(tmp_path / "a.jsonl", rows(3, a=1, b=2, label="x")), label="label")
    assert [one.name for one in profile(source).columns] == ["a", "b"]
    assert [one.name for one in profile(source, columns=("b", "label", "none")).columns] == ["b", "label"]


def test_repeated_rows_are_duplicates(tmp_path: Path) -> None:
    data = rows(10, x=lambda i: i)
    assert profile(table(write(tmp_path / "a.jsonl", data + data[:3]))).duplicates == 3


def test_an_empty_window_has_no_rows_but_keeps_its_columns(tmp_path: Path) -> None:
    source = table(write(tmp_path / "a.jsonl", rows(10, x=1, c="a")))
    before = profile(source)
    after = profile(source, spans=(Span(NOON - 100, NOON),), like=before)
    assert (after.rows, after.newest) == (0, None)
    assert [(one.name, sum(one.counts)) for one in after.columns] == [("x", 0), ("c", 0)]


# ── grouping and selecting ───────────────────────────────────────────────────────────────────────────────────────────


def test_by_gives_one_profile_per_value_in_the_same_bins(tmp_path: Path) -> None:
    data = rows(100, x=lambda i: i, az=lambda i: "ab"[i % 2])
    groups = table(write(tmp_path / "a.jsonl", data)).profiles(ProfileRequest(DAY, by="az"))
    assert [(group.value, group.profile.rows) for group in groups] == [("a", 50), ("b", 50)]
    assert column(groups[0].profile, "x").edges == column(groups[1].profile, "x").edges


def test_every_gives_one_profile_per_step_with_rows(tmp_path: Path) -> None:
    data = [row for row in rows(300, x=1) if not NOON + 100 <= row["time"] < NOON + 200]
    groups = table(write(tmp_path / "a.jsonl", data)).profiles(ProfileRequest((Span(NOON, NOON + 300),), every=100))
    assert [(group.start, group.profile.rows) for group in groups] == [(NOON, 100), (NOON + 200, 100)]
    assert (groups[1].profile.start, groups[1].profile.end) == (NOON + 200, NOON + 300)


def test_a_column_may_vanish_in_one_step_and_not_in_another(tmp_path: Path) -> None:
    data = rows(10, x=1) + [{"time": NOON + 100 + i, "y": 1} for i in range(10)]
    groups = table(write(tmp_path / "a.jsonl", data)).profiles(ProfileRequest((Span(NOON, NOON + 200),), every=100))
    assert [[one.name for one in group.profile.columns] for group in groups] == [["x"], ["y"]]


def test_where_selects_by_equality_and_its_values_are_no_sql(tmp_path: Path) -> None:
    sly = "b' OR '1'='1"
    data = rows(10, x=1, az=lambda i: sly if i == 3 else "a")
    source = table(write(tmp_path / "a.jsonl", data))
    assert profile(source, where=Labels.of(az=sly)).rows == 1
    assert profile(source, where=Labels.of(az="' OR ''='")).rows == 0


def test_a_column_may_have_any_name(tmp_path: Path) -> None:
    name = "a \"b\" 'c'/d~e.$f"
    data = [{"time": NOON, name: 1}, {"time": NOON + 90000, name: None}, {"time": NOON + 180000, "x": 1}]
    source = table(write(tmp_path / "a.jsonl", data))
    before = profile(source)
    assert [one.name for one in before.columns] == [name]
    assert column(profile(source, spans=(Span(NOON + 86400, NOON + 172800),), like=before), name).missing == 1
    assert profile(source, spans=(Span(NOON + 172800, NOON + 272800),), like=before).column(name) is None


def test_a_table_of_one_model_matches_that_model_alone(tmp_path: Path) -> None:
    source = table(write(tmp_path / "a.jsonl", rows(5, x=1)), model="glove")
    assert profile(source, where=Labels.of(model="glove")).rows == 5
    assert profile(source, where=Labels.of(model="helmet")).rows == 0
    with pytest.raises(SourceMalformed, match="no column 'az' to select by"):
        profile(source, where=Labels.of(az="b"))


def test_times_may_be_numbers_or_rfc_3339(tmp_path: Path) -> None:
    data = [
        {"time": "2023-11-14T22:13:20Z", "x": 1},
        {"time": "2023-11-14T23:13:21+01:00", "x": 2},
        {"time": NOON, "x": 3},
    ]
    counted = profile(table(write(tmp_path / "a.jsonl", data)))
    assert (counted.rows, counted.newest) == (3, NOON + 1)


def test_pooled_spans_are_counted_together(tmp_path: Path) -> None:
    source = table(write(tmp_path / "a.jsonl", rows(100, x=1)))
    assert profile(source, spans=(Span(NOON, NOON + 10), Span(NOON + 50, NOON + 55))).rows == 15


def test_rows_without_times_are_all_in_every_window(tmp_path: Path) -> None:
    source = table(write(tmp_path / "a.jsonl", [{"x": 1}, {"x": 2}]), time=None)
    assert profile(source).rows == 2
    assert profile(source, spans=()).rows == 2
    with pytest.raises(UsageError, match="cannot be cut into steps"):
        profile(source, every=60.0)


def test_too_many_steps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too many"):
        profile(table(write(tmp_path / "a.jsonl", rows(3, x=1))), every=1.0)


# ── formats and files ────────────────────────────────────────────────────────────────────────────────────────────────


def test_csv_numbers_are_numbers_and_what_is_none_is_unparsable(tmp_path: Path) -> None:
    lines = [f"{NOON + i},{'N/A' if i == 5 else i},{'red' if i % 2 else ''}" for i in range(40)]
    (tmp_path / "a.csv").write_text("time,x,c\n" + "\n".join(lines) + "\n")
    counted = profile(table(tmp_path / "a.csv"))
    x, c = column(counted, "x"), column(counted, "c")
    assert (x.kind, x.dtype, x.unparsable, sum(x.counts)) == ("numeric", "DOUBLE", 1, 39)
    assert (c.kind, c.dtype, c.missing, c.counts) == ("categorical", "VARCHAR", 20, (20, 0))


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    duckdb.sql(
        f"COPY (SELECT TIMESTAMP '2023-11-14 22:13:20' + to_seconds(i) AS time, i::DECIMAL(9, 2) AS x, "
        f"i % 2 = 0 AS even, CASE WHEN i < 5 THEN NULL ELSE 'c' END AS c, [i] AS l FROM range(100) t(i)) TO '{path}'"
    )
    counted = profile(table(path))
    assert counted.rows == 100
    assert {one.name: (one.kind, one.dtype) for one in counted.columns} == {
        "x": ("numeric", "DECIMAL(9,2)"), "even": ("boolean", "BOOLEAN"), "c": ("categorical", "VARCHAR"),
        "l": ("categorical", "BIGINT[]"),
    }  # fmt: skip
    assert column(counted, "even").counts == (50, 50, 0)
    assert column(counted, "c").missing == 5


def test_a_half_written_last_line_of_a_live_log_is_no_row_yet(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", rows(10, x=1))
    with path.open("a") as file:
        file.write('{"time": 1700000011, "x": ')
    source = table(path)
    assert profile(source).rows == 10
    assert profile(table(path, time=None)).rows == 10


def test_lines_that_are_no_json_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", rows(3, x=1))
    path.write_bytes(b"\x89PNG \x00\xff\n[1, 2]\n" + path.read_bytes() + b"<html>\n")
    assert profile(table(path)).rows == 3


def test_a_key_without_a_name_is_no_column_and_costs_no_other(tmp_path: Path) -> None:
    shown = profile(table(write(tmp_path / "a.jsonl", [*rows(3, x=1), {"": 1, "x": 2, "time": NOON}])))
    assert (shown.rows, [column.name for column in shown.columns]) == (4, ["x"])


def test_day_shards_are_read_only_where_they_hold_rows_of_the_window(tmp_path: Path) -> None:
    for day in range(3):
        write(tmp_path / f"{day}.jsonl", [{"time": NOON + day * 86400 + i, "x": day} for i in range(10)])
    source = table(tmp_path / "*.jsonl")
    second = (Span(NOON + 86400, NOON + 2 * 86400),)
    assert profile(source, spans=second).rows == 10
    write(tmp_path / "0.jsonl", [{"time": NOON + 86400 + 50, "x": 0}])  # a file that changes is looked into again
    os.utime(tmp_path / "0.jsonl", (1, 1))
    (tmp_path / "2.jsonl").chmod(0)  # outside the window, so nobody notices … unless it is read
    if os.geteuid() == 0:
        (tmp_path / "2.jsonl").chmod(0o644)
    else:
        with pytest.raises(SourceDenied):
            profile(source, spans=second)
        (tmp_path / "2.jsonl").chmod(0o644)
    assert profile(source, spans=second).rows == 11
    assert source._selection(ProfileRequest(second)).rows.files == (
        str(tmp_path / "0.jsonl"),
        str(tmp_path / "1.jsonl"),
    )
    assert profile(source, spans=(Span(0, 1),)).rows == 0


@pytest.mark.parametrize(
    ("name", "content", "kind", "words"),
    [
        ("none.jsonl", None, SourceError, "there is no file"),
        ("a.jsonl", '{"when": 1, "x": 2}\n', SourceMalformed, "no time column 'time'"),
        ("a.jsonl", '{"time": "yesterday", "x": 2}\n', SourceMalformed, "no row has a time in column 'time'"),
        ("a.parquet", "this is no parquet", SourceMalformed, "is not what it should be"),
        ("a.xlsx", "", SourceMalformed, "of one kind"),
    ],
)
def test_what_cannot_be_counted_is_one_sentence(
    tmp_path: Path, name: str, content: str | None, kind: type, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(kind, match=words) as raised:
        profile(table(tmp_path / name))
    assert "feed" in raised.value.message
    assert "\n" not in raised.value.message


def test_a_file_that_may_not_be_read_is_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.jsonl", rows(1, x=1))
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(SourceDenied, match="may not be read"):
        profile(table(path))


def test_an_empty_file_is_a_window_without_rows(tmp_path: Path) -> None:
    assert profile(table(write(tmp_path / "a.jsonl", []))).rows == 0


def test_duckdb_reads_nothing_but_the_folder_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "out.jsonl", rows(1, x=1))
    duck = table(write(tmp_path / "in" / "a.jsonl", rows(1, x=1)))._duck
    for path in (str(tmp_path / "out.jsonl"), str(tmp_path / "in" / ".." / "out.jsonl"), "http://127.0.0.1:1/a.jsonl"):
        with pytest.raises(SourceError):
            duck.asks("SELECT * FROM read_json($files)", {"files": [path]})
    for statement in ("SET memory_limit = '100GB'", "INSTALL httpfs", "LOAD httpfs"):
        with pytest.raises(SourceError):
            duck.asks(statement, {})


def test_more_than_the_memory_allows_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duck_module, "MEMORY", "8MB")
    source = table(write(tmp_path / "a.jsonl", rows(20_000, c=lambda i: f"a long text of its own {i}" * 20)))
    with pytest.raises(SourceError, match=r"table feed needs more than 8MB to count"):
        profile(source)


def test_a_newest_shard_that_lost_its_time_is_named_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "1.jsonl", rows(5, x=1))
    write(tmp_path / "2.jsonl", [{"when": NOON + 90000, "x": 1}])
    with pytest.raises(SourceMalformed, match="no time column 'time'"):
        profile(table(tmp_path / "*.jsonl"), spans=(Span(NOON + 86400, NOON + 172800),))


def test_shards_of_csv_are_told_apart_by_their_rows_too(tmp_path: Path) -> None:
    for day in range(2):
        (tmp_path / f"{day}.csv").write_text(f"time,x\n{NOON + day * 86400},{day}\n")
    source = table(tmp_path / "*.csv")
    second = (Span(NOON + 86400, NOON + 2 * 86400),)
    assert profile(source, spans=second).rows == 1
    assert source._selection(ProfileRequest(second)).rows.files == (str(tmp_path / "1.csv"),)


def test_a_time_that_is_no_number_hides_no_shard(tmp_path: Path) -> None:
    write(tmp_path / "1.jsonl", [*rows(5, x=1), {"time": math.nan}, {"time": math.inf}, {"time": "infinity"}])
    write(tmp_path / "2.jsonl", [])
    assert profile(table(tmp_path / "*.jsonl")).rows == 5


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards_module, "MOST_FILES", 1)
    for number in range(2):
        write(tmp_path / f"{number}.jsonl", rows(1, x=1))
    with pytest.raises(SourceError, match="2 files are too many"):
        profile(table(tmp_path / "*.jsonl"))


def test_of_very_many_values_those_with_the_most_rows_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables_module, "MOST_GROUPS", 2)
    data = rows(10, x=1, az=lambda i: "abbcccdddd"[i])
    groups = table(write(tmp_path / "a.jsonl", data)).profiles(ProfileRequest(DAY, by="az"))
    assert [(group.value, group.profile.rows) for group in groups] == [("c", 3), ("d", 4)]


def test_forty_thousand_rows_of_twelve_columns_are_counted_well_within_a_second(tmp_path: Path) -> None:
    draw = random.Random(2)
    numbers = {f"f{k}": (lambda _i: draw.random()) for k in range(9)}
    source = table(
        write(tmp_path / "a.jsonl", rows(40_000, c=lambda i: "abc"[i % 3], s=lambda i: str(i % 7), **numbers))
    )
    began = time.process_time()
    before = profile(source)
    profile(source, like=before)
    assert before.rows == 40_000
    assert time.process_time() - began < 3.0  # CPU of two profiles on a loaded machine


# ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def picture(path: Path, width: int, height: int, grey: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"P5\n# a comment\n%d %d\n255\n" % (width, height) + bytes([grey]) * (width * height))


def test_exemplars_are_the_rows_nearest_to_a_value_with_their_picture(tmp_path: Path) -> None:
    picture(tmp_path / "img" / "7.pgm", 64, 48, 200)
    data = rows(10, brightness=lambda i: i / 10, img=lambda i: f"img/{i}.pgm", pred="glove", label="bare")
    source = table(write(tmp_path / "a.jsonl", data), image="img", prediction="pred", label="label")
    [one, two] = source.exemplars(ExemplarRequest("current", DAY, column="brightness", near=0.72, limit=2))
    assert one.kind == "image"
    assert (len(one.pixels), len(one.pixels[0])) == (24, 32)
    assert set(sum(one.pixels, ())) == {200}
    assert one.time == NOON + 7
    assert one.caption == "predicted glove, labelled bare, brightness 0.7"
    assert one.fields.value("brightness") == "0.7"
    assert one.fields.value("img") is None
    assert (two.kind, two.time, two.side) == ("row", NOON + 8, "current")


def test_rows_with_a_picture_are_shown_before_those_without(tmp_path: Path) -> None:
    picture(tmp_path / "kept.pgm", 4, 4, 7)
    data = rows(10, x=lambda i: i, img=lambda i: "kept.pgm" if i in (2, 9) else None)
    source = table(write(tmp_path / "a.jsonl", data), image="img")
    shown = source.exemplars(ExemplarRequest("current", DAY, column="x", near=4.0, limit=3))
    assert [(one.kind, one.time - NOON) for one in shown] == [("image", 2), ("image", 9), ("row", 4)]


def test_without_a_value_to_be_near_the_newest_rows_are_shown(tmp_path: Path) -> None:
    source = table(write(tmp_path / "a.jsonl", rows(30, x=1)))
    shown = source.exemplars(ExemplarRequest("baseline", DAY, limit=99))
    assert len(shown) == 16
    assert shown[0].time == NOON + 29
    assert shown[0].caption == "a row"


def test_a_row_is_shown_without_secrets_addresses_and_endless_text(tmp_path: Path) -> None:
    data = rows(
        1,
        api_key="abc",
        note="write to jane@example.org\x1b[31m",
        prompt="x" * 500,
        n=1.23456789,
        key="sk-abcdefghijklmnopqrst",
    )
    [shown] = table(write(tmp_path / "a.jsonl", data)).exemplars(ExemplarRequest("current", DAY))
    fields = dict(shown.fields)
    assert fields["api_key"] == "•••"
    assert fields["note"] == "write to ••• [31m"
    assert len(fields["prompt"]) == 80
    assert fields["n"] == "1.235"
    assert "abcdef" not in fields["key"]


@pytest.mark.parametrize(
    "name",
    ["../secret.pgm", "/etc/hostname", "link.pgm", "none.pgm", "bad.pgm", "short.pgm", "a\0b", "wide.pgm", "pipe.pgm"],
)
def test_a_picture_is_read_from_the_tables_folder_or_not_at_all(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    picture(tmp_path / "secret.pgm", 4, 4, 9)
    (folder / "link.pgm").symlink_to(tmp_path / "secret.pgm")
    (folder / "bad.pgm").write_text("GIF89a")
    (folder / "short.pgm").write_bytes(b"P5 10 10 255\nabc")
    os.mkfifo(folder / "pipe.pgm")
    (folder / "wide.pgm").write_bytes(b"P5 10 10 70000\nabc")
    [shown] = table(write(folder / "a.jsonl", rows(1, img=name)), image="img").exemplars(
        ExemplarRequest("current", DAY)
    )
    assert (shown.kind, shown.pixels) == ("row", ())


# ── how it is ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_check_says_how_many_rows_how_new_and_how_many_have_no_time(tmp_path: Path) -> None:
    source = table(write(tmp_path / "a.jsonl", [*rows(5, x=1), {"x": 1}]), slices=["az"])
    status = source.check()
    assert (status.state, status.newest) == ("ok", NOON + 4)
    assert status.reason == "6 rows in 1 file, 1 without a time"
    assert source.slices() == ("az",)
    with pytest.raises(SourceMalformed):
        table(write(tmp_path / "b.jsonl", [{"t": 1}])).check()


def test_a_column_to_group_by_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(SourceMalformed, match="'az' to group by"):
        profile(table(write(tmp_path / "a.jsonl", rows(1, x=1))), by="az")


def test_counting_the_baseline_again_into_its_own_bins_changes_nothing(tmp_path: Path) -> None:
    draw = random.Random(3)
    data = rows(500, x=lambda i: draw.choice([None, draw.random(), 0.0]), c=lambda _i: draw.choice(["a", "b", None]))
    source = table(write(tmp_path / "a.jsonl", data))
    before = profile(source)
    assert replace(profile(source, like=before)) == before
