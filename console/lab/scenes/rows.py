"""Scenes of models on rows: a model that says which shoes come back, what feeds it, and how either goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from console.lab.scenes.scene import NOW, Scene, scene
from console.sources.types import ProbeAnswer

if TYPE_CHECKING:
    from console.model import Array, Flags

MODEL = "returns"
REGIONS = ("north", "south", "west")
DAY = 86400.0
ONSET = 540.0  # seconds ago
SAME = ProbeAnswer(sent=16, answered=16, changed=0, largest=0.0, median_seconds=0.03)
OTHER = ProbeAnswer(sent=16, answered=16, changed=13, largest=0.71, median_seconds=0.03)

Columns = dict[str, Any]
Turned = Callable[[Columns, "Flags"], Columns]
"""(columns, which rows lie after the onset) -> the columns as they are then."""


def as_they_are(columns: Columns, _since: Flags) -> Columns:
    """Nothing happens to them."""
    return columns


def rows(turned: Turned = as_they_are) -> Callable[[np.random.Generator, Any], Mapping[str, Any]]:
    """Orders: their price in euros, weight in grams, days on the way (which wobbles from hour to hour), a region."""

    def made(random: np.random.Generator, times: Array) -> Mapping[str, Any]:
        wobble = 1.0 + 0.08 * np.sin(times / 3600.0 * 1.7)  # a column that is never quite the same
        columns: Columns = {
            "price": random.lognormal(4.1, 0.35, times.size).round(2),
            "weight": random.normal(820, 90, times.size).round(0),
            "days": (random.gamma(4.0, 0.8, times.size) * wobble).round(2),
            "region": random.choice(REGIONS, times.size),
        }
        odds = 0.02 * (columns["price"] - 60) - 0.4
        columns["answer"] = np.where(random.random(times.size) < 1 / (1 + np.exp(-odds)), "back", "stays")
        return turned(columns, times > NOW - ONSET)

    return made


def shop(
    seed: int,
    turned: Turned = as_they_are,
    golden: ProbeAnswer | None = SAME,
    *,
    cuts: tuple[float, ...] = (),
    rows_told: bool = True,
) -> Scene:
    """The model, well, with red herrings: a release elsewhere just before the onset, and a daily peak."""
    made = Scene(seed)
    for region in REGIONS:
        made.counter("model.feedback", 12, season=0.25, model=MODEL, region=region)
        made.counter("model.feedback.correct", 11, season=0.25, model=MODEL, region=region)
        made.histogram("model.confidence", 0.86, sigma=0.12, per_second=2, season=0.25, model=MODEL, region=region)
    made.counter("model.requests", 6, season=0.25, model=MODEL)
    made.counter("model.errors", 0.01, model=MODEL, reason="timeout")
    made.histogram("model.latency", 0.06, per_second=6, season=0.25, model=MODEL)
    made.counter("model.dependency.errors", 0.002, model=MODEL, dependency="prices")
    made.gauge("model.info", 1, noise=0, model=MODEL, version="12", weights="5f1c")
    made.gauge("model.memory.used", 1.9e9, noise=0.005, model=MODEL)
    made.counter("data.rows", 6, season=0.25, model=MODEL)
    made.gauge("data.freshness", 2.0, noise=0.15, model=MODEL)
    made.event(ONSET + 180, "deploy", "checkout", "checkout 8.3")
    made.event(2 * DAY, "model_version", MODEL, f"{MODEL} 12 is in production")
    if golden is not None:
        made.golden(golden)
    if rows_told:
        made.table(MODEL, MODEL, rows(turned), prediction="answer", slices=["region"], per_minute=60, days=7, hours=0.5,
                   cuts=(ONSET, *cuts))  # fmt: skip
    return made


def worse(made: Scene, *, sure: float = 1.0, right: float = 0.86, region: str = "") -> Scene:
    """From the onset on fewer answers are right (`right` times as many), and it is `sure` times as sure of them."""
    for where in [region] if region else REGIONS:
        made.change("model.feedback.correct", ONSET, times=right, region=where)
        made.change("model.confidence", ONSET, times=sure, region=where)
    return made


@scene("rows-healthy", playbooks=("accuracy_drop", "feature_drift", "concept_drift", "segment_skew", "schema_change",
                                  "stale_pipeline", "training_serving_skew"), model=MODEL)  # fmt: skip
def healthy(seed: int) -> Scene:
    """Nothing is wrong: a release elsewhere, a daily peak, a column that wobbles."""
    return shop(seed)


def dearer(columns: Columns, since: Flags) -> Columns:
    """Most orders of one region cost far more."""
    there = since & (columns["region"] == "south")
    return columns | {"price": np.where(there, columns["price"] * 2.4, columns["price"]).round(2)}


@scene("inputs-moved", playbooks=("accuracy_drop", "feature_drift", "concept_drift", "segment_skew"), model=MODEL)
def inputs_moved(seed: int) -> Scene:
    """A dear collection is sold in one region; the model has not seen such prices."""
    return worse(shop(seed, dearer), sure=0.85)


@scene("weights-changed", playbooks=("accuracy_drop", "training_serving_skew", "concept_drift"), model=MODEL)
def weights_changed(seed: int) -> Scene:
    """Another version of the model was put in production."""
    made = worse(shop(seed, golden=OTHER), sure=0.9)
    made.gauge("model.info", 1, noise=0, model=MODEL, version="13", weights="a04e")
    made.appears("model.info", ONSET, version="13").vanishes("model.info", ONSET, version="12")
    return made.event(ONSET + 20, "model_version", MODEL, f"{MODEL} 13 is in production")


@scene("served-otherwise", playbooks=("accuracy_drop", "training_serving_skew"), model=MODEL)
def served_otherwise(seed: int) -> Scene:
    """A release of the serving code scales a feature twice; the weights are those of before."""
    made = worse(shop(seed, golden=OTHER), sure=0.88)
    return made.event(ONSET + 20, "deploy", f"{MODEL}-server", "server 2.9")


@scene("concept-changed", playbooks=("accuracy_drop", "concept_drift", "segment_skew"), model=MODEL)
def concept_changed(seed: int) -> Scene:
    """Sending back became free: the same orders come back more often."""
    return worse(shop(seed), right=0.78)


@scene("segment-worse", playbooks=("accuracy_drop", "segment_skew", "concept_drift"), model=MODEL)
def segment_worse(seed: int) -> Scene:
    """Orders of one region reach the model through a faulty converter."""
    return worse(shop(seed), sure=0.85, right=0.66, region="west")


def renamed(columns: Columns, since: Flags) -> Columns:
    """A column comes under another name."""
    if not since.any():
        return columns
    return {("mass" if name == "weight" else name): values for name, values in columns.items()}


@scene("column-renamed", playbooks=("accuracy_drop", "schema_change", "feature_drift"), model=MODEL)
def column_renamed(seed: int) -> Scene:
    """What feeds the model calls a column otherwise."""
    return worse(shop(seed, renamed), sure=0.9).event(ONSET + 60, "schema", "orders", "orders 4")


def in_kilograms(columns: Columns, since: Flags) -> Columns:
    """A column comes in another unit."""
    return columns | {"weight": np.where(since, columns["weight"] / 1000.0, columns["weight"])}


@scene("unit-changed", playbooks=("schema_change", "feature_drift", "accuracy_drop"), model=MODEL)
def unit_changed(seed: int) -> Scene:
    """What feeds the model sends kilograms for grams."""
    return worse(shop(seed, in_kilograms), sure=0.9)


def left_out(columns: Columns, since: Flags) -> Columns:
    """Half of a column's values are missing."""
    gone = since & (np.arange(since.size) % 2 == 0)
    return columns | {"weight": np.where(gone, None, columns["weight"].astype(object))}


