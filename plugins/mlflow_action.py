"""The actuator kind `mlflow`: which version of a model serves, where serving follows an alias of an MLflow registry.

The registry has no compare and set: what is there is read once more right before it is written. The act's key is left
as a tag of the model before the alias moves, so whoever finds both knows that it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from andon_plugins.mlflow import API

from console.errors import (
    ActRefused,
    SourceDenied,
    SourceMalformed,
    SourceRefused,
    SourceUnreached,
    UsageError,
)
from console.model import Act, Blast, Change, Draft
from console.plugins import ActuatorType, hookimpl
from console.sources.site import Site, SiteOptions

KEY = "andon.act"
MOST_VERSIONS = "200"


class MlflowActuatorOptions(SiteOptions):
    """A tracking server with its registry, and what serving follows there."""

    alias: str = "champion"
    models: str = "{model}"  # what the registry calls a model


class Registry:
    """An actuator over one registry."""

    def __init__(self, name: str, options: MlflowActuatorOptions) -> None:
        self.name = name
        self._alias, self._models = options.alias, options.models
        self._site = Site(name, options)

    async def draft(self, _action: str, options: Mapping[str, Any]) -> Draft:
        """Which version the alias would name: the one that is asked for, or the newest before it that is ready."""
        model = self._models.replace("{model}", options["model"])
        now = await self._now(model)
        if now is None:
            raise UsageError(f"{self.name} has no {model}@{self._alias}", "set alias or models in the actuator's table")
        ready = await self._ready(model)
        wanted = options["version"] or max((each for each in ready if int(each) < int(now)), key=int, default=None)
        if wanted is None or wanted not in ready:
            known = ", ".join(sorted(ready, key=int)) or "none"
            raise UsageError(f"{model} has no version {wanted or 'before ' + now} to go back to", f"ready are {known}")
        changes = (Change(f"{model}@{self._alias}", now, wanted),) if wanted != now else ()
        to = {"model": model, "version": wanted}
        warnings = () if options["version"] else (f"the newest version before {now}; nothing says that it ever served",)
        blast = Blast(1, 1.0, f"all that follows {self._alias} serves version {wanted} once it looks")
        return Draft(f"{model}@{self._alias} of {self.name}", to, {"version": now}, changes,
                     {"model": model, "version": now}, blast, warnings)  # fmt: skip

    async def act(self, act: Act, key: str) -> Mapping[str, Any]:
        """Move the alias, where it is what was expected."""
        model, version = act.set["model"], act.set["version"]
        try:
            now = await self._now(model)
            if now != act.expect["version"]:
                raise ActRefused(f"{model}@{self._alias} is version {now or 'none'} by now", "make a new plan")
            await self._post("registered-models/set-tag", name=model, key=KEY, value=key)
            await self._post("registered-models/alias", name=model, alias=self._alias, version=version)
        except (SourceDenied, SourceRefused, SourceUnreached) as error:
            raise ActRefused(error.message, error.hint) from None
        return {"version": version}

    async def did(self, act: Act, key: str) -> bool | None:
        """By the tag and the alias."""
        told = await self._ask("registered-models/get", name=act.set["model"])
        tags = told.get("registered_model", {}).get("tags") or []
        is_ours = any(each.get("key") == KEY and each.get("value") == key for each in tags)
        now = await self._now(act.set["model"])
        if now == act.set["version"]:
            return True if is_ours else None
        return False if now == act.expect["version"] else None

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    async def _now(self, model: str) -> str | None:
        """The version that the alias names; None where it names none."""
        try:
            told = await self._ask("registered-models/alias", name=model, alias=self._alias)
        except SourceRefused:  # 404 where there is no such model, 400 where it has no such alias
            return None
        return str(told.get("model_version", {}).get("version"))

    async def _ready(self, model: str) -> list[str]:
        quoted = model.replace("'", "''")
        told = await self._ask("model-versions/search", filter=f"name='{quoted}'", max_results=MOST_VERSIONS)
        found = told.get("model_versions") or []
        return [str(each["version"]) for each in found if each.get("status", "READY") == "READY"]

    async def _ask(self, what: str, **params: str) -> Mapping[str, Any]:
        return _object(self.name, await self._site.get(f"{API}/{what}", params))

    async def _post(self, what: str, **body: str) -> None:
        headers = {"Content-Type": "application/json"}
        await self._site.ask("POST", f"{API}/{what}", body=orjson.dumps(body), headers=headers)


@hookimpl
def andon_actuators() -> Iterable[ActuatorType]:
    """An MLflow registry whose aliases may be moved."""
    title = "An MLflow registry whose aliases may be moved"
    return [ActuatorType("mlflow", title, MlflowActuatorOptions, Registry, ("model.rollback",))]


def _object(name: str, body: bytes) -> Mapping[str, Any]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise SourceMalformed(f"{name} answered what is no JSON object", "is it an MLflow registry?")
    return told
