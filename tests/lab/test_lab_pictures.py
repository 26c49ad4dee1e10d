"""The pictures, what is measured of them, and the model that is trained on them."""

import numpy as np
import pytest

from console.lab import images
from console.lab.faults import wrong_weights
from console.lab.features import measure
from console.lab.network import Network, prepare
from console.lab.registry import CURRENT, examples, trained
from console.lab.traffic import LINES, WEEK, Batch, Conditions, DarkGloves, Feed


@pytest.fixture(scope="module")
def models() -> dict[str, Network]:
    return trained()


def batch_of(conditions: Conditions, rows: int = 3000) -> Batch:
    rng = np.random.default_rng(17)
    return Feed(4, conditions).at(rng, rng.uniform(0, WEEK, rows))


def accuracy(network: Network, batch: Batch, line: str | None = None) -> float:
    chance = network.chance(prepare(batch.pictures, batch.distance_mm, batch.exposure_ms, batch.gain))
    right = (chance > 0.5) == batch.truth
    return float(right.mean() if line is None else right[batch.line == LINES.index(line)].mean())


BLACK = Conditions(gloves=DarkGloves("line-2", darkness=0.8, share=1.0))


def test_pictures_are_grey_and_24_by_24_with_a_hand_in_most() -> None:
    batch = batch_of(Conditions())
    assert batch.pictures.shape == (3000, images.SIZE, images.SIZE)
    assert batch.pictures.dtype == np.uint8
    assert 0.85 < np.isfinite(measure(batch.pictures).glove_luma).mean() < 0.95


def test_the_top_rows_always_show_bare_belt() -> None:
    coverage, _inside = images.poses()
    assert not coverage[:, : images.BARE_ROWS].any()
    assert coverage.max() == 1


def test_a_picture_is_kept_as_a_pgm_that_anything_reads() -> None:
    picture = batch_of(Conditions(), 1).pictures[0]
    header, pixels = images.pgm(picture).split(b"\n", 1)
    assert header == b"P5 24 24 255"
    assert np.array_equal(np.frombuffer(pixels, np.uint8).reshape(24, 24), picture)


def test_the_model_in_production_is_right_on_gray_gloves(models: dict[str, Network]) -> None:
    assert accuracy(models[CURRENT], batch_of(Conditions())) >= 0.95


def test_black_gloves_fool_it_on_their_line_alone(models: dict[str, Network]) -> None:
    batch = batch_of(BLACK)
    assert accuracy(models[CURRENT], batch, "line-2") < 0.6
    assert accuracy(models[CURRENT], batch, "line-1") >= 0.95


def test_black_gloves_show_as_glove_luma_and_not_as_much_else() -> None:
    gray, black = measure(batch_of(Conditions()).pictures), measure(batch_of(BLACK).pictures)
    moved = {
        name: abs(np.nanmean(after) - np.nanmean(before)) / np.nanstd(before)
        for (name, before), (_name, after) in zip(gray.columns(), black.columns(), strict=True)
    }
    assert max(moved, key=moved.__getitem__) == "glove_luma"


def test_every_wrong_version_answers_worse(models: dict[str, Network]) -> None:
    good, batch = models[CURRENT], batch_of(Conditions())
    worst, least = wrong_weights.damaged(good, 0.9), wrong_weights.damaged(good, 0.6)
    wrong = [models["1"], models["2"], worst, least, wrong_weights.mirrored(good)]
    assert all(accuracy(network, batch) < 0.9 for network in wrong)


def test_training_twice_gives_the_same_weights(models: dict[str, Network]) -> None:
    again = trained()[CURRENT]
    inputs, _truth = examples(50, seed=1)
    assert np.array_equal(models[CURRENT].chance(inputs), again.chance(inputs))


def test_weights_survive_a_file(models: dict[str, Network]) -> None:
    inputs, _truth = examples(50, seed=1)
    read = Network.from_bytes(models[CURRENT].to_bytes())
    assert np.array_equal(read.chance(inputs), models[CURRENT].chance(inputs))
    assert len(models[CURRENT].to_bytes()) < 100_000


def test_day_is_brighter_than_night_and_weekends_are_quieter() -> None:
    feed, lines = Feed(4), np.zeros(1, np.int64)
    noon, midnight = np.array([12 * 3600.0]), np.array([24 * 3600.0])
    assert feed.light(noon, lines) > feed.light(midnight, lines) * 1.1
    thursday, saturday = np.array([12 * 3600.0]), np.array([2 * 86400 + 12 * 3600.0])
    assert feed.rate(saturday) < 0.8 * feed.rate(thursday)


def test_the_past_is_lit_like_today() -> None:
    """The same seed gives the same lamps and the same wobble whenever it is asked."""
    times, lines = np.linspace(0, 1e6, 100), np.arange(100) % 3
    assert np.array_equal(Feed(4).light(times, lines), Feed(4).light(times, lines))
