"""What a plugin may offer, and how andon stays whole when one misbehaves.

A plugin is one file (or an installed package with an `andon` entry point) with functions marked `@hookimpl`.
andon's own features are plugins on the same hooks, listed in `BUILT_IN`. Everything a plugin does is called through
`guard`: an exception, a hang or a flood is cut off, named after the plugin, and survived.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from console.errors import PluginError
from console.library import PLUGINS_PACKAGE, add_plugin_folder, library_dir

if TYPE_CHECKING:
    import click
    from pydantic import BaseModel

    from console.model import Notice
    from console.signals.codes import CodeBook
    from console.signals.dialect import Dialect

hookspec = pluggy.HookspecMarker("andon")
hookimpl = pluggy.HookimplMarker("andon")

BUILT_IN = (
    "console.sources.builtin",
    "console.playbook.steps",
    "console.lab.builtin",
)
HOOK_SECONDS = 20.0  # long, for a host whose cores are taken is when andon is needed
MOST_OFFERS = 500

T = TypeVar("T")


# ── the nouns a plugin offers ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SourceType:
    """A kind of source that the configuration may name.

    `open(name, options)` returns an object with any of the methods of console/sources/types.py. Where `isolated`, those
    methods are plain blocking functions and run in a child process with a deadline; otherwise they are coroutines.
    """

    kind: str
    title: str
    options: type[BaseModel]
    open: Callable[[str, Any], Any]
    isolated: bool = False
    inside: str = ""  # isolated: the `module:function` that opens it from plain options, to spare its child the offer
    environment: tuple[str, ...] = ()  # isolated: what the names of variables begin with that its child may see
    from_url: Callable[[str], Mapping[str, Any] | None] = lambda _url: None  # `--source NAME=URL`: options, or not ours
    takes_the_rest: bool = False  # it is asked about a URL last, and may take one that says little
    live: bool = False  # cheap enough to be asked every second while somebody looks
    at_home: Callable[[], bool] = lambda: False  # whether this machine has it: then it is opened where nothing is set
    hint: str = ""  # what to type where no GPU is seen


@dataclass(frozen=True, slots=True)
class StepType:
    """A step that a playbook may use. `result` types every value that expressions may read."""

    name: str
    title: str
    options: type[BaseModel]
    result: Mapping[str, str]  # dotted name -> CEL type: {"verdict": "string", "current.stat": "double"}
    run: Callable[[Any, Any], Awaitable[Any]]  # (StepContext, options) -> StepOutcome
    tied: tuple[str, ...] = ()  # options that name another step: ("around.onset_of",) for `around: {onset_of: ttft}`
    timeout: float = 30.0  # seconds a step may take where the playbook does not say
    expressions: tuple[str, ...] = ()  # options that are CEL themselves: each one, or each of a list, is true or false
    commands: tuple[str, ...] = ()  # options that a person gives to a shell: only plain words may fill their holes
    is_patient: bool = False  # it waits rather than looks, so it keeps no other step from looking
    is_check: bool = True  # what it says counts to the verdict


@dataclass(frozen=True, slots=True)
class ActionType:
    """An act that a remedy may use, and what a playbook may say of it. Actuators do it."""

    name: str  # kubernetes.scale
    title: str
    options: type[BaseModel]


@dataclass(frozen=True, slots=True)
class ActuatorType:
    """A way to change things, which `[actuators.NAME] kind = …` may name. It needs rights that no source has.

    `open(name, options)` returns what console/remedy/actuator.py describes: coroutines, or plain blocking functions
    where `isolated`: those run in a child process with a deadline.
    """

    kind: str
    title: str
    options: type[BaseModel]
    open: Callable[[str, Any], Any]
    actions: tuple[str, ...]  # the names of those that it does
    isolated: bool = False
    inside: str = ""  # isolated: the `module:function` that opens it from plain options
    environment: tuple[str, ...] = ()  # isolated: what the names of variables begin with that its child may see


@dataclass(frozen=True, slots=True)
class PanelData:
    """What a panel shows: rows of text under headings. Drawing is the console's."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of the board."""

    name: str
    title: str
    read: Callable[[], PanelData]


@dataclass(frozen=True, slots=True)
class DriftMeasure:
    """One more way to say how far two count vectors of the same bins are apart; shown, never decisive."""

    name: str
    title: str
    measure: Callable[[Sequence[int], Sequence[int]], float]


