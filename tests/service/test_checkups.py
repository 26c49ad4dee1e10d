from __future__ import annotations

from console.config import SourceConfig
from console.errors import SourceError
from console.service.checkups import Checkups
from console.sources.types import SourceStatus


class Told:
    """A source that nothing is collected from."""

    def __init__(self, *answers: SourceStatus | SourceError) -> None:
        self.answers = [*answers]

    async def check(self) -> SourceStatus:
        answer = self.answers.pop(0)
        if isinstance(answer, SourceError):
            raise answer
        return answer


class Collected(Told):
    async def collect(self, _now: float) -> tuple[()]:
        return ()


WELL = SourceStatus("logs", "logs", "ok")


def checkups(source: object) -> Checkups:
    return Checkups([SourceConfig("logs", "logs")], {"logs": source})


async def test_a_source_that_died_says_so_though_nobody_needed_it() -> None:
    watched = checkups(Told(WELL, SourceError("it is down", "look at it"), WELL))
    assert watched.states == {}
    await watched.round()
    assert watched.states["logs"].state == "ok"
    await watched.round()
    assert (watched.states["logs"].state, watched.states["logs"].reason) == ("unreachable", "it is down; look at it")
    await watched.round()
    assert watched.states["logs"].state == "ok"


async def test_what_is_collected_from_is_not_asked_besides() -> None:
    watched = checkups(Collected())
    await watched.round()
    assert watched.states == {}


async def test_a_source_that_did_not_open_is_none_of_these() -> None:
    watched = Checkups([SourceConfig("logs", "logs")], {})
    await watched.round()
    assert watched.states == {}
