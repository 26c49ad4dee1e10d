"""From settings to open sources: each one opened on its own, so that a broken one stops no other."""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from console.config import SourceConfig
from console.errors import AndonError, ConfigError, PluginError, UsageError
from console.plugins import ActuatorType, Plugins, SourceType, guard
from console.sources.calls import Opening
from console.sources.child import open_child
from console.sources.estate import Estate
from console.sources.guarded import guarded
from console.sources.redact import shown_url
from console.sources.types import (
    AlertReader,
    Closable,
    EventReader,
    LogReader,
    ObjectReader,
    Prober,
    SignalReader,
    Silencer,
    Speaking,
    TableReader,
    TraceReader,
)

log = logging.getLogger("andon.sources")

CLOSE_SECONDS = 2.0

T = TypeVar("T")
Offers = Mapping[str, tuple[str, SourceType]]  # by kind: the plugin that offers it, and the offer


async def open_estate(configs: Sequence[SourceConfig], plugins: Plugins) -> Estate:
    """Open every source; those that cannot be opened stand in `failed` with their error."""
    estate = Estate()
    offers = _offers(plugins)
    opened = await asyncio.gather(*(_open_or_say_why(config, plugins, offers) for config in configs))
    for config, source in zip(configs, opened, strict=True):
        if isinstance(model := config.options.get("model"), str):
            estate.models[config.name] = model
        if isinstance(source, AndonError):
            estate.failed[config.name] = source
        else:
            enlist(estate, config.name, source)
    return estate


async def open_source(config: SourceConfig, plugins: Plugins) -> Any:
    """Open one source: an object with some of the coroutines of types.py.

    Raises ConfigError for an unknown kind or option, SourceError or PluginError for a source that does not open.
    """
    return await _open(config, plugins, _offers(plugins))


def at_home(plugins: Plugins) -> tuple[SourceConfig, ...]:
    """What can be watched on this machine though nobody configured it, under the names of the kinds."""
    found: list[SourceConfig] = []
    for plugin, offer in _offers(plugins).values():
        try:
            if _guarded(plugin, f"looking for {offer.kind} on this machine", offer.at_home):
                found.append(SourceConfig(offer.kind, offer.kind))
        except AndonError as error:
            log.warning("%s", error.message)
    return tuple(found)


def live_ones(configs: Sequence[SourceConfig], plugins: Plugins) -> frozenset[str]:
    """The names of those sources that may be asked every second while somebody looks."""
    offers = _offers(plugins)
    return frozenset(each.name for each in configs if each.kind in offers and offers[each.kind][1].live)


def enlist(estate: Estate, name: str, source: Any) -> None:
    """Put an open source under every capability that it has."""
    estate.sources[name] = source
    if isinstance(source, SignalReader):
        estate.readers.append(source)
    if isinstance(source, TableReader):
        estate.tables[name] = source
    if isinstance(source, EventReader):
        estate.events[name] = source
    if isinstance(source, Prober):
        estate.probers[name] = source
    if isinstance(source, LogReader):
        estate.logs[name] = source
    if isinstance(source, TraceReader):
        estate.traces[name] = source
    if isinstance(source, ObjectReader):
        estate.objects[name] = source
    if isinstance(source, AlertReader):
        estate.alerts[name] = source
    if isinstance(source, Silencer):
        estate.silencers[name] = source


async def close(estate: Estate) -> None:
    """Let go of every source; one that will not is left behind."""
    closing = [
        asyncio.create_task(_close(source)) for source in estate.sources.values() if isinstance(source, Closable)
    ]
    if closing:
        done, late = await asyncio.wait(closing, timeout=CLOSE_SECONDS)
        for task in late:
            task.cancel()
        for task in done:
            if error := task.exception():
                log.warning("a source could not be closed: %s: %s", type(error).__name__, error)


