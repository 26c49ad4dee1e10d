"""What dialects say beyond names: patterns, labels left out, ranks, gauges of two. Both interpreters agree."""

from __future__ import annotations

from math import inf

import pytest
from pages import of, one

from console.errors import UsageError
from console.model import Labels, Query, Reading, Span, Window
from console.signals.dialect import Dialect, age, counter, gauge, histogram, rest, share, used
from console.signals.page import PageReader
from console.signals.promql import promql

WINDOW = Window((Span(0, 600),))
PAIRS = Labels.of(model="c")
WHO = Labels.of(who="ada")
TOY = Dialect(
    "toy",
    detect="toy_up",
    model_label="asked",
    labels={"served": "model", "UUID": "gpu"},
    dropped=("who",),
    repeated=("rank",),
    signals={
        "model.up": gauge("toy_up"),
        "model.requests": counter("toy_requests_total", unless={"path": "/health|/metrics"}),
        "model.errors": counter("toy_requests_total", where={"code": "5.."}),
        "model.rejections": counter("toy_requests_total", where={"code": "429"}),
        "model.latency": histogram("toy_seconds"),
        "model.queue.depth": gauge("toy_waiting"),
        "model.kv.usage": gauge("toy_kv"),
        "gpu.utilization": rest("toy_idle", of=100, scale=0.01),
        "gpu.memory.utilization": share("toy_used", of="toy_size"),
        "host.memory.utilization": used("toy_free", of="toy_total"),
        "host.uptime": age("toy_started"),
        "workload.memory.limit": gauge("toy_limit", blanks=((0, 0),)),
    },
    opt_in={"turn the cache on": ("model.kv.usage",)},
    lacks={"model.ttft": "a toy has no tokens"},
)


def read(*lines: str, now: float = 100.0, reader: PageReader | None = None) -> list[Reading]:
    reader = reader or PageReader([TOY], detect=False)
    return reader.read("\n".join([*lines, ""]).encode(), now)


def asked(signal: str, by: tuple[str, ...] = ()) -> str:
    [*texts] = [each.text for each in promql(TOY, Query(signal, WINDOW, 60, by=by))]
    return texts[0]


# ── which series ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pattern_chooses_series_and_what_it_chose_by_stays_where_it_says_something() -> None:
    readings = read(*(f'toy_requests_total{{asked="m",code="{code}"}} 3' for code in ("200", "500", "503", "429")))
    assert {r.series.labels.value("code") for r in of(readings, "model.errors")} == {"500", "503"}
    assert one(readings, "model.rejections").series.labels.value("code") is None
    assert 'toy_requests_total{code=~"5.."}' in asked("model.errors")
    assert 'toy_requests_total{code="429"}' in asked("model.rejections")


def test_a_pattern_leaves_series_out_and_a_label_that_is_not_there_is_empty() -> None:
    readings = read(
        'toy_requests_total{path="/health"} 1', 'toy_requests_total{path="/healthy"} 2', "toy_requests_total 4"
    )
    assert sorted(r.value for r in of(readings, "model.requests")) == [2, 4]
    assert 'toy_requests_total{path!~"/health|/metrics"}' in asked("model.requests")


def test_of_two_labels_with_one_meaning_the_first_that_is_not_empty_counts() -> None:
    readings = read('toy_up{asked="a",served="b"} 1', 'toy_up{asked="",served="c"} 0')
    assert {r.series.labels.value("model"): r.value for r in readings} == {"a": 1, "c": 0}
    query = Query("model.up", Window((Span(0, 600),), "where", PAIRS), 60)
    [each] = promql(TOY, query)
    assert 'toy_up{asked="c"}' in each.text and 'toy_up{asked="", served="c"}' in each.text


