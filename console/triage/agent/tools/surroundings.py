"""What stands around an incident: what runs where, who calls whom, the objects that sources keep, kept examples."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from pydantic import Field

from console.config import duration
from console.errors import AndonError, UsageError
from console.model import Exemplar, Finding, Labels, Query, Span, Window
from console.playbook.steps.asking import told_by
from console.signals.catalogue import catalogue
from console.sources.redact import shown_line
from console.sources.types import ExemplarRequest, TraceRequest
from console.triage.agent.tool import Arguments, Scene, Seen, Tool, checked, note, schema_of
from console.words import instant, labelled, nearest

READ_SECONDS = 30.0
PLACES = (
    "model",
    "workload",
    "namespace",
    "pod",
    "node",
    "host",
    "gpu",
    "instance",
    "service",
)  # labels that say where
MOST_SIGNALS = 12  # asked what runs where
MOST_PLACES = 60
MOST_EDGES = 40
MOST_SPANS = 4_000
MOST_OBJECTS = 30
MOST_EXAMPLES = 6
LATELY = "5m"


class Around(Arguments):
    """What to look around."""

    about: str = Field("", description="a model, host, pod …: only lines that name it")


class ObjectsAsked(Arguments):
    """Which objects."""

    kind: str = Field("", description="pod, node, deployment …; none: all")
    name: str = Field("", description="only those whose name contains this")


class ExamplesAsked(Arguments):
    """Which kept examples."""

    source: str = Field("", description="a source of rows; the only one where there is one")
    side: Literal["current", "baseline"] = "current"
    column: str | None = Field(None, description="typical of this column …")
    near: float | None = Field(None, description="… near this value")


def tools(scene: Scene) -> Iterator[Tool]:
    """`topology`, `objects` and `exemplars`, where there is a source of them."""
    described = "What runs where (models, pods, hosts, GPUs), and which service calls which. Gives findings."
    yield Tool("topology", described, schema_of(Around), partial(_topology, scene))
    estate = scene.situation.estate
    if estate.objects:
        described = "Pods, workloads and nodes as they are now. Gives findings."
        yield Tool("objects", described, schema_of(ObjectsAsked), partial(_objects, scene))
    if estate.tables and scene.diagnosis.windows.current:
        described = "Example inputs of a window, redacted. Gives findings."
        yield Tool("exemplars", described, schema_of(ExamplesAsked), partial(_exemplars, scene))


async def _topology(scene: Scene, arguments: Mapping[str, Any]) -> Seen:
    asked: Around = checked(Around, arguments)
    places, edges = await asyncio.gather(_places(scene), _edges(scene))
    lines = [*places, *edges]
    found = [line for line in lines if asked.about.casefold() in line.casefold()]
    return Seen(f"{len(found)} of {len(lines)}", tuple(note(line, "topology") for line in found))


async def _places(scene: Scene) -> list[str]:
    """Which labels are seen together in what is measured lately."""
    estate, now = scene.situation.estate, scene.situation.now
    window = Window((Span(now - duration(LATELY), now),))
    known: dict[str, None] = {}
    for reader in estate.readers:
        try:
            known |= dict.fromkeys(await reader.signals())
        except AndonError:
            continue  # what is silent runs nowhere that anybody could tell
    asked = [each for each in catalogue().values() if each.name in known and each.scope != "data"][:MOST_SIGNALS]
    seen: dict[Labels, list[str]] = {}
    for signal in asked:
        try:
            frame = await told_by(estate, Query(signal.name, window, scene.situation.interval, by=PLACES))
        except AndonError:
            continue
        for series in frame.series:
            labels = Labels.of({name: value for name, value in series.key.labels if value})
            seen.setdefault(labels, []).append(signal.name)
    told = sorted(seen, key=lambda labels: (-len(labels), labels))[:MOST_PLACES]
    return [shown_line(f"{', '.join(f'{name}={value}' for name, value in labels)} (by {seen[labels][0]})")
            for labels in told if labels]  # fmt: skip


async def _edges(scene: Scene) -> list[str]:
    """Who calls whom, by traces of the current window."""
    current = scene.diagnosis.windows.current
    counts: Counter[tuple[str, str]] = Counter()
    for reader in scene.situation.estate.traces.values() if current is not None else ():
        assert current is not None
        try:
            async with asyncio.timeout(READ_SECONDS):
                spans = await reader.spans(TraceRequest(Span(current.start, current.end), most=MOST_SPANS))
        except (TimeoutError, AndonError):
            continue
        by_id = {(span.trace, span.id): span.service for span in spans}
        callers = ((by_id.get((span.trace, span.parent)), span.service) for span in spans)
        counts.update((caller, callee) for caller, callee in callers if caller is not None and caller != callee)
    return [shown_line(f"{caller} calls {callee} ({count} calls seen)")
            for (caller, callee), count in counts.most_common(MOST_EDGES)]  # fmt: skip


async def _objects(scene: Scene, arguments: Mapping[str, Any]) -> Seen:
    asked: ObjectsAsked = checked(ObjectsAsked, arguments)
    found, silent = [], []
    for name, reader in scene.situation.estate.objects.items():
        try:
            async with asyncio.timeout(READ_SECONDS):
                found += [*await reader.objects(asked.kind, asked.name)]
        except TimeoutError:
            silent.append(f"{name} did not answer in {READ_SECONDS:g} s")
        except AndonError as error:
            silent.append(shown_line(error.message))
    lines = [
        f"{each.kind} {each.namespace}{'/' * bool(each.namespace)}{each.name}{labelled(each.facts)}" for each in found
    ]
    more = f", {len(lines) - MOST_OBJECTS} more are not shown: narrow" if len(lines) > MOST_OBJECTS else ""
    findings = tuple(note(shown_line(line), "objects") for line in lines[:MOST_OBJECTS])
    return Seen("\n".join([f"{len(lines)} objects{more}", *silent]), findings)


async def _exemplars(scene: Scene, arguments: Mapping[str, Any]) -> Seen:
    asked: ExamplesAsked = checked(ExamplesAsked, arguments)
    tables, windows = scene.situation.estate.tables, scene.diagnosis.windows
    name = asked.source or (next(iter(tables)) if len(tables) == 1 else "")
    window = windows.current if asked.side == "current" else windows.baseline
    if name not in tables or window is None:
        raise UsageError(f"there is no source of rows {shown_line(asked.source, 60)!r}", nearest(asked.source, tables))
    request = ExemplarRequest(
        asked.side, window.spans, window.where, asked.column, asked.near if asked.column else None, MOST_EXAMPLES
    )
    try:
        async with asyncio.timeout(READ_SECONDS):
            rows: Sequence[Exemplar] = await tables[name].exemplars(request)
    except TimeoutError:
        raise UsageError(f"{name} did not answer in {READ_SECONDS:g} s", "go on without") from None
    return Seen(f"{len(rows)} examples of the {asked.side} window", tuple(map(_example, rows)))


def _example(one: Exemplar) -> Finding:
    fields = ", ".join(f"{name}={value}" for name, value in one.fields)
    text = shown_line(f"{one.side} input of {instant(one.time)}: {one.caption} {fields}".rstrip())
    return replace(note(text, "exemplars"), kind="exemplar", exemplars=(one,))
