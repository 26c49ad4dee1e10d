"""What andon needs on this host, checked one by one; nothing is changed and nothing is started."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from console.config import Config
from console.errors import AndonError, ConfigError
from console.library import library_dir
from console.playbook.loader import library
from console.plugins import Plugins
from console.service.client import Client
from console.service.notifying import open_voices
from console.sources.opening import checked_options
from console.sources.redact import shown_url
from console.store.store import Store

LEAST_FREE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    check: str
    state: Literal["ok", "missing", "wrong"]
    text: str


def examine(config: Config, plugins: Plugins) -> list[Check]:
    """Python, data folder, store, daemon, plugins, playbooks, sources, notifiers and model, in that order."""
    return [check for part in PARTS for check in _safely(part, config, plugins)]


def _safely(part: Callable[[Config, Plugins], Iterator[Check]], config: Config, plugins: Plugins) -> Iterator[Check]:
    try:
        yield from part(config, plugins)
    except (AndonError, OSError) as error:
        words = f"{error.message}; {error.hint}".rstrip("; ") if isinstance(error, AndonError) else str(error)
        yield Check(part.__name__.strip("_"), "wrong", words)


def _python(_config: Config, _plugins: Plugins) -> Iterator[Check]:
    yield Check("python", "ok", f"{platform.python_version()} on {platform.platform(terse=True)}, {sys.executable}")


def _terminal(_config: Config, _plugins: Plugins) -> Iterator[Check]:
    size = shutil.get_terminal_size()
    over = " over SSH" if os.environ.get("SSH_CONNECTION") else ""
    inside = " in tmux" if os.environ.get("TMUX") else ""
    kind = os.environ.get("TERM", "no TERM")
    yield Check("terminal", "ok", f"{kind} {size.columns}×{size.lines}{over}{inside}, {sys.stdout.encoding}")


def _config(config: Config, _plugins: Plugins) -> Iterator[Check]:
    if config.path is None:
        yield Check("config", "missing", "no configuration file; the defaults hold (`andon config path` says where)")
    else:
        yield Check("config", "ok", str(config.path))


def _data(config: Config, _plugins: Plugins) -> Iterator[Check]:
    folder = config.data
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK):
        yield Check("data folder", "wrong", f"{there} is not writable; name another with --data")
    made = "" if folder.exists() else ", not made yet"
    yield Check(
        "data folder", "ok" if free >= LEAST_FREE_BYTES else "wrong", f"{folder}, {free / 1e9:.1f} GB free{made}"
    )


def _store(config: Config, _plugins: Plugins) -> Iterator[Check]:
    path = config.data / "andon.db"
    if not path.exists():
        yield Check("store", "missing", "nothing has been collected yet; `andon daemon` starts")
        return
    with Store.open(path, read_only=True):
        yield Check("store", "ok", f"{path}, {path.stat().st_size / 1e6:.1f} MB")


def _daemon(config: Config, _plugins: Plugins) -> Iterator[Check]:
    try:
        status = Client(config.data).request("status", timeout=5)
        yield Check("daemon", "ok", f"version {status['version']}")
    except AndonError as error:
        yield Check("daemon", "missing", f"{error.message}; {error.hint}")


def _plugins(_config: Config, plugins: Plugins) -> Iterator[Check]:
    for problem in plugins.problems:
        yield Check("plugin", "wrong", f"{problem.message}; {problem.hint}".rstrip("; "))
    yield Check("plugins", "ok", ", ".join(name.removeprefix("console.") for name in plugins.names()))


def _playbooks(config: Config, plugins: Plugins) -> Iterator[Check]:
    folders: list[Path] = [library_dir("playbooks"), *config.playbook_dirs]
    problems: list[AndonError] = []
    books = library(folders, plugins.by_name("andon_step_types"), on_problem=problems.append)
    for problem in problems:
        yield Check("playbook", "wrong", f"{problem.message}; {problem.hint}".rstrip("; "))
    yield Check("playbooks", "ok", ", ".join(sorted(books)))


def _sources(config: Config, plugins: Plugins) -> Iterator[Check]:
    kinds = plugins.by_name("andon_sources", "kind")
    for source in config.sources:
        if source.kind not in kinds:
            yield Check("source", "wrong", f"{source.name}: there is no kind {source.kind!r}")
            continue
        try:
            model = kinds[source.kind].options
            checked_options(source.name, source.kind, source.options, model, source.folder)
        except ConfigError as problem:
            yield Check("source", "wrong", f"{problem.message}; {problem.hint}".rstrip("; "))
        else:
            asked = f"`andon source check {source.name}` asks it"
            yield Check("source", "ok", f"{source.name} ({source.kind}); {asked}")
    if not config.sources:
        yield Check("sources", "missing", "none is configured; `andon source list` shows the kinds there are")


def _notifiers(config: Config, plugins: Plugins) -> Iterator[Check]:
    voices, wrong = open_voices(config.notifiers, plugins)
    for voice in voices:
        yield Check("notify", "ok", f"{voice.name} ({voice.offer.kind}); `andon notify test {voice.name}` tries it")
    for problem in wrong:
        yield Check("notify", "wrong", f"{problem.message}; {problem.hint}".rstrip("; "))


def _model(config: Config, _plugins: Plugins) -> Iterator[Check]:
    llm = config.llm
    if llm is None:
        forbidden = "[llm] enabled = false: nothing is told to any"
        yield Check("language model", "ok", forbidden if config.is_llm_forbidden else "none is configured")
        return
    said = f"{llm.model} at {shown_url(llm.url) if llm.url else 'its own endpoint'}"
    if llm.key_env and not os.environ.get(llm.key_env):
        if llm.url:  # a local server needs none
            yield Check("language model", "missing", f"{said}: {llm.key_env} is not set here, should it want a key")
        else:
            yield Check("language model", "wrong", f"{said}: {llm.key_env} is not set here; the daemon needs it too")
    else:
        shows = "`andon triage --incident ID --show-prompt` shows what would be sent"
        yield Check("language model", "ok", f"{said}; {shows}")


PARTS = (_python, _terminal, _config, _data, _store, _daemon, _plugins, _playbooks, _sources, _notifiers, _model)
