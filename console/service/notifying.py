"""Telling people about an incident through the plugins' notifiers, none of which can hold up the daemon."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from console.errors import PluginError
from console.model import Incident
from console.plugins import Notifier, guard

log = logging.getLogger("andon.notify")


async def tell(notifiers: Sequence[tuple[str, Notifier]], incident: Incident) -> None:
    """Call every (plugin, notifier) at once; one that fails or hangs is cut off and named in the log."""
    await asyncio.gather(*(asyncio.to_thread(_call, plugin, notifier, incident) for plugin, notifier in notifiers))


def _call(plugin: str, notifier: Notifier, incident: Incident) -> None:
    try:
        guard(plugin, f"telling of {incident.id} by {notifier.name}", lambda: notifier.notify(incident))
    except PluginError as error:
        log.error("%s", error.message)
