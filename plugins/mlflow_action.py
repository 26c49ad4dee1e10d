"""The actuator kind `mlflow`: which version of a model serves, where serving follows an alias of an MLflow registry.

The registry (REST API 2.0, seen with MLflow 3.17) has no compare and set: what is there is read once more right before
it is written. Nor is there one request for a tag and an alias. The act's key is left as a tag of the model first: a
process that ends in between left the alias alone, and that is what `did` says. The other way about it would be an
alias that moved and nothing that tells whose doing it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

import orjson
from andon_plugins.mlflow import API
from pydantic import BaseModel, StringConstraints, ValidationError

from console.errors import (
    ActRefused,
    SourceDenied,
    SourceError,
    SourceMalformed,
    SourceMissing,
    SourceRefused,
    SourceUnreached,
    UsageError,
)
from console.model import Act, Blast, Change, Draft
from console.plugins import ActuatorType, hookimpl
from console.sources.site import Site, SiteOptions

KEY = "andon.act"
MOST_VERSIONS = "200"  # before the one that serves, the newest first
READY = "READY"

Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")]


class MlflowActuatorOptions(SiteOptions):
    """A tracking server with its registry, and what serving follows there."""

    alias: str = "champion"
    models: str = "{model}"  # what the registry calls a model


class _Tag(BaseModel):
    key: str
    value: str = ""


class _Alias(BaseModel):
    alias: str
    version: Number


class _Model(BaseModel):
    aliases: list[_Alias] = []
    tags: list[_Tag] = []


class _Registered(BaseModel):
    registered_model: _Model


class _Done(BaseModel):
    """An object, whatever it says: what stands between may answer with a page."""


class _Version(BaseModel):
    version: Number
    status: str = READY


class _Versions(BaseModel):
    model_versions: list[_Version] = []


Answer = TypeVar("Answer", bound=BaseModel)


class Registry:
    """An actuator over one registry."""

    def __init__(self, name: str, options: MlflowActuatorOptions) -> None:
        self.name = name
        self._alias, self._models = options.alias, options.models
        self._site = Site(name, options)

    async def draft(self, _action: str, options: Mapping[str, Any]) -> Draft:
        """Which version the alias would name: the one that is asked for, or the newest before it that is ready."""
        model = self._models.replace("{model}", options["model"])
        try:
            now = self._version(await self._model(model))
        except SourceMissing:
            now = None
        if now is None:
            raise UsageError(f"{self.name} has no {model}@{self._alias}", "set alias or models in the actuator's table")
        wanted = await self._ready(model, now, options["version"])
        path = f"{model}@{self._alias}"
        changes = (Change(path, now, wanted),) if wanted != now else ()
        warnings = () if options["version"] else (f"the newest version before {now}; nothing says that it ever served",)
        blast = Blast(1, 1.0, f"all that follows {path} serves version {wanted} once it looks")
        return Draft(f"{path} of {self.name}", {"model": model, "version": wanted, "instead_of": now},
                     {"version": now}, changes, {"model": model, "version": now, "instead_of": wanted},
                     blast, warnings)  # fmt: skip

    async def act(self, act: Act, key: str) -> Mapping[str, Any]:
        """Move the alias, where it is what was expected."""
        model, version = act.set["model"], act.set["version"]
        try:
            now = self._version(await self._model(model))
            if now != act.set["instead_of"]:
                raise ActRefused(f"{model}@{self._alias} is version {now or 'none'} by now", "make a new plan")
            await self._post("set-tag", name=model, key=KEY, value=key)
        except SourceError as error:  # however it ended: nothing was said of the alias yet
            raise ActRefused(error.message, error.hint) from None
        try:
            await self._post("alias", name=model, alias=self._alias, version=version)
        except (SourceDenied, SourceRefused, SourceUnreached) as error:
            raise ActRefused(error.message, error.hint) from None
        return {"version": version}

    async def did(self, act: Act, key: str) -> bool | None:
        """By the tag and the alias, of one answer; None where the alias moved and the tag is another's."""
        live = await self._model(act.set["model"])
        now = self._version(live)
        if now == act.set["version"]:
            return True if _Tag(key=KEY, value=key) in live.tags else None
        return False if now == act.set["instead_of"] else None

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    async def _model(self, model: str) -> _Model:
        """A model with its aliases and tags; SourceMissing where there is none."""
        return (await self._ask(_Registered, "registered-models/get", name=model)).registered_model

    def _version(self, live: _Model) -> str | None:
        return next((each.version for each in live.aliases if each.alias == self._alias), None)

    async def _ready(self, model: str, now: str, asked: str | None) -> str:
        """The version that is asked for, or the newest before this one. UsageError where none is there and ready."""
        if asked is not None and not asked.isdecimal():
            raise UsageError(f"{model} has no version {asked!r}", "versions of an MLflow registry are numbers")
        which = f"version_number < {now}" if asked is None else f"version_number = {int(asked)}"
        told = await self._ask(_Versions, "model-versions/search", filter=f"name={_quoted(model)} AND {which}",
                               order_by="version_number DESC", max_results=MOST_VERSIONS)  # fmt: skip
        found = next((each.version for each in told.model_versions if each.status == READY), None)
        if found is None:
            what = f"before {now}" if asked is None else asked
            raise UsageError(f"{model} has no version {what} that is ready", "name another one: with: {version: …}")
        return found

    async def _ask(self, answer: type[Answer], what: str, **params: str) -> Answer:
        return self._read(answer, what, await self._site.get(f"{API}/{what}", params))

    async def _post(self, what: str, **body: str) -> None:
        headers = {"Content-Type": "application/json"}
        path = f"{API}/registered-models/{what}"
        self._read(_Done, what, await self._site.ask("POST", path, body=orjson.dumps(body), headers=headers))

    def _read(self, answer: type[Answer], what: str, body: bytes) -> Answer:
        try:
            return answer.model_validate_json(body)
        except ValidationError:
            words = f"{self.name}: {what} does not answer as an MLflow registry does"
            raise SourceMalformed(words, "check its url") from None


@hookimpl
def andon_actuators() -> Iterable[ActuatorType]:
    """An MLflow registry whose aliases may be moved."""
    title = "An MLflow registry whose aliases may be moved"
    return [ActuatorType("mlflow", title, MlflowActuatorOptions, Registry, ("model.rollback",))]


def _quoted(name: str) -> str:
    """A name in a filter: the registry knows two kinds of quotes, and no way to write one inside its own kind."""
    if "'" in name and '"' in name:
        raise UsageError(f"the registry cannot be asked for {name!r}", "no filter of it can hold both kinds of quotes")
    return f'"{name}"' if "'" in name else f"'{name}'"
