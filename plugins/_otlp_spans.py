"""Spans out of OpenTelemetry's JSON, as tracing backends give it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from console.model import TraceSpan

NANO = 1_000_000_000
MOST_CHARACTERS = 200  # of a name
FAILED = ("STATUS_CODE_ERROR", 2, "2")


def spans_of(body: bytes, most: int) -> list[TraceSpan]:
    """The spans of an answer, at most so many. Raises ValueError for what is no OpenTelemetry JSON.

    Tempo calls the list `batches` or, within `trace`, `resourceSpans`; scopes were once instrumentation libraries. Ids
    are hexadecimal or base64, and only compared with each other.
    """
    answer = orjson.loads(body)
    found: list[TraceSpan] = []
    try:
        for batch in _batches(answer):
            service = _service(batch.get("resource") or {})
            for scope in batch.get("scopeSpans") or batch.get("instrumentationLibrarySpans") or ():
                for span in scope.get("spans") or ():
                    if len(found) < most:
                        found.append(_span(span, service))
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"it holds no spans: {error}") from None
    return found


def _batches(answer: Any) -> Iterable[Mapping[str, Any]]:
    inner = answer.get("trace") or answer.get("result") or answer
    batches = inner.get("batches", inner.get("resourceSpans"))
    if batches is None:
        raise ValueError("it holds no batches of spans")
    found: Iterable[Mapping[str, Any]] = batches
    return found


def _span(span: Mapping[str, Any], service: str) -> TraceSpan:
    return TraceSpan(
        trace=str(span.get("traceId", "")),
        id=str(span.get("spanId", "")),
        parent=str(span.get("parentSpanId") or ""),
        service=service,
        operation=str(span.get("name", ""))[:MOST_CHARACTERS],
        start=int(span["startTimeUnixNano"]) / NANO,
        end=int(span["endTimeUnixNano"]) / NANO,
        failed=(span.get("status") or {}).get("code") in FAILED,
    )


def _service(resource: Mapping[str, Any]) -> str:
    attributes: Sequence[Mapping[str, Any]] = resource.get("attributes") or ()
    named = {str(each.get("key")): (each.get("value") or {}).get("stringValue") for each in attributes}
    return str(named.get("service.name") or "unknown")[:MOST_CHARACTERS]
