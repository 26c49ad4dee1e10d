"""Questions in one spelling, so that the same question is known again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from console.model import Profile, Query, Record
from console.sources.types import ExemplarRequest, OutcomesRequest, ProfileRequest
from console.wire import dump

Likes = dict[str, Profile | Record]
DEEPEST = 8  # containers within each other: what is asked is flat


class _Asked(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Span(_Asked):
    start: float
    end: float


class _Read(_Asked):
    signal: str
    spans: list[_Span]
    where: dict[str, str]
    by: list[str]


class _Coverage(_Asked):
    span: _Span


class _Events(_Asked):
    span: _Span
    kinds: list[str]


class _Logs(_Asked):
    span: _Span
    where: dict[str, str]
    words: str
    grave: bool
    most: int


class _Spans(_Asked):
    span: _Span
    where: dict[str, str]


LOOKED_INTO: Mapping[str, type[_Asked]] = {
    "read": _Read,
    "coverage": _Coverage,
    "events": _Events,
    "logs": _Logs,
    "spans": _Spans,
}
"""What must be in a question that a replay looks into; of all others it asks only whether they are the same."""


def question(call: str, arguments: tuple[Any, ...], likes: Likes) -> dict[str, Any]:
    """What a source is asked, as plain JSON types.

    What has no part in the answer is left out: the words about a window, and when a look began. What a request is
    counted like is put into `likes` and named by its digest.
    """
    match call, arguments:
        case "read", (Query() as query,):
            return {
                "signal": query.signal,
                "spans": dump(query.window.spans),
                "where": dict(query.where) | dict(query.window.where),
                "by": sorted(set(query.by)),
                "step": query.step,
            }
        case "coverage", (span, step):
            return {"span": dump(span), "step": step}
        case "events", (span, kinds):
            return {"span": dump(span), "kinds": sorted(set(kinds))}
        case _, (ProfileRequest() | OutcomesRequest() as request,):
            told: dict[str, Any] = dump(request)
            told.pop("look", None)
            if request.like is not None:
                told["like"] = digest(request.like)
                likes[told["like"]] = request.like
            return told
        case _, (ExemplarRequest() as request,):
            told = dump(request)
            told.pop("look", None)
            return told
        case _, (request,):
            told = dump(request)
            return told
    return {}


def is_question(call: str, asked: Mapping[str, Any]) -> bool:
    """Whether this may be what a source was asked, as a file says."""
    try:
        if call in LOOKED_INTO:
            LOOKED_INTO[call].model_validate(asked)
    except ValidationError:
        return False
    return _is_flat(asked)


def _is_flat(value: Any, most: int = DEEPEST) -> bool:
    inner = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []
    return most > 0 and all(_is_flat(each, most - 1) for each in inner)


def key(place: str, name: str, call: str, asked: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """What tells one question from all others."""
    return place, name, call, json.dumps(asked, sort_keys=True)


def digest(like: Profile | Record) -> str:
    """SHA-256 of the counts that a request is to be counted like."""
    return hashlib.sha256(json.dumps(dump(like), sort_keys=True).encode()).hexdigest()
