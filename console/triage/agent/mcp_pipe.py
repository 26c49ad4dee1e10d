"""How an MCP server is heard: over the pipes of a process of its own or over HTTP, and never more than is wanted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

MOST_LINE_BYTES = 4 << 20
MOST_BYTES = 64 << 20  # of one server in all
END_SECONDS = 1.0

OnTrouble = Callable[[str], None]
Streams = tuple[Any, Any]  # what is heard and what is told; the SDK has no public name for them
TOO_MUCH = f"it said more than {MOST_LINE_BYTES >> 20} MiB at once"
TOO_OFTEN = f"it said more than {MOST_BYTES >> 20} MiB"


@asynccontextmanager
async def pipes(
    command: Sequence[str], environment: Mapping[str, str], on_trouble: OnTrouble
) -> AsyncGenerator[Streams, None]:
    """A server as a process, which ends with this. The SDK's own reads a line however long it gets."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=environment, limit=MOST_LINE_BYTES, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    reader, writer = process.stdout, process.stdin
    heard_in, heard = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    told, told_out = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        room = MOST_BYTES
        async with heard_in:
            try:
                while room > 0 and (line := await reader.readline()):
                    room -= len(line)
                    await heard_in.send(_message(line))
                on_trouble("" if room > 0 else TOO_OFTEN)
            except ValueError:
                on_trouble(TOO_MUCH)
            except anyio.BrokenResourceError:  # whoever listened is gone
                pass
        _kill(process)

    async def write() -> None:
        async with told_out:
            async for message in told_out:
                line = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                writer.write(line.encode() + b"\n")
                with contextlib.suppress(ConnectionError):  # it is gone, as the reader will notice
                    await writer.drain()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            group.start_soon(write)
            try:
                yield heard, told
            finally:
                heard.close()
                told.close()
                group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _ended(process)


def _message(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Let it end by itself for a moment; then it and whatever it started are killed. One that is over was already."""
    assert process.stdin is not None
    if process.returncode is not None:  # its number may be another's by now
        return
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), END_SECONDS)
    _kill(process)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), END_SECONDS)


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


@asynccontextmanager
async def over_http(url: str, key: str, seconds: float, on_trouble: OnTrouble) -> AsyncGenerator[Streams, None]:
    """A server at a URL. No answer is unpacked, and none is longer than a line may be."""
    headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {key}"} if key else {})}
    async with (
        httpx2.AsyncClient(transport=_Bounded(on_trouble), timeout=seconds, headers=headers) as client,
        streamable_http_client(url, http_client=client) as streams,
    ):
        yield streams


class _Bounded(httpx2.AsyncHTTPTransport):
    def __init__(self, on_trouble: OnTrouble) -> None:
        super().__init__()
        self._on_trouble = on_trouble

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        response.headers.pop("content-encoding", None)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Counted(response.stream, self._on_trouble)
        return response


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, on_trouble: OnTrouble) -> None:
        self._stream, self._on_trouble = stream, on_trouble

    async def __aiter__(self) -> AsyncIterator[bytes]:
        room = MOST_LINE_BYTES
        async for chunk in self._stream:
            room -= len(chunk)
            if room < 0:
                self._on_trouble(TOO_MUCH)
                raise httpx2.ReadError(TOO_MUCH)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