# ── labels left out ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_counters_and_histograms_that_differ_by_a_label_left_out_are_added_up() -> None:
    lines = [f'toy_requests_total{{who="{who}"}} {n}' for who, n in (("ada", 3), ("bob", 4))]
    lines += [f'toy_seconds_{part}{{who="{who}"{le}}} {n}' for who, n in (("ada", 3), ("bob", 4))
              for part, le in (("bucket", ',le="1"'), ("bucket", ',le="+Inf"'), ("sum", ""))]  # fmt: skip
    readings = read(*lines)
    assert one(readings, "model.requests").value == 7 and not one(readings, "model.requests").series.labels
    assert one(readings, "model.latency").counts == (7, 7) and one(readings, "model.latency").value == 7


def test_gauges_that_differ_by_a_label_left_out_are_folded_as_the_catalogue_says() -> None:
    readings = read(*(f'{name}{{who="{who}"}} {n}' for who, n in (("ada", 0.2), ("bob", 0.4))
                      for name in ("toy_waiting", "toy_kv")))  # fmt: skip
    assert one(readings, "model.queue.depth").value == pytest.approx(0.6)  # a sum
    assert one(readings, "model.kv.usage").value == pytest.approx(0.3)  # a mean


def test_a_label_left_out_is_neither_asked_by_nor_asked_for() -> None:
    assert asked("model.queue.depth", by=("who",)).startswith("sum by ()")
    assert promql(TOY, Query("model.queue.depth", Window((Span(0, 600),)), 60, where=WHO)) == ()


def test_what_was_added_up_does_not_fall_when_one_of_it_goes_away_comes_back_or_begins_anew() -> None:
    reader = PageReader([TOY], detect=False)
    ada, bob = 'toy_requests_total{who="ada"} %d', 'toy_requests_total{who="bob"} %d'
    pages = [(ada % 10, bob % 5), (bob % 6,), (ada % 12, bob % 6), (ada % 1, bob % 6), (ada % 4, bob % 7)]
    totals = [one(read(*lines, reader=reader), "model.requests").value for lines in pages]
    assert totals == [15, 16, 18, 19, 23]


def test_a_series_that_is_alone_is_as_it_is_and_its_reset_is_one() -> None:
    reader = PageReader([TOY], detect=False)
    lines = ('toy_requests_total{who="ada"} 9', 'toy_requests_total{who="ada"} 2')
    totals = [one(read(line, reader=reader), "model.requests").value for line in lines]
    assert totals == [9, 2]


def test_what_was_added_up_does_not_fall_when_the_page_is_learned_anew() -> None:
    seen = PageReader([TOY])
    line = 'toy_requests_total{who="%s"} %d'
    read("toy_up 1", line % ("ada", 10), line % ("bob", 5), reader=seen)
    read("toy_up 1", line % ("bob", 5), reader=seen)
    seen._forget()
    assert one(read("toy_up 1", line % ("bob", 6), reader=seen), "model.requests").value == 16


def test_a_histogram_whose_parts_have_other_buckets_is_refused_and_named() -> None:
    reader = PageReader([TOY], detect=False)
    read('toy_seconds_bucket{who="a",le="1"} 1', 'toy_seconds_bucket{who="a",le="+Inf"} 1',
         'toy_seconds_bucket{who="b",le="2"} 1', 'toy_seconds_bucket{who="b",le="+Inf"} 1', reader=reader)  # fmt: skip
    assert reader.trouble == "the buckets of series that are one differ: model.latency"


def test_ranks_that_repeat_each_other_count_once() -> None:
    readings = read('toy_waiting{rank="0"} 7', 'toy_waiting{rank="1"} 7', 'toy_requests_total{rank="0"} 2',
                    'toy_requests_total{rank="1"} 3')  # fmt: skip
    assert one(readings, "model.queue.depth").value == 7 and one(readings, "model.requests").value == 3
    assert asked("model.queue.depth") == "sum by () (max without (rank) (avg_over_time(toy_waiting[59999ms])))"


# ── gauges of two ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_gauge_may_be_a_share_a_rest_or_an_age() -> None:
    readings = read("toy_idle 25", "toy_used 30", "toy_size 40", "toy_free 10", "toy_total 40", "toy_started 40")
    assert one(readings, "gpu.utilization").value == 0.75
    assert one(readings, "gpu.memory.utilization").value == 0.75
    assert one(readings, "host.memory.utilization").value == 0.75
    assert one(readings, "host.uptime").value == 60


