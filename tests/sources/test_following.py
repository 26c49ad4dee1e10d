"""Following: whatever becomes of the files of a table, its minutes add up to what a fresh count says."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from console.errors import NoData, SourceMalformed
from console.model import Labels, Profile, Span
from console.sources import logs, places
from console.sources import pieces as pieces_module
from console.sources.growing import Growing
from console.sources.options import TableOptions
from console.sources.tables import Table
from console.sources.types import ExemplarRequest, ProfileGroup, ProfileRequest

HOUR = 1_700_000_000 // 3600 * 3600
ALL = (Span(HOUR - 3600, HOUR + 4 * 3600),)
TEN = (Span(HOUR + 600, HOUR + 1200),)
Row = Mapping[str, Any]


def rows(count: int, start: float = HOUR, seed: int = 0) -> list[Row]:
    draw = random.Random(seed)
    return [{"time": start + i, "x": round(draw.gauss(0, 1), 3), "c": draw.choice("abc")} for i in range(count)]


def lines(found: Iterable[Row], suffix: str = ".jsonl") -> str:
    if suffix == ".jsonl":
        return "".join(json.dumps(row) + "\n" for row in found)
    text = io.StringIO()
    writer = csv.DictWriter(text, ["time", "x", "c", "new"], restval="", lineterminator="\n")
    writer.writerows(found)
    return text.getvalue()


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def growing(path: Path | str, seconds: float = 60.0, **options: Any) -> Growing:
    return Growing("feed", TableOptions(path=str(path), **options), seconds=seconds)


def fresh(path: Path | str, request: ProfileRequest, **options: Any) -> Sequence[ProfileGroup]:
    return Table("feed", TableOptions(path=str(path), **options)).profiles(replace(request, look=None))


def bins(path: Path | str, **options: Any) -> Profile:
    [group] = fresh(path, ProfileRequest(ALL, columns=("x", "c")), **options)
    return group.profile


def told(profile: Profile) -> dict[str, Any]:
    """What must be the same of two counts."""
    return {
        "rows": profile.rows, "start": profile.start, "end": profile.end, "newest": profile.newest,
        "columns": {
            one.name: (
                one.counts, one.missing, one.infinite, one.unparsable, one.edges, one.categories, one.minimum,
                one.maximum, one.rows, None if one.mean is None else pytest.approx(one.mean), one.kind,
            )
            for one in profile.columns
        } if profile.rows else {},
    }  # fmt: skip


def must_agree(source: Growing, path: Path | str, request: ProfileRequest) -> Sequence[ProfileGroup]:
    """The followed counts, which are those of a fresh count in the same bins."""
    followed = source.profiles(request)
    whole = max((group.profile for group in followed), key=lambda profile: len(profile.columns), default=None)
    like = whole if whole and whole.rows else request.like
    anew = fresh(path, replace(request, like=like))
    assert [group.start for group in followed] == [group.start for group in anew]
    assert [told(group.profile) for group in followed] == [told(group.profile) for group in anew]
    return followed


class Rotations(RuleBasedStateMachine):
    """A log and everything that is done to logs."""

    SUFFIX = ".jsonl"

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="andon-test-"))
        self.log = self.folder / f"log{self.SUFFIX}"
        self.every = str(self.folder / f"*{self.SUFFIX}")
        self.count = self.look_count = 0
        self.half = ""
        self.header = "" if self.SUFFIX == ".jsonl" else "time,x,c,new\n"
        self.source: Growing | None = None

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def write(self, found: list[Row]) -> None:
        if not self.log.exists():
            self.log.write_text(self.header)
        append(self.log, self.half + lines(found, self.SUFFIX))
        self.half = ""

    @initialize()
    def begin(self) -> None:
        self.write(rows(200, HOUR))
        self.like = bins(self.every)
        self.source = growing(self.every)

    @rule(minute=st.integers(-30, 200), many=st.integers(1, 90), has_new=st.booleans())
    def rows_come_late_in_time_or_early(self, minute: int, many: int, has_new: bool) -> None:
        self.count += 1
        found = rows(many, HOUR + 60 * minute + 0.5, self.count)
        self.write([{**row, "new": self.count} for row in found] if has_new else found)

    @rule(cut=st.integers(1, 20))
    def a_line_is_half_written(self, cut: int) -> None:
        line = lines(rows(1, HOUR + 700, 7), self.SUFFIX)
        if self.SUFFIX == ".jsonl":
            self.write([])
            append(self.log, line[:cut])
            self.half = line[cut:]

    @rule()
    def the_log_is_renamed(self) -> None:
        if self.log.exists():
            self.half = ""
            self.count += 1
            self.log.rename(self.folder / f"log-{self.count}{self.SUFFIX}")

    @rule()
    def the_log_is_copied_and_truncated(self) -> None:
        if self.log.exists():
            self.half = ""
            self.count += 1
            shutil.copy(self.log, self.folder / f"log-{self.count}{self.SUFFIX}")
            with self.log.open("r+") as file:
                file.truncate()
                file.write(self.header)

    @rule(many=st.integers(1, 400))
    def the_log_is_written_anew(self, many: int) -> None:
        self.half = ""
        self.count += 1
        self.log.write_text(self.header + lines(rows(many, HOUR + 300, self.count), self.SUFFIX))

    @rule()
    def an_old_log_is_removed(self) -> None:
        old = sorted(self.folder.glob(f"log-*{self.SUFFIX}"))
        if old:
            old[0].unlink()

    @rule()
    def nothing_but_the_time_of_change(self) -> None:
        for path in self.folder.glob("log*"):
            os.utime(path)

    @rule()
    def the_child_is_started_again(self) -> None:
        self.source = growing(self.every)

    @rule()
    def somebody_looks(self) -> None:
        assert self.source is not None
        if not [*self.folder.glob("log*")]:
            return
        self.look_count += 1
        look = float(self.look_count)
        for request in (
            ProfileRequest(TEN, like=self.like, look=look),
            ProfileRequest(ALL, like=self.like, every=1800.0, look=look),
            ProfileRequest(ALL, columns=("x",), like=self.like, look=look),
        ):
            must_agree(self.source, self.every, request)


class CsvRotations(Rotations):
    SUFFIX = ".csv"


FEW = settings(max_examples=8, stateful_step_count=10, deadline=None)
TestJsonLogs = Rotations.TestCase
TestJsonLogs.settings = FEW
TestCsvLogs = CsvRotations.TestCase
TestCsvLogs.settings = FEW


# ── what is read ─────────────────────────────────────────────────────────────────────────────────────────────────────


def request(look: float, spans: Sequence[Span] = TEN, **more: Any) -> ProfileRequest:
    return ProfileRequest(tuple(spans), look=look, **more)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text(lines(rows(3000)))
    return path


def test_at_a_later_look_only_what_was_appended_is_read(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, like = growing(log), bins(log)
    source.profiles(request(1.0, like=like))
    read: list[int] = []
    again = pieces_module.Here.read
    monkeypatch.setattr(
        pieces_module.Here, "read", lambda *asked: read.append(asked[3] - asked[2]) or again(*asked)
    )  # fmt: skip
    new = lines(rows(60, HOUR + 900, 1))
    append(log, new)
    before = source.progress()
    must_agree(source, log, request(2.0, like=like))
    assert source.progress().bytes - before.bytes == len(new)
    assert source.progress().rows - before.rows == 60
    assert sum(read) <= len(new) + 3 * logs.KNOWN_BY
    read.clear()
    source.profiles(request(2.0, like=like))  # of the same look
    source.profiles(request(3.0, like=like))
    assert read == []


def test_a_log_that_is_renamed_is_not_read_again(log: Path) -> None:
    every = log.parent / "*.jsonl"
    source, like = growing(every), bins(every)
    source.profiles(request(1.0, like=like))
    before = source.progress()
    log.rename(log.parent / "log-1.jsonl")
    log.write_text(lines(rows(10, HOUR + 1000, 2)))
    must_agree(source, every, request(2.0, like=like))
    assert source.progress().bytes - before.bytes == log.stat().st_size


def test_a_half_written_line_waits_for_its_end(log: Path) -> None:
    source, like = growing(log), bins(log)
    line = lines([{"time": HOUR + 700, "x": 0.1, "c": "a"}])
    append(log, line[:20])
    [before] = source.profiles(request(1.0, like=like))
    append(log, line[20:])
    [after] = source.profiles(request(2.0, like=like))
    assert (before.profile.rows, after.profile.rows) == (600, 601)


def test_rows_of_the_future_are_told_and_are_not_the_newest(log: Path) -> None:
    append(log, lines([{"time": HOUR + 90000, "x": 0.1, "c": "a"}, {"time": 4e10, "x": 0.1, "c": "a"}]))
    source = growing(log)
    source.profiles(request(HOUR + 3000.0, like=bins(log)))
    assert (source.progress().newest, source.progress().ahead) == (HOUR + 2999, 2)


def test_what_takes_longer_than_an_answer_may_goes_on_at_the_next_look(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "PART", 10_000)
    monkeypatch.setattr(pieces_module, "BATCH_BYTES", 10_000)
    source, like = growing(log, seconds=0.0), bins(log)
    tries = 0
    while True:
        tries += 1
        try:
            source.profiles(request(float(tries), like=like))
        except NoData as partial:
            assert partial.message.startswith("partial: ")
            source._seconds = source._following._seconds = 0.0 if source.progress().left else 60.0
        else:
            break
    assert 3 < tries < 100
    must_agree(source, log, request(tries + 1.0, like=like))


def test_a_line_beyond_all_measure_is_refused(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "PART", 1000)
    monkeypatch.setattr(logs, "MOST_LINE", 4000)
    append(log, lines([{"time": HOUR, "c": "a" * 9000}]))
    with pytest.raises(SourceMalformed, match=r"a line of .*log\.jsonl is longer than"):
        growing(log).profiles(request(1.0, like=bins(log)))


# ── what is answered ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "asked",
    [
        {"by": "c"},
        {"every": 15.0},
        {"spans": (Span(HOUR + 1.5, HOUR + 99.25),)},
        {"spans": (Span(HOUR, HOUR + 120), Span(HOUR + 60, HOUR + 240))},
        {"spans": (Span(HOUR - 7200, HOUR + 7200),)},
        {"spans": (Span(HOUR, HOUR + 3600),), "every": 600.0},
        {"where": Labels.of(c="a")},
        {"where": Labels.of(c="nothing")},
        {"columns": ("x",)},
    ],
)
def test_every_question_is_answered_as_a_fresh_count_would(log: Path, asked: Mapping[str, Any]) -> None:
    source, like = growing(log), bins(log)
    source.profiles(request(1.0, like=like))
    append(log, lines(rows(50, HOUR + 30, 3)))
    must_agree(source, log, replace(request(2.0, like=like), **asked))


def test_without_bins_the_pieces_of_the_window_are_counted_into_fresh_ones(log: Path) -> None:
    asked = request(1.0)
    assert [told(one.profile) for one in growing(log).profiles(asked)] == [
        told(one.profile) for one in fresh(log, asked)
    ]


def test_rows_without_a_time_are_counted_anew(log: Path) -> None:
    source = growing(log, time=None)
    [group] = source.profiles(ProfileRequest((), like=bins(log, time=None), look=1.0))
    append(log, lines(rows(10)))
    [later] = source.profiles(ProfileRequest((), like=bins(log, time=None), look=2.0))
    assert (group.profile.rows, later.profile.rows, source.progress().rows) == (3000, 3010, 0)


def test_a_time_column_without_a_time_is_a_broken_table(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines({"time": "noon", "x": i, "c": "a"} for i in range(20)))
    with pytest.raises(SourceMalformed, match="no row has a time"):
        growing(path).profiles(request(1.0, like=Profile((), 0)))


def test_csv_rows_with_line_ends_between_quotes_stay_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "PART", 64)
    path = tmp_path / "a.csv"
    path.write_text("time,x,c\n" + "".join(f'{HOUR + 600 + i},{i},"say ""{i}"",\nthen go"\n' for i in range(50)))
    new = logs.Logs("feed", places.Here(lambda: [str(path)]), "csv")
    new.look()
    parts = [*new.read()]
    assert b"".join(part.data for part in parts) == path.read_bytes()[len("time,x,c\n") :]
    assert all(part.position.header == b"time,x,c\n" and part.data.endswith(b'go"\n') for part in parts)
    assert len(parts) > 20


def test_new_parquet_files_are_read_once_and_changed_ones_again(tmp_path: Path) -> None:
    def write(name: str, start: int, count: int) -> None:
        duckdb.connect().sql(
            f"COPY (SELECT {HOUR} + {start} + i AS time, i % 7 AS x, 'k' || i % 3 AS c FROM range({count}) r(i)) "
            f"TO '{tmp_path / name}' (FORMAT parquet)"
        )

    every = tmp_path / "*.parquet"
    write("a.parquet", 0, 900)
    source, like = growing(every), bins(every)
    must_agree(source, every, request(1.0, like=like))
    write("b.parquet", 500, 900)
    must_agree(source, every, request(2.0, like=like))
    read = source.progress().rows
    must_agree(source, every, request(3.0, like=like))
    assert (read, source.progress().rows) == (1800, 1800)
    write("b.parquet", 700, 100)
    must_agree(source, every, request(4.0, like=like))
    (tmp_path / "b.parquet").write_bytes(b"PAR1 half of a file")
    with pytest.raises(SourceMalformed):
        source.profiles(request(5.0, like=like))
    write("b.parquet", 800, 100)
    must_agree(source, every, request(6.0, like=like))


def test_a_log_that_is_compressed_after_its_rotation_says_what_it_said(log: Path) -> None:
    every = [str(log.parent / "*.jsonl"), str(log.parent / "*.jsonl.gz")]
    options = TableOptions(path=every)
    source, like = Growing("feed", options, seconds=60.0), bins(log)
    (log.parent / "now.jsonl").write_text(lines(rows(5, HOUR + 600, 1)))
    (log.parent / "old.jsonl.gz").write_bytes(gzip.compress(lines(rows(9, HOUR + 600, 2)).encode()))
    before = source.profiles(request(1.0, like=like))
    (log.parent / "log.jsonl.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    after = source.profiles(request(2.0, like=like))
    [anew] = Table("feed", options).profiles(request(2.0, like=like))
    assert told(before[0].profile) == told(after[0].profile) == told(anew.profile)
    assert anew.profile.rows == 614


def test_a_label_that_only_some_files_have_chooses_rows_of_those(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,x,c\n" + "".join(f"{HOUR + 600 + i},{i},a\n" for i in range(50)))
    every = tmp_path / "*.csv"
    like = bins(every)
    (tmp_path / "b.csv").write_text("time,x,c,az\n" + "".join(f"{HOUR + 700 + i},{i},b,east\n" for i in range(40)))
    [group] = must_agree(growing(every), every, request(1.0, like=like, where=Labels.of(az="east"), columns=("x",)))
    assert group.profile.rows == 40


def test_exemplars_find_their_pictures_beside_the_log(tmp_path: Path) -> None:
    (tmp_path / "one.pgm").write_bytes(b"P5 2 2 255\n\x00\x40\x80\xff")
    path = tmp_path / "log.jsonl"
    path.write_text(lines({"time": HOUR + 600 + i, "x": i, "c": "a", "image": "one.pgm"} for i in range(9)))
    source = growing(path, image="image")
    [shown] = source.exemplars(ExemplarRequest("current", TEN, column="x", near=4.0, look=1.0))
    assert (shown.kind, shown.time, len(shown.pixels)) == ("image", HOUR + 604, 2)


def test_bins_that_nobody_asks_for_any_more_are_let_go(log: Path) -> None:
    source, like = growing(log), bins(log)
    source.profiles(request(0.0, like=like, columns=("c",)))
    for look in range(1, 9):
        source.profiles(request(float(look), like=like))
    assert len(source._following._kept) == 1


def test_how_columns_go_together_adds_up_over_minutes_however_few_rows_each_has(tmp_path: Path) -> None:
    draw = random.Random(1)
    path = tmp_path / "log.jsonl"
    path.write_text(
        lines(
            {"time": HOUR + 600 + 5 * i, "x": (x := draw.gauss(0, 1)), "y": x + draw.gauss(0, 0.1), "c": "a"}
            for i in range(120)
        )
    )
    [once] = fresh(path, request(1.0))
    [followed] = growing(path).profiles(request(1.0, like=once.profile))
    ours, theirs = followed.profile.relations, once.profile.relations
    assert ours is not None
    assert theirs is not None
    assert (ours.columns, ours.rows) == (theirs.columns, theirs.rows) == (theirs.columns, 120)
    assert ours.products == pytest.approx(theirs.products, rel=0.05, abs=5)
