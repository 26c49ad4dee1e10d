"""The shipped dialects, on pages that real exporters gave."""

from __future__ import annotations

import math

import pytest
from pages import DCGM, TRITON, VLLM, of, one, page

from console.errors import UsageError
from console.model import Kind, Reading
from console.signals.dialect import Dialect, counter, gauge
from console.signals.page import PageReader

NOW = 1_795_331_980.0


def read(name: str, body: bytes | None = None) -> tuple[list[Reading], PageReader]:
    reader = PageReader([VLLM, TRITON, DCGM])
    return reader.read(page(name) if body is None else body, NOW), reader


# ── vLLM ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_vllm_says_how_many_wait_and_run() -> None:
    readings, reader = read("vllm")
    assert reader.seen == ("vllm",)
    assert one(readings, "model.queue.depth", model="tiny", engine="0").value == 32
    assert one(readings, "model.requests.running", model="tiny").value == 8
    assert one(readings, "model.up", model="tiny").value == 1


def test_a_vllm_histogram_stays_a_histogram() -> None:
    ttft = one(read("vllm")[0], "model.ttft", model="tiny")
    assert ttft.series.kind is Kind.HISTOGRAM
    assert ttft.series.edges[0] == 0.001 and ttft.series.edges[-1] == math.inf
    assert len(ttft.counts) == len(ttft.series.edges)
    assert ttft.counts[-1] == 84 and ttft.value > 0


def test_iteration_tokens_total_is_a_histogram_in_spite_of_its_name() -> None:
    step = one(read("vllm")[0], "model.step.tokens", model="tiny")
    assert step.counts[0] == 265 and step.counts[-1] == 1175 and step.value == 10057


def test_vllm_errors_are_the_requests_that_finished_with_one() -> None:
    readings, _ = read("vllm")
    assert one(readings, "model.errors", model="tiny").value == 0
    assert {r.series.labels.value("reason"): r.value for r in of(readings, "model.requests")}["length"] == 76
    assert one(readings, "model.errors").series.labels.value("reason") is None  # what selected it says nothing more


@pytest.mark.parametrize("prefix", [b"vllm_", b"ray_vllm_"])
def test_the_colon_may_have_become_an_underscore_and_ray_puts_its_name_before(prefix: bytes) -> None:
    readings, reader = read("vllm", page("vllm").replace(b"vllm:", prefix))
    assert reader.seen == ("vllm",)
    assert [r.value for r in readings] == [r.value for r in read("vllm")[0]]


def test_names_that_vllm_gave_up_are_still_understood() -> None:
    old = page("vllm").replace(b"vllm:kv_cache_usage_perc", b"vllm:gpu_cache_usage_perc")
    assert one(read("vllm", old)[0], "model.kv.usage").value == pytest.approx(0.00122, rel=0.01)


def test_the_same_quantity_under_its_old_and_its_new_name_counts_once() -> None:
    both = page("vllm") + b'vllm:gpu_cache_usage_perc{engine="0",model_name="tiny"} 0.9\n'
    assert one(read("vllm", both)[0], "model.kv.usage").value == pytest.approx(0.00122, rel=0.01)


# ── Triton ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_triton_durations_are_seconds_and_their_mean_is_a_ratio_of_two_counters() -> None:
    readings, reader = read("triton")
    assert reader.seen == ("triton",)
    spent = one(readings, "model.latency.total", model="inc").value
    assert spent == pytest.approx(10.750405)
    assert spent / one(readings, "model.requests", model="inc").value == pytest.approx(0.0289, rel=0.01)


def test_triton_failures_keep_their_reason_and_version() -> None:
    errors = of(read("triton")[0], "model.errors", model="dbl")
    assert {r.series.labels.value("reason"): r.value for r in errors}["BACKEND"] == 8
    assert {r.series.labels.value("version") for r in errors} == {"1"}


def test_triton_without_a_gpu_says_which_signals_are_missing_and_why() -> None:
    missing = dict(read("triton")[1].missing)
    assert "nv_gpu_utilization" in missing["gpu.utilization"]
    assert "model.requests" not in missing