def test_a_gauge_of_two_is_asked_for_as_it_is_read() -> None:
    mean = "avg_over_time({}[59999ms])".format
    assert asked("gpu.utilization") == f"avg by () (max without (rank) ((100 - {mean('toy_idle')})))"
    share_text = f"({mean('toy_used')} / ({mean('toy_size')} > 0))"
    assert asked("gpu.memory.utilization") == f"avg by () (max without (rank) ({share_text}))"
    used_text = f"(({mean('toy_total')} - {mean('toy_free')}) / ({mean('toy_total')} > 0))"
    assert asked("host.memory.utilization") == f"avg by () (max without (rank) ({used_text}))"
    assert f"(time() - {mean('toy_started')})" in asked("host.uptime")


def test_nothing_is_divided_by_nothing() -> None:
    assert read("toy_used 0", "toy_size 0", "toy_free 0", "toy_total 0") == []


def test_a_gauge_whose_other_half_is_missing_is_no_data() -> None:
    reader = PageReader([TOY], detect=False)
    assert one(read("toy_used 1", "toy_size 4", reader=reader), "gpu.memory.utilization").value == 0.25
    assert read("toy_used 1", reader=reader) == []


def test_a_metric_may_have_blanks_of_its_own() -> None:
    assert read("toy_limit 0", "toy_waiting 0")[0].series.signal == "model.queue.depth"
    assert "unless (max_over_time(toy_limit[59999ms]) >= 0 <= 0)" in asked("workload.memory.limit")


# ── the same thing twice ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_histogram_under_its_old_and_its_new_name_is_not_mixed() -> None:
    renamed = Dialect("r", detect="new_seconds_sum", signals={"model.itl": histogram("new_seconds", "old_seconds")})
    bucket = '{}_seconds_bucket{{le="{}"}} {}'.format
    lines = [bucket("new", 1, 1), bucket("new", "+Inf", 2), bucket("old", 2, 1), bucket("old", "+Inf", 2)]
    readings = read(*lines, "new_seconds_sum 3", "old_seconds_sum 9", reader=PageReader([renamed]))
    assert one(readings, "model.itl").series.edges == (1, inf) and one(readings, "model.itl").value == 3


def test_two_exporters_that_say_the_same_of_the_same_are_not_added_up() -> None:
    first = Dialect("first", detect="a", dropped=("who",), signals={"model.requests": counter("a")})
    second = Dialect("second", detect="b", signals={"model.requests": (counter("b"), counter("c"))})
    assert one(read("a 3", "b 4", "c 5", reader=PageReader([first, second])), "model.requests").value == 3


# ── whose page it is ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_names_that_only_together_give_an_exporter_away() -> None:
    shy = Dialect("shy", detect=(("waiting", "running"), "shy_only"), respelled={"w": ("ray_w",)})
    assert shy.is_seen({"waiting", "running"}) and shy.is_seen({"shy_only"}) and shy.is_seen({"ray_waiting", "running"})
    assert not shy.is_seen({"waiting"})
    assert shy.detectors() == ("waiting", "ray_waiting", "running", "shy_only")


def test_a_name_that_only_begins_like_another_gives_nobody_away() -> None:
    reader = PageReader([TOY])
    assert read("toy_upper 1", reader=reader) == [] and reader.seen == () and reader.names == ("toy_upper",)


def test_a_dialect_says_why_a_signal_may_be_missing() -> None:
    assert TOY.way_to("model.kv.usage") == "turn the cache on" and TOY.metrics("model.kv.usage") == "toy_kv"
    assert TOY.way_to("model.up") == "it is not there, or says that it is not supported"


def test_a_hint_for_a_signal_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no signal model\.tftt"):
        Dialect("x", detect="x", lacks={"model.tftt": "why"})
