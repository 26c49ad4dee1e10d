"""What columns hold, found out from a sample of them, and the bins that fit."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from console.analysis.profiles import merged
from console.model import ColumnProfile, Profile, Span
from console.sources import counting as counting_module
from console.sources import sampling as sampling_module
from console.sources.fitting import edges_of
from console.sources.grids import grid_of, on_grid
from console.sources.options import TableOptions
from console.sources.tables import Table
from console.sources.types import ProfileRequest

WORDS = "the plant switched from gray gloves to black ones while nobody at the desk looked at any picture".split()


def table(path: Path | str, **options: Any) -> Table:
    return Table("feed", TableOptions(path=str(path), **{"time": None} | options))


def profile(path: Path | str, like: Profile | None = None, sampled: bool = True, **options: Any) -> Profile:
    [group] = table(path, **options).profiles(ProfileRequest((), like=like, sampled=sampled))
    return group.profile


def column(counted: Profile, name: str) -> ColumnProfile:
    found = counted.column(name)
    assert found is not None, [one.name for one in counted.columns]
    return found


def parquet(path: Path, select: str, rows: int = 1000) -> Path:
    """Rows of SQL over `i`, the row's number."""
    duckdb.sql(f"COPY (SELECT {select} FROM range({rows}) t(i)) TO '{path}' (FORMAT parquet)")
    return path


def csv(path: Path, rows: int, **columns: Callable[[int], object]) -> Path:
    lines = [",".join(columns), *(",".join(str(of(i)) for of in columns.values()) for i in range(rows))]
    path.write_text("\n".join(lines) + "\n")
    return path


def sentence(draw: random.Random) -> str:
    return " ".join(draw.choices(WORDS, k=9))


# ── kinds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_declared_types_say_what_a_column_holds(tmp_path: Path) -> None:
    counted = profile(parquet(tmp_path / "a.parquet", (
        "i::SMALLINT AS n, i % 3 = 0 AS flag, DATE '2026-01-01' + i::INTEGER AS day, "
        "[i::FLOAT, 1.0::FLOAT] AS vector, uuid() AS id, {'a': i} AS nested"
    )))  # fmt: skip
    kinds = {one.name: one.kind for one in counted.columns if not one.of}
    assert kinds == {
        "n": "numeric", "flag": "boolean", "day": "datetime", "vector": "embedding", "id": "categorical",
        "nested": "categorical",
    }  # fmt: skip
    assert column(counted, "flag").categories == ("false", "true")
    assert column(counted, "flag").counts == (666, 334, 0)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_values_say_what_a_column_without_a_type_holds(tmp_path: Path, suffix: str) -> None:
    draw = random.Random(3)
    made = {
        "n": lambda i: i / 7, "flag": lambda i: str(i % 2 == 0).lower(), "day": lambda i: f"2026-03-{1 + i % 28:02}",
        "note": lambda _i: sentence(draw), "id": lambda i: f"request-{i}", "colour": lambda i: f"c{i % 4}",
    }  # fmt: skip
    path = csv(tmp_path / "a.csv", 200, **made)
    if suffix == "jsonl":
        quoted = "n::DOUBLE AS n, flag::BOOLEAN AS flag, day, note, id, colour, [n::DOUBLE, 2] AS vector"
        duckdb.sql(f"COPY (SELECT {quoted} FROM read_csv('{path}', all_varchar = true)) TO '{tmp_path / 'a.jsonl'}'")
    counted = profile(tmp_path / f"a.{suffix}")
    kinds = {one.name: one.kind for one in counted.columns if not one.of}
    expected = {"n": "numeric", "flag": "boolean", "day": "datetime", "note": "text", "id": "categorical",
                "colour": "categorical"}  # fmt: skip
    assert kinds == expected | ({"vector": "embedding"} if suffix == "jsonl" else {})
    assert column(counted, "id").categories == ()
    assert sum(column(counted, "flag").counts[:2]) == 200