@scene("values-missing", playbooks=("accuracy_drop", "schema_change", "feature_drift"), model=MODEL)
def values_missing(seed: int) -> Scene:
    """A join upstream finds only half of the weights."""
    return worse(shop(seed, left_out), sure=0.92)


@scene("feed-stopped", playbooks=("stale_pipeline",), model=MODEL)
def feed_stopped(seed: int) -> Scene:
    """The job that brings orders died: nothing comes, what is there grows old."""
    made = shop(seed, rows_told=False).change("data.rows", 420, to=0.0)
    made.change("data.freshness", 420, to=425.0, over=420.0).event(430, "pipeline", "orders-job", "orders-job failed")
    return made.change("model.requests", 420, times=0.02)


@scene("feed-late", playbooks=("stale_pipeline",), model=MODEL)
def feed_late(seed: int) -> Scene:
    """Rows come as often as ever, but those of ten minutes ago."""
    return shop(seed, rows_told=False).change("data.freshness", 420, to=600.0)


@scene("feed-quiet", playbooks=("stale_pipeline",), model=MODEL)
def feed_quiet(seed: int) -> Scene:
    """A quiet hour: fewer orders, each as fresh as ever."""
    made = shop(seed, rows_told=False).change("data.rows", 1500, times=0.65)
    return made.change("model.requests", 1500, times=0.65)