def from_argument(text: str, plugins: Plugins) -> SourceConfig:
    """The source that `--source NAME=URL` means: the first kind that takes the URL as its own.

    Raises UsageError where no kind does.
    """
    name, equals, url = text.partition("=")
    if not (name and equals and url):
        raise UsageError(
            f"--source {text!r} is not NAME=URL", "write it like --source line=http://127.0.0.1:8000/metrics"
        )
    for plugin, offer in sorted(plugins.offers("andon_sources"), key=lambda pair: pair[1].takes_the_rest):
        options = _guarded(plugin, "reading a URL", partial(offer.from_url, url))
        if options is not None:
            return SourceConfig(name, offer.kind, dict(options))
    raise UsageError(
        f"no kind of source reads {shown_url(url)!r}",
        "write http://HOST:PORT, the path of a file that is there, or KIND+ADDRESS (`andon source list` has the "
        "kinds); the configuration takes them all, with options",
    )


def checked_options(
    whose: str, kind: str, given: Mapping[str, Any], model: type[BaseModel], folder: Path | None
) -> BaseModel:
    """What the configuration says of one thing, as its kind has it; ConfigError, naming it, where that does not fit."""
    known = model.model_fields
    for option in given if model.model_config.get("extra") != "allow" else ():
        if option not in known:
            raise ConfigError(f"{whose}: the kind {kind} has no option {option!r}", _nearest(option, known))
    try:
        return model.model_validate(dict(given), context={"folder": folder})
    except ValidationError as error:
        first = error.errors()[0]
        option = ".".join(map(str, first["loc"])) or "options"
        raise ConfigError(f"{whose}: {option}: {first['msg']}", f"options are {', '.join(known)}") from None


def in_a_child(
    name: str, plugin: str, offer: SourceType | ActuatorType, options: BaseModel, plugins: Plugins
) -> Opening:
    """How a child process opens what a plugin offers."""
    module = plugins.manager.get_plugin(plugin)
    module_name = getattr(module, "__name__", plugin)
    file = str(getattr(module, "__file__", "")) if module_name.startswith("andon_plugins.") else ""
    plain = options.model_dump(mode="json")
    return Opening(name, offer.kind, module_name, file, plain, offer.inside, offer.environment)


def _offers(plugins: Plugins) -> Offers:
    """The kinds of source; where two plugins offer one, the first stays."""
    return {offer.kind: (plugin, offer) for plugin, offer in reversed(plugins.offers("andon_sources"))}


async def _open_or_say_why(config: SourceConfig, plugins: Plugins, offers: Offers) -> Any:
    try:
        return await _open(config, plugins, offers)
    except AndonError as error:
        return error


async def _open(config: SourceConfig, plugins: Plugins, offers: Offers) -> Any:
    if config.kind not in offers:
        raise ConfigError(f"source {config.name}: there is no kind {config.kind!r}", _nearest(config.kind, offers))
    plugin, offer = offers[config.kind]
    options = checked_options(f"source {config.name}", config.kind, config.options, offer.options, config.folder)
    if offer.isolated:
        return await open_child(in_a_child(config.name, plugin, offer, options, plugins))

    def open_it() -> Any:
        source = offer.open(config.name, options)
        if isinstance(source, Speaking):
            source.speak(dialects)
        return source

    dialects = plugins.by_name("andon_dialects")
    source = await asyncio.to_thread(_guarded, plugin, f"opening source {config.name}", open_it)
    return guarded(source, config.name, plugin)


async def _close(source: Closable) -> None:
    await source.close()


def _guarded(plugin: str, what: str, call: Callable[[], T]) -> T:
    """As `guard`, but an error of andon's own family comes out as itself."""
    try:
        return guard(plugin, what, call)
    except PluginError as error:
        if isinstance(error.__cause__, AndonError):
            raise error.__cause__ from None
        raise


def _nearest(name: str, known: Any) -> str:
    close_ones = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close_ones[0]!r}?" if close_ones else f"known are {', '.join(sorted(known))}"
