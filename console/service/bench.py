"""Where playbooks are run: a thread with an event loop of its own, so that no arithmetic ever holds up the socket."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

log = logging.getLogger("andon.bench")

CLOSE_SECONDS = 2.0
T = TypeVar("T")


class Bench:
    """Takes work from the daemon's loop. Work that never ends is given up by its caller, and dies with the process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bench", daemon=True)
        self._thread.start()
        self._is_closed = False

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives or raises; cancelled here, it is cancelled there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def soon(self, call: Callable[[], object]) -> None:
        """Make a call there, when its loop comes to it."""
        self._loop.call_soon_threadsafe(call)

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """End what is at work, and the thread, once; a thread that cannot be ended is left behind."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await asyncio.wait_for(self.do(_cancel_the_others()), seconds)
        except TimeoutError:
            log.error("a playbook's arithmetic did not end within %g s; it was left behind", seconds)
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()


async def _cancel_the_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()
