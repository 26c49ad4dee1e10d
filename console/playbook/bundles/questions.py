"""Questions in one spelling, so that the same question is known again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from console.model import Profile, Query, Record
from console.sources.types import ExemplarRequest, OutcomesRequest, ProfileRequest
from console.wire import dump

Likes = dict[str, Profile | Record]


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


def key(place: str, name: str, call: str, asked: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """What tells one question from all others."""
    return place, name, call, json.dumps(asked, sort_keys=True)


def digest(like: Profile | Record) -> str:
    """SHA-256 of the counts that a request is to be counted like."""
    return hashlib.sha256(json.dumps(dump(like), sort_keys=True).encode()).hexdigest()
