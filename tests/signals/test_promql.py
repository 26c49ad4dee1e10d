from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import DCGM, VLLM

from console.errors import UsageError
from console.model import Labels, Query, Span, Window
from console.signals.dialect import Dialect, counter, gauge
from console.signals.promql import matcher, promql

WINDOW = Window((Span(0, 600),))
TOY = Dialect(
    "toy",
    detect="toy",
    model_label="m",
    labels={"HOST": "host", "node": "host"},
    signals={
        "model.queue.depth": gauge("toy_queue"),
        "gpu.temperature": gauge("toy_celsius"),
        "gpu.utilization": gauge("toy_busy"),
        "model.requests": counter("toy_new_total", "toy_old_total", where={"kind": "x"}),
        "gpu.ecc.errors": (
            counter("toy_sbe", labels={"kind": "corrected"}),
            counter("toy_dbe", labels={"kind": "uncorrected"}),
        ),
    },
)


def texts(
    signal: str, *, where: dict[str, str] | None = None, by: tuple[str, ...] = (), dialect: Dialect = TOY
) -> list[str]:
    return [each.text for each in promql(dialect, Query(signal, WINDOW, 60, Labels.of(where or {}), by))]


def test_a_gauge_is_the_mean_of_a_step_folded_as_the_catalogue_says_and_codes_are_never_averaged() -> None:
    assert texts("model.queue.depth", by=("model",)) == ["sum by (m) (avg_over_time(toy_queue[59999ms]))"]
    assert texts("gpu.temperature") == ["max by () (max_over_time(toy_celsius[59999ms]))"]
    assert texts("gpu.utilization")[0].startswith("avg by ()")


def test_a_counter_is_its_total_less_the_total_before_the_step() -> None:
    [text] = texts("gpu.ecc.errors", where={"kind": "corrected"})
    now, before = "last_over_time(toy_sbe[59999ms])", "last_over_time(toy_sbe[300000ms] offset 60000ms)"
    assert text == f"sum by () ((({now} - {before} >= 0) or ({now} and {before})))"


def test_old_names_are_asked_for_where_the_new_one_has_nothing() -> None:
    [text] = texts("model.requests", where={"model": "a"})
    assert text.index("toy_new_total") < text.index("toy_old_total")
    assert text.count('{kind="x", m="a"}') == 8


def test_a_common_label_is_looked_for_under_each_of_its_native_names() -> None:
    [text] = texts("model.queue.depth", where={"host": "n1"}, by=("host",))
    each = [f'avg_over_time(toy_queue{{{those}="n1"}}[59999ms])' for those in ("HOST", 'HOST="", node')]
    assert text == f"sum by (HOST, node) ({' or '.join(each)})"


def test_the_windows_own_selector_counts_too() -> None:
    canary = Window((Span(0, 600),), "where", Labels.of(track="stable"))
    [each] = promql(TOY, Query("model.queue.depth", canary, 60, Labels.of(track="stable", model="a")))
    assert '{m="a", track="stable"}' in each.text


def test_labels_that_the_dialect_adds_are_selected_here_and_not_asked_for() -> None:
    assert len(texts("gpu.ecc.errors")) == 2
    [text] = texts("gpu.ecc.errors", where={"kind": "uncorrected", "gpu": "0"})
    assert 'toy_dbe{gpu="0"}' in text and "uncorrected" not in text
    assert texts("gpu.ecc.errors", where={"kind": "none"}) == []


def test_a_histogram_is_asked_for_by_edge_and_for_its_sum() -> None:
    bucket, total = promql(VLLM, Query("model.ttft", WINDOW, 15, by=("model",)))
    assert (bucket.part, total.part) == ("bucket", "sum")
    assert (
        bucket.text.startswith("sum by (le, model_name) (")
        and "time_to_first_token_seconds_bucket[14999ms]" in bucket.text
    )
    assert total.text.startswith("sum by (model_name) (") and "_bucket" not in total.text


def test_steps_in_which_a_gpu_said_not_supported_are_left_out() -> None:
    [each] = promql(DCGM, Query("gpu.memory.temperature", WINDOW, 60), {"DCGM_FI_DEV_MEMORY_TEMP"})
    assert each.text.endswith(" (max_over_time(DCGM_FI_DEV_MEMORY_TEMP[59999ms]) < 1000000.0)")
    [each] = promql(DCGM, Query("gpu.clock.sm", WINDOW, 60), {"DCGM_FI_DEV_SM_CLOCK"})
    assert "(avg_over_time(DCGM_FI_DEV_SM_CLOCK[59999ms]) < 1000000.0)" in each.text
    assert "unless" not in each.text