def test_long_answers_of_a_few_kinds_are_categories_and_long_ids_are_no_text(tmp_path: Path) -> None:
    answers = [f"the customer did not respond to call number {k} in time" for k in range(5)]
    path = csv(tmp_path / "a.csv", 300, answer=lambda i: answers[i % 5], hash=lambda i: f"{i:064x}")
    counted = profile(path)
    assert set(column(counted, "answer").categories) == set(answers)
    assert (column(counted, "hash").kind, column(counted, "hash").categories) == ("categorical", ())


def test_a_kind_may_be_forced(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", 300, note=lambda i: f"word{i % 7}")
    assert column(profile(path), "note").kind == "categorical"
    assert column(profile(path, text=["note"]), "note").kind == "text"


def test_texts_and_vectors_are_counted_in_their_facets_alike_on_both_sides(tmp_path: Path) -> None:
    draw = random.Random(5)
    path = csv(tmp_path / "a.csv", 400, note=lambda _i: sentence(draw))
    before = profile(path)
    note = column(before, "note")
    facets = [one for one in before.columns if one.of == "note"]
    assert (note.counts, note.rows, note.missing) == ((), 400, 0)
    assert facets
    after = profile(path, like=before, sampled=False)
    assert [(one.name, one.edges, one.categories) for one in after.columns] == [
        (one.name, one.edges, one.categories) for one in before.columns
    ]


def test_vectors_are_read_whatever_their_format(tmp_path: Path) -> None:
    select = "[i::FLOAT, cos(i)::FLOAT, sin(i)::FLOAT] AS v"
    typed = profile(parquet(tmp_path / "a.parquet", select, 300))
    duckdb.sql(f"COPY (SELECT v FROM '{tmp_path / 'a.parquet'}') TO '{tmp_path / 'a.jsonl'}'")
    written = profile(tmp_path / "a.jsonl")
    assert column(typed, "v").kind == column(written, "v").kind == "embedding"
    assert [one.name for one in typed.columns] == [one.name for one in written.columns]


# ── times ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_times_are_counted_by_their_age_at_the_rows_own_time(tmp_path: Path) -> None:
    noon = "TIMESTAMP '2026-11-01 12:00:00'"
    path = parquet(tmp_path / "a.parquet", (
        f"{noon} + to_hours(i) AS time, CASE WHEN i % 10 = 0 THEN NULL WHEN i % 10 = 1 THEN {noon} + to_hours(i + 2) "
        f"ELSE {noon} + to_hours(i - 24) END AS seen"
    ))  # fmt: skip
    [group] = table(path, time="time").profiles(ProfileRequest((Span(0, 2e9),)))
    seen = column(group.profile, "seen")
    assert (seen.kind, seen.missing) == ("datetime", 100)
    assert (seen.minimum, seen.maximum) == (-7200.0, 86400.0)  # a date to come has a negative age
    assert max(seen.counts) == 800


def test_without_a_time_of_its_own_a_row_is_as_old_as_it_lies_before_the_newest(tmp_path: Path) -> None:
    day = "DATE '2026-01-01' + (i % 100)::INTEGER"
    before = profile(parquet(tmp_path / "a.parquet", f"{day} AS seen"))
    after = profile(parquet(tmp_path / "b.parquet", f"{day} + 30 AS seen"), like=before)
    assert column(before, "seen").counts == column(after, "seen").counts  # a month went by, and that is all


# ── bins ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_few_integers_have_a_bin_each_and_what_lies_between_has_its_own(tmp_path: Path) -> None:
    flag = column(profile(csv(tmp_path / "a.csv", 200, flag=lambda i: [0, 1, 1, 5][i % 4])), "flag")
    assert flag.edges == (math.nextafter(0, -1), 0, 1, math.nextafter(5, 0), 5)
    assert flag.counts == (0, 50, 100, 0, 50, 0)


@pytest.mark.parametrize("law", ["normal", "lognormal", "integers", "zeros", "offset"])
def test_bins_hold_about_as_many_rows_each_whatever_the_law(law: str) -> None:
    draw = np.random.default_rng(1)
    values = {
        "normal": draw.normal(size=20_000), "lognormal": draw.lognormal(0, 2, 20_000),
        "integers": draw.integers(0, 5000, 20_000).astype(float), "offset": 1.7e9 + draw.exponential(60, 20_000),
        "zeros": np.where(draw.random(20_000) < 0.5, 0.0, draw.random(20_000)),
    }[law]  # fmt: skip
    counts = np.bincount(np.searchsorted(edges_of(values), values))
    share = np.sort(counts)[::-1] / values.size
    assert share[1] < 0.1
    assert share[0] < (0.55 if law == "zeros" else 0.1)


def test_cells_give_the_counts_that_comparing_with_each_edge_gives(tmp_path: Path) -> None:
    odd = {0: "'inf'::DOUBLE", 1: "'-inf'", 2: "'nan'", 3: "NULL", 4: "1e300", 5: "round(random(), 1)"}
    cases = " ".join(f"WHEN {at} THEN {value}" for at, value in odd.items())
    select = f"CASE i % 50 {cases} ELSE sqrt(random()) * 3 END AS x, i AS n"
    path = parquet(tmp_path / "a.parquet", select, 5000)
    counted = profile(path)
    for name in ("x", "n"):
        found = column(counted, name)
        assert grid_of(found.edges) is not None
        values = np.array([row[0] for row in duckdb.sql(f"SELECT {name}::DOUBLE FROM '{path}'").fetchall()], float)
        finite = values[np.isfinite(values)]
        assert found.counts == tuple(np.bincount(np.searchsorted(found.edges, finite), minlength=len(found.counts)))
        assert (found.missing, found.infinite) == (int(np.isnan(values).sum()), int(np.isinf(values).sum()))


def test_edges_on_a_grid_are_known_again() -> None:
    edges = on_grid(np.linspace(-3.7, 11.9, 19))
    grid = grid_of(edges.tolist())
    assert grid is not None
    assert np.allclose(np.array(grid.ends) * grid.step, edges, rtol=0, atol=0)
    assert grid_of((0.1, 0.2, 0.3)) is None
    assert grid_of((1.0,)) is None
    assert grid_of((0.0, 1e-300, 1e300)) is None


def test_a_constant_column_and_one_without_a_value_have_bins_too(tmp_path: Path) -> None:
    counted = profile(parquet(tmp_path / "a.parquet", "7.5 AS same, NULL::DOUBLE AS nothing, NULL::VARCHAR AS none"))
    assert column(counted, "same").counts == (0, 1000, 0)
    assert (column(counted, "nothing").counts, column(counted, "nothing").missing) == ((0,), 1000)
    assert column(counted, "none").missing == 1000


# ── the sample ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sample_is_the_same_each_time_and_as_likely_to_hold_any_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling_module, "MOST_ROWS", 2000)
    for shard in range(4):
        parquet(tmp_path / f"{shard}.parquet", f"i + {shard} * 10000 AS x, 'c' || (i % 3) AS c", 10_000)
    drawn = []
    for _again in range(2):
        source = table(tmp_path / "*.parquet")
        selection = source._selection(ProfileRequest(()))
        sample = sampling_module.sampled(source._duck, selection, ["x", "c"], known={}, most=2000)
        drawn.append(sample)
    assert drawn[0].rows == 2000
    assert np.array_equal(drawn[0].values["x"], drawn[1].values["x"])
    assert [f"c{int(x) % 10000 % 3}" for x in drawn[0].values["x"]] == drawn[0].values["c"].tolist()
    tenths = np.histogram(drawn[0].values["x"], bins=10, range=(0, 40_000))[0]
    assert tenths.min() > 150


def test_a_value_that_many_rows_share_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", "CASE WHEN i % 50 = 0 THEN -999 ELSE random() END AS x", 5000)
    x = column(profile(path), "x")
    assert (x.heavy, x.sampled) == ((("-999", 100),), 5000)


def test_how_columns_go_together_is_counted_in_the_baselines_bins(tmp_path: Path) -> None:
    before = profile(parquet(tmp_path / "a.parquet", "i AS a, -i AS b, 'c' || (i % 2) AS c"))
    after = profile(parquet(tmp_path / "b.parquet", "i AS a, hash(i) % 1000 AS b, 'c' || (i % 2) AS c"), like=before)
    assert before.relations is not None
    assert after.relations is not None
    assert before.relations.columns == after.relations.columns
    assert before.relations.products[1] < 5 * -abs(after.relations.products[1])
    assert profile(tmp_path / "b.parquet", like=before, sampled=False).relations is None


# ── repeated rows ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_repeated_rows_are_told_from_a_part_of_all_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting_module, "MOST_HASHES", 2000)
    alone = profile(parquet(tmp_path / "a.parquet", "i AS x, 'c' AS c", 20_000))
    assert alone.duplicates == 0
    again = profile(parquet(tmp_path / "b.parquet", "i - i % 10 % 2 AS x, 'c' AS c", 20_000))
    assert again.duplicates == pytest.approx(10_000, rel=0.1)
    few = profile(parquet(tmp_path / "c.parquet", "i % 5 AS x, 'c' AS c", 20_000))
    assert few.duplicates == pytest.approx(19_995, rel=0.001)


# ── wide and odd files ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wide_table_takes_several_statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting_module, "COLUMNS_AT_ONCE", 3)
    monkeypatch.setattr(sampling_module, "COLUMNS_AT_ONCE", 4)
    select = ", ".join(f"hash(i + {k}) % 1000 AS x{k}" for k in range(10))
    counted = profile(parquet(tmp_path / "a.parquet", select, 500))
    assert [one.name for one in counted.columns] == [f"x{k}" for k in range(10)]
    assert all(sum(one.counts) == 500 for one in counted.columns)
    assert counted.relations is not None
    assert len(counted.relations.columns) == 10


def test_columns_may_be_called_anything_in_parquet(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", 'i AS a, i * 2 AS "A", i AS "q""u\'o.t e", i AS "größe 日本"')
    before = profile(path)
    assert [one.name for one in before.columns] == ["a", "A_1", "q\"u'o.t e", "größe 日本"]
    assert profile(path, like=before) == before


def test_a_folder_is_all_its_tables(tmp_path: Path) -> None:
    for shard in range(3):
        parquet(tmp_path / f"{shard}.parquet", "i AS x", 10)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "notes.txt").write_text("nothing to count")
    assert profile(tmp_path).rows == 30


