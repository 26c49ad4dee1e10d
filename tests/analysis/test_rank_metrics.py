"""Ranking by metrics: systems of several shapes, each with one thing wrong."""

from __future__ import annotations

from dataclasses import replace

import incidents
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.analysis.incidents.anomalies import Meaning, anomalies, ended, is_of_others, meaning_of
from console.analysis.incidents.callgraph import reached, unexplained
from console.analysis.rank import rank
from console.model import Case, Labels, Ranking
from console.sources.telemetry import series_key

SHOP = (("web", "cart"), ("web", "search"), ("cart", "db"), ("search", "db"), ("orders", "db"), ("web", "orders"))


def first(ranking: Ranking) -> str:
    return ranking.candidates[0].target if ranking.candidates else "nothing"


def latency(**levels: tuple[float, float]) -> dict[str, tuple[float | None, float | None]]:
    return {f'latency{{service="{name}",stat="mean"}}': level for name, level in levels.items()}


def requests(**levels: tuple[float, float]) -> dict[str, tuple[float | None, float | None]]:
    return {f'requests{{service="{name}"}}': level for name, level in levels.items()}


SLOW_DB = latency(web=(0.3, 0.9), cart=(0.1, 0.3), search=(0.1, 0.3), orders=(0.1, 0.3), db=(0.01, 0.21))
VIOLATED = 'latency{service="web",stat="mean"}'


def test_a_database_behind_three_services_is_blamed_not_its_callers() -> None:
    found = rank(incidents.case(SLOW_DB, calls=SHOP, violated=VIOLATED))
    assert first(found) == "db"
    assert found.candidates[0].onset == incidents.ONSET
    assert "latency" in found.candidates[0].why


def test_what_is_violated_need_not_be_told_and_may_not_be_among_the_metrics() -> None:
    assert first(rank(incidents.case(SLOW_DB, calls=SHOP))) == "db"
    assert first(rank(incidents.case(SLOW_DB, calls=SHOP, violated='checkout_errors{service="web"}'))) == "db"


def test_series_of_one_service_add_up() -> None:
    levels = {
        'errors{service="cart",code="500"}': (1.0, 40.0),
        'errors{service="cart",code="503"}': (1.0, 40.0),
        'errors{service="search",code="500"}': (1.0, 60.0),
    }
    assert first(rank(incidents.case(levels))) == "cart"


def test_a_service_that_is_slow_of_its_own_is_blamed_not_its_callees() -> None:
    slow = latency(web=(0.3, 0.5), cart=(0.1, 0.3), search=(0.1, 0.1), orders=(0.1, 0.1), db=(0.01, 0.01))
    assert first(rank(incidents.case(slow, calls=SHOP, violated=VIOLATED))) == "cart"


def test_a_rare_call_far_off_explains_less_than_a_frequent_one() -> None:
    levels = latency(web=(0.3, 0.5), cart=(0.1, 0.3), search=(0.1, 3.0)) | requests(
        web=(100, 100), cart=(90, 90), search=(1, 1)
    )
    assert first(rank(incidents.case(levels, calls=SHOP, violated=VIOLATED))) == "cart"


def test_success_is_bad_when_it_falls() -> None:
    levels = {
        f'availability{{service="{name}"}}': (100.0, now) for name, now in (("web", 97), ("cart", 96), ("db", 100))
    }
    violated = 'availability{service="web"}'
    case = replace(incidents.case(calls=SHOP), violated=series_key(violated))
    assert first(rank(replace(case, metrics=incidents.metrics(levels, wobble=0.001)))) == "cart"


def test_a_gpu_that_throttles_behind_a_queue() -> None:
    levels = {
        'model_ttft_seconds{service="gateway"}': (0.2, 2.0),
        'model_ttft_seconds{service="inference"}': (0.18, 1.97),
        'queue_depth{service="inference"}': (1.0, 40.0),
        'gpu_temperature_celsius{service="inference"}': (60.0, 92.0),
        'gpu_clock_mhz{service="inference"}': (1900.0, 700.0),
        'cpu_usage{service="gateway"}': (0.3, 0.3),
        'cpu_usage{service="tokenizer"}': (0.2, 0.2),
    }
    calls = (("gateway", "tokenizer"), ("gateway", "inference"))
    found = rank(incidents.case(levels, calls=calls, violated='model_ttft_seconds{service="gateway"}'))
    assert first(found) == "inference"
    assert {"symptom", "resource"} <= found.candidates[0].parts.keys()


def test_a_stage_of_a_batch_pipeline() -> None:
    levels = {
        'job_duration_seconds{job="extract"}': (300.0, 310.0),
        'job_duration_seconds{job="transform"}': (400.0, 1900.0),
        'job_duration_seconds{job="load"}': (200.0, 205.0),
        'memory_bytes{job="transform"}': (2e9, 7.5e9),
        'memory_bytes{job="load"}': (1e9, 1e9),
    }
    assert first(rank(incidents.case(levels))) == "transform"


def test_traffic_that_fell_is_explained_from_above() -> None:
    levels = requests(edge=(1000, 400), web=(990, 390), cart=(300, 120), search=(500, 200))
    calls = (("edge", "web"), ("web", "cart"), ("web", "search"))
    assert first(rank(incidents.case(levels, calls=calls, violated='requests{service="cart"}'))) == "edge"


