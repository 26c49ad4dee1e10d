"""Two distributions for drawing: named in words, few enough to draw, and shares that add up."""

import pytest

from console.model import ColumnProfile
from console.service.shares import MISSING, MOST_BINS, OTHER, shares


def numbers(counts: tuple[int, ...], edges: tuple[float, ...], **more: int) -> ColumnProfile:
    return ColumnProfile("light", "numeric", "DOUBLE", sum(counts), edges=edges, counts=counts, **more)


def words(counts: dict[str, int], other: int = 0) -> ColumnProfile:
    rows = (*counts.values(), other)
    return ColumnProfile("line", "categorical", "VARCHAR", sum(rows), categories=tuple(counts), counts=rows)


def test_bins_are_named_by_their_edges() -> None:
    told = shares(numbers((1, 2, 1), (0.5, 0.75)), numbers((0, 0, 4), (0.5, 0.75)))
    assert told == {
        "labels": ["< 0.5", "0.5 to 0.75", "≥ 0.75"],
        "baseline": [0.25, 0.5, 0.25],
        "current": [0.0, 0.0, 1.0],
    }


def test_edges_that_lie_close_keep_the_digits_that_tell_them_apart() -> None:
    assert shares(numbers((1, 1, 1), (1000.1, 1000.2)), None)["labels"][0] == "< 1000.1"


@pytest.mark.parametrize("bins", [1, 2, 24, 25, 48, 100])
def test_many_bins_are_few_when_drawn_and_lose_no_row(bins: int) -> None:
    profile = numbers((3,) * bins, tuple(float(edge) for edge in range(bins - 1)), missing=bins)
    told = shares(profile, profile)
    assert len(told["labels"]) == len(told["baseline"]) <= MOST_BINS
    assert sum(told["baseline"]) == pytest.approx(1)
    assert (told["labels"][-1], told["current"][-1]) == (MISSING, 0.25)


def test_rare_categories_are_other_and_new_ones_too() -> None:
    told = shares(
        words({f"line-{n}": 100 - n for n in range(40)}), words({f"line-{n}": 1 for n in range(40)}, other=60)
    )
    assert len(told["labels"]) == MOST_BINS
    assert (told["labels"][0], told["labels"][-1]) == ("line-0", OTHER)
    assert told["current"][-1] > 0.6
    assert sum(told["baseline"]) == pytest.approx(1)


def test_a_column_that_is_gone_has_no_current_share() -> None:
    told = shares(words({"a": 3, "b": 1}), None)
    assert (told["labels"], told["baseline"], told["current"]) == (["a", "b"], [0.75, 0.25], [0.0, 0.0])
