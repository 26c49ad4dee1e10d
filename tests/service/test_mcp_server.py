"""andon as an MCP server: every tool answers, none changes anything, and what leaves is cleaned."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from household import ask
from mcp import Client, MCPError, StdioServerParameters
from stages import Stage

from console.cli import run
from console.errors import DaemonUnreachable, Exit, UsageError
from console.service import client as daemon_client
from console.service.house import House
from console.service.mcp_offers import OFFERS, READ_ONLY, Reader
from console.service.mcp_server import MOST_ANSWER, Desk, _shown
from console.service.operations import all_operations
from console.triage.agent.tools.steps import READ

Open = Callable[..., Awaitable[House]]
ROOT = Path(__file__).parents[2]
CHANGES = set(
    """alert.take answer baseline.drop baseline.pin collect examine explain explain.answer explain.interrupt
    incident.ack incident.close incident.import incident.note incident.open ingest notify.test plan.apply plan.approve
    plan.approve_by_policy plan.cancel plan.make plan.reject plan.rollback plan.settle run run.resume silence.create
    silence.end stop triage""".split()
)
NOT_OFFERED = set(
    """explain.prompt explain.seen incident.export panels plan.explain plan.show run.show silence.list source.check
    source.list transcript.list transcript.show""".split()
)
CALLS: dict[str, dict[str, Any]] = {
    "incidents": {"all": True},
    "incident": {"incident": "I-1"},
    "diagnosis": {"incident": "I-1"},
    "timeline": {"last": "1d", "kinds": ["deploy"]},
    "curve": {"signal": "model.queue.depth", "stat": "mean", "last": "30m", "where": {"model": "glove"}},
    "gpu": {"host": "node-a", "gpu": "0"},
    "model_drift": {"model": "glove"},
    "compare": {"signal": "model.queue.depth", "stat": "mean", "current": "5m", "baseline": {"offset": "30m"}},
}


LOOKS = (*READ, "playbook_step", "signals", "query", "topology", "past_incidents")


class InHouse(daemon_client.Client):
    """A client without a socket, and what was asked through it."""

    def __init__(self, house: House) -> None:
        self.house, self.loop, self.asked = house, asyncio.get_running_loop(), list[str]()

    def request(self, op: str, *, timeout: float = 30.0, **args: Any) -> Any:
        self.asked.append(op)
        if op == "status":  # the daemon's own
            return {"now": self.house.clock(), "models": [], "data": "/secret"}
        return asyncio.run_coroutine_threadsafe(ask(self.house, op, **args), self.loop).result(timeout)


@pytest.fixture
async def inside(stage: Stage) -> InHouse:
    return InHouse(stage.house)


async def test_whatever_a_daemon_can_be_asked_either_reads_or_cannot_be_reached(stage: Stage) -> None:
    known = {*all_operations(stage.house), "status"}
    assert known == READ_ONLY | CHANGES | NOT_OFFERED, "say of a new operation whether it only reads"
    assert not READ_ONLY & CHANGES


@pytest.mark.parametrize("op", [*sorted(CHANGES | NOT_OFFERED), "no.such", ""])
def test_what_does_more_than_read_is_never_sent(op: str) -> None:
    with pytest.raises(UsageError, match="does more than read"):
        Reader(None).ask(op)  # type: ignore[arg-type]


async def test_every_tool_answers_by_operations_that_read_and_nothing_has_changed(inside: InHouse) -> None:
    desk = Desk(inside)
    before = await ask(inside.house, "incident.show", incident="I-1")
    tools = await desk.tools()
    assert [each.name for each in tools] == [*(offer.name for offer in OFFERS), *LOOKS]
    for tool in tools:
        assert tool.annotations is not None and tool.annotations.read_only_hint
        assert tool.input_schema["type"] == "object" and tool.description and "\n" not in tool.description
        try:
            said = await desk.call(tool.name, CALLS.get(tool.name, {}))
            assert said and len(said) < MOST_ANSWER + 100
        except UsageError as error:  # there is no such GPU and no such table here, and some looks want to know more
            assert tool.name in {"gpu", "model_drift", *LOOKS}, error.message
    assert set(inside.asked) == READ_ONLY
    assert await ask(inside.house, "incident.show", incident="I-1") == before


async def test_what_they_say_is_what_the_daemon_knows(inside: InHouse) -> None:
    desk = Desk(inside)
    (row,) = json.loads(await desk.call("incidents", {}))
    assert (row["id"], row["subject"], row["state"]) == ("I-1", "glove", "open")
    found = await desk.call("diagnosis", {"incident": "I-1"})
    assert "too_few" in found and "model.queue.depth" in found
    looked = await desk.call("compare", CALLS["compare"])
    assert looked.startswith("degraded") and "F1 [degraded] model.queue.depth mean is 30" in looked
    drawn = json.loads(await desk.call("curve", CALLS["curve"]))
    assert 30.0 in drawn["current"] and len(drawn["times"]) <= 60
    assert "/secret" not in await desk.call("status", {})


async def test_a_tool_that_is_none_is_refused_in_words(opened: Open) -> None:
    inside = InHouse(await opened())
    for name in ("plan.apply", "incident.close", "incident.open", "stop", "probe", "ask_operator", "\x1b[2J"):
        with pytest.raises(UsageError, match="there is no tool") as refused:
            await Desk(inside).call(name, {"incident": "I-1", "plan": "P-1"})
        assert "compare" in refused.value.hint
    assert set(inside.asked) == {"look"}


WRONG: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("incident", {}, "incident: incident: Field required"),
    ("incident", {"incident": "I-1", "note": "x"}, "incident: note: Extra inputs are not permitted"),
    ("incident", {"incident": "I-99"}, "I-99"),
    ("timeline", {"last": "soon"}, "'soon' is not a duration"),
    ("curve", {"signal": "no.such"}, "no.such"),
    ("compare", {}, "compare: "),
    ("alerts", {"matchers": ["x"] * 21}, "alerts: matchers"),
)


async def test_what_is_asked_wrongly_is_said(opened: Open) -> None:
    inside = InHouse(await opened())
    for name, arguments, said in WRONG:
        with pytest.raises(UsageError) as refused:
            await Desk(inside).call(name, arguments)
        assert said in refused.value.message


async def test_what_strangers_wrote_leaves_cleaned_masked_and_cut(inside: InHouse) -> None:
    await ask(inside.house, "incident.note", incident="I-1", text="\x1b[2Jtoken=hunter2hunter2 of ada@example.org")
    for number in range(40):
        await ask(inside.house, "incident.note", incident="I-1", text=f"{number}" + "x" * 3000)
    said = await Desk(inside).call("incident", {"incident": "I-1"})
    assert "\\u001b" not in said and "\x1b" not in said and "hunter2" not in said and "example.org" not in said
    assert "token=•••1" in said and "characters more: ask for less" in said
    assert len(said) < MOST_ANSWER + 60


def test_a_text_is_cut_too() -> None:
    assert _shown("x" * 10**6).endswith("ask for less")


def test_without_the_package_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name == "mcp" else find(name, *more))
    assert run(["mcp"]) == Exit.USAGE
    told = capsys.readouterr()
    assert "pip install 'andon[mcp]'" in told.err and not told.out


def test_the_documentation_names_every_tool() -> None:
    shown = (ROOT / "docs" / "agent.md").read_text(encoding="utf-8").partition("## andon for other agents")[2]
    assert [name for name in (*(offer.name for offer in OFFERS), *LOOKS) if f"`{name}`" not in shown] == []


async def test_an_agent_starts_it_asks_and_outlives_the_daemon(data: Path, write_config: Callable[..., Path]) -> None:
    path = write_config("steady")
    arguments = ["-P", "-m", "console.cli", "--config", str(path), "--data", str(data), "mcp"]
    here = StdioServerParameters(command=sys.executable, args=arguments, env={"PYTHONPATH": str(ROOT)})
    daemon = daemon_client.Client(data)
    try:
        async with Client(here, read_timeout_seconds=60) as agent:
            assert agent.server_info is not None and agent.server_info.name == "andon"
            assert "Every tool only reads" in (agent.instructions or "")
            assert {"incidents", "compare"} <= {each.name for each in (await agent.list_tools()).tools}
            status = await agent.call_tool("status")
            assert not status.is_error and "steady" in status.content[0].text  # type: ignore[union-attr]
            refused = await agent.call_tool("plan.apply", {"plan": "P-1"})
            assert refused.is_error and "there is no tool" in refused.content[0].text  # type: ignore[union-attr]
            await asyncio.to_thread(daemon.request, "stop")
            while True:
                try:
                    await asyncio.to_thread(daemon.request, "status", timeout=1.0)
                except DaemonUnreachable:
                    break
                await asyncio.sleep(0.02)
            gone = await agent.call_tool("incidents")
            assert gone.is_error and "no daemon runs" in gone.content[0].text  # type: ignore[union-attr]
            with pytest.raises(MCPError, match="no daemon runs"):
                await agent.list_tools(cache_mode="bypass")
    finally:
        with suppress(DaemonUnreachable):
            daemon.request("stop")


def test_stdout_carries_the_protocol_alone(data: Path, write_config: Callable[..., Path]) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}}  # fmt: skip
    command = [sys.executable, "-P", "-m", "console.cli", "--config", str(write_config()), "--data", str(data), "mcp"]
    try:
        ended = subprocess.run(
            command, input=json.dumps(hello) + "\nthis is no JSON\n", capture_output=True, text=True, timeout=60,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    finally:
        daemon_client.Client(data).request("stop")
    assert ended.returncode == Exit.HEALTHY
    messages = [json.loads(line) for line in ended.stdout.splitlines()]
    assert all(message["jsonrpc"] == "2.0" for message in messages) and messages[0]["id"] == 1
    assert "starting one" in ended.stderr


def test_an_interrupt_ends_it_though_stdin_stays_open(data: Path, write_config: Callable[..., Path]) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}}  # fmt: skip
    command = [sys.executable, "-P", "-m", "console.cli", "--config", str(write_config()), "--data", str(data), "mcp"]
    here = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, text=True, env=here, **pipes) as agent:  # type: ignore[call-overload]
        try:
            agent.stdin.write(json.dumps(hello) + "\n")
            agent.stdin.flush()
            assert json.loads(agent.stdout.readline())["id"] == 1
            agent.send_signal(signal.SIGINT)
            assert agent.wait(timeout=30) == Exit.INTERRUPTED
        finally:
            agent.kill()
            daemon_client.Client(data).request("stop")
