from __future__ import annotations

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import TRITON, VLLM, of, one, page

from console.errors import SourceMalformed
from console.model import Labels
from console.signals import page as page_module
from console.signals.dialect import Dialect, counter, gauge, histogram
from console.signals.page import PageReader

TOY = Dialect(
    "toy",
    detect="toy_up",
    model_label="m",
    signals={
        "model.up": gauge("toy_up"),
        "model.requests": counter("toy_requests_total"),
        "model.errors": counter("toy_requests_total", where={"code": "500"}),
        "model.latency": histogram("toy_latency_seconds"),
    },
)
HISTOGRAM = b"""toy_latency_seconds_bucket{m="a",le="0.1"} 1
toy_latency_seconds_bucket{m="a",le="1"} 3
toy_latency_seconds_bucket{m="a",le="+Inf"} 4
toy_latency_seconds_sum{m="a"} 2.5
toy_latency_seconds_count{m="a"} 4
"""
UP = b"toy_up 1\n"


def reader(**options: object) -> PageReader:
    return PageReader([TOY], **options)  # type: ignore[arg-type]


# ── what a sound page says ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_warm_page_reads_as_it_did_cold() -> None:
    it = PageReader([VLLM, TRITON])
    cold = it.read(page("vllm"), 1.0)
    assert it.read(page("vllm"), 1.0) == cold


def test_only_the_numbers_of_a_warm_page_are_new() -> None:
    it = reader()
    it.read(UP + HISTOGRAM, 1.0)
    later = one(it.read(UP + HISTOGRAM.replace(b"} 4", b"} 9"), 2.0), "model.latency")
    assert (later.time, later.counts) == (2.0, (1, 3, 9))


def test_the_buckets_of_several_histograms_keep_apart_wherever_their_edge_stands() -> None:
    lines = [
        f'toy_latency_seconds_bucket{{{labels.format(edge)}}} {base + count}'
        for labels, base in (
            ('m="a",le="{}"', 0), ('le="{}",m="b"', 10),
            ('m="c",le="{}",role="x,le=1"', 20), ('role="1",m="d",le="{}"', 30),
        )
        for edge, count in (("0.1", 1), ("1", 2), ("1.0", 2), ("+Inf", 3))
    ]  # fmt: skip
    for order in (lines, lines[::-1], sorted(lines, key=lambda line: line[40:])):
        found = reader().read(UP + ("\n".join(order) + "\n").encode(), 1.0)
        told = {each.series.labels.value("model"): each for each in found if each.series.signal == "model.latency"}
        assert {name: each.counts[0] for name, each in told.items()} == {"a": 1, "b": 11, "c": 21, "d": 31}
        assert {each.series.edges for each in told.values()} == {(0.1, 1.0, math.inf)}
        assert told["c"].series.labels.value("role") == "x,le=1"


def test_one_line_may_tell_of_two_signals() -> None:
    readings = reader().read(UP + b'toy_requests_total{code="500",m="a"} 3\n', 1.0)
    assert one(readings, "model.errors", model="a").value == one(readings, "model.requests", model="a").value == 3


def test_a_dialect_not_on_the_page_claims_nothing() -> None:
    body = b"toy_requests_total 4\n"
    assert reader().read(body, 1.0) == []
    assert one(reader(detect=False).read(body, 1.0), "model.requests").value == 4


def test_a_dialect_may_show_up_later() -> None:
    it = reader()
    it.read(b"toy_requests_total 4\n", 1.0)
    assert one(it.read(b"toy_requests_total 5\n" + UP, 2.0), "model.requests").value == 5


def test_labels_of_the_source_are_added_but_never_override() -> None:
    it = reader(labels=Labels.of(instance="a:1", m="no", model="no"))
    it.read(UP, 1.0)
    up = one(it.read(b'toy_up{instance="own",m="glove"} 1\n', 1.0), "model.up")
    assert up.series.labels.value("instance") == "own" and up.series.labels.value("model") == "glove"


def test_label_values_are_unescaped_and_may_hold_anything() -> None:
    body = UP + r"""toy_requests_total{m="a \"b\", c=\\d {e} \n é",x="1"} 7""".encode() + b"\n"
    assert one(reader().read(body, 1.0), "model.requests").series.labels.value("model") == 'a "b", c=\\d {e} \n é'


