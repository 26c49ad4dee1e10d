"""One thing that may be asked of the daemon: its name, its checked arguments and what answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from console.errors import UsageError
from console.service.peer import Peer
from console.service.protocol import Request
from console.words import nearest


class Arguments(BaseModel):
    """The arguments of an operation; a name it does not know is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Operation:
    """`run` gets the checked arguments and who asks, and answers with plain JSON types."""

    name: str
    arguments: type[Arguments]
    run: Callable[[Any, Peer], Awaitable[Any]]


async def perform(operations: Mapping[str, Operation], request: Request, peer: Peer) -> Any:
    """Answer one request. UsageError for an operation or an argument that is none; else what the operation raises."""
    operation = operations.get(request.op)
    if operation is None:
        raise UsageError(f"the daemon knows no operation {request.op[:60]!r}", nearest(request.op[:60], operations))
    try:
        arguments = operation.arguments.model_validate(request.args)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "arguments"
        names = ", ".join(operation.arguments.model_fields) or "none"
        raise UsageError(f"{operation.name}: {where[:60]}: {fault['msg']}", f"its arguments are {names}") from None
    return await operation.run(arguments, peer)
