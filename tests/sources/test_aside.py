"""Long answers are read in a thread, undisturbed; the collector of garbage works again afterwards."""

from __future__ import annotations

import gc
import threading

import pytest

from console.sources.aside import aside


async def test_work_is_done_in_another_thread_and_without_the_collector() -> None:
    assert await aside(lambda: (threading.current_thread() is threading.main_thread(), gc.isenabled())) == (
        False,
        False,
    )
    assert gc.isenabled()


async def test_what_fails_leaves_the_collector_at_work() -> None:
    with pytest.raises(ZeroDivisionError):
        await aside(lambda: 1 // 0)
    assert gc.isenabled()
