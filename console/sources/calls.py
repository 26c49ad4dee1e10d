"""What can be asked of a source or an actuator in a child process: one list for both ends of the pipe.

`read` is not among them: a source that answers queries over a network is a coroutine and needs no child.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from types import MappingProxyType
from typing import Any

from console.characters import whole
from console.model import (
    Act,
    ColumnProfile,
    Draft,
    Event,
    Exemplar,
    Gpu,
    Labels,
    LogLine,
    Profile,
    Reading,
    Relations,
    Span,
    Thing,
)
from console.sources.types import (
    ExemplarRequest,
    LogRequest,
    ProbeAnswer,
    ProfileGroup,
    ProfileRequest,
    Progress,
    SourceStatus,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One method of console/sources/types.py: what reads its arguments out of plain JSON, and its answer's type."""

    takes: tuple[Callable[[Any], Any], ...]
    gives: Any

    def arguments(self, data: Sequence[Any]) -> list[Any]:
        """The arguments out of plain JSON types; ValueError or TypeError where they do not fit."""
        return [take(item) for take, item in zip(self.takes, data, strict=True)]

    def answer(self, data: Any) -> Any:
        """The answer out of plain JSON types; pydantic's ValidationError where it does not fit."""
        from console.wire import load  # a child answers and never gets here: pydantic is half of what one would weigh

        return load(self.gives, data)


def _act(data: Mapping[str, Any]) -> Act:
    return Act(**data)


def _as_it_is(data: Any) -> Any:
    return data


def _span(data: Mapping[str, Any]) -> Span:
    return Span(**data)


def _profile_request(data: Mapping[str, Any]) -> ProfileRequest:
    like = data["like"] and _profile(data["like"])
    return ProfileRequest(**{**data, **_rows_of(data), "columns": tuple(data["columns"]), "like": like})


def _exemplar_request(data: Mapping[str, Any]) -> ExemplarRequest:
    return ExemplarRequest(**{**data, **_rows_of(data)})


def _log_request(data: Mapping[str, Any]) -> LogRequest:
    return LogRequest(**{**data, "span": _span(data["span"]), "where": Labels.of(data["where"])})


def _rows_of(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"spans": tuple(map(_span, data["spans"])), "where": Labels.of(data["where"])}


def _profile(data: Mapping[str, Any]) -> Profile:
    relations = data["relations"] and Relations(**{name: _tuples(value) for name, value in data["relations"].items()})
    return Profile(**{**data, "columns": tuple(map(_column, data["columns"])), "relations": relations})


def _column(data: Mapping[str, Any]) -> ColumnProfile:
    return ColumnProfile(**{name: _tuples(value) for name, value in data.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


CALLS: Mapping[str, Call] = MappingProxyType(
    {
        "collect": Call((float,), tuple[Reading, ...]),
        "profiles": Call((_profile_request,), tuple[ProfileGroup, ...]),
        "exemplars": Call((_exemplar_request,), tuple[Exemplar, ...]),
        "slices": Call((), tuple[str, ...]),
        "outputs": Call((), tuple[str, ...]),
        "progress": Call((), Progress),
        "events": Call((_span, tuple), tuple[Event, ...]),
        "logs": Call((_log_request,), tuple[LogLine, ...]),
        "objects": Call((str, str), tuple[Thing, ...]),
        "probe": Call((), ProbeAnswer),
        "gpus": Call((_as_it_is,), tuple[Gpu, ...]),
        "check": Call((), SourceStatus),
        "draft": Call((str, dict), Draft),
        "act": Call((_act, str), dict[str, Any]),
        "did": Call((_act, str), bool | None),
    }
)


@dataclass(frozen=True, slots=True)
class Opening:
    """Which source a child is to open: the module that offers its kind, and its settings."""

    name: str
    kind: str
    module: str
    file: str  # of a plugin that was loaded by path; empty for a module that can be imported
    options: Mapping[str, Any]
    inside: str = ""  # the `module:function` that opens it; empty: the module's offer does
    environment: tuple[str, ...] = ()  # beginnings of the names of variables that it may see beside the usual ones


def plain(value: Any) -> Any:
    """A noun, or a sequence of nouns, as plain JSON types; TypeError for what is neither."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Labels):
        return dict(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"a {type(value).__name__} is nothing to send")


def line(message: Mapping[str, Any]) -> bytes:
    """One message on the pipe. Not wire.encode: a histogram's last edge is infinite and has to arrive so."""
    return whole(json.dumps(message, separators=(",", ":"), ensure_ascii=False)).encode() + b"\n"
