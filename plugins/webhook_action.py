"""The action `webhook.call`: what no interface of ours can do is asked of a system, or of people, that can.

One signed JSON POST per act, as of the notifier of the same name; the act's key is its delivery, so that a receiver
that is told twice can know.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from andon_plugins.webhook import WebhookOptions, signature
from pydantic import BaseModel, ConfigDict, Field

from console.errors import ActRefused, ConfigError, SourceDenied, SourceMalformed, SourceRefused, SourceUnreached
from console.model import Act, Blast, Change, Draft
from console.plugins import ActionType, ActuatorType, hookimpl
from console.sources.posting import post, secret_of

SCHEMA = "andon.ask/v1"
CALL = "webhook.call"
OF_MODELS = ("model.fallback", "model.quarantine_feature", "model.retrain", "model.rollback", "pipeline.pause")


class Call(BaseModel):
    """What is asked for, and of what: whatever else a playbook says goes along as it is."""

    model_config = ConfigDict(extra="allow")

    ask: str = Field(min_length=1, max_length=400)


class Webhook:
    """An actuator that asks somebody else."""

    def __init__(self, name: str, options: WebhookOptions) -> None:
        self.name = name
        self._options = options

    async def draft(self, action: str, options: Mapping[str, Any]) -> Draft:
        """What would be asked; that can never be unasked."""
        if action != CALL:
            options = {"ask": action} | {name: told for name, told in options.items() if told is not None}
        about = ", ".join(f"{name}={value}" for name, value in sorted(options.items()) if name != "ask")
        target = f"whoever hears {self.name}" + (f" about {about}" if about else "")
        change = Change("asked for", None, options["ask"])
        return Draft(target, dict(options), {}, (change,), None, Blast(0, None, "what the receiver makes of it"))

    async def act(self, act: Act, key: str) -> Mapping[str, Any]:
        """One POST. Raises ActRefused where it was refused or never heard; after anything else nobody can tell."""
        body = json.dumps({**act.set, "schema": SCHEMA, "key": key}, separators=(",", ":"), sort_keys=True).encode()
        moment = f"{time.time():.0f}"
        headers = {"Content-Type": "application/json", "X-Andon-Delivery": key, "X-Andon-Timestamp": moment}
        try:
            if self._options.secret_env is not None:
                headers["X-Andon-Signature"] = signature(secret_of(self._options.secret_env), moment, body)
            await post(self._options, body, headers)
        except (ConfigError, SourceDenied, SourceMalformed, SourceRefused, SourceUnreached) as error:
            raise ActRefused(error.message, error.hint) from None
        return {}

    async def did(self, _act: Act, _key: str) -> bool | None:
        """Nobody can tell from here."""
        return None

    async def close(self) -> None:
        """Nothing is held."""


@hookimpl
def andon_actions() -> Iterable[ActionType]:
    """Asking somebody else."""
    return [ActionType(CALL, "Ask a system, or people, for what it takes", Call)]


@hookimpl
def andon_actuators() -> Iterable[ActuatorType]:
    """An address of yours."""
    return [ActuatorType("webhook", "A signed JSON POST to an address of yours", WebhookOptions, Webhook,
                         (CALL, *OF_MODELS))]  # fmt: skip
