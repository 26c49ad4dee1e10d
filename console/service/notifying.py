"""Telling people about an incident through the plugins' notifiers, none of which can hold up the daemon."""

from __future__ import annotations

import asyncio
import logging

from console.errors import PluginError
from console.model import Incident
from console.plugins import Plugins, guard

log = logging.getLogger("andon.notify")


async def tell(plugins: Plugins, incident: Incident) -> None:
    """Call every notifier at once; one that fails or hangs is cut off and named in the log."""
    offers = await asyncio.to_thread(plugins.offers, "andon_notifiers")

    def call(plugin: str, notifier: object) -> None:
        try:
            guard(plugin, f"telling of {incident.id}", lambda: notifier.notify(incident))  # type: ignore[attr-defined]
        except PluginError as error:
            log.error("%s", error.message)

    await asyncio.gather(*(asyncio.to_thread(call, plugin, notifier) for plugin, notifier in offers))