def test_a_timestamp_on_the_line_is_honoured_warm_and_cold() -> None:
    it = reader()
    for value in (1, 2):
        body = f"toy_up 1 {value}500\ntoy_requests_total 7 {value}250\n".encode()
        readings = it.read(body, 99.0)
        assert one(readings, "model.up").time == pytest.approx(value + 0.5)
        assert one(readings, "model.requests").time == pytest.approx(value + 0.25)


def test_a_page_may_hold_the_history_of_a_series() -> None:
    lines = [line + b" %d000" % t for t in (30, 10, 20, 10) for line in (UP + HISTOGRAM).splitlines()]
    it = reader()
    readings = it.read(b"\n".join(lines) + b"\n", 99.0)
    assert [r.time for r in of(readings, "model.latency")] == [10, 20, 30]  # in time order, whatever the page's
    assert it.skipped == 5 and it.trouble.startswith("a series is there twice")


def test_openmetrics_exemplars_are_passed_over_and_its_timestamps_are_seconds() -> None:
    exemplar = b'} 3 # {trace_id="a b"} 0.7 1700000000.1\n'
    body = UP + HISTOGRAM.replace(b"} 3\n", exemplar) + b"toy_requests_total 2 12.5\n# EOF\n"
    it = reader()
    for _scrape in range(2):
        readings = it.read(body, 1.0)
        assert one(readings, "model.latency").counts == (1, 3, 4)
        assert one(readings, "model.requests").time == 12.5


@pytest.mark.parametrize(
    "line", [b"toy_up  1", b"toy_up\t1", b" toy_up 1 ", b"toy_up 1\r", b"toy_up{} 1", b"toy_up { } 1", b"toy_up 1e0"]
)
def test_white_space_is_free(line: bytes) -> None:
    it = reader(detect=False)
    for _scrape in range(2):
        assert one(it.read(line + b"\n", 1.0), "model.up").value == 1


# ── what is not sound ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the metrics page is empty"),
        (b" \n\n", "the metrics page is empty"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>\n", "the page is HTML, not metrics"),
        (b"\n  <html>\n", "the page is HTML, not metrics"),
        (b'toy_up{m="a', "the page breaks off within its first line"),
        (b'{"error": "no such page"}\n', "most of the page is not metrics: a line is not a sample: "),
        ("toy_up 1\n".encode("utf-16"), "most of the page is not metrics: "),
        (bytes(range(256)) * 40 + b"\n", "most of the page is not metrics: "),
    ],
)
def test_a_page_that_is_none_is_refused_in_one_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(SourceMalformed) as caught:
        reader().read(body, 1.0)
    assert caught.value.message.startswith(sentence)
    assert caught.value.hint and "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"toy_requests_total seven", "a value is not a number"),
        (b'toy_requests_total{m="a} 7', "a line is not a sample"),
        (b"toy_requests_total{m=a} 7", "the labels of a line cannot be read"),
        (b'toy_requests_total{m="\xff"} 7', "'utf-8' codec can't decode"),
        (
            b"toy_requests_total{%s} 7" % b",".join(b'l%d="x"' % i for i in range(65)),
            "a series has more than 64 labels",
        ),
        (b'toy_requests_total{m="' + b"a" * 20_000 + b'"} 7', "a line has more than 16384 bytes"),
        (b"toy_requests_total -1", "a counter is below zero"),
        (b"toy_up 0", "a series is there twice"),  # the first one counts
        (b'toy_latency_seconds_bucket{le="x"} 1', "a bucket has no edge"),
        (b'toy_latency_seconds_bucket{le="1"} 1', "a histogram lacks some of its buckets"),
    ],
)
def test_a_bad_line_is_counted_and_harms_no_other(bad: bytes, why: str) -> None:
    it = reader()
    for _scrape in range(2):
        readings = it.read(UP + bad + b"\n" + HISTOGRAM, 1.0)
        assert one(readings, "model.up").value == 1
        assert one(readings, "model.latency", model="a").counts == (1, 3, 4)
        assert of(readings, "model.requests") == []
        assert it.skipped == 1 and it.trouble.startswith(why)