@pytest.mark.parametrize(("suffix", "copy"), [("csv.gz", "HEADER"), ("jsonl.gz", "FORMAT json")])
def test_gzipped_text_is_read(tmp_path: Path, suffix: str, copy: str) -> None:
    path = tmp_path / f"a.{suffix}"
    duckdb.sql(f"COPY (SELECT i / 7 AS x, 'c' || i % 2 AS c FROM range(100) t(i)) TO '{path}' ({copy})")
    counted = profile(path)
    assert counted.rows == 100
    assert [one.kind for one in counted.columns] == ["numeric", "categorical"]


def test_shards_counted_by_themselves_add_up_to_all_of_them(tmp_path: Path) -> None:
    select = "CASE WHEN i % 9 = 0 THEN NULL ELSE sin(i + {k}) END AS x, 'c' || (i % {k}) AS c, i % 2 = 0 AS flag"
    for k in (3, 4):
        parquet(tmp_path / f"{k}.parquet", select.format(k=k), 800)
    whole = profile(tmp_path)
    parts = merged([profile(tmp_path / f"{k}.parquet", like=whole) for k in (3, 4)])
    for one, other in zip(whole.columns, parts.columns, strict=True):
        assert (one.counts, one.rows, one.missing, one.maximum) == (
            other.counts,
            other.rows,
            other.missing,
            other.maximum,
        )
        assert other.mean == (None if one.mean is None else pytest.approx(one.mean))
