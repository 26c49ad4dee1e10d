"""When the drift of each model is looked at: while somebody looks, one at a time, at most once a minute per model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from console.errors import AndonError, UsageError
from console.service.drift_view import View, blank, brief
from console.service.reports import write_report
from console.words import nearest

ROUND_SECONDS = 5.0
AGAIN_SECONDS = 60.0  # of this machine's time: counting rows costs what it costs, however fast the daemon's clock runs
REST_SECONDS = 4.0  # from a look that could not read all rows to the next, which goes on from there
PARTIAL = "partial"  # the reason of no_data that says so
ASKED_SECONDS = 120.0  # somebody who asked still looks
LOOK_SECONDS = 60.0
MOST_MODELS = 100
GRAVEST_FIRST = ("degraded", "inconclusive", "no_data", "improved", "ok")


class Drifts:
    """The last view of every model with rows."""

    def __init__(
        self,
        models: Callable[[], Sequence[str]],
        look: Callable[[str], Awaitable[View]],
        is_watched: Callable[[], bool],
        on_change: Callable[[], None],
        data: Path,
        *,
        seconds: float = LOOK_SECONDS,
    ) -> None:
        self._models = models
        self._look = look
        self._is_watched = is_watched
        self._on_change = on_change
        self._data = data
        self._seconds = seconds
        self._views: dict[str, View] = {}
        self._looked: dict[str, float] = {}
        self._asked = float("-inf")
        self._at_work = asyncio.Lock()

    def rows(self) -> list[dict[str, Any]]:
        """The board's: what was seen last of each model, the gravest first."""
        shown = [self._views.get(model) or blank(model, "not looked at yet") for model in self._models()[:MOST_MODELS]]
        return [brief(view) for view in sorted(shown, key=lambda view: GRAVEST_FIRST.index(view["verdict"]))]

    async def round(self) -> None:
        """While somebody looks, look at every model that was not looked at for a minute."""
        for model in self._models()[:MOST_MODELS]:
            if self._is_wanted() and self._is_due(model):
                await self._see(model)

    async def of(self, model: str) -> View:
        """A model's view, a minute old unless others are looked at just now; UsageError where it has no rows."""
        self._asked = _now()
        known = self._models()
        if model not in known:
            raise UsageError(f"no table is about {model[:60]!r}", nearest(model[:60], known))
        if self._is_due(model) and not (model in self._views and self._at_work.locked()):
            await self._see(model)
        return self._views[model]

    def look_again(self, model: str) -> None:
        """Something was found out about a model: what was seen of it a while ago may be so no more."""
        self._looked.pop(model, None)

    def _is_wanted(self) -> bool:
        return self._is_watched() or _now() - self._asked < ASKED_SECONDS

    def _is_due(self, model: str) -> bool:
        return _now() - self._looked.get(model, float("-inf")) >= AGAIN_SECONDS

    async def _see(self, model: str) -> None:
        async with self._at_work:
            if not self._is_due(model):
                return
            known = {*self._models()}
            self._views = {name: view for name, view in self._views.items() if name in known}
            view, is_whole = await self._seen(model)
            self._views[model] = view if is_whole else self._views.get(model) or view
            self._looked = {name: self._looked.get(name, float("-inf")) for name in self._views}
            self._looked[model] = _now() if is_whole else _now() - AGAIN_SECONDS + REST_SECONDS
        self._on_change()

    async def _seen(self, model: str) -> tuple[View, bool]:
        """What is seen of a model, and whether all its rows were read for it: else the next look goes on from there."""
        try:
            return await asyncio.wait_for(self._look(model), self._seconds), True
        except TimeoutError:
            return blank(model, f"looking at its rows took more than {self._seconds:g} s and was stopped"), True
        except AndonError as error:
            return blank(model, error.message), not error.message.startswith(PARTIAL)
        except Exception as error:  # noqa: BLE001 - a mistake of ours costs one view, never the daemon
            return blank(model, write_report(self._data, f"looking at the rows of {model}", error).message), True


def _now() -> float:
    return asyncio.get_running_loop().time()
