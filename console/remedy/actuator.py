"""What changes things: the interface that plugins write against, and opening one out of the configuration.

An actuator is opened for one question and let go: it holds rights that nothing needs between two changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from typing import Any, Protocol, runtime_checkable

from console.config import ActuatorConfig
from console.errors import ConfigError, UsageError
from console.model import Act, Draft
from console.plugins import ActionType, ActuatorType, Plugins, guard
from console.sources.child import open_child
from console.sources.opening import checked_options, in_a_child
from console.words import nearest

CALL_SECONDS = 50.0  # for one answer of it: less than an act may take, and enough for a node to be emptied


@runtime_checkable
class Actuator(Protocol):
    """Does acts of one configured place. Where isolated these are plain functions, and what is around them awaits."""

    async def draft(self, action: str, options: Mapping[str, Any]) -> Draft:
        """What the act would change, in absolute terms; nothing is changed.

        Raises UsageError where the options make no sense here, SourceError where it cannot be told.
        """

    async def act(self, act: Act, key: str) -> Mapping[str, Any]:
        """Do it, where `act.expect` still holds; facts of what it is now.

        `act.expect` is what the draft said, or the facts of the act that this one takes back: where nobody lived to
        see those, the `key` of that act alone. `key` is left on what was changed, where it has a place for it. Raises
        ActRefused where for sure it was not done, and says what of it had to be. After anything else nobody knows, and
        `did` is asked.
        """

    async def did(self, act: Act, key: str) -> bool | None:
        """Whether an act was done, by what there is to see; None where nobody can tell."""


def actuator_for(action: str, named: str | None, configs: Sequence[ActuatorConfig], plugins: Plugins) -> ActuatorConfig:
    """The configured actuator that does an action: the one that is named, or the only one that can.

    UsageError where there is none or the choice is open; it says what to configure.
    """
    offers: Mapping[str, ActuatorType] = plugins.by_name("andon_actuators", "kind")
    doing = [each for each in configs if each.kind in offers and action in offers[each.kind].actions]
    able = [each for each in doing if any(fnmatchcase(action, only) for only in each.only)]
    if named is not None:
        able = [each for each in able if each.name == named]
        if not able:
            known = [each.name for each in configs]
            raise UsageError(f"no actuator {named!r} does {action}", nearest(named, known))
    if len(able) == 1:
        return able[0]
    if able:
        names = ", ".join(each.name for each in able)
        raise UsageError(
            f"{len(able)} actuators do {action}: {names}",
            "say what each is for: only = […] in its table, or name one in the remedy: with: {actuator: …}",
        )
    kinds = " or ".join(sorted(kind for kind, offer in offers.items() if action in offer.actions))
    hint = f'write [actuators.NAME] kind = "{kinds}" into the configuration' if kinds else "no plugin here does it"
    raise UsageError(f"nothing is configured that does {action}", hint)


def checked(action: str, options: Mapping[str, Any], plugins: Plugins) -> dict[str, Any]:
    """The options of a remedy as its action has them; ConfigError where they do not fit, UsageError for no action."""
    actions: Mapping[str, ActionType] = plugins.by_name("andon_actions")
    if action not in actions:
        raise UsageError(f"there is no action {action!r}", nearest(action, actions))
    return checked_options("the remedy", action, options, actions[action].options, None).model_dump(mode="json")


@asynccontextmanager
async def opened(config: ActuatorConfig, plugins: Plugins) -> AsyncIterator[Actuator]:
    """An actuator, for as long as it is needed. ConfigError for settings that do not fit; what opening it raises."""
    offers = {offer.kind: (plugin, offer) for plugin, offer in reversed(plugins.offers("andon_actuators"))}
    if config.kind not in offers:
        raise ConfigError(f"actuator {config.name}: there is no kind {config.kind!r}", nearest(config.kind, offers))
    plugin, offer = offers[config.kind]
    options = checked_options(f"actuator {config.name}", config.kind, config.options, offer.options, config.folder)
    if offer.isolated:
        opening = in_a_child(config.name, plugin, offer, options, plugins)
        actuator: Any = await open_child(opening, seconds=CALL_SECONDS)
    else:
        what = f"opening actuator {config.name}"
        actuator = await asyncio.to_thread(guard, plugin, what, lambda: offer.open(config.name, options))
    try:
        yield actuator
    finally:
        await actuator.close()