def test_a_service_that_vanished_is_a_finding_not_silence() -> None:
    levels: dict[str, tuple[float | None, float | None]] = {
        'latency{service="cart"}': (0.1, None),
        'cpu_usage{service="cart"}': (0.4, None),
        'latency{service="web"}': (0.3, 0.31),
        'cpu_usage{service="web"}': (0.4, 0.4),
        'cpu_usage{service="db"}': (0.4, 0.38),
    }
    found = rank(incidents.case(levels, calls=SHOP))
    assert first(found) == "cart"
    assert found.candidates[0].parts["silence"] == 1.0


def test_when_all_series_end_the_monitoring_is_gone_and_nobody_is_blamed() -> None:
    levels = {f'cpu_usage{{service="{name}"}}': (0.4, None) for name in ("web", "cart", "db")}
    assert not rank(incidents.case(levels)).candidates


def test_series_that_were_constant_are_kept() -> None:
    levels = {f'restarts{{service="{name}"}}': (0.0, 0.0) for name in ("web", "cart")}
    quiet = incidents.case(levels)
    assert quiet.metrics is not None
    series = quiet.metrics.series[1]
    series.values[-10:] = 3.0
    assert first(rank(quiet)) == "cart"


def test_nothing_stands_out_where_nothing_changed() -> None:
    levels = {
        f'{metric}{{service="{name}"}}': (level, level)
        for metric, level in (("latency", 0.2), ("cpu_usage", 0.5), ("errors", 2.0), ("requests", 100.0))
        for name in ("web", "cart", "db", "search")
    }
    for seed in range(5):
        case = incidents.case(calls=SHOP)
        assert not rank(replace(case, metrics=incidents.metrics(levels, seed=seed))).candidates


def test_no_metrics_empty_ones_and_those_of_one_window_blame_nobody() -> None:
    empty = incidents.case({})
    assert not rank(empty).candidates
    assert not rank(replace(empty, metrics=None)).candidates
    assert not rank(incidents.case({'latency{service="web"}': (None, 4.0)})).candidates


@given(scale=st.sampled_from([1e-3, 1.0, 1e6]), seed=st.integers(0, 20))
def test_units_and_names_decide_nothing(scale: float, seed: int) -> None:
    case = incidents.case(calls=SHOP, violated=VIOLATED)
    case = replace(case, metrics=incidents.metrics(SLOW_DB, seed=seed))
    before = [one.target for one in rank(case).candidates]
    after = [one.target.removeprefix("x-") for one in rank(_renamed(case, scale)).candidates]
    assert before == after


def _renamed(case: Case, scale: float) -> Case:
    assert case.metrics is not None
    assert case.violated is not None

    def labels(of: Labels) -> Labels:
        return Labels.of({key: f"x-{value}" if key == "service" else value for key, value in of})

    series = tuple(
        replace(one, key=replace(one.key, labels=labels(one.key.labels)), values=one.values * scale)
        for one in case.metrics.series
    )
    return replace(
        case,
        metrics=replace(case.metrics, series=series),
        violated=replace(case.violated, labels=labels(case.violated.labels)),
        calls=tuple((f"x-{a}", f"x-{b}") for a, b in case.calls),
    )


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("http_request_duration_seconds_p95", Meaning.LATENCY),
        ("vllm:time_to_first_token_seconds", Meaning.LATENCY),
        ("PodSuccessRate(%)", Meaning.SUCCESS),
        ("http_5xx_ratio", Meaning.ERRORS),
        ("container_cpu_usage_seconds_total", Meaning.RESOURCE),
        ("http_requests_total", Meaning.TRAFFIC),
        ("flux", Meaning.OTHER),
    ],
)
def test_a_metric_is_understood_by_the_words_of_the_field(name: str, meaning: Meaning) -> None:
    assert meaning_of(name) is meaning


def test_what_a_client_waits_for_is_not_its_own_latency() -> None:
    assert is_of_others("PodClientLatencyP90")
    assert not is_of_others("PodServerLatencyP90")


def test_a_series_with_gaps_has_not_ended() -> None:
    frame = incidents.metrics(
        {'a{service="x"}': (1.0, 1.0), 'a{service="y"}': (1.0, None), 'a{service="z"}': (1.0, 1.0)}
    )
    assert ended(frame, incidents.CURRENT, incidents.BASELINE) == {"y": 1.0}
    frame.series[1].values[: incidents.STEPS] = np.where(np.arange(incidents.STEPS) % 10 == 0, 1.0, np.nan)
    assert ended(frame, incidents.CURRENT, incidents.BASELINE) == {}


def test_one_wild_step_and_a_small_lasting_shift_are_both_anomalies() -> None:
    frame = incidents.metrics({'a{service="x"}': (1.0, 1.0), 'b{service="x"}': (1.0, 1.3)})
    frame.series[0].values[-1] = 9.0
    wild, shifted = anomalies(frame, incidents.CURRENT, incidents.BASELINE)
    assert wild.strength > 3
    assert shifted.strength > 3


def test_what_is_left_unexplained_is_never_below_nothing() -> None:
    graph = {"a": frozenset({"b", "c"}), "b": frozenset({"c"}), "c": frozenset[str]()}
    assert unexplained({"a": 5.0, "b": 3.0, "c": 4.0}, graph) == {"a": 0.0, "b": 0.0, "c": 4.0}
    assert reached(graph, "b") == {"b", "c"}
