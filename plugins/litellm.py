"""LiteLLM's proxy, as of 1.109 (integrations/prometheus.py).

Its series carry up to 17 labels that say who asked: addresses, agents, mail addresses, hashed keys. They are left out
and what remains is added up. Latencies are in seconds, but the overhead is in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram, rest

MILLISECOND = 1e-3
OUTAGE = 2.0  # of litellm_deployment_state: 0 healthy, 1 partial, 2 outage
ITS_OWN = {"route": "/(metrics|health).*"}  # a scrape that is not let in counts as a failed request
ASKERS_FAULT = {"exception_status": "400|401|403|404|422"}  # the gateway and the model did nothing wrong

LITELLM = Dialect(
    "litellm",
    title="LiteLLM proxy",
    detect=("litellm_proxy_total_requests_metric_total", "litellm_deployment_state", "litellm_in_flight_requests"),
    model_label="requested_model",
    labels={
        "model_group": "model",
        "litellm_model_name": "model",
        "model": "model",
        "api_provider": "provider",
        "status_code": "code",
        "exception_status": "code",
        "exception_class": "reason",
    },
    dropped=(
        "client_ip",
        "user_agent",
        "user_email",
        "user",
        "end_user",
        "hashed_api_key",
        "api_key_alias",
        "team",
        "team_alias",
        "org_id",
        "org_alias",
        "model_id",
        "api_base",
    ),
    signals={
        "model.requests": counter("litellm_proxy_total_requests_metric_total", unless=ITS_OWN),
        "model.errors": counter("litellm_proxy_failed_requests_metric_total", unless=ASKERS_FAULT | ITS_OWN),
        "model.rejections": counter(
            "litellm_proxy_failed_requests_metric_total", where={"exception_status": "429"}, unless=ITS_OWN
        ),
        "model.retries": (
            counter("litellm_deployment_successful_fallbacks_total", labels={"outcome": "success"}),
            counter("litellm_deployment_failed_fallbacks_total", labels={"outcome": "failure"}),
        ),
        "model.latency": histogram("litellm_request_total_latency_metric"),
        "model.inference.duration": histogram("litellm_llm_api_latency_metric"),
        "model.ttft": histogram("litellm_llm_api_time_to_first_token_metric"),
        "model.tpot": histogram("litellm_deployment_latency_per_output_token"),
        "model.queue.duration": histogram("litellm_request_queue_time_seconds"),
        "model.gateway.duration": histogram("litellm_overhead_latency_metric", scale=MILLISECOND),
        "model.requests.running": gauge("litellm_in_flight_requests"),
        "model.tokens.prompt": counter("litellm_input_tokens_metric_total"),
        "model.tokens.generation": counter("litellm_output_tokens_metric_total"),
        "model.prefix.queries": counter("litellm_input_tokens_metric_total"),
        "model.prefix.hits": counter("litellm_input_cached_tokens_metric_total"),
        "model.cache.hits": counter("litellm_cache_hits_metric_total"),
        "model.cache.misses": counter("litellm_cache_misses_metric_total"),
        "model.cost": counter("litellm_spend_metric_total"),
        "model.cooldowns": counter("litellm_deployment_cooled_down_total"),
        "model.up": rest("litellm_deployment_state", of=OUTAGE, scale=1 / OUTAGE),
    },
    opt_in={
        "LiteLLM has it from the first streamed answer on": ("model.ttft",),
        "turn caching on in litellm_settings": ("model.cache.hits", "model.cache.misses"),
        "LiteLLM has it from the first such request on": (
            "model.errors",
            "model.rejections",
            "model.retries",
            "model.cooldowns",
            "model.prefix.hits",
            "model.inference.duration",
            "model.gateway.duration",
        ),
    },
    note="Labels that say who asked are left out and added up; its page wants a key; the overhead is in ms.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """LiteLLM's."""
    return [LITELLM]
