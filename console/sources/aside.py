"""Reading a long answer aside from the loop, which answers others meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from console.signals.undisturbed import undisturbed

T = TypeVar("T")


async def aside(work: Callable[[], T]) -> T:
    """What `work` gives, done in a thread and without the collector of garbage.

    33 MB of alerts kept the loop waiting for 0.9 s with the collector, and for 0.2 s without.
    """
    return await asyncio.to_thread(_undisturbed, work)


def _undisturbed(work: Callable[[], T]) -> T:
    with undisturbed():
        return work()
