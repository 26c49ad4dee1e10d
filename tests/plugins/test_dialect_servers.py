"""The dialects of model servers on their exporters' pages: exact values, and what reads otherwise than one thinks."""

from __future__ import annotations

import pytest
from pages import of, one, page, plugin, read_page, told

from console.signals.page import PageReader

TOLD: dict[str, dict[str, list[float]]] = {
    "sglang": {
        "model.requests.running": [24.0],
        "model.queue.depth": [7.0],
        "model.kv.usage": [0.83],
        "model.speculation.acceptance": [0.0],
        "model.preemptions": [3.0],
        "model.queue.duration": [922.0],
        "model.prefix.queries": [812340.0],
        "model.tokens.prompt": [812340.0],
        "model.tokens.generation": [204511.0],
        "model.prefix.hits": [311200.0, 20800.0],
        "model.requests": [922.0],
        "model.aborts": [4.0],
        "model.ttft": [922.0],
        "model.itl": [203100.0],
        "model.latency": [922.0],
        "model.errors": [5.0],
    },
    "trtllm": {
        "model.requests": [480.0, 20.0, 6.0],
        "model.errors": [6.0],
        "model.ttft": [500.0],
        "model.tpot": [500.0],
        "model.latency": [500.0],
        "model.queue.duration": [500.0],
        "model.prefix.queries": [90000.0],
        "model.tokens.prompt": [90000.0],
        "model.tokens.generation": [51000.0],
        "model.prefix.hits": [36000.0],
        "model.speculation.draft": [12000.0],
        "model.speculation.accepted": [8400.0],
        "model.requests.running": [12.0],
        "model.queue.depth": [3.0],
        "model.kv.usage": [0.62],
        "model.memory.gpu": [71000000000.0],
    },
    "trtllm_triton": {
        "model.requests": [500.0, 498.0],
        "model.latency.total": [610.0],
        "model.queue.depth": [1.0, 4.0],
        "model.requests.running": [9.0],
        "model.memory.gpu": [1610240.0],
        "model.kv.usage": [0.55],
    },
    "tgi": {
        "model.requests": [1000.0],
        "model.rejections": [4.0, 9.0],
        "model.errors": [2.0],
        "model.inference.batches": [990.0, 41000.0],
        "model.queue.depth": [5.0],
        "model.requests.running": [16.0],
        "model.latency": [1000.0],
        "model.queue.duration": [1000.0],
        "model.inference.duration": [1000.0],
        "model.tpot": [1000.0],
        "model.prefill.duration": [990.0],
        "model.prompt.length": [1000.0],
        "model.tokens.prompt": [402000.0],
        "model.generation.length": [1000.0],
        "model.tokens.generation": [121000.0],
        "model.batch.size": [990.0],
        "model.speculation.accepted": [0.0],
    },
    "nim": {
        "model.kv.usage": [0.37],
        "model.requests.running": [6.0],
        "model.queue.depth": [2.0],
        "model.tokens.prompt": [41000.0],
        "model.tokens.generation": [16500.0],
        "model.requests": [313.0],
        "model.errors": [3.0],
        "model.ttft": [310.0],
        "model.tpot": [310.0],
        "model.latency": [310.0],
        "model.prompt.length": [310.0],
        "model.generation.length": [310.0],
    },
    "ray_serve": {
        "workload.replicas.desired": [1.0],
        "workload.replicas.ready": [1.0],
        "model.latency": [5.0, 30.0],
        "model.requests": [5.0, 30.0],
        "model.errors": [5.0],
        "model.queue.depth": [0.0],
        "model.inference.duration": [35.0],
        "model.dependency.errors": [5.0],
        "model.requests.running": [0.0],
    },
    "kserve": {
        "model.inference.duration": [1000.0],
        "model.requests": [1000.0],
    },
    "bentoml": {
        "model.requests": [44.0, 3.0],
        "model.errors": [3.0],
        "model.latency": [44.0, 3.0],
        "model.requests.running": [10.0],
    },
    "mlserver": {
        "model.errors": [0.0, 7.0],
        "model.requests": [79.0, 79.0],
        "model.latency.total": [0.113838, 8.26685],
        "model.requests.running": [0.0],
        "model.latency": [151.0, 7.0],
    },
    "torchserve": {
        "model.requests": [240.0],
        "model.latency.total": [12.0],
        "model.queue.total": [0.48],
        "model.errors": [2.0],
        "model.load.duration": [3.12],
        "host.cpu.utilization": [0.375],
        "host.memory.used": [8589930000.0],
        "host.memory.utilization": [0.51],
        "host.disk.utilization": [0.64],
    },
    "llamacpp": {
        "model.tokens.prompt": [512.0],
        "model.prefill.total": [2.56],
        "model.tokens.generation": [39080.0],
        "model.decode.total": [1235.5],
        "model.inference.batches": [39303.0],
        "model.requests.running": [4.0],
        "model.queue.depth": [46.0],
    },
    "litellm": {
        "model.errors": [5.0, 5.0],
        "model.rejections": [5.0],
        "model.requests": [4.0, 3.0, 5.0, 5.0],
        "model.latency": [4.0],
        "model.cost": [0.0],
        "model.tokens.prompt": [8380.0],
        "model.prefix.queries": [8380.0],
        "model.tokens.generation": [2012.0],
        "model.queue.duration": [4.0],
        "model.up": [1.0, 0.5, 0.5],
        "model.tpot": [4.0],
        "model.requests.running": [1.0],
    },
    "otel_genai": {
        "model.latency": [96.0, 4.0],
        "model.requests": [96.0, 4.0],
        "model.errors": [4.0],
        "model.prompt.length": [96.0],
        "model.tokens.prompt": [38000.0],
        "model.generation.length": [96.0],
        "model.tokens.generation": [11000.0],
        "model.ttft": [96.0],
    },
}


