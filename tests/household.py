"""What tests of the daemon share: a clock that is set by hand, and a question put to a house."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from console.service.house import House
from console.service.operation import perform
from console.service.operations import all_operations
from console.service.peer import Peer
from console.service.protocol import Request


class Clock:
    """A clock that is set by hand."""

    def __init__(self, path: Path, now: float) -> None:
        self.path = path
        self.set(now)

    def set(self, now: float) -> None:
        self.now = now
        self.path.write_text(str(now))


async def ask(house: House, op: str, **args: Any) -> Any:
    """One operation, as the socket would perform it."""
    return await perform(all_operations(house), Request(1, op, args), Peer(0, "ada"))


async def eventually(holds: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait until something holds; AssertionError where it never does."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)
