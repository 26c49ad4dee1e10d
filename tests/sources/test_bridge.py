"""Sources on another loop than their own."""

import asyncio
import inspect
from threading import Thread

from console.model import Span
from console.sources.bridge import bridged
from console.sources.estate import Estate
from console.sources.types import Covering


class Server:
    name = "prom"

    async def read(self, query: object) -> object:
        return query

    async def coverage(self, span: Span, step: float) -> float:
        return 0.5 if asyncio.get_running_loop() is self.home else 0.0

    home: asyncio.AbstractEventLoop | None = None


async def test_what_a_source_can_do_it_can_do_over_the_bridge() -> None:
    source, there = Server(), asyncio.new_event_loop()
    source.home = there
    thread = Thread(target=there.run_forever)
    thread.start()
    try:
        [over] = bridged(Estate(readers=[source]), there).readers  # type: ignore[list-item]
        assert isinstance(over, Covering) and over.name == "prom"  # type: ignore[attr-defined]
        assert callable(inspect.getattr_static(over, "coverage"))  # as protocols look from Python 3.12 on
        assert not hasattr(over, "select")
        assert await over.coverage(Span(0, 1), 1.0) == 0.5
    finally:
        there.call_soon_threadsafe(there.stop)
        thread.join()
        there.close()


async def test_who_answers_on_any_loop_needs_no_bridge() -> None:
    class Anywhere(Server):
        any_loop = True

    source = Anywhere()
    assert bridged(Estate(readers=[source]), asyncio.get_running_loop()).readers == [source]  # type: ignore[list-item]
