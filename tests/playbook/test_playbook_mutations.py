"""The mutation run: without the strongest evidence of a cause, a test that expects it fails."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest
from bundle_world import TEXT, a_recording

from console.library import library_dir
from console.playbook.bundles.file import save
from console.playbook.loader import load

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "mutations.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("mutations_of_playbooks", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("books")
    save(asyncio.run(a_recording())[0], made / "it.andon")
    return made


def mutated(bench, folder, odds):
    path = folder / f"with-{odds}.yaml"
    path.write_text(f"{TEXT}tests:\n  - {{bundle: it.andon, expect: {{cause: kv_cache_exhausted, odds: {odds}}}}}\n")
    return asyncio.run(bench.mutated(load(path), {}))


def test_a_test_that_asks_for_enough_odds_notices_and_a_lax_one_does_not(bench, folder):
    strict, lax = mutated(bench, folder, 50), mutated(bench, folder, 1)
    assert strict.survived == []
    assert [mutant.killed_by for mutant in strict.mutants if mutant.is_strongest] == [("it.andon",)]
    assert [mutant.cause for mutant in lax.survived] == ["kv_cache_exhausted"]
    assert "1 of 1 strongest lines would be noticed" in bench.report([strict])


def test_a_cause_without_a_test_is_named(bench, folder):
    found = mutated(bench, folder, 1_000_000)
    assert found.failing == ("it.andon",)
    assert found.untested == ("kv_cache_exhausted",)
    assert "no test expects kv_cache_exhausted" in bench.report([found])


@pytest.mark.parametrize("name", sorted(path.stem for path in library_dir("playbooks").glob("*.yaml")))
def test_of_every_cause_of_the_library_the_strongest_evidence_is_needed(bench, name):
    found = bench.one(name)
    assert (found.failing, found.survived, found.untested) == ((), [], ())
