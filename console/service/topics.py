"""What can be subscribed to. A subscriber that is slow gets fewer states, never old ones and never a queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

State = Mapping[str, Any]


class Topic:
    """A state that is read when somebody looks, once per change however many look, and every `rest` seconds at most."""

    def __init__(self, read: Callable[[], Awaitable[State]], *, rest: float = 0.0) -> None:
        self.subscribers = 0
        self._read = read
        self._rest = rest
        self._version = 1
        self._changed = asyncio.Event()
        self._reading = asyncio.Lock()
        self._latest: tuple[int, State] = (0, {})
        self._read_last = float("-inf")  # when, by the loop's clock

    def touch(self) -> None:
        """Say that the state is another one now."""
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def changes(self, heartbeat: float) -> AsyncGenerator[State]:
        """The whole state, then what changed each time it did: its keys, with None for those that are gone.

        After `heartbeat` seconds without a change, an empty one. What happens between two steps of the iterator is
        told in one.
        """
        self.subscribers += 1
        try:
            sent: State = await self._state()
            seen = self._latest[0]
            yield sent
            while True:
                if self._version == seen:
                    changed = self._changed
                    try:
                        await asyncio.wait_for(changed.wait(), heartbeat)
                    except TimeoutError:
                        yield {}
                        continue
                state = await self._state()
                seen = self._latest[0]
                if news := _difference(sent, state):
                    yield news
                sent = state
        finally:
            self.subscribers -= 1

    async def _state(self) -> State:
        async with self._reading:
            if self._latest[0] == self._version:
                return self._latest[1]
            loop = asyncio.get_running_loop()
            await asyncio.sleep(self._read_last + self._rest - loop.time())
            version, self._read_last = self._version, loop.time()
            self._latest = (version, await self._read())
            return self._latest[1]


def _difference(old: State, new: State) -> dict[str, Any]:
    missing = object()
    changed = {key: value for key, value in new.items() if old.get(key, missing) != value}
    return changed | {key: None for key in old if key not in new}
