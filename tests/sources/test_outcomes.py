"""Answers counted in files: the same as row by row, whatever the format, the kind of answer or the holes in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from answers import of_classes, of_numbers, of_scores

from console.analysis.answers.outcomes import labelled, merged, shape, table_of, waiting
from console.analysis.performance import performance
from console.errors import NoData, SourceMalformed, UsageError
from console.model import Labels, Outcomes, Record, Span, Verdict
from console.sources.options import TableOptions
from console.sources.tables import Table
from console.sources.tasks import CELLS, bins_of_cells, edge_of, score_edges
from console.sources.types import OutcomesRequest
from console.wire import dump, load

NOON = 1_700_000_000.0


def rows(n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Every kind of answer at once, a second apart: `score` for `fraud`, `pet` for `truth`, `guess` for `price`."""
    rng = np.random.default_rng(seed)
    pets = np.array(["cat", "dog", "owl"])
    found = []
    for at in range(n):
        score, truth, price = (
            float(np.round(rng.random(), 6)),
            str(rng.choice(pets)),
            float(np.round(rng.gamma(2, 50), 4)),
        )
        found.append({
            "time": NOON + at, "site": f"s{rng.integers(3)}",
            "score": score, "fraud": int(rng.random() < score),
            "pet": truth if rng.random() < 0.8 else str(rng.choice(pets)), "truth": truth,
            "guess": price + float(np.round(rng.normal(0, 5), 4)), "price": price,
        })  # fmt: skip
    return found


def table(path: Path, found: list[dict[str, Any]], **options: Any) -> Table:
    """The rows in a file of the path's format."""
    lines = path.with_suffix(".jsonl")
    lines.write_text("".join(json.dumps(row) + "\n" for row in found))
    if path.suffix != ".jsonl":
        form = "HEADER" if path.suffix == ".csv" else "FORMAT parquet"
        duckdb.sql(f"COPY (FROM read_json('{lines}', columns = {shape_of(found)})) TO '{path}' ({form})")
    return Table("answers", TableOptions(path=str(path), **options))


def shape_of(found: list[dict[str, Any]]) -> dict[str, str]:
    kinds = {int: "BIGINT", float: "DOUBLE", str: "VARCHAR", bool: "BOOLEAN"}
    return {
        key: next((kinds[type(row[key])] for row in found if row.get(key) is not None), "VARCHAR")
        for key in dict.fromkeys(key for row in found for key in row)
    }


def column(found: list[dict[str, Any]], name: str) -> np.ndarray:
    values = [row.get(name) for row in found]
    if any(isinstance(value, str) for value in values):
        return np.array(["" if value is None else value for value in values])
    return np.array([np.nan if value is None else float(value) for value in values])


def by_rows(found: list[dict[str, Any]], target: str, prediction: str, like: Outcomes) -> Outcomes:
    count = {"scores": of_scores, "classes": of_classes, "numbers": of_numbers}[like.grid.task]
    return count(column(found, prediction), column(found, target), like.grid)


PAIRS = [("fraud", "score", "scores"), ("truth", "pet", "classes"), ("price", "guess", "numbers")]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize(("target", "prediction", "task"), PAIRS)
def test_files_are_counted_as_row_by_row(tmp_path, suffix, target, prediction, task):
    found = rows(600)
    for row in found[::5]:
        row[target] = None
    got = table(tmp_path / f"rows{suffix}", found).outcomes(
        OutcomesRequest(target, prediction, by=("site",), every=100.0)
    )
    assert (got.whole.grid.task, got.whole.rows) == (task, 600)
    np.testing.assert_allclose(table_of(got.whole), table_of(by_rows(found, target, prediction, got.whole)), rtol=1e-9)
    assert waiting(got.whole).sum() == 120
    for one in got.segments:
        there = [row for row in found if row["site"] == one.value]
        expected = by_rows(there, target, prediction, got.whole)
        np.testing.assert_allclose(table_of(one.outcomes), table_of(expected), rtol=1e-9)
    assert sum(labelled(one.outcomes).sum() for one in got.steps) == pytest.approx(480)
    assert load(Record, dump(got)) == got
    assert [one.start % 100 for one in got.steps] == [0] * len(got.steps) and got.step == 100.0


def test_days_counted_like_the_baseline_add_up_to_both(tmp_path):
    found = rows(900)
    request = OutcomesRequest("fraud", "score", by=("site",))
    first = table(tmp_path / "a.jsonl", found[:400]).outcomes(request)
    second = table(tmp_path / "b.jsonl", found[400:]).outcomes(
        OutcomesRequest("fraud", "score", by=("site",), like=first)
    )
    both = table(tmp_path / "both.jsonl", found).outcomes(OutcomesRequest("fraud", "score", by=("site",), like=first))
    together = merged([first, second])
    np.testing.assert_allclose(table_of(together.whole), table_of(both.whole))
    assert {(one.column, one.value): one.outcomes.rows for one in together.segments} == {
        (one.column, one.value): one.outcomes.rows for one in both.segments
    }


