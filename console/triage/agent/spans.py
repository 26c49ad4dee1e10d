"""Spans of an investigation, by OpenTelemetry's conventions for generative AI, for whoever collects them: which model
was called, with which tools, how long it took and what it used. What was said is never in them.

The SDK tells each call by itself; around them stands `invoke_agent`, beside them `execute_tool`. Nothing is told unless
OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT) says to whom, and andon was installed with its extra `otel`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

WANTED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
BEGINNINGS = ("OTEL_EXPORTER_OTLP_", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES")  # variables that its process sees
AGENT = "andon"
NANOSECONDS = 1e9

Looked = Callable[[Mapping[str, Any]], None]
"""Hears of a tool that was called: its name, when it began and ended (epoch seconds), and whether it was refused."""


def are_wanted() -> bool:
    """Whether somebody collects them."""
    return any(os.environ.get(name) for name in WANTED)


@contextmanager
def investigated(model: str) -> Iterator[Looked]:
    """The span around an investigation; all are sent when it ends."""
    if not are_wanted():
        yield lambda _look: None
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:  # without the extra nobody is told; what is said of the incident does not depend on that
        yield lambda _look: None
        return
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    tracer = trace.get_tracer(AGENT)

    def looked(look: Mapping[str, Any]) -> None:
        told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": look["name"]}
        refused = {"error.type": "UsageError"} if look["is_refused"] else {}
        span = tracer.start_span(
            f"execute_tool {look['name']}",
            attributes={**told, **refused},
            start_time=round(look["began"] * NANOSECONDS),
        )
        span.end(round(look["ended"] * NANOSECONDS))

    about = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": AGENT, "gen_ai.request.model": model}
    try:
        with tracer.start_as_current_span(f"invoke_agent {AGENT}", attributes=about):
            yield looked
    finally:
        provider.shutdown()