def test_a_number_cut_in_half_is_not_taken_for_a_number() -> None:
    it = reader()
    it.read(UP + b"toy_requests_total 1234\n", 1.0)
    readings = it.read(UP + b"toy_requests_total 12", 2.0)
    assert of(readings, "model.requests") == []
    assert it.trouble == "the page breaks off within its last line"


@pytest.mark.parametrize("cut", range(0, len(HISTOGRAM), 7))
def test_a_histogram_cut_anywhere_is_whole_or_absent(cut: int) -> None:
    it = reader()
    it.read(UP + HISTOGRAM, 1.0)
    for warm in (it, reader()):
        found = of(warm.read(UP + HISTOGRAM[:cut], 2.0), "model.latency")
        assert [r.counts for r in found] in ([], [(1, 3, 4)])


@pytest.mark.parametrize("value", [b"NaN", b"+Inf", b"-Inf"])
def test_a_gauge_that_is_no_number_is_no_data(value: bytes) -> None:
    it = reader()
    assert of(it.read(b"toy_up %s\n" % value, 1.0), "model.up") == []
    assert it.skipped == 0


def test_buckets_that_shrink_along_the_edges_are_refused() -> None:
    it = reader()
    assert of(it.read(UP + HISTOGRAM.replace(b'"1"} 3', b'"1"} 9'), 1.0), "model.latency") == []
    assert it.trouble == "the buckets of a histogram do not add up: model.latency"


def test_a_histogram_without_a_sum_still_counts() -> None:
    body = UP + b"".join(line for line in HISTOGRAM.splitlines(True) if b"_sum" not in line)
    latency = one(reader().read(body, 1.0), "model.latency")
    assert latency.counts == (1, 3, 4) and math.isnan(latency.value)


def test_new_bucket_edges_are_learnt_within_one_scrape() -> None:
    it = reader()
    it.read(UP + HISTOGRAM, 1.0)
    moved = UP + HISTOGRAM.replace(b'le="0.1"', b'le="0.2"')
    it.read(moved, 2.0)
    assert one(it.read(moved, 3.0), "model.latency").series.edges == (0.2, 1.0, math.inf)


def test_a_page_that_churns_its_labels_does_not_fill_the_memory() -> None:
    it = reader()
    for scrape in range(40):
        it.read(UP + b"".join(b'toy_requests_total{pod="%d-%d"} 1\n' % (scrape, pod) for pod in range(500)), 1.0)
    assert len(it._slots) < 3_000


def test_a_page_with_absurdly_many_series_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MOST_SERIES", 100)
    body = UP + b"".join(b'toy_requests_total{pod="%d"} 1\n' % pod for pod in range(200))
    with pytest.raises(SourceMalformed, match="more than 100 series"):
        reader().read(body, 1.0)


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), st.text(max_size=30), max_size=5))
def test_any_label_value_comes_back_as_it_was_and_an_empty_one_is_none(labels: dict[str, str]) -> None:
    labels = {f"l_{name}": value for name, value in labels.items()}
    text = ",".join(f'{name}="{escape(value)}"' for name, value in labels.items())
    it = reader(detect=False)
    for _scrape in range(2):
        assert one(it.read(f"toy_up{{{text}}} 1\n".encode(), 1.0), "model.up").series.labels == Labels.of(
            {name: value for name, value in labels.items() if value}
        )


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_whatever_the_bytes_the_page_is_read_or_refused(noise: bytes) -> None:
    it = reader()
    for _scrape in range(2):
        try:
            it.read(UP + noise + b"\n" + HISTOGRAM, 1.0)
        except SourceMalformed as error:
            assert error.message


@settings(max_examples=50)
@given(st.integers(256, 9615), st.binary(min_size=1, max_size=8))
def test_damage_in_the_middle_of_a_real_page_never_raises_anything_else(place: int, noise: bytes) -> None:
    body = page("vllm")
    it = PageReader([VLLM])
    it.read(body, 1.0)
    assert it.read(body[:place] + noise + body[place:], 1.0)


def test_hostile_labels_take_no_more_time_than_friendly_ones() -> None:
    hostile = b"toy_up{" + b'a="\\\\' * 3000 + b"\n"
    began = time.perf_counter()
    with pytest.raises(SourceMalformed):
        reader().read(hostile * 20, 1.0)
    assert time.perf_counter() - began < 1.0
