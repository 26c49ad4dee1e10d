"""Cells of a sample become facets: what is missing is left out, widths may differ, languages are told."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from console.sources.rich import facets, language_of

SPEC = importlib.util.spec_from_file_location(
    "sentences", Path(__file__).resolve().parents[2] / "benchmarks" / "_sentences.py"
)
assert SPEC is not None
assert SPEC.loader is not None
MODULE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MODULE)
SENTENCES: dict[str, tuple[str, ...]] = MODULE.SENTENCES


def test_languages_are_told_right_for_nearly_all_sentences() -> None:
    told = [language_of(one) == language for language, held in SENTENCES.items() for one in held]
    assert len(SENTENCES) >= 12
    assert np.mean(told) >= 0.95


def test_what_is_too_short_is_unknown_and_hardly_ever_wrong() -> None:
    short = {language: [one[:7] if language in ("zh", "ja", "ko") else one[:20] for one in held]
             for language, held in SENTENCES.items()}  # fmt: skip
    wrong = [one for language, held in short.items() for one in held if language_of(one) not in (language, "unknown")]
    assert len(wrong) <= 2
    assert language_of("ok") == language_of("") == language_of("{'a': 1}") == "unknown"


def test_missing_cells_are_left_out() -> None:
    values = np.array(["Where is my parcel?", None, "It is late again.", None], dtype=object)
    assert {one.rows for one in facets("prompt", "text", values)[:3]} == {2}


def test_facets_of_other_columns_are_passed_over() -> None:
    values = np.array(["Where is my parcel?"] * 40, dtype=object)
    like = facets("prompt", "text", values)
    assert facets("prompt", "text", values, [*facets("answer", "text", values), *like]) == facets(
        "prompt", "text", values, like
    )


@pytest.mark.parametrize("kind", ["float32", "float64", "float16"])
def test_vectors_come_as_a_table_of_any_precision(kind: str) -> None:
    rows = np.random.default_rng(0).normal(size=(200, 16)).astype(kind)
    found = facets("vec", "embedding", rows)
    assert found[0].categories == ("16",)
    assert found[0].rows == 200


def test_vectors_of_different_widths_come_as_objects() -> None:
    values = np.empty(6, dtype=object)
    values[:] = [[1.0, 2.0], [1.0, 2.0], None, [3.0], np.array([0.5, 0.5]), [1.0, 0.0]]
    width, norm, *_others = facets("vec", "embedding", values)
    assert (width.categories, width.counts, norm.rows) == (("2",), (4, 1), 4)
    again = facets("vec", "embedding", values[3:], (width, norm))
    assert again[0].counts == (2, 1)


def test_a_vector_with_a_null_inside_is_missing() -> None:
    values = np.empty(2, dtype=object)
    values[:] = [[1.0, None], [1.0, 2.0]]
    norm = facets("vec", "embedding", values)[1]
    assert (norm.rows, norm.missing) == (2, 1)
