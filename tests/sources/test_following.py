"""Following: whatever becomes of the files of a table, its minutes add up to what a fresh count says."""

from __future__ import annotations

import csv
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
from console.sources import logs
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


FEW = settings(max_examples=12, stateful_step_count=12, deadline=None)
TestJsonLogs = Rotations.TestCase
TestJsonLogs.settings = FEW
TestCsvLogs = CsvRotations.TestCase
TestCsvLogs.settings = FEW