@pytest.mark.parametrize("name", TOLD)
def test_a_page_tells_these_signals_with_these_values(name: str) -> None:
    found = told(name)
    assert {signal: pytest.approx(values, rel=1e-5) for signal, values in TOLD[name].items()} == found


# ── what reads otherwise than one thinks ─────────────────────────────────────────────────────────────────────────────


def test_the_ranks_of_one_sglang_engine_say_the_same_thing_and_count_once() -> None:
    assert page("sglang").count(b"sglang:num_running_reqs{") == 2
    running = one(read_page("sglang")[0], "model.requests.running", model="qwen3-32b")
    assert running.value == 24 and running.series.labels.value("tp_rank") is None


def test_ranks_of_data_parallelism_do_different_work() -> None:
    lines = [f'sglang:num_running_reqs{{model_name="m",dp_rank="{dp}",tp_rank="{tp}"}} {8 + dp}' for dp in (0, 1)
             for tp in (0, 1)]  # fmt: skip
    readings = PageReader([plugin("sglang").SGLANG]).read("\n".join([*lines, ""]).encode(), 1.0)
    assert {r.series.labels.value("dp_rank"): r.value for r in readings} == {"0": 8, "1": 9}


def test_nothing_of_who_asked_litellm_is_kept() -> None:
    readings, _ = read_page("litellm")
    asked = {"client_ip", "user_agent", "user_email", "user", "end_user", "hashed_api_key", "api_key_alias", "team"}
    assert not asked & {name for reading in readings for name, _value in reading.series.labels}
    assert "127.0.0.1" not in str(readings) and "Anthropic/Python" not in str(readings)


def test_two_people_who_ask_litellm_for_one_model_are_added_up() -> None:
    line = 'litellm_proxy_total_requests_metric_total{requested_model="m",client_ip="%s",user_email="%s"} %d\n'
    page_ = (line % ("10.0.0.1", "a@b.c", 3) + line % ("10.0.0.2", "d@e.f", 4)).encode()
    assert one(PageReader([plugin("litellm").LITELLM]).read(page_, 1.0), "model.requests", model="m").value == 7


def test_a_scrape_that_litellm_did_not_let_in_is_no_failed_request_of_a_model() -> None:
    line = 'litellm_proxy_failed_requests_metric_total{requested_model="%s",route="%s",exception_status="%s"} 1\n'
    body = (line % ("", "/metrics", "None") + line % ("m", "/v1/messages", "500")).encode()
    errors = of(PageReader([plugin("litellm").LITELLM], detect=False).read(body, 1.0), "model.errors")
    assert [r.series.labels.value("model") for r in errors] == ["m"]