def test_tritons_millisecond_histogram_becomes_seconds() -> None:
    lines = [f'nv_inference_first_response_histogram_ms_bucket{{model="m",le="{le}"}} {n}' for le, n in
             (("100", 3), ("500", 4), ("+Inf", 5))]  # fmt: skip
    body = "\n".join(
        ["nv_inference_count 1", *lines, 'nv_inference_first_response_histogram_ms_sum{model="m"} 900', ""]
    )
    ttft = one(read("triton", body.encode())[0], "model.ttft", model="m")
    assert ttft.series.edges == (0.1, 0.5, math.inf) and ttft.value == pytest.approx(0.9)


# ── DCGM ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_dcgm_values_come_in_the_units_of_the_catalogue() -> None:
    readings, _ = read("dcgm")
    assert one(readings, "gpu.utilization", gpu="0", host="node-7").value == pytest.approx(0.97)
    assert one(readings, "gpu.memory.used", gpu="0").value == 71680 * 1024 * 1024
    assert one(readings, "gpu.clock.sm", gpu="0").value == pytest.approx(1.98e9)
    assert one(readings, "gpu.energy", gpu="0").value == pytest.approx(322_898_473.5)


def test_not_supported_is_no_data_and_not_a_huge_number() -> None:
    readings, reader = read("dcgm")
    assert of(readings, "gpu.memory.temperature", gpu="0") == []  # int64
    assert of(readings, "gpu.temperature", gpu="1") == []  # int32
    assert of(readings, "gpu.power", gpu="1") == []  # fp64
    assert one(readings, "gpu.memory.temperature", gpu="1").value == 61
    assert reader.skipped == 0


def test_one_signal_may_be_made_of_several_metrics() -> None:
    throttled = of(read("dcgm")[0], "gpu.throttle.time", gpu="0")
    assert {r.series.labels.value("cause"): r.value for r in throttled} == {"power": 2.5, "thermal": 0.0}


def test_dcgm_46_and_the_exporters_new_host_label_read_the_same() -> None:
    new = page("dcgm")
    for old, name in {
        b"DCGM_FI_DEV_GPU_UTIL": b"DCGM_FI_DEV_GPU_UTIL_RATIO",
        b"DCGM_FI_DEV_POWER_USAGE": b"DCGM_FI_DEV_BOARD_POWER_WATTS",
        b"DCGM_FI_DEV_GPU_TEMP": b"DCGM_FI_DEV_GPU_TEMP_CELSIUS",
        b"DCGM_FI_DEV_XID_ERRORS": b"DCGM_FI_DEV_XID_ERROR",
        b"Hostname": b"hostname",
    }.items():
        new = new.replace(old, name)
    assert new != page("dcgm")
    as_set = {(r.series, r.value) for r in read("dcgm")[0]}
    assert {(r.series, r.value) for r in read("dcgm", new)[0]} == as_set


def test_a_mig_slice_keeps_its_id() -> None:
    assert one(read("dcgm")[0], "gpu.utilization", gpu="1").series.labels.value("mig") == "7"


# ── dialects in general ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_dialect_that_invents_a_signal_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no signal model\.queue\.dept"):
        Dialect("x", detect="x", signals={"model.queue.dept": gauge("x_waiting")})


def test_a_dialect_that_takes_a_gauge_for_a_counter_is_refused() -> None:
    with pytest.raises(UsageError, match=r"maps x_waiting as a counter to model\.queue\.depth") as caught:
        Dialect("x", detect="x", signals={"model.queue.depth": counter("x_waiting")})
    assert caught.value.hint == "model.queue.depth is a gauge"


def test_a_common_label_leads_back_to_every_native_one() -> None:
    assert DCGM.native_labels("host") == ("Hostname", "hostname")
    assert VLLM.native_labels("model") == ("model_name",)
    assert VLLM.native_labels("pod") == ("pod",)
