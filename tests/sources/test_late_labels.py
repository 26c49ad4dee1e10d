"""Labels that come later, in files of their own: each row has the newest of its key, and a row without one waits."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.analysis.answers.outcomes import labelled, table_of, waiting
from console.config import SourceConfig
from console.errors import ConfigError, SourceError, SourceMalformed
from console.model import Record
from console.plugins import load_plugins
from console.sources.growing import open_table
from console.sources.opening import open_source
from console.sources.options import TableOptions
from console.sources.tables import Table
from console.sources.types import OutcomesRequest

NOON = 1_780_000_000.0
FORMS = {".csv": "HEADER", ".jsonl": "FORMAT json", ".parquet": "FORMAT parquet"}
PREDICTIONS = [
    {"time": NOON + at, "id": f"r{at}", "score": round(at / 40, 3), "pet": ["cat", "dog"][at % 2]} for at in range(40)
]
LABELS = [
    {"id": f"r{at}", "when": NOON + 3600 + at, "fraud": int(at > 20), "truth": "cat" if at < 30 else "dog"}
    for at in range(30)
]


def written(path: Path, rows: list[dict[str, Any]]) -> str:
    lines = path.with_suffix(".jsonl")
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if path.suffix != ".jsonl":
        duckdb.sql(f"COPY (FROM '{lines}') TO '{path}' ({FORMS[path.suffix]})")
    return str(path)


def options(
    folder: Path, form: str = ".jsonl", late: str = ".jsonl", labels: list[dict[str, Any]] | None = None, **more: Any
) -> TableOptions:
    told = {
        "path": written(folder / f"labels{late}", LABELS if labels is None else labels),
        "key": "id",
        "time": "when",
    }
    return TableOptions.model_validate(
        {"path": written(folder / f"rows{form}", PREDICTIONS), "labels": {**told, "label": "fraud", **more}}
    )


def record(told: TableOptions, target: str = "fraud", prediction: str = "score") -> Record:
    return Table("rows", told).outcomes(OutcomesRequest(target, prediction))


@pytest.mark.parametrize(("form", "late"), [*itertools.product(FORMS, FORMS)])
def test_predictions_and_labels_meet_whatever_their_formats(tmp_path: Path, form: str, late: str) -> None:
    got = record(options(tmp_path, form, late))
    assert (got.whole.grid.task, got.whole.rows) == ("scores", 40)
    assert (labelled(got.whole).sum(), waiting(got.whole).sum()) == (30, 10)
    assert table_of(got.whole)[:, 1].sum() == 9
    words = record(options(tmp_path, form, late, label="truth"), "truth", "pet")
    assert (words.whole.grid.task, labelled(words.whole).sum()) == ("classes", 30)


def test_of_several_labels_the_newest_counts_and_counts_once(tmp_path: Path) -> None:
    again = [
        {**LABELS[0], "fraud": 1, "when": NOON + 9000},
        {**LABELS[1], "fraud": 1, "when": NOON},
        LABELS[2],
        LABELS[2],
    ]
    got = record(options(tmp_path, labels=[*LABELS, *again]))
    assert (got.whole.rows, labelled(got.whole).sum()) == (40, 30)
    assert table_of(got.whole)[:, 1].sum() == 10  # the first row's was corrected, the second's is older


def test_a_label_that_is_taken_back_or_of_nobody_changes_nothing(tmp_path: Path) -> None:
    odd = [
        {"id": "r0", "when": NOON + 9999, "fraud": None},
        {"id": None, "when": NOON, "fraud": 1},
        {"id": "r999", "when": NOON, "fraud": 1},
    ]
    assert record(options(tmp_path, labels=[*LABELS, *odd])) == record(options(tmp_path))


def test_labels_replace_a_column_of_that_name_and_need_no_time(tmp_path: Path) -> None:
    told = options(tmp_path, time=None)
    written(tmp_path / "rows.jsonl", [{**row, "fraud": None} for row in PREDICTIONS])
    assert labelled(record(told).whole).sum() == 30


@pytest.mark.parametrize("form", FORMS)
def test_rows_wait_where_no_label_came_yet(tmp_path: Path, form: str) -> None:
    first = record(options(tmp_path, form))
    (tmp_path / "labels.jsonl").write_text("")
    told = TableOptions.model_validate(
        {
            "path": str(tmp_path / f"rows{form}"),
            "labels": {"path": str(tmp_path / "labels.jsonl"), "key": "id", "label": "fraud"},
        }
    )
    got = Table("rows", told).outcomes(OutcomesRequest("fraud", "score", like=first))
    assert waiting(got.whole).sum() == 40


def test_check_says_how_many_wait_and_how_late_labels_are(tmp_path: Path) -> None:
    assert (
        Table("rows", options(tmp_path)).check().reason
        == "40 rows in 1 file, 30 with a label, 1 h after their row (median)"
    )


def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path) -> None:
    for more, says in (
        ({"key": "nobody"}, "no column 'nobody'"),
        ({"label": "lable"}, "its labels have no column 'lable'"),
        ({"time": "wen"}, "no column 'wen'"),
    ):
        with pytest.raises(SourceMalformed, match=says):
            record(options(tmp_path, **more))
    told = options(tmp_path)
    (tmp_path / "labels.jsonl").unlink()
    with pytest.raises(SourceError, match="there is no file"):
        record(told)


def test_files_called_like_globs_and_names_with_quotes_are_taken_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "a'b [x]"
    folder.mkdir()
    label, key = "la\"b'el;--", "k'e\"y"
    rows = [{**row, key: row["id"]} for row in PREDICTIONS]
    told = {
        "path": written(folder / "labels.jsonl", [{key: one["id"], label: one["fraud"]} for one in LABELS]),
        "key": key,
        "label": label,
    }
    found = TableOptions.model_validate({"path": written(folder / "rows[1].jsonl", rows), "labels": told})
    assert labelled(record(found, label).whole).sum() == 30


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 50), st.integers(0, 1)), max_size=20, unique_by=lambda one: one[:2]
    )
)
def test_labels_in_any_order_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("late")
    labels = [{"id": f"r{key}", "when": NOON + when, "fraud": fraud} for key, when, fraud in told]
    labels += [{"id": f"r{key}", "when": NOON - 1, "fraud": key % 2} for key in range(40)]
    newest = {one["id"]: one["fraud"] for one in sorted(labels, key=lambda one: one["when"])}
    got = record(options(folder, labels=labels))
    assert labelled(got.whole).sum() == 40
    assert table_of(got.whole)[:, 1].sum() == sum(newest.values())


async def test_a_source_may_name_its_labels(tmp_path: Path) -> None:
    told = options(tmp_path).model_dump()
    source = await open_source(SourceConfig("rows", "table", told), load_plugins())
    try:
        assert "30 with a label" in (await source.check()).reason
    finally:
        await source.close()
    assert labelled(open_table("rows", **told).outcomes(OutcomesRequest("fraud", "score")).whole).sum() == 30
    with pytest.raises(ConfigError):
        await open_source(
            SourceConfig("rows", "table", {**told, "labels": {"path": "x", "lable": "y"}}), load_plugins()
        )
