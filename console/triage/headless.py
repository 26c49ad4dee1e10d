"""Running and triaging without a daemon: open the sources, look once, close them. What CI and a bastion do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from console.clock import clock_of
from console.config import Config
from console.errors import AndonError, SourceError, UsageError
from console.model import Diagnosis, Event, Span, Symptom
from console.playbook.definition import Playbook
from console.playbook.engine import run
from console.playbook.step import Ask
from console.plugins import Plugins
from console.sources.estate import Situation
from console.sources.one_look import OneLook
from console.sources.opening import close, open_estate
from console.sources.retold import told_once
from console.sources.types import Collectable, EventReader
from console.sources.windows import parse_baseline
from console.store.reader import StoreReader
from console.triage.agent.explaining import Investigation, explained
from console.triage.agent.tool import Scene
from console.triage.diagnose import diagnose
from console.triage.investigate import investigate

STORE_FILE = "andon.db"
EVENT_SECONDS = 20.0


async def run_here(
    playbook: Playbook,
    inputs: Mapping[str, str],
    config: Config,
    plugins: Plugins,
    current: str | None = None,
    baseline: str | None = None,
    ask: Ask | None = None,
    playbooks: Mapping[str, Playbook] | None = None,
) -> Diagnosis:
    """One playbook against the configured sources, and the store where this host has one. Nothing is kept."""
    async with situation(config, plugins) as here:
        done = await run(
            playbook,
            inputs,
            here,
            step_types=plugins.by_name("andon_step_types"),
            current=current,
            baseline=parse_baseline(baseline) if baseline else None,
            ask=ask,
            playbooks=playbooks or {},
        )
    return diagnose([done])


async def triage_here(
    symptom: Symptom,
    playbooks: Mapping[str, Playbook],
    config: Config,
    plugins: Plugins,
    ask: Ask | None = None,
    *,
    is_explained: bool = True,
) -> Diagnosis:
    """Every fitting playbook against the configured sources, and what the configured model says. Nothing is kept."""
    step_types = plugins.by_name("andon_step_types")
    async with situation(config, plugins) as here:
        diagnosis = await investigate([symptom], playbooks, here, step_types, ask=ask)
        scene = Scene(
            here,
            step_types,
            diagnosis,
            playbooks,
            ask=ask,
            offered=tuple(plugins.by_name("andon_agent_tools").values()),
        )
        return await explained(diagnosis, scene, config.llm if is_explained else None)


async def prompt_here(
    symptom: Symptom, playbooks: Mapping[str, Playbook], config: Config, plugins: Plugins
) -> dict[str, Any]:
    """What would be sent first to the configured model after such a triage; nothing is. UsageError without one."""
    if config.llm is None:
        raise UsageError("no language model is configured", "see [llm] in `andon config schema`, and docs/agent.md")
    step_types = plugins.by_name("andon_step_types")
    async with situation(config, plugins) as here:
        diagnosis = await investigate([symptom], playbooks, here, step_types)
        return await Investigation(diagnosis, _scene(here, diagnosis, playbooks, plugins), config.llm).first_request()


def _scene(
    here: Situation, diagnosis: Diagnosis, playbooks: Mapping[str, Playbook], plugins: Plugins, ask: Ask | None = None
) -> Scene:
    offered = tuple(plugins.by_name("andon_agent_tools").values())
    return Scene(here, plugins.by_name("andon_step_types"), diagnosis, playbooks, ask=ask, offered=offered)


@asynccontextmanager
async def situation(config: Config, plugins: Plugins) -> AsyncIterator[Situation]:
    """The sources, open for as long as the block runs."""
    if not config.sources and not (config.data / STORE_FILE).exists():
        raise UsageError(
            "there is nothing to look at: no source is configured and no daemon runs",
            "name one with --source NAME=URL, or under [sources] in the file that `andon config path` prints",
        )
    estate = await open_estate(config.sources, plugins)
    try:
        if (config.data / STORE_FILE).exists():
            estate.readers.insert(0, StoreReader(config.data / STORE_FILE))
        clock = clock_of(config.clock)
        estate.readers += [OneLook(each, clock) for each in estate.sources.values() if isinstance(each, Collectable)]
        yield Situation(estate, clock())
    finally:
        await close(estate)


async def events_here(
    config: Config, plugins: Plugins, span: Span, kinds: Sequence[str]
) -> tuple[list[Event], list[AndonError]]:
    """What the configured sources know of a span, each change once, and why some did not answer."""
    async with situation(config, plugins) as here:
        readers = here.estate.events
        answers = await asyncio.gather(*(_asked(name, reader, span, kinds) for name, reader in readers.items()))
        failed = [*here.estate.failed.values(), *(each for each in answers if isinstance(each, AndonError))]
        return told_once(event for each in answers if not isinstance(each, AndonError) for event in each), failed


async def _asked(name: str, reader: EventReader, span: Span, kinds: Sequence[str]) -> Sequence[Event] | AndonError:
    try:
        return await asyncio.wait_for(reader.events(span, kinds), EVENT_SECONDS)
    except TimeoutError:
        return SourceError(f"{name} did not tell its events within {EVENT_SECONDS:g} s", "look at it")
    except AndonError as error:
        return error
