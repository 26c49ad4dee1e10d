"""What can be asked of a source in a child process: the same names, arguments and answers on both ends of the pipe.

`read` is not among them: a source that answers queries over a network is a coroutine and needs no child.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from console.model import Event, Exemplar, Gpu, Reading, Span
from console.sources.types import ExemplarRequest, ProbeAnswer, ProfileGroup, ProfileRequest, SourceStatus
from console.wire import dump, load


@dataclass(frozen=True, slots=True)
class Call:
    """One method of console/sources/types.py: the types of its arguments and of its answer."""

    takes: tuple[Any, ...]
    gives: Any

    def arguments(self, data: Sequence[Any]) -> list[Any]:
        """The arguments out of plain JSON types; pydantic's ValidationError where they do not fit."""
        return [load(kind, item) for kind, item in zip(self.takes, data, strict=True)]

    def answer(self, data: Any) -> Any:
        """The answer out of plain JSON types; pydantic's ValidationError where it does not fit."""
        return load(self.gives, data)


CALLS: Mapping[str, Call] = MappingProxyType(
    {
        "collect": Call((float,), tuple[Reading, ...]),
        "profiles": Call((ProfileRequest,), tuple[ProfileGroup, ...]),
        "exemplars": Call((ExemplarRequest,), tuple[Exemplar, ...]),
        "slices": Call((), tuple[str, ...]),
        "outputs": Call((), tuple[str, ...]),
        "events": Call((Span, tuple[str, ...]), tuple[Event, ...]),
        "probe": Call((), ProbeAnswer),
        "gpus": Call((str | None,), tuple[Gpu, ...]),
        "check": Call((), SourceStatus),
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


def plain(value: Any) -> Any:
    """A noun, or a sequence of nouns, as plain JSON types."""
    return [dump(item) for item in value] if isinstance(value, (list, tuple)) else dump(value)


def line(message: Mapping[str, Any]) -> bytes:
    """One message on the pipe. Not wire.encode: a histogram's last edge is infinite and has to arrive so."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"
