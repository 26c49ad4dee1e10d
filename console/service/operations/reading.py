"""Operations that only look: sources, the timeline, and the plugins' panels."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import islice
from typing import Any

from pydantic import Field

from console.errors import PluginError
from console.model import Span
from console.plugins import Panel, PanelData, guard, take
from console.report.clean import clean
from console.service.board import sources
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.peer import Peer
from console.sources.checking import check_all
from console.sources.retold import told_once
from console.wire import dump

MOST_EVENTS = 1000
MOST_CELLS = 50  # of a panel's row


class Nothing(Arguments):
    """No arguments."""


class OneSource(Arguments):
    """A source by name, or all of them."""

    name: str | None = None


class Timeline(Arguments):
    """A span of time; no kinds mean all, and so does no target."""

    start: float
    end: float
    kinds: list[str] = Field(default_factory=list)
    target: str | None = None


def operations(house: House) -> tuple[Operation, ...]:
    """What can be looked at."""

    async def list_sources(_arguments: Nothing, _peer: Peer) -> Any:
        return sources(house, house.clock())

    async def check_sources(arguments: OneSource, _peer: Peer) -> Any:
        names = () if arguments.name is None else (arguments.name,)
        return [dump(each) for each in await check_all(house.config.sources, house.plugins, names)]

    async def events(arguments: Timeline, _peer: Peer) -> Any:
        """What the sources told and the store kept, each change once; the newest MOST_EVENTS."""
        found = told_once(await house.records.events(Span(arguments.start, arguments.end), arguments.kinds))
        chosen = [event for event in found if arguments.target in (None, event.target)]
        return [dump(event) for event in chosen[-MOST_EVENTS:]]

    async def panels(_arguments: Nothing, _peer: Peer) -> Any:
        return await asyncio.gather(*(asyncio.to_thread(_panel, plugin, panel) for plugin, panel in house.panels))

    return (
        Operation("source.list", Nothing, list_sources),
        Operation("source.check", OneSource, check_sources),
        Operation("events", Timeline, events),
        Operation("panels", Nothing, panels),
    )


def _panel(plugin: str, panel: Panel) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": panel.name, "title": panel.title, "plugin": plugin}
    try:
        data = guard(plugin, f"reading panel {panel.name}", lambda: _texts(plugin, panel, panel.read()))
        return shown | {"headings": data.headings, "rows": data.rows, "note": data.note}
    except PluginError as error:
        return shown | {"headings": [], "rows": [], "note": error.message}


def _texts(plugin: str, panel: Panel, data: PanelData) -> PanelData:
    """The panel's data with text in every place, whatever the plugin put there."""
    rows = take(plugin, panel.name, data.rows)
    return PanelData(_row(data.headings), tuple(_row(row) for row in rows), _text(data.note))


def _row(cells: Iterable[object]) -> tuple[str, ...]:
    return tuple(_text(cell) for cell in islice(cells, MOST_CELLS))


def _text(cell: object) -> str:
    return clean(str(cell).encode("utf-8", "replace").decode())
