"""The last minute of every model, out of totals as they arrive."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from nouns import NOON, finding

from console.model import Finding, Kind, Labels, Reading, SeriesKey, Side, Verdict
from console.service.latency import FORGOTTEN_SECONDS, Latency

EDGES = (0.1, 0.2, inf)


def took(time: float, *cumulative: float, signal: str = "model.ttft", edges: Any = EDGES, **labels: str) -> Reading:
    """A histogram's totals so far."""
    series = SeriesKey(signal, Labels.of({"model": "chat"} | labels), Kind.HISTOGRAM, edges)
    return Reading(series, time, 0.0, cumulative)


def said(signal: str, value: float, time: float, kind: Kind = Kind.COUNTER, **labels: str) -> Reading:
    return Reading(SeriesKey(signal, Labels.of({"model": "chat"} | labels), kind), time, value)


def row(latency: Latency, now: float, *findings: Finding, late: float = 120.0) -> dict[str, Any]:
    (only,) = latency.rows(now, lambda _source: late, findings)
    return only


def test_quantiles_are_those_of_what_was_observed_within_the_minute() -> None:
    latency = Latency()
    latency.note([took(NOON, 1000, 1000, 1000)])  # what was before is nobody's
    assert row(latency, NOON)["p95"] is None
    latency.note([took(NOON + 15, 1000, 1100, 1100)])
    first = row(latency, NOON + 15)
    assert (first["p50"], first["p95"]) == (pytest.approx(0.15), pytest.approx(0.195))
    assert first["rate"] == pytest.approx(100 / 15)
    for second in (30, 45, 60, 75, 90):
        latency.note([took(NOON + second, 1000 + second, 1100 + second, 1100 + second)])
    later = row(latency, NOON + 90)
    assert later["p95"] == pytest.approx(0.095)  # the hundred slow ones are more than a minute ago
    assert len(later["spark"]) == 6
    assert later["age"] == 0


def test_a_restart_loses_nothing_but_what_was_not_seen() -> None:
    latency = Latency()
    for second, total in ((0, 500), (10, 520), (20, 5), (30, 10)):
        latency.note([took(NOON + second, 0, total, total), said("model.requests", total, NOON + second)])
    assert row(latency, NOON + 30)["rate"] == pytest.approx((20 + 5 + 5) / 30)


def test_replicas_are_one_model() -> None:
    latency = Latency()
    for second in (0, 10):
        latency.note([took(NOON + second, second, second, second, replica=name) for name in "ab"])
    assert row(latency, NOON + 10)["rate"] == pytest.approx(2)


def test_buckets_that_differ_are_not_added() -> None:
    latency = Latency()
    for second in (0, 10):
        odd = took(NOON + second, 0, second, edges=(1.0, inf), replica="b")
        latency.note([took(NOON + second, second, second, second), odd])
    assert row(latency, NOON + 10)["rate"] == pytest.approx(1)


def test_shares_and_rates_come_from_counters_and_gauges_from_all_series() -> None:
    latency = Latency()
    for second in (0, 20):
        latency.note([
            took(NOON + second, second, second, second),
            said("model.requests", 2 * second, NOON + second),
            said("model.errors", second / 2, NOON + second),
            said("model.tokens.generation", 100 * second, NOON + second),
            said("model.queue.depth", 3, NOON + second, Kind.GAUGE, replica="a"),
            said("model.queue.depth", 4, NOON + second, Kind.GAUGE, replica="b"),
            said("model.kv.usage", 0.4, NOON + second, Kind.GAUGE, replica="a"),
            said("model.kv.usage", 0.8, NOON + second, Kind.GAUGE, replica="b"),
        ])  # fmt: skip
    now = row(latency, NOON + 20)
    assert (now["rate"], now["errors"], now["tokens"]) == (2, 0.25, 100)
    assert (now["queue"], now["kv"]) == (7, pytest.approx(0.6))