def counted(tmp_path: Path, targets: list[Any], predictions: list[Any], like: Record | None = None) -> Record:
    found = [{"y": y, "p": p} for y, p in zip(targets, predictions, strict=True)]
    return table(tmp_path / "rows.jsonl", found, time=None).outcomes(OutcomesRequest("y", "p", like=like))


# ── what kind of answers ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("targets", "predictions", "task", "classes"),
    [
        ([0, 1], [0.2, 0.7], "scores", ("0", "1")),
        ([False, True], [0.2, 0.7], "scores", ("0", "1")),
        (["ok", "bad"], [0.2, 0.7], "scores", ("ok", "bad")),
        (["good", "bad"], [0.9, 0.3], "scores", ("bad", "good")),
        ([0, 1], [0, 1], "classes", ("0", "1")),
        ([True, False], [1, 0], "classes", ("0", "1")),
        (["0", "1"], [1.0, 0.0], "classes", ("0", "1")),
        ([3, 1, 3, 2], [3, 1, 2, 2], "classes", ("3", "1", "2")),
        (["cat", "dog", "cat"], ["cat", "cat", "dog"], "classes", ("cat", "dog")),
        ([1, 2, 3, 4, 5], [1.5, 2.1, 3.0, 4.2, 4.9], "numbers", ()),
        (list(range(30)), list(range(30)), "numbers", ()),
        ([0.1, 0.5, 0.9], [0.2, 0.4, 0.7], "numbers", ()),
    ],
)
def test_the_kind_of_answer_is_told_from_the_columns(tmp_path, targets, predictions, task, classes):
    grid = counted(tmp_path, targets * 10, predictions * 10).whole.grid
    assert (grid.task, grid.classes) == (task, classes)


@pytest.mark.parametrize(
    ("targets", "predictions", "says"),
    [
        (["cat", "dog"], ["a", "b"], "unlike kinds"),
        (["cat", "dog", "owl"], [0.5, 0.2, 0.1], "unlike kinds"),
        ([1.5, 2.5, 3.5], ["low", "high", "low"], "unlike kinds"),
        ([0, 1], [-3.5, 4.2], "no probability"),
    ],
)
def test_columns_of_unlike_kinds_are_refused_with_a_hint(tmp_path, targets, predictions, says):
    with pytest.raises(UsageError, match=says) as refused:
        counted(tmp_path, targets * 10, predictions * 10)
    assert "probability" in refused.value.hint


def test_a_baseline_without_labels_has_nothing_to_compare_with(tmp_path):
    with pytest.raises(NoData, match="no labels"):
        counted(tmp_path, [None] * 20, [0.5] * 20)
    with pytest.raises(NoData, match="no predictions"):
        counted(tmp_path, [1] * 20, [None] * 20)
    with pytest.raises(NoData, match="one class"):
        counted(tmp_path, ["ok"] * 20, [0.5] * 20)


def test_columns_that_are_not_there_are_named(tmp_path):
    source = table(tmp_path / "rows.jsonl", rows(20))
    for request in (OutcomesRequest("gone", "score"), OutcomesRequest("fraud", "gone"),
                    OutcomesRequest("fraud", "score", by=("gone",))):  # fmt: skip
        with pytest.raises(UsageError, match="gone"):
            source.outcomes(request)


# ── holes and odd cells ──────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_of_a_window_without_the_label_column_wait_for_it(tmp_path):
    found = rows(500)
    before = table(tmp_path / "a.jsonl", found).outcomes(OutcomesRequest("fraud", "score"))
    bare = [{key: row[key] for key in ("time", "score")} for row in found]
    now = table(tmp_path / "b.jsonl", bare).outcomes(OutcomesRequest("fraud", "score", like=before))
    assert waiting(now.whole).sum() == 500 and labelled(now.whole).sum() == 0
    assert performance(now, before).verdict in (Verdict.NO_DATA, Verdict.INCONCLUSIVE)


def test_odd_predictions_and_labels_are_counted_apart(tmp_path):
    before = counted(tmp_path, [0, 1] * 50, [0.25, 0.75] * 50)
    now = counted(tmp_path, [0, 1, None, 7, 0, 1], [0.2, None, 0.9, 0.5, 1.5, "high"], like=before).whole
    assert (now.rows, now.unanswered, now.outside, now.odd) == (6, 1, 2, 1)
    assert labelled(now).sum() == 1 and waiting(now).sum() == 1
    numbers = counted(tmp_path, [1.5, 2.5, 9.0] * 20, [1.0, 2.0, 9.5] * 20)
    odd = counted(tmp_path, ["?", 2.5, 3.5], [1.0, "?", 3.0], like=numbers).whole
    assert (odd.odd, odd.outside) == (1, 1) and labelled(odd).sum() == 1


