"""Turns what pydantic found into one sentence at file:line:column, with the nearest name where a name was wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from console.errors import PlaybookError
from console.playbook.text import Path, Text
from console.words import nearest

M = TypeVar("M", bound=BaseModel)

_PLAIN_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS = {
    "less_than_equal": "at most",
    "less_than": "less than",
    "greater_than_equal": "at least",
    "greater_than": "more than",
}


def check(
    model: type[M], data: Any, text: Text, path: Path = (), *, where: str = "", holes: Iterable[Path] = ()
) -> M | None:
    """The data as the model, or the PlaybookError that stands first in the file.

    Values under `holes` are only known when the playbook runs: what is said against them is left for then, and None
    comes back when nothing else is wrong.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        open_paths = tuple(holes)
        found = [each for each in error.errors(include_url=False) if not _is_open(each["loc"], open_paths)]
        if not found:
            return None
        raise min((_complaint(each, model, text, path, where) for each in found), key=lambda said: said[0])[1] from None


def _is_open(loc: tuple[int | str, ...], holes: tuple[Path, ...]) -> bool:
    return any(loc[: len(hole)] == hole for hole in holes)


def _complaint(
    error: Mapping[str, Any], model: type[BaseModel], text: Text, path: Path, where: str
) -> tuple[tuple[bool, int, int], PlaybookError]:
    """(rank, error): the place decides, but a key that is missing comes last, for it may only be misspelt."""
    loc: Path = tuple(error["loc"])
    is_about_key = error["type"] == "extra_forbidden" or loc[-1:] == ("[key]",)
    if loc[-1:] == ("[key]",):
        loc = loc[:-1]
    while loc and error["type"] != "missing" and path + loc not in text.values:
        loc = loc[:-1]  # which of several types was tried is no place in the file
    key = next((part for part in reversed(path + loc) if isinstance(part, str)), "this")
    name = f"`{key}`"
    message, hint = _sentence(error, name)
    if error["type"] == "extra_forbidden":
        models = _models_at(model, loc[:-1])
        owner = where or " or ".join(sorted(str(getattr(each, "called", "this")) for each in models))
        message = f"{name} is no key of {owner}"
        hint = nearest(key, {info.alias or name for each in models for name, info in each.model_fields.items()})
    mark = text.mark(path + loc, key=is_about_key)
    rank = (error["type"] == "missing", mark.line, mark.column)
    return rank, text.error(path + loc, message, hint, key=is_about_key)


def _sentence(error: Mapping[str, Any], name: str) -> tuple[str, str]:
    kind, context = error["type"], error.get("ctx") or {}
    value = _short(error.get("input"))
    match kind:
        case "missing":
            return f"the key {name} is missing here", ""
        case "literal_error":
            wanted = str(context["expected"]).replace(" or ", ", ").replace("'", "").replace("True", "true").split(", ")
            return f"{name} cannot be {value}", nearest(str(error.get("input")), wanted)
        case "string_pattern_mismatch":
            return f"{name} cannot be {value}", f"it must match {context['pattern']}"
        case "too_short":
            return f"{name} needs at least {context['min_length']} entry", ""
        case "too_long" | "string_too_long":
            return f"{name} is too long", f"at most {context['max_length']} are allowed"
        case kind if kind in _BOUNDS:
            return f"{name} cannot be {value}", f"{_BOUNDS[kind]} {next(iter(context.values())):g}"
        case "finite_number":
            return f"{name} cannot be {value}", "write a number that has an end"
        case "string_too_short":
            return f"{name} is empty", ""
        case kind if kind in _PLAIN_TYPES:
            return (
                f"{name} must be {_PLAIN_TYPES[kind]}, not {value}",
                "put it in quotes" if kind == "string_type" else "",
            )
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}", str(context.get("hint", ""))


def _short(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case Mapping():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return "true" if value else "false"
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"


def _models_at(model: type[BaseModel], loc: Path) -> set[type[BaseModel]]:
    """The models that a mapping at `loc` inside a model may be."""
    models = {model}
    for part in loc:
        fields = [info for each in models for name, info in each.model_fields.items() if (info.alias or name) == part]
        if fields:
            models = {each for info in fields for each in _models_in(info.annotation)}
    return models


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for part in get_args(annotation) for model in _models_in(part)}
