"""Spans of an investigation reach who collects them: the agent, each call, each tool, and nothing that was said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import nouns
import pytest
from aiohttp import web
from messagesserver import KEY, Says, messages, text, use
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from console.config import LlmConfig
from console.playbook.loader import built_in_step_types
from console.sources.estate import Estate, Situation
from console.triage.agent.explaining import explained
from console.triage.agent.tool import Scene

CLAIM = {"text": "the secret sauce", "evidence": ["F1"]}


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[bytes]]:
    bodies: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return web.Response(content_type="application/x-protobuf")

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{runner.addresses[0][1]}")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "andon-test")
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)
    yield bodies
    await runner.cleanup()


def spans(bodies: list[bytes]) -> dict[str, Any]:
    found = {}
    for body in bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            found |= {span.name: span for scope in resource.scope_spans for span in scope.spans}
    return found


async def test_the_agent_its_calls_and_its_tools_are_told_and_nothing_that_was_said(collector: list[bytes]) -> None:
    diagnosis = nouns.diagnosis()
    scene = Scene(Situation(Estate(), nouns.NOON), built_in_step_types(), diagnosis)
    turns = (Says([text("I look"), use("compare", 1, signal="model.ttft")]), Says([use("conclude", 2, claims=[CLAIM])]))
    async with messages(*turns) as server:
        done = await explained(diagnosis, scene, LlmConfig("m", server.url, "ANDON_TEST_KEY"))
    assert done.agent is not None and done.agent.claims
    found = spans(collector)
    agent, tool = found["invoke_agent andon"], found["execute_tool compare"]
    calls = [span for name, span in found.items() if name not in ("invoke_agent andon", "execute_tool compare")]
    assert calls and {span.parent_span_id for span in (*calls, tool)} == {agent.span_id}
    assert {each.key for span in calls for each in span.attributes} >= {"gen_ai.operation.name", "gen_ai.request.model"}
    whole = b"".join(collector)
    assert b"andon-test" in whole
    for said in (b"secret sauce", b"accuracy fell", b"I look", KEY.encode(), b"<facts>"):
        assert said not in whole
