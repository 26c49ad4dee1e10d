"""The actuator kind `litellm`: by whom a LiteLLM proxy has a model's requests answered where the model itself fails.

`/fallback` of the proxy (seen with 1.109), which keeps it in its database (STORE_MODEL_IN_DB). It has no compare and
set: what is there is read once more right before it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ConfigDict, Field

from console.errors import (
    ActRefused,
    SourceDenied,
    SourceMalformed,
    SourceMissing,
    SourceRefused,
    SourceUnreached,
    UsageError,
)
from console.model import Act, Blast, Change, Draft
from console.plugins import ActionType, ActuatorType, hookimpl
from console.sources.site import Site, SiteOptions

ACTION = "litellm.fallback"


class LitellmOptions(SiteOptions):
    """A proxy, and by whom each model is to be answered where nothing else is said."""

    fallbacks: dict[str, list[str]] = Field(default_factory=dict)  # model -> models, in order


class Fallback(BaseModel):
    """A model that cannot answer, and who answers instead; the actuator's own table says it where nothing does."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(min_length=1, max_length=253)
    to: list[str] | None = Field(None, min_length=1, max_length=10)


class Litellm:
    """An actuator over one proxy."""

    def __init__(self, name: str, options: LitellmOptions) -> None:
        self.name = name
        self._fallbacks = options.fallbacks
        self._site = Site(name, options)

    async def draft(self, _action: str, options: Mapping[str, Any]) -> Draft:
        """What the proxy's fallbacks of a model would be."""
        model = options["model"]
        to = options["to"] or self._fallbacks.get(model)
        if not to:
            hint = f'fallbacks = {{"{model}" = ["…"]}} in the table of actuator {self.name}, or `to` in the remedy'
            raise UsageError(f"nothing says who answers for {model}", hint)
        now = await self._now(model)
        changes = (Change(f"fallbacks of {model}", now, to),) if now != to else ()
        set_, restore = {"model": model, "to": to}, {"model": model, "to": now}
        blast = Blast(1, None, f"requests that {model} fails go to {to[0]}")
        return Draft(f"model {model} of {self.name}", set_, {"to": now}, changes, restore, blast)

    async def act(self, act: Act, _key: str) -> Mapping[str, Any]:
        """Set them, where they are what was expected."""
        model, to = act.set["model"], act.set["to"]
        try:
            now = await self._now(model)
            if now != act.expect["to"]:
                raise ActRefused(f"the fallbacks of {model} are {now or 'none'} by now", "make a new plan")
            if to is None:
                await self._site.ask("DELETE", _path(model))
            else:
                body = orjson.dumps({"model": model, "fallback_models": to, "fallback_type": "general"})
                await self._site.ask("POST", "fallback", body=body, headers={"Content-Type": "application/json"})
        except (SourceDenied, SourceRefused, SourceUnreached) as error:
            raise ActRefused(error.message, error.hint) from None
        return {"to": to}

    async def did(self, act: Act, _key: str) -> bool | None:
        """By what they are; None where they are neither what was wanted nor what was there."""
        now = await self._now(act.set["model"])
        if now == act.set["to"]:
            return True
        return False if now == act.expect["to"] else None

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    async def _now(self, model: str) -> list[str] | None:
        try:
            told = orjson.loads(await self._site.get(_path(model)))
        except SourceMissing:
            return None
        except orjson.JSONDecodeError:
            raise SourceMalformed(f"{self.name} answered what is no JSON", "is it a LiteLLM proxy?") from None
        found = told.get("fallback_models") if isinstance(told, dict) else None
        if not isinstance(found, list):
            raise SourceMalformed(f"{self.name} does not tell the fallbacks of {model}", "is it a LiteLLM proxy?")
        return [str(each) for each in found]


@hookimpl
def andon_actions() -> Iterable[ActionType]:
    """What can be done to a proxy."""
    return [ActionType(ACTION, "Have another model answer what a model cannot", Fallback)]


@hookimpl
def andon_actuators() -> Iterable[ActuatorType]:
    """A LiteLLM proxy that may be changed."""
    return [ActuatorType("litellm", "A LiteLLM proxy that may be changed", LitellmOptions, Litellm, (ACTION,))]


def _path(model: str) -> str:
    return f"fallback/{quote(model, safe='')}"
