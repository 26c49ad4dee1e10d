"""How the daemon and its clients talk: JSON objects, one a line.

    → {"id": 1, "op": "incident.ack", "args": {"id": "I-3"}}
    ← {"id": 1, "ok": true, "result": …}    or    {"id": 1, "ok": false, "error": {"kind", "message", "hint"}}

A subscription is a request whose answer goes on: {"id", "snapshot": {…}}, then {"id", "change": {…}} with the keys that
changed (null: gone). An empty change says that the daemon is alive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from console.errors import FAMILY, AndonError, UsageError

MOST_REQUEST_BYTES = 32 * 1024 * 1024  # an ingested page is one line
MOST_ANSWER_BYTES = 64 * 1024 * 1024
HEARTBEAT_SECONDS = 10.0  # between two lines of a subscription
SUBSCRIBE = "subscribe"
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked of the daemon."""

    id: int | str | None
    op: str
    args: Mapping[str, Any] = field(default_factory=dict)


def parse_request(line: bytes) -> Request:
    """The request on one line; UsageError for anything that is none."""
    try:
        message = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UsageError("this line is not JSON", 'send one {"id", "op", "args"} a line') from error
    match message:
        case {"op": str(op), **rest}:
            match rest.get("id"), rest.get("args", {}):
                case (int() | str() | None) as name, dict() as args:
                    return Request(name, op, args)
    raise UsageError("this line is not a request", 'send one {"id", "op", "args"} a line')


def encode(message: Mapping[str, Any]) -> bytes:
    """One line. NaN becomes null."""
    return orjson.dumps(
        message, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    )


def success(request: int | str | None, result: object) -> bytes:
    """The line that answers a request."""
    return encode({"id": request, "ok": True, "result": result})


def failure(request: int | str | None, error: AndonError) -> bytes:
    """The line that says why a request was not answered."""
    kind = type(error).__name__
    told = {"kind": kind if kind in FAMILY else AndonError.__name__, "message": error.message, "hint": error.hint}
    return encode({"id": request, "ok": False, "error": told})


def revive(error: Mapping[str, Any]) -> AndonError:
    """The error of the family that `failure` put on the wire.

    >>> revive({"kind": "UsageError", "message": "no", "hint": ""})
    UsageError('no')
    """
    return FAMILY.get(str(error.get("kind")), AndonError)(str(error.get("message", "")), str(error.get("hint", "")))