def test_what_the_server_does_not_have_is_not_asked_for() -> None:
    query = Query("model.kv.usage", WINDOW, 60)
    assert promql(VLLM, query, {"up"}) == ()
    [each] = promql(VLLM, query, {"up", "vllm:gpu_cache_usage_perc"})
    assert each.text == "avg by () (avg_over_time(vllm:gpu_cache_usage_perc[59999ms]))"


@pytest.mark.parametrize("signal", ["gpu.xid", "gpu.throttle.reasons", "gpu.recovery.action"])
def test_no_code_and_no_bit_mask_is_averaged(signal: str) -> None:
    toy = Dialect("toy", detect="toy", signals={signal: gauge("toy_code")})
    assert texts(signal, by=("gpu",), dialect=toy) == ["max by (gpu) (max_over_time(toy_code[59999ms]))"]


def test_series_that_are_copies_of_each_other_count_once_unless_they_are_told_apart() -> None:
    query = Query("model.queue.depth", WINDOW, 60)
    [each] = promql(TOY, query, copies=("replica", "job"))
    assert each.text == "sum by () (max without (replica, job) (avg_over_time(toy_queue[59999ms])))"
    [each] = promql(TOY, Query("model.queue.depth", WINDOW, 60, by=("job",)), copies=("job",))
    assert each.text == "sum by (job) (avg_over_time(toy_queue[59999ms]))"


def test_a_histogram_without_buckets_is_asked_for_natively() -> None:
    [each] = promql(VLLM, Query("model.ttft", WINDOW, 60, Labels.of(model="a")), {"vllm:time_to_first_token_seconds"})
    assert (each.part, each.text) == (
        "native",
        'sum by () (increase(vllm:time_to_first_token_seconds{model_name="a"}[60000ms]))',
    )


def test_an_expression_names_the_series_that_it_reads() -> None:
    exposed = {f"vllm:time_to_first_token_seconds_{part}" for part in ("bucket", "sum")}
    bucket, _sum = promql(VLLM, Query("model.ttft", WINDOW, 60, Labels.of(model="a")), exposed)
    assert bucket.reads == ('vllm:time_to_first_token_seconds_bucket{model_name="a"}',)


def test_a_dialect_without_the_signal_asks_nothing() -> None:
    assert promql(TOY, Query("model.ttft", WINDOW, 60)) == ()


# ── nothing breaks out ───────────────────────────────────────────────────────────────────────────────────────────────

# A double-quoted string as PromQL's lexer reads it: it ends at the first quote that no backslash stands before, and a
# raw new line in it is an error.
STRING = re.compile(r'"((?:[^"\\\n\r]|\\[\\"nr])*)"')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n", r"\r": "\r"}


def unquoted(text: str) -> str:
    return re.sub(r"\\[\\\"nr]", lambda match: ESCAPES[match[0]], text)


@given(st.text(alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('"\\{}()\n\r,='))))
def test_a_value_never_escapes_its_quotes(value: str) -> None:
    name, equals, string = matcher("model", value).partition("=")
    assert (name, equals) == ("model", "=")
    whole = STRING.fullmatch(string)
    assert whole and unquoted(whole[1]) == value


@given(st.text(max_size=40))
def test_a_query_has_the_same_shape_whatever_the_value(value: str) -> None:
    [text] = texts("model.queue.depth", where={"model": value})
    assert STRING.sub('"…"', text) == 'sum by () (avg_over_time(toy_queue{m="…"}[59999ms]))'


@given(st.text(max_size=40), st.sampled_from(["model.requests", "gpu.temperature", "gpu.ecc.errors"]))
def test_no_value_changes_the_shape_of_any_query(value: str, signal: str) -> None:
    for of in ("model", "host"):
        shapes = [[STRING.sub('"…"', text) for text in texts(signal, where={of: each})] for each in (value, "plain")]
        assert shapes[0] == shapes[1] and shapes[0]


@pytest.mark.parametrize("label", ['a="b"} or up{x', "a b", "", "9a", "é", "a\n"])
def test_a_label_name_that_is_none_is_refused(label: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a label"):
        texts("model.queue.depth", where={label: "x"})
    with pytest.raises(UsageError, match="is not the name of a label"):
        texts("model.queue.depth", by=(label,))