def test_litellms_overhead_is_in_milliseconds_and_its_latency_in_seconds() -> None:
    body = b"""litellm_in_flight_requests 0
litellm_overhead_latency_metric_bucket{model="m",le="10.0"} 3
litellm_overhead_latency_metric_bucket{model="m",le="+Inf"} 3
litellm_overhead_latency_metric_sum{model="m"} 12
"""
    overhead = one(PageReader([plugin("litellm").LITELLM]).read(body, 1.0), "model.gateway.duration", model="m")
    assert overhead.series.edges[0] == pytest.approx(0.01) and overhead.value == pytest.approx(0.012)


def test_an_outage_of_a_litellm_deployment_is_a_model_that_does_not_answer() -> None:
    body = b"".join(b'litellm_deployment_state{litellm_model_name="%d"} %d\n' % (state, state) for state in (0, 1, 2))
    readings = PageReader([plugin("litellm").LITELLM]).read(body, 1.0)
    assert {r.series.labels.value("model"): r.value for r in readings} == {"0": 1.0, "1": 0.5, "2": 0.0}


def test_health_probes_are_no_requests_to_a_bentoml_model() -> None:
    assert b'endpoint="/readyz"' in page("bentoml")
    assert {r.series.labels.value("endpoint") for r in of(read_page("bentoml")[0], "model.requests")} == {"/predict"}


def test_the_older_spelling_of_bentoml_reads_the_same() -> None:
    older = page("bentoml").replace(b"bentoml_service_", b"bentoml_api_server_")
    reader = PageReader([plugin("bentoml").BENTOML])
    assert {(r.series, r.value) for r in reader.read(older, 1.0)} == {
        (r.series, r.value) for r in read_page("bentoml", 1.0)[0]
    }


def test_ray_serves_milliseconds_become_seconds() -> None:
    latency = one(read_page("ray_serve")[0], "model.latency", code="200")
    assert latency.value / latency.counts[-1] == pytest.approx(0.0219, rel=0.01)
    assert latency.series.labels.value("SessionName") is None


def test_what_ray_counts_twice_is_read_once() -> None:
    assert b"ray_serve_num_http_requests_total{" in page("ray_serve")
    assert sum(r.value for r in of(read_page("ray_serve")[0], "model.requests", model="glove")) == 35


def test_ray_leaves_its_prefix_out_where_it_is_told_to() -> None:
    bare = page("ray_serve").replace(b"ray_serve_", b"serve_")
    assert len(PageReader([plugin("ray_serve").RAY_SERVE]).read(bare, 1.0)) == len(read_page("ray_serve", 1.0)[0])


def test_a_page_with_some_of_nims_names_is_not_nims() -> None:
    body = b"".join(line + b"\n" for line in page("nim").splitlines() if b"num_request_max" not in line)
    reader = PageReader([plugin("nim").NIM])
    assert reader.read(body, 1.0) == [] and reader.seen == ()


def test_the_engines_queue_is_told_beside_tritons_own() -> None:
    depths = of(read_page("trtllm_triton")[0], "model.queue.depth", model="tensorrt_llm")
    assert {r.series.labels.value("stage"): r.value for r in depths} == {None: 1, "engine": 4}


def test_failed_operations_of_opentelemetry_are_those_with_an_error_type() -> None:
    readings, _ = read_page("otel_genai")
    assert one(readings, "model.errors", reason="RateLimitError").value == 4
    assert sum(r.value for r in of(readings, "model.requests", model="gpt-5.4")) == 100


@pytest.mark.parametrize("suffix", ["_token", "_tokens"])
def test_the_unit_of_token_usage_may_be_spelled_out(suffix: str) -> None:
    other = page("otel_genai").replace(b"gen_ai_client_token_usage_", f"gen_ai_client_token_usage{suffix}_".encode())
    readings = PageReader([plugin("otel_genai").OTEL_GENAI]).read(other, 1.0)
    assert one(readings, "model.tokens.prompt").value == 38000 and one(readings, "model.prompt.length").counts[-1] == 96