def test_a_model_that_only_counts_has_a_row_without_quantiles() -> None:
    latency = Latency()
    for second in (0, 10):
        latency.note([said("model.requests", second, NOON + second)])
    now = row(latency, NOON + 10)
    assert (now["signal"], now["p95"], now["rate"], now["errors"]) == ("model.latency", None, 1, None)


def test_what_is_late_is_no_number_but_an_age() -> None:
    latency = Latency()
    for second in (0, 10):
        latency.note([took(NOON + second, second, second, second), said("model.queue.depth", 1, NOON, Kind.GAUGE)])
    now = row(latency, NOON + 131)
    assert [now[name] for name in ("p50", "p95", "p99", "rate", "queue")] == [None] * 5
    assert now["age"] == 121
    assert now["spark"]


def test_an_idle_minute_has_no_quantile_but_a_rate_of_nothing() -> None:
    latency = Latency()
    for second in (0, 10, 20):
        latency.note([took(NOON + second, 7, 7, 7), said("model.requests", 7, NOON + second)])
    now = row(latency, NOON + 20)
    assert (now["p95"], now["rate"], now["errors"]) == (None, 0, None)


def test_rows_are_by_model_and_each_model_by_what_a_user_feels_first() -> None:
    latency = Latency()
    for model in ("b", "a"):
        latency.note([took(NOON, 0, 0, 0, signal=name, model=model) for name in ("model.itl", "model.ttft")])
    latency.note([took(NOON, 0, 0, 0, signal="model.prompt.length")])
    places = [(each["model"], each["signal"]) for each in latency.rows(NOON, lambda _source: 120, ())]
    assert places == [("a", "model.ttft"), ("a", "model.itl"), ("b", "model.ttft"), ("b", "model.itl")]


def test_the_verdict_is_the_worst_of_what_the_triggers_compared() -> None:
    latency = Latency()
    latency.note([took(NOON, 0, 0, 0)])
    sides = {"current": Side(0.3, 100, NOON - 600, NOON), "baseline": Side(0.2, 900, NOON - 86400, NOON - 85800)}
    chat = {"signal": "model.ttft", "labels": Labels.of(model="chat"), "stat": "p95", **sides}
    fine = finding(verdict=Verdict.OK, **chat)
    bad = finding(verdict=Verdict.DEGRADED, reason="half as long again", ratio=1.5, interval=(1.2, 2.0), **chat)
    other = finding(verdict=Verdict.DEGRADED, **(chat | {"labels": Labels.of(model="glove")}))
    judged = row(latency, NOON, fine, bad, other)
    assert (judged["verdict"], judged["reason"], judged["ratio"]) == ("degraded", "half as long again", 1.5)
    assert judged["baseline"] == {"value": 0.2, "low": pytest.approx(0.15), "high": pytest.approx(0.25)}
    assert row(latency, NOON, other)["verdict"] == "no_data"
    median = finding(verdict=Verdict.OK, **(chat | {"stat": "p50"}))
    assert row(latency, NOON, median)["baseline"] is None  # another statistic's


def test_a_flood_of_series_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.service.latency.MOST_SERIES", 5)
    latency = Latency()
    for second in (0, 10):
        latency.note([said("model.requests", second, NOON + second, pod=str(number)) for number in range(10)])
    assert row(latency, NOON + 10)["rate"] == pytest.approx(5)


def test_what_comes_no_more_is_forgotten() -> None:
    latency = Latency()
    latency.note([said("model.requests", 1, NOON, model="gone"), said("model.queue.depth", 1, NOON, Kind.GAUGE)])
    latency.note([said("model.requests", 1, NOON + FORGOTTEN_SECONDS + 1)])
    assert row(latency, NOON + FORGOTTEN_SECONDS + 1)["model"] == "chat"
    assert row(latency, NOON + FORGOTTEN_SECONDS + 1, late=1e9)["queue"] is None
