"""The nouns of model/ as JSON and back, and the JSON Schemas that publish their shapes."""

from __future__ import annotations

from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter

T = TypeVar("T")

ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}  # one per noun: building one costs milliseconds


def dump(value: Any) -> Any:
    """A dataclass as plain JSON types.

    >>> from console.model import Span
    >>> dump(Span(0, 1))
    {'start': 0.0, 'end': 1.0}
    """
    return _adapter(type(value)).dump_python(value, mode="json")


def load(kind: type[T], data: Any) -> T:
    """A dataclass from plain JSON types; pydantic's ValidationError where they do not fit."""
    value: T = _adapter(kind).validate_python(data)
    return value


def schema(kind: type[Any]) -> dict[str, Any]:
    """The JSON Schema of a dataclass as `dump` writes it."""
    return _adapter(kind).json_schema(mode="serialization")


def encode(value: Any) -> bytes:
    """One line of JSON; NaN becomes null, never a bare word that no parser takes."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return ADAPTERS.get(kind) or ADAPTERS.setdefault(kind, TypeAdapter(kind))