def test_infinite_numbers_are_no_answers(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("y,p\n" + "1.5,1\n2.5,2.25\n3.5,3\n" * 20 + "2.5,inf\n2.5,nan\ninf,2\n2.5,\n")
    found = Table("t", TableOptions(path=str(path), time=None)).outcomes(OutcomesRequest("y", "p")).whole
    assert (found.unanswered, found.outside, found.odd) == (2, 1, 1)
    assert labelled(found).sum() == 60 and np.isfinite(table_of(found)).all()


def test_a_class_that_the_baseline_never_saw_is_another_and_may_be_right(tmp_path):
    before = counted(tmp_path, ["cat", "dog"] * 20, ["cat", "dog"] * 20)
    now = counted(tmp_path, ["emu", "emu", "cat"], ["emu", "cat", "emu"], like=before).whole
    cells = table_of(now)
    assert shape(now.grid) == (3, 5)
    assert cells[2, 2] == 1 and cells[0, 3] == 1 and cells[2, 0] == 1  # other right; cat for emu; other for a cat


def test_values_that_the_baseline_does_not_list_are_one_segment(tmp_path):
    found = rows(300)
    before = table(tmp_path / "a.jsonl", found).outcomes(OutcomesRequest("truth", "pet", by=("site",)))
    for row in found[:50]:
        row["site"] = "new"
    for row in found[50:60]:
        row["site"] = None
    now = table(tmp_path / "b.jsonl", found).outcomes(OutcomesRequest("truth", "pet", by=("site",), like=before))
    assert next(one.outcomes.rows for one in now.segments if one.value is None) == 60
    assert sum(one.outcomes.rows for one in now.segments) == 300


def test_only_the_most_frequent_values_are_segments_of_their_own(tmp_path):
    found = [{"y": at % 2, "p": 0.3 + 0.4 * (at % 2), "user": f"u{at % 60}"} for at in range(600)]
    got = table(tmp_path / "rows.jsonl", found, time=None).outcomes(OutcomesRequest("y", "p", by=("user",)))
    assert len(got.segments) == 21 and sum(one.outcomes.rows for one in got.segments) == 600


def test_names_with_quotes_and_dots_are_names(tmp_path):
    found = [{'it\'s "y"': at % 2, "p.q": 0.3 + 0.4 * (at % 2), "a b": "x'y"} for at in range(60)]
    got = table(tmp_path / "rows.jsonl", found, time=None).outcomes(
        OutcomesRequest("it's \"y\"", "p.q", by=("a b",))
    )  # fmt: skip
    assert got.segments[0].value == "x'y" and got.whole.rows == 60


def test_spans_and_labels_choose_the_rows(tmp_path):
    source = table(tmp_path / "rows.jsonl", rows(200))
    got = source.outcomes(OutcomesRequest("fraud", "score", (Span(NOON, NOON + 50),)))
    assert got.whole.rows == 50
    one = source.outcomes(OutcomesRequest("fraud", "score", where=Labels.of(site="s1")))
    assert 0 < one.whole.rows < 200
    with pytest.raises(SourceMalformed):
        source.outcomes(OutcomesRequest("fraud", "score", where=Labels.of(gone="x")))


def test_too_many_steps_and_steps_without_a_time_are_refused(tmp_path):
    with pytest.raises(UsageError, match="too many"):
        table(tmp_path / "a.jsonl", rows(600)).outcomes(OutcomesRequest("fraud", "score", every=1.0))
    with pytest.raises(UsageError, match="time"):
        table(tmp_path / "b.jsonl", rows(20), time=None).outcomes(OutcomesRequest("fraud", "score", every=1.0))


# ── bins of scores ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_bins_of_scores_part_at_a_half_and_keep_frequent_values_apart():
    counts = np.zeros(CELLS, dtype=np.int64)
    for value in (0.1, 0.25, 0.5, 0.75, 0.9):
        counts[np.searchsorted([edge_of(cell) for cell in range(CELLS)], value, side="right") - 1] += 100
    edges = score_edges(counts)
    assert 0.5 in edges and list(edges) == sorted(set(edges))
    bins = bins_of_cells(edges)
    held = [bins[cell] for cell in np.flatnonzero(counts)]
    assert len(set(held)) == 5
    for cell in np.flatnonzero(counts):
        assert bins.count(bins[cell]) == 1  # nothing else shares the bin of a value that so many rows have
    assert bins[0] == 0 and bins[-1] == len(edges)


def test_scores_of_nobody_are_cut_evenly():
    edges = score_edges(np.zeros(CELLS, dtype=np.int64))
    assert len(edges) == 31 and 0.5 in edges
