"""What the sources' alerts and silences were at the last look: taken while somebody looks, every fifteen seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from console.errors import AndonError, SourceDenied, SourceMalformed
from console.model import Alert, Silence
from console.sources.types import AlertReader, Silencer

ROUND_SECONDS = 1.0
AGAIN_SECONDS = 15.0
ASKED_SECONDS = 60.0  # somebody who asked still looks
LOOK_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class Look:
    """What one source said, and how it is. Where it fails, what it said last stays, with its age."""

    name: str
    state: Literal["new", "ok", "denied", "malformed", "unreachable"] = "new"
    reason: str = "not asked yet"
    looked: float | None = None  # when it last answered, by the loop's clock
    alerts: Sequence[Alert] = ()
    silences: Sequence[Silence] = ()


class AlertLook:
    """The last look at every source of alerts. Nobody is asked anything while nobody looks."""

    def __init__(self, alerters: Mapping[str, AlertReader], silencers: Mapping[str, Silencer]) -> None:
        self.silencers = silencers
        self.looks = {name: Look(name) for name in sorted({*alerters, *silencers})}
        self._alerters = alerters
        self._asked = float("-inf")
        self._looked = float("-inf")
        self._at_work = asyncio.Lock()

    async def round(self) -> None:
        """Look again, where somebody still looks and the last look is old enough."""
        if _now() - self._asked < ASKED_SECONDS and _now() - self._looked >= AGAIN_SECONDS:
            await self.anew()

    async def seen(self) -> list[Look]:
        """The last look, a new one where nobody looked for a while."""
        if _now() - self._asked >= ASKED_SECONDS or self._looked == float("-inf"):
            await self.anew()
        self._asked = _now()
        return [*self.looks.values()]

    async def anew(self) -> None:
        """Ask every source now, all at once; one that is being asked already is not asked twice."""
        began = _now()
        async with self._at_work:
            if self._looked >= began:
                return
            found = await asyncio.gather(*(self._look(look) for look in self.looks.values()))
            self.looks = {look.name: look for look in found}
            self._looked = _now()

    async def _look(self, before: Look) -> Look:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                alerts, silences = await asyncio.gather(self._alerts(before.name), self._silences(before.name))
        except TimeoutError:
            return replace(before, state="unreachable", reason=f"it did not answer within {LOOK_SECONDS:g} s")
        except SourceDenied as error:
            return replace(before, state="denied", reason=error.message)
        except SourceMalformed as error:
            return replace(before, state="malformed", reason=error.message)
        except AndonError as error:
            return replace(before, state="unreachable", reason=error.message)
        return Look(before.name, "ok", "", _now(), alerts, silences)

    async def _alerts(self, name: str) -> Sequence[Alert]:
        return await self._alerters[name].alerts() if name in self._alerters else ()

    async def _silences(self, name: str) -> Sequence[Silence]:
        return await self.silencers[name].silences() if name in self.silencers else ()


def _now() -> float:
    return asyncio.get_running_loop().time()
