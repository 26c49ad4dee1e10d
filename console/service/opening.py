"""From settings to a house: everything of the daemon but its socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from console.clock import clock_of, patient
from console.config import Config
from console.errors import AndonError
from console.library import library_dir
from console.playbook.loader import library
from console.plugins import load_plugins
from console.service.alert_look import AlertLook
from console.service.alerting import Alerting
from console.service.bench import Bench
from console.service.board import read_board
from console.service.checkups import Checkups
from console.service.collecting import Collector
from console.service.drift_view import models_with_rows
from console.service.drifting import Drifts
from console.service.explaining import Explaining
from console.service.fleet import Fleet, asked
from console.service.house import BOARD_SECONDS, House
from console.service.live import Live
from console.service.notifying import Notifying, open_voices
from console.service.outlook import Outlook
from console.service.pages import Pages
from console.service.records import StoreRecords
from console.service.remedying import Remedying
from console.service.running import Running
from console.service.timeline import Timeline
from console.service.topics import Topic
from console.service.watching import Watch
from console.service.writer import Writer
from console.sources.estate import KEPT
from console.sources.opening import at_home, close, live_ones, open_estate
from console.store.reader import StoreReader
from console.store.store import DATABASE_NAME

log = logging.getLogger("andon.daemon")


@asynccontextmanager
async def open_house(config: Config) -> AsyncIterator[House]:
    """Open everything in order, and put it away in the reverse one.

    Raises DaemonRunning, StoreError, or ConfigError for a clock without a time; a source, plugin or playbook that is
    wrong is left out, and said so.
    """
    troubles: dict[str, str] = {}
    clock = patient(clock_of(config.clock), lambda trouble: troubles.update(clock=trouble))
    async with AsyncExitStack() as stack:
        writer = Writer(config.data / DATABASE_NAME)
        stack.push_async_callback(writer.close)
        await writer.open()
        plugins = load_plugins(
            config.plugin_dirs,
            disable=config.plugins_disabled,
            on_problem=lambda problem: log.warning("%s", problem.message),
        )
        step_types = plugins.by_name("andon_step_types")
        config = config if config.sources else replace(config, sources=await asyncio.to_thread(at_home, plugins))

        def left_out(problem: AndonError) -> None:
            log.warning("%s", problem.message)
            troubles[problem.message] = problem.message

        folders = [library_dir("playbooks"), *config.playbook_dirs]
        playbooks = library(folders, step_types, on_problem=left_out)
        estate = await open_estate(config.sources, plugins)
        stack.push_async_callback(close, estate)
        for name, error in estate.failed.items():
            log.warning("%s: %s", name, error.message)
        reader = StoreReader(writer.path)
        stack.callback(reader.close)
        estate.readers.insert(0, reader)
        records = StoreRecords(writer, playbooks)
        panels = plugins.offers("andon_panels")
        bench = Bench()
        stack.push_async_callback(bench.close)
        house = House(config, clock, plugins, step_types, playbooks, estate, writer, records, bench, troubles, panels)
        house.live = Live(plugins.by_name("andon_codes", "signal"))
        house.collector = Collector(
            estate.sources, house.keep, clock, show=house.live.note, live=live_ones(config.sources, plugins)
        )
        stack.push_async_callback(house.collector.close)
        house.fleet = Fleet(asked(estate), house.live, house.sightings, clock)
        stack.push_async_callback(house.fleet.close)
        house.checkups = Checkups(config.sources, estate.sources)
        house.timeline = Timeline(dict(estate.events), records.add_events)
        estate.events[KEPT] = reader
        house.pages = Pages(estate.sources, house.keep, clock)
        house.board = Topic(lambda: read_board(house), rest=BOARD_SECONDS)
        voices, wrong = open_voices(config.notifiers, plugins)
        for problem in wrong:
            left_out(problem)
        house.notifying = Notifying(voices, writer, house.notice, clock, troubles)
        house.watch = Watch(
            records,
            house.evaluate,
            house.examine,
            house.notifying.tell,
            config.data,
            on_change=house.board.touch,
        )
        dialects = plugins.by_name("andon_dialects").values()
        house.alerting = Alerting(
            config.grouping,
            records,
            house.watch,
            clock,
            model_labels={each.model_label for each in dialects if "model" in (each.model_label or "")},
            on_change=house.board.touch,
        )
        await house.alerting.load()
        house.alert_look = AlertLook(estate.alerts, estate.silencers)
        house.running = Running(
            records, house.situation, bench, step_types, playbooks, config.roles, house.follow, house.went_on
        )
        stack.push_async_callback(house.running.close)
        house.remedying = Remedying(
            config, plugins, records, playbooks, clock, house.play_again, house.board.touch, house.notifying
        )
        house.explaining = Explaining(
            config.llm, records, bench, house.situation,
            lambda incident: house.remedying.list(everything=True, incident=incident),
            step_types, playbooks, tuple(plugins.by_name("andon_agent_tools").values()), clock, house.board.touch,
        )  # fmt: skip
        stack.push_async_callback(house.explaining.close)
        house.outlook = Outlook(records, house.watch, house.explaining.is_at_work, house.board.touch)
        house.drifts = Drifts(
            lambda: models_with_rows(estate, [*house.sightings.newest]),
            house.see_rows,
            lambda: house.board.subscribers > 0,
            house.board.touch,
            config.data,
        )
        house.notifying.start()
        stack.push_async_callback(house.notifying.close)
        stack.push_async_callback(house.watch.close)
        house.started = clock()
        yield house
