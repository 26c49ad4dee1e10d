"""One MCP server for as long as an investigation lasts: connected, asked and left, each within its deadline."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from console.config import McpConfig
from console.errors import UsageError
from console.sources.redact import shown_line

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, Tool

KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
MOST_PAGES = 20  # of a list of tools
CLOSE_SECONDS = 5.0
MOST_SAID = 200  # characters of what a server says is wrong
GO_ON = "go on without it"


class Link:
    """A server; its process or connection is there between `open` and `close`."""

    def __init__(self, config: McpConfig) -> None:
        self.config = config
        self._client: Client | None = None
        self._trouble = ""
        self._task: asyncio.Task[None] | None = None
        self._leaving = asyncio.Event()

    async def open(self) -> list[Tool]:
        """Connect; what it offers of the tools that are allowed. UsageError where it does not answer as it should."""
        try:
            await asyncio.to_thread(_quiet_sdk)
        except ImportError:
            raise UsageError("the package `mcp` is not installed", "pip install 'andon[mcp]'") from None
        if self.config.key_env and not os.environ.get(self.config.key_env):
            raise UsageError(f"the variable {self.config.key_env} is not set", "export the token under that name")
        opened: asyncio.Future[list[Tool]] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._stay(opened))
        try:
            async with asyncio.timeout(self.config.seconds):
                return await opened
        except TimeoutError:
            await self.close()
            raise self._failure(TimeoutError()) from None

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallToolResult:
        """What a tool gives. UsageError, worded for the model, where that is nothing; the others can still be asked."""
        from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult

        if self._client is None:
            raise UsageError(f"the MCP server {self.config.name} is not connected", GO_ON)
        params = CallToolRequestParams(name=tool, arguments=dict(arguments))
        try:
            async with asyncio.timeout(self.config.seconds):
                # Not `call_tool`: that runs the patterns of a stranger's schema over the answer, and some never end.
                return await self._client.session.send_request(CallToolRequest(params=params), CallToolResult)
        except Exception as error:  # whatever the SDK trips over is the server's fault
            raise self._failure(error) from error

    async def close(self) -> None:
        """Leave; what does not end by itself is ended."""
        task, self._task = self._task, None
        if task is None:
            return
        self._leaving.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(task, CLOSE_SECONDS if self._client is not None else 0)

    async def _stay(self, opened: asyncio.Future[list[Tool]]) -> None:
        """The whole life of the client: anyio wants it left by the task that entered it."""
        try:
            from mcp import Client

            async with Client(self._transport(), cache=None) as client:
                found = await self._list(client)
                self._client = client
                if not opened.done():
                    opened.set_result(found)
                await self._leaving.wait()
        except Exception as error:  # noqa: BLE001 - as in `call`
            if not opened.done():
                opened.set_exception(self._failure(error))
        finally:
            self._client = None

    def _transport(self) -> Any:
        from console.triage.agent.mcp_pipe import over_http, pipes

        if self.config.url is not None:
            key = os.environ.get(self.config.key_env, "") if self.config.key_env else ""
            return over_http(self.config.url, key, self.config.seconds, self._note)
        names = (*KEPT_ENVIRONMENT, *self.config.env)
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return pipes(self.config.command, kept, self._note)

    async def _list(self, client: Client) -> list[Tool]:
        """The allowed tools, in the order in which they are allowed; of two with one name the first."""
        found: dict[str, Tool] = {}
        cursor = None
        for _page in range(MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            for tool in page.tools:
                if tool.name in self.config.tools:
                    found.setdefault(tool.name, tool)
            cursor = page.next_cursor
            if cursor is None or len(found) == len(self.config.tools):
                break
        return [found[name] for name in self.config.tools if name in found]

    def _note(self, trouble: str) -> None:
        self._trouble = trouble or self._trouble or "it is gone"

    def _failure(self, error: Exception) -> UsageError:
        """What went wrong, as far as it may be shown."""
        if isinstance(error, TimeoutError):
            said = f"it did not answer within {self.config.seconds:g} s"
        else:
            said = self._trouble or shown_line(_words(error), MOST_SAID)
        return UsageError(f"the MCP server {self.config.name}: {said}", GO_ON)


def _words(error: Exception) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return str(error).strip() or type(error).__name__


def _quiet_sdk() -> None:
    """Import the SDK, whose log would repeat on a terminal what strangers say."""
    logger = logging.getLogger("mcp")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    importlib.import_module("mcp")
