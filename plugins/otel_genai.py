"""OpenTelemetry's `gen_ai.*` metrics (conventions 1.43, in development) as the Prometheus exporter spells them.

Servers and clients measure the same request, each from its side: where both are there, the server's counts. The unit
`{token}` of the usage is left out by some exporters and spelled `_token` or `_tokens` by others.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, histogram

USAGE = "gen_ai_client_token_usage"
INPUT, OUTPUT = {"gen_ai_token_type": "input"}, {"gen_ai_token_type": "output|completion"}

OTEL_GENAI = Dialect(
    "otel_genai",
    title="OpenTelemetry gen_ai.*",
    detect=(
        "gen_ai_client_operation_duration_seconds_count",
        "gen_ai_server_request_duration_seconds_count",
        "gen_ai_server_time_to_first_token_seconds_count",
    ),
    model_label="gen_ai_request_model",
    labels={
        "gen_ai_response_model": "model",
        "gen_ai_provider_name": "provider",
        "gen_ai_system": "provider",
        "gen_ai_operation_name": "operation",
        "error_type": "reason",
    },
    dropped=("otel_scope_name", "otel_scope_version", "otel_scope_schema_url"),
    signals={
        "model.requests": counter(
            "gen_ai_server_request_duration_seconds_count", "gen_ai_client_operation_duration_seconds_count"
        ),
        "model.errors": counter(
            "gen_ai_server_request_duration_seconds_count",
            "gen_ai_client_operation_duration_seconds_count",
            unless={"error_type": ""},
        ),
        "model.latency": histogram(
            "gen_ai_server_request_duration_seconds", "gen_ai_client_operation_duration_seconds"
        ),
        "model.ttft": histogram(
            "gen_ai_server_time_to_first_token_seconds", "gen_ai_client_operation_time_to_first_chunk_seconds"
        ),
        "model.tpot": histogram("gen_ai_server_time_per_output_token_seconds"),
        "model.itl": histogram("gen_ai_client_operation_time_per_output_chunk_seconds"),
        "model.tokens.prompt": counter(f"{USAGE}_sum", f"{USAGE}_token_sum", f"{USAGE}_tokens_sum", where=INPUT),
        "model.tokens.generation": counter(f"{USAGE}_sum", f"{USAGE}_token_sum", f"{USAGE}_tokens_sum", where=OUTPUT),
        "model.prompt.length": histogram(USAGE, f"{USAGE}_token", f"{USAGE}_tokens", where=INPUT),
        "model.generation.length": histogram(USAGE, f"{USAGE}_token", f"{USAGE}_tokens", where=OUTPUT),
    },
    opt_in={
        "only a server's instrumentation has it": ("model.tpot",),
        "only a streaming client's instrumentation has it": ("model.itl",),
        "nothing failed yet, or the instrumentation does not set error.type": ("model.errors",),
    },
    lacks={
        "model.queue.depth": "the conventions have no metric of it",
        "model.kv.usage": "the conventions have no metric of it",
    },
    note="In development: names still move. Client and server measure the same request; the server's counts.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """OpenTelemetry's."""
    return [OTEL_GENAI]
