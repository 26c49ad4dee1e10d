"""Every way to break station two really moves what it should: real replicas and a real provider, over HTTP."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from console.lab.clock import TICK
from console.lab.episode import find_fault
from console.lab.generation.model import made, plain
from console.lab.generation.place import Generation

OPENING = 1_790_000_010.0 // 15 * 15  # a Monday, working hours
SAMPLE = re.compile(r"^station2:(\w+)\{(.*?)\} (\S+) \d+$", re.MULTILINE)


@dataclass(frozen=True)
class Stretch:
    """The pages at both ends of some ticks, and all in between."""

    pages: list[str]

    def total(self, name: str, label: str = "") -> float:
        """How much a counter grew, whatever its labels but this; a replica that began anew counts from nothing."""
        grown = 0.0
        for earlier, later in pairwise([_values(page, name, label) for page in self.pages]):
            grown += sum(v - earlier.get(k, 0.0) if v >= earlier.get(k, 0.0) else v for k, v in later.items())
        return grown

    def mean(self, name: str, label: str = "") -> float:
        """Of a histogram."""
        return self.total(f"{name}_sum", label) / max(self.total(f"{name}_count", label), 1)

    def gauge(self, name: str, label: str = "") -> float:
        """Its mean over the ticks and the replicas."""
        values = [v for page in self.pages[1:] for v in _values(page, name, label).values()]
        return sum(values) / len(values)

    def hits(self) -> float:
        return self.total("prefix_cache_hits_total") / self.total("prefix_cache_queries_total")

    def acceptance(self) -> float:
        return self.total("spec_decode_num_accepted_tokens_total") / self.total("spec_decode_num_draft_tokens_total")


def _values(page: str, name: str, label: str) -> dict[str, float]:
    return {labels: float(value) for of, labels, value in SAMPLE.findall(page) if of == name and label in labels}


def lived(place: Generation, ticks: int) -> Stretch:
    pages = [place.gateway.page()]
    for _ in range(ticks):
        place.tick()
        pages.append(place.gateway.page())
    return Stretch(pages)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generation]:
    with Generation(tmp_path_factory.mktemp("generation") / "line", 5, OPENING) as generation:
        for _ in range(8):
            generation.tick()
        yield generation


@pytest.fixture(scope="module")
def usual(place: Generation) -> Stretch:
    return lived(place, 24)


def broken(place: Generation, fault: str, ticks: int = 12, **parameters: Any) -> Stretch:
    """What some ticks are like with a fault; it is healed, and the queue is empty again, when this returns."""
    found = find_fault(fault)
    found.inject(place, parameters)
    try:
        return lived(place, ticks)
    finally:
        found.heal(place)
        for _ in range(60):
            place.tick()
            if sum(_values(place.gateway.page(), "num_requests_waiting", "").values()) == 0:
                break


def last_change(place: Generation) -> tuple[str, str]:
    """What was noted before the fault was healed."""
    entry = orjson.loads(place.changes.path.read_bytes().splitlines()[-2])
    return entry["kind"], entry["target"]


TTFT, QUEUE, LATENCY = "time_to_first_token_seconds", "request_queue_time_seconds", "e2e_request_latency_seconds"
ITL, PROMPT, ANSWER = "inter_token_latency_seconds", "request_prompt_tokens", "request_generation_tokens"
DONE, READ = "request_success_total", "prompt_tokens_total"


def test_a_healthy_hour_looks_like_one(usual: Stretch) -> None:
    assert 280 < usual.total(DONE) < 540
    assert 0.1 < usual.mean(TTFT) < 0.5
    assert 0.015 < usual.mean(ITL) < 0.045
    assert usual.mean(QUEUE) < 0.15
    assert 0.35 < usual.hits() < 0.65
    assert 0.55 < usual.acceptance() < 0.8
    assert 0.15 < usual.gauge("kv_cache_usage_perc") < 0.6
    assert usual.total("num_preemptions_total") <= 3
    assert usual.total(DONE, 'reason="error"') == 0
    assert usual.total("upstream_seconds_count") > 60
    assert usual.total("upstream_errors_total") == 0
    assert usual.gauge("engine_up") == 1


def test_a_burst_makes_requests_wait(place: Generation, usual: Stretch) -> None:
    burst = broken(place, "request_burst", times=2.0)
    assert burst.total(DONE) / 12 > 1.3 * usual.total(DONE) / 24
    assert burst.mean(QUEUE) > 3 * usual.mean(QUEUE) + 0.3
    assert burst.mean(PROMPT) < 1.2 * usual.mean(PROMPT)


def test_longer_prompts_take_longer_to_read(place: Generation, usual: Stretch) -> None:
    longer = broken(place, "long_prompts", times=2.2)
    assert longer.mean(PROMPT) > 1.4 * usual.mean(PROMPT)
    assert longer.mean(TTFT) > 1.5 * usual.mean(TTFT)
    assert longer.mean(ANSWER) < 1.25 * usual.mean(ANSWER)


def test_longer_answers_take_longer_to_write(place: Generation, usual: Stretch) -> None:
    longer = broken(place, "long_answers", times=2.2)
    assert longer.mean(ANSWER) > 1.5 * usual.mean(ANSWER)
    assert longer.mean(LATENCY) > 1.5 * usual.mean(LATENCY)
    assert longer.mean(PROMPT) < 1.25 * usual.mean(PROMPT)


def test_with_too_few_pages_requests_are_put_back(place: Generation, usual: Stretch) -> None:
    cut = broken(place, "kv_pool_cut", blocks=105)
    assert cut.total("num_preemptions_total") > 12
    assert cut.gauge("kv_cache_usage_perc") > 0.7
    assert cut.mean(TTFT) > 2 * usual.mean(TTFT)
    assert last_change(place) == ("config", "chat")


def test_with_a_request_id_at_the_head_nothing_was_read_before(place: Generation, usual: Stretch) -> None:
    lost = broken(place, "prefix_lost", tokens=6)
    assert lost.hits() < 0.1
    assert lost.mean("request_prefill_time_seconds") > 1.4 * usual.mean("request_prefill_time_seconds")
    assert lost.mean(PROMPT) < 1.2 * usual.mean(PROMPT)
    assert last_change(place) == ("deploy", "chat-gateway")


def test_a_damaged_draft_is_not_believed(place: Generation, usual: Stretch) -> None:
    damaged = broken(place, "bad_draft", share=0.8)
    assert damaged.acceptance() < 0.5 * usual.acceptance()
    assert damaged.mean(ITL) > 1.4 * usual.mean(ITL)
    assert last_change(place) == ("deploy", "chat")


def test_heavier_weights_slow_every_token(place: Generation, usual: Stretch) -> None:
    slow = broken(place, "slow_decode", stored=2.0)
    assert slow.mean(ITL) > 1.25 * usual.mean(ITL)
    assert slow.acceptance() == pytest.approx(usual.acceptance(), abs=0.1)
    assert slow.mean(PROMPT) == pytest.approx(usual.mean(PROMPT), rel=0.2)
    assert last_change(place) == ("config", "chat")


def test_a_slow_canary_is_slow_alone(place: Generation) -> None:
    canary = broken(place, "bad_canary", stored=3.6, unknown=0)
    assert canary.mean(ITL, "canary") > 1.4 * canary.mean(ITL, "stable")
    assert 0.15 < canary.total(DONE, "canary") / canary.total(DONE) < 0.5


def test_a_canary_that_cannot_spell_fails(place: Generation) -> None:
    canary = broken(place, "bad_canary", stored=1.0, unknown=8)
    failed = canary.total(DONE, 'track="canary",version="8",finished_reason="error"')
    assert failed > 0.1 * canary.total(DONE, "canary")
    assert canary.total(DONE, 'track="stable",version="7",finished_reason="error"') == 0
    assert last_change(place) == ("deploy", "chat")


def test_a_noisy_tenant_makes_everybody_wait(place: Generation, usual: Stretch) -> None:
    noisy = broken(place, "noisy_tenant", tenant="search", per_tick=5.0, tokens=330)
    assert noisy.total(READ, "search") / 12 > 2.5 * usual.total(READ, "search") / 24
    assert noisy.total(READ, "support") / 12 < 1.4 * usual.total(READ, "support") / 24
    assert noisy.mean(TTFT) > 2 * usual.mean(TTFT)


def test_a_replica_that_restarts_loads_and_loses_nothing(place: Generation, usual: Stretch) -> None:
    cold = broken(place, "cold_replica", ticks=18, replica="b", loads=75.0, serves=3)
    assert cold.gauge("engine_up", 'replica="a"') == 1
    assert 0.2 < cold.gauge("engine_up", 'replica="b"') < 0.6
    assert cold.total("gateway_retries_total") > 0
    assert cold.total(DONE) / 18 > 0.6 * usual.total(DONE) / 24
    assert cold.mean(TTFT) > 1.5 * usual.mean(TTFT)


def test_a_slow_provider_shows_in_its_own_time(place: Generation, usual: Stretch) -> None:
    slow = broken(place, "provider_slow", ticks=6, times=3.0)
    assert slow.mean("upstream_seconds") > 2.4 * usual.mean("upstream_seconds")
    assert slow.mean(LATENCY) < 2 * usual.mean(LATENCY)


@pytest.mark.parametrize(
    ("fault", "parameters", "code"),
    [
        ("provider_rate_limited", {"quota": 6}, "429"),
        ("provider_out_of_credit", {"left": 200}, "402"),
        ("provider_key_refused", {}, "401"),
        ("provider_down", {}, "0"),
    ],
)
def test_a_provider_says_why_it_does_not_answer(
    place: Generation, fault: str, parameters: dict[str, Any], code: str
) -> None:
    refused = broken(place, fault, ticks=8, **parameters)
    failed, asked = refused.total("upstream_errors_total", f'code="{code}"'), refused.total("cloud_requests_total")
    assert failed > 0.35 * asked
    assert failed == refused.total("upstream_errors_total") == refused.total("cloud_request_failures_total")
    assert refused.total("upstream_seconds_count") == asked - failed
    healed = lived(place, 5)
    assert healed.total("upstream_errors_total") == 0 or code == "429", "a minute's quota takes a minute to come back"
    assert healed.total("upstream_seconds_count") > 0


def test_a_replica_answers_anybody(place: Generation) -> None:
    backend = place.gateway.backends["a"]
    connection = HTTPConnection("127.0.0.1", backend.peer.port, timeout=30)
    connection.request("POST", "/v1/completions", orjson.dumps({"prompt": [3, 1, 4, 1, 5], "max_tokens": 9}))
    answer = orjson.loads(connection.getresponse().read())
    connection.close()
    assert answer["choices"][0]["tokens"] == plain(made()[0], [3, 1, 4, 1, 5], 9)


def test_the_past_runs_into_the_present(tmp_path: Path) -> None:
    with Generation(tmp_path / "line", 7, OPENING) as generation:
        pages = [page for _source, page in generation.past(600.0)]
        now = generation.clock.now()
    stamps = [int(page.splitlines()[-1].rpartition(" ")[2]) / 1000 for page in pages]
    assert stamps == sorted(stamps)
    assert stamps[0] < OPENING - 27 * 86400
    assert stamps[-1] == now
    assert stamps[-1] - stamps[-2] == TICK
    done = [sum(_values(page, DONE, "").values()) for page in pages]
    resets = [later for earlier, later in pairwise(done) if later < earlier]
    assert len(resets) == 1, "counters begin anew once, where the present begins"
    assert resets[0] < 80
