"""The situations of the benchmark, one seed each, from Parquet files through the counting engine to words."""

import importlib.util
import sys
from pathlib import Path

import pytest

from console.model import Verdict

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("benchmark_of_drift", BENCHMARKS / "drift_honesty.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCHMARKS))
    return module


@pytest.mark.parametrize("place", range(19))
def test_every_situation_is_named_by_the_right_column_and_word(bench, tmp_path, place):
    situation = bench.SITUATIONS[place]
    found = bench.through_the_engine(situation, 1, str(tmp_path))
    others = [column.name for column in found.columns if column.verdict is not Verdict.OK]
    if situation.name == bench.HONEST:
        assert set(others) <= {situation.column}
    else:
        assert bench.named(found, situation), (found.columns[0], found.integrity)
        assert situation.column is not None or others == []


def test_windows_counted_in_memory_are_those_of_the_engine(bench, tmp_path):
    """What the benchmark says of streams and identical data it says of the engine, too."""
    baseline, _current = bench.pair(bench.SITUATIONS[-3], 0)
    table = bench._table(baseline, tmp_path / "rows.parquet")
    counted = table.profiles(bench.ProfileRequest(()))[0].profile
    memory = bench._walks.profile(baseline, counted)
    for column in counted.columns:
        own = memory.column(column.name)
        assert (own.counts, own.missing, own.categories) == (column.counts, column.missing, column.categories)
    assert memory.relations.columns == counted.relations.columns
    assert memory.relations.rows == counted.relations.rows
    assert memory.relations.products == pytest.approx(counted.relations.products, abs=1)


def test_a_quiet_and_a_broken_week_of_a_generated_stream(bench):
    stream = bench._streams.generated(3, 16, 0.9)
    assert bench._walks.look(stream, 13).verdict is Verdict.OK
    [fault] = list(bench._walks.faults(stream, 1, 4.0))
    delay, is_first = bench._told(stream, fault)
    assert (delay, is_first) == (0, True)