@dataclass(frozen=True, slots=True)
class Notifier:
    """A way to tell people, which `[notify.NAME] kind = …` may name.

    `notify(options, notice)` is a coroutine or a blocking function, and may be called again with the same notice. It
    raises SourceBusy or SourceError where it is worth another try later, ConfigError where it is not.
    """

    kind: str
    title: str
    options: type[BaseModel]
    notify: Callable[[Any, Notice], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class AgentTool:
    """A read-only tool of the agent that explains."""

    name: str
    title: str
    arguments: type[BaseModel]
    call: Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class LabFault:
    """A way to break the practice line. `expect` is what scoring reads; nothing else in andon may."""

    name: str
    title: str
    inject: Callable[[Any, Mapping[str, Any]], None]  # (plant, parameters)
    heal: Callable[[Any], None]  # (plant)
    expect: Mapping[str, str]  # playbook, cause, subject …; a value may name parameters: "{line}"
    draw: Callable[[Any], Mapping[str, Any]] = lambda _chances: {}  # numpy Generator -> parameters at random
    place: str = "vision"  # which part of the line it breaks: vision, generation or site
    is_simulated: bool = False  # only the numbers of an exporter change; otherwise something really breaks
    is_alone: bool = False  # it loads the machine: nothing else is measured beside it
    excludes: tuple[str, ...] = ()  # faults of the same part: with both, nobody could tell which
    ranges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of its parameters: scoring may redraw them
    mended_by: Mapping[str, str] = field(default_factory=dict)  # action -> what it is done to; may name parameters
    remedy: Callable[[Any], None] | None = None  # (plant): what the action comes to; none: it is healed

    def mend(self, plant: Any) -> None:
        """What its remedy does."""
        (self.remedy or self.heal)(plant)


# ── the hooks ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Hooks:
    """Every hook a plugin may implement; each returns an iterable of one noun."""

    @hookspec
    def andon_sources(self) -> Iterable[SourceType]:  # type: ignore[empty-body]
        """Kinds of source."""

    @hookspec
    def andon_dialects(self) -> Iterable[Dialect]:  # type: ignore[empty-body]
        """How exporters spell signals."""

    @hookspec
    def andon_codes(self) -> Iterable[CodeBook]:  # type: ignore[empty-body]
        """What the numbers of a signal mean that are names."""

    @hookspec
    def andon_step_types(self) -> Iterable[StepType]:  # type: ignore[empty-body]
        """Steps that playbooks may use."""

    @hookspec
    def andon_actions(self) -> Iterable[ActionType]:  # type: ignore[empty-body]
        """Acts that remedies may use."""

    @hookspec
    def andon_actuators(self) -> Iterable[ActuatorType]:  # type: ignore[empty-body]
        """Ways to change things."""

    @hookspec
    def andon_panels(self) -> Iterable[Panel]:  # type: ignore[empty-body]
        """Panels of the board."""

    @hookspec
    def andon_drift_measures(self) -> Iterable[DriftMeasure]:  # type: ignore[empty-body]
        """Distances shown beside a column's verdict."""

    @hookspec
    def andon_notifiers(self) -> Iterable[Notifier]:  # type: ignore[empty-body]
        """Ways to tell people."""

    @hookspec
    def andon_agent_tools(self) -> Iterable[AgentTool]:  # type: ignore[empty-body]
        """Read-only tools of the agent."""

    @hookspec
    def andon_commands(self) -> Iterable[click.Command]:  # type: ignore[empty-body]
        """Commands beside andon's own."""

    @hookspec
    def andon_lab_faults(self) -> Iterable[LabFault]:  # type: ignore[empty-body]
        """Ways to break the practice line."""


# ── isolation ────────────────────────────────────────────────────────────────────────────────────────────────────────


class _CutOff(BaseException):
    """Raised inside a plugin's thread when its time is up."""


def guard(plugin: str, what: str, call: Callable[[], T], *, seconds: float = HOOK_SECONDS) -> T:
    """Call into a plugin with a deadline.

    The call runs in a thread of its own; one that overstays is abandoned and, once it is back in Python code, ended.
    Raises PluginError, naming the plugin and what it was doing, for any exception and for a hang.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def body() -> None:
        try:
            outcome.append(call())
        except BaseException as error:  # noqa: BLE001 - a stranger's code may raise anything, SystemExit too
            failure.append(error)

    thread = threading.Thread(target=body, name=f"plugin {plugin}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_CutOff))
        raise PluginError(f"plugin {plugin} was cut off: {what} took more than {seconds:g} s", _blame(plugin))
    if failure:
        error = failure[0]
        raise PluginError(f"plugin {plugin} failed: {what}: {type(error).__name__}: {error}", _blame(plugin)) from error
    return outcome[0]


def take(plugin: str, what: str, offers: Iterable[T], *, most: int = MOST_OFFERS) -> list[T]:
    """At most `most` items; a flood is an error, not a full memory."""
    items = list(islice(offers, most + 1))
    if len(items) > most:
        raise PluginError(f"plugin {plugin} was cut off: {what} gave more than {most} items", _blame(plugin))
    return items


def _blame(plugin: str) -> str:
    return f"mend it, or leave it out with [plugins] disable = [{plugin!r}]"


# ── discovery ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Plugins:
    """The plugins of this process, and what went wrong with any of them."""

    manager: pluggy.PluginManager
    on_problem: Callable[[PluginError], object]  # hears of each as it is found
    problems: list[PluginError] = field(default_factory=list)
    _offers: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)  # each hook is asked once

    def names(self) -> list[str]:
        """The plugins that loaded, built-in ones first."""
        return [name for name, _plugin in self.manager.list_name_plugin()]

    def offers(self, hook: str) -> list[tuple[str, Any]]:
        """(plugin, offer) for everything offered on one hook; a plugin that misbehaves is left out and named."""
        if hook not in self._offers:
            self._offers[hook] = self._ask(hook)
        return self._offers[hook]

    def _ask(self, hook: str) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            plugin = implementation.plugin_name
            try:
                with redirect_stdout(sys.stderr):  # stdout is for answers
                    items = guard(plugin, hook, lambda call=implementation.function: take(plugin, hook, call()))  # type: ignore[misc] # noqa: B023
            except PluginError as error:
                self.note(error)
                continue
            for item in items:
                if _is_noun(hook, item):
                    found.append((plugin, item))
                else:
                    self.note(PluginError(f"plugin {plugin} offers a {type(item).__name__} on {hook}", _blame(plugin)))
        return found

    def note(self, problem: PluginError) -> None:
        """Keep a problem, once however often it is met."""
        if all(problem.message != known.message for known in self.problems):
            self.problems.append(problem)
            self.on_problem(problem)

    def by_name(self, hook: str, attribute: str = "name") -> dict[str, Any]:
        """The offers of one hook under their names; the first plugin to use a name keeps it."""
        table: dict[str, Any] = {}
        for plugin, item in self.offers(hook):
            name = str(getattr(item, attribute))
            if name in table:
                self.note(PluginError(f"plugin {plugin} offers {name} a second time; the first stays", ""))
                continue
            table[name] = item
        return table


def _is_noun(hook: str, item: object) -> bool:
    """Whether an offer is what the hook's annotation says, by name: some of those nouns are costly to import."""
    noun = Hooks.__dict__[hook].__annotations__["return"].removeprefix("Iterable[").removesuffix("]")
    return any(kind.__name__ == noun.rpartition(".")[2] for kind in type(item).__mro__)


def load_plugins(
    folders: Sequence[Path] = (),
    *,
    disable: Sequence[str] = (),
    on_problem: Callable[[PluginError], object] = lambda _problem: None,
) -> Plugins:
    """Find and load every plugin: built in, shipped, installed, then the operator's own folders.

    Nothing is ever loaded from the current folder. A plugin that cannot be loaded is named in `problems`, and
    `on_problem` hears of it, as of all that shows later.
    """
    manager = pluggy.PluginManager("andon")
    manager.add_hookspecs(Hooks)
    plugins = Plugins(manager, on_problem)
    for module in BUILT_IN:
        manager.register(importlib.import_module(module), name=module)
    for folder in (library_dir("plugins"), *folders):
        if not folder.is_dir():
            plugins.note(
                PluginError(f"there is no folder of plugins {folder}", "mend [plugins] dirs, or --plugins-dir")
            )
        for path in sorted(folder.glob("*.py")):
            if not path.stem.startswith("_") and path.stem not in disable:
                _register(plugins, path.stem, lambda path=path: load_file(path))  # type: ignore[misc]
    for entry in entry_points(group="andon"):
        if entry.name not in disable:
            _register(plugins, entry.name, entry.load)
    return plugins


def _register(plugins: Plugins, name: str, load: Callable[[], ModuleType]) -> None:
    try:
        if plugins.manager.has_plugin(name):
            raise PluginError(f"plugin {name} is there twice; the first stays", "rename one of the files")
        with redirect_stdout(sys.stderr):  # stdout is for answers
            plugins.manager.register(guard(name, "loading", load), name=name)
        plugins.manager.check_pending()
    except pluggy.PluginValidationError as error:
        plugins.manager.unregister(name=name)
        plugins.note(PluginError(f"plugin {name} does not fit: {' '.join(str(error).split())}", _blame(name)))
    except PluginError as error:
        plugins.note(error)


def load_file(path: Path) -> ModuleType:
    """A plugin's file as the module andon_plugins.<stem>; a part of it, `_x.py` beside it, is andon_plugins._x."""
    add_plugin_folder(path.parent)
    name = f"{PLUGINS_PACKAGE}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"plugin {path.stem} cannot be loaded from {path}", "")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
