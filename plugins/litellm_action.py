"""The actuator kind `litellm`: by whom a LiteLLM proxy has a model's requests answered where the model itself fails.

Seen with the proxy of 1.106: `/fallback` writes them into its database (STORE_MODEL_IN_DB), and `/router/settings` says
what is there and where it comes from. What its own file says of fallbacks stands in the way: of `router_settings` it
wins over the database at the next look, and of `litellm_settings` it is dropped as a whole with the first that is
written. The proxy has no compare and set: what is there is read once more right before it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from console.errors import (
    ActRefused,
    SourceDenied,
    SourceError,
    SourceMalformed,
    SourceRefused,
    SourceUnreached,
    UsageError,
)
from console.model import Act, Blast, Change, Draft
from console.plugins import ActionType, ActuatorType, hookimpl
from console.sources.site import Site, SiteOptions

ACTION = "litellm.fallback"
DATABASE = "db"


class LitellmOptions(SiteOptions):
    """A proxy, and by whom each model is to be answered where nothing else is said."""

    fallbacks: dict[str, list[str]] = Field(default_factory=dict)  # model -> models, in order


class Fallback(BaseModel):
    """A model that cannot answer, and who answers instead; the actuator's own table says it where nothing does."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(min_length=1, max_length=253)
    to: list[str] | None = Field(None, min_length=1, max_length=10)


class _Values(BaseModel):
    fallbacks: list[dict[str, list[Any]] | str] | None = None  # a rule, or a name that all fall back to


class _Source(BaseModel):
    fallbacks: str = ""


class _Settings(BaseModel):
    current_values: _Values
    source: _Source = _Source()


class _Done(BaseModel):
    model: str


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
        settings = await self._settings()
        if _is_of_its_file(settings):
            raise UsageError(f"the fallbacks of {self.name} are in its own file: it would not keep others beside them",
                             "move them from the file into its database: POST /fallback for each model")  # fmt: skip
        now = _rule(settings, model)
        changes = (Change(f"fallbacks of {model}", now, to),) if now != to else ()
        warnings = ["only what fails or times out goes there; what is slow waits for the proxy's own timeout"]
        restore: dict[str, Any] | None = {"model": model, "to": now, "instead_of": to}
        if not _can_be_set(model, now):
            restore = None
            warnings.append("the proxy's interface has no way back to what is there now")
        blast = Blast(1, None, f"requests that {model} fails go to {to[0]}")
        return Draft(f"model {model} of {self.name}", {"model": model, "to": to, "instead_of": now}, {"to": now},
                     changes, restore, blast, tuple(warnings))  # fmt: skip

    async def act(self, act: Act, _key: str) -> Mapping[str, Any]:
        """Set them, where they are what was expected."""
        model, to = act.set["model"], act.set["to"]
        try:
            settings = await self._settings()
        except SourceError as error:  # nothing was written yet
            raise ActRefused(error.message, error.hint) from None
        now = _rule(settings, model)
        if now != act.set["instead_of"] or _is_of_its_file(settings):
            raise ActRefused(f"the fallbacks of {model} are {now or 'none'} by now", "make a new plan")
        try:
            await self._set(model, to)
        except (SourceDenied, SourceRefused, SourceUnreached) as error:
            raise ActRefused(error.message, error.hint) from None
        return {"to": to}

    async def did(self, act: Act, _key: str) -> bool | None:
        """By what they are; None where they are neither what was wanted nor what was there."""
        now = _rule(await self._settings(), act.set["model"])
        if now == act.set["to"]:
            return True
        return False if now == act.set["instead_of"] else None

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    async def _set(self, model: str, to: list[str] | None) -> None:
        """SourceMalformed where something else than the proxy answered: then nobody knows."""
        if to is None:
            said = await self._site.ask("DELETE", f"fallback/{quote(model, safe='')}")
        else:
            body = orjson.dumps({"model": model, "fallback_models": to, "fallback_type": "general"})
            said = await self._site.ask("POST", "fallback", body=body, headers={"Content-Type": "application/json"})
        try:
            _Done.model_validate_json(said)
        except ValidationError:
            raise SourceMalformed(f"{self.name} does not answer as a LiteLLM proxy does", "check its url") from None

    async def _settings(self) -> _Settings:
        """What there is, by the database where it has one: any other of its processes may have written it."""
        body = await self._site.get("router/settings")
        try:
            return _Settings.model_validate_json(body)
        except ValidationError:
            raise SourceMalformed(f"{self.name} does not tell its fallbacks", "is it a LiteLLM proxy?") from None


@hookimpl
def andon_actions() -> Iterable[ActionType]:
    """What can be done to a proxy."""
    return [ActionType(ACTION, "Have another model answer what a model cannot", Fallback)]


@hookimpl
def andon_actuators() -> Iterable[ActuatorType]:
    """A LiteLLM proxy that may be changed."""
    return [ActuatorType("litellm", "A LiteLLM proxy that may be changed", LitellmOptions, Litellm, (ACTION,))]


def _rule(settings: _Settings, model: str) -> list[Any] | None:
    """A model's own fallbacks: not what its name is like, nor what holds for all."""
    rules = [each for each in settings.current_values.fallbacks or () if isinstance(each, dict)]
    return next((each[model] for each in rules if model in each), None)


def _is_of_its_file(settings: _Settings) -> bool:
    """Whether what is written would not stay, or would put away what the file says of other models."""
    where = settings.source.fallbacks
    return where == "config" or bool(settings.current_values.fallbacks and where != DATABASE)


def _can_be_set(model: str, to: list[Any] | None) -> bool:
    """Whether `/fallback` takes this: plain names alone, and none at all where the model's name fits into its path."""
    return "/" not in model if to is None else bool(to) and all(isinstance(each, str) for each in to)
