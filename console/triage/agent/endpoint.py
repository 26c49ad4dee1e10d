"""The process that talks to a model: JSON lines on both sides, and the SDK in between, whose import is its own affair.

    python -P -m console.triage.agent.endpoint

reads one line that says where and as whom, then a request a line; each is answered by lines of `text` as it comes,
and one that ends it: `done` with the whole message, or `failed` with why. A line of `looked` says which tool was called
in between, and has no answer.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from console.characters import whole
from console.triage.agent.hearing import Heard, TooMuch
from console.triage.agent.spans import investigated

STATUSES = {401: "denied", 402: "denied", 403: "denied", 404: "absent", 408: "later", 409: "later", 429: "busy",
            503: "busy", 529: "busy"}  # fmt: skip
# Of an error in mid stream, whose status has long been 200; other kinds may pass.
TYPES = {"authentication_error": "denied", "billing_error": "denied", "permission_error": "denied",
         "rate_limit_error": "busy", "overloaded_error": "busy", "invalid_request_error": "refused",
         "not_found_error": "absent", "request_too_large": "refused"}  # fmt: skip
LOOKED = "looked"
FIRST, LAST = ("model", "max_tokens", "stream", "cache_control", "tools", "system"), "messages"
MOST_MEMORY = 1 << 30  # bytes
MOST_SAID = 300  # characters of what an endpoint says is wrong


def main() -> None:
    """Answer until the other side is gone."""
    import anthropic

    with contextlib.suppress(ValueError, OSError):  # not every system knows it
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    where = json.loads(sys.stdin.readline())
    key = os.environ.get(where["key_env"] or "", "")
    client = _in_order(anthropic.Anthropic)(
        api_key=key or "none",  # of a profile on disk nobody here knows
        base_url=where["url"],
        max_retries=0,  # whoever asks knows how much time is left
        timeout=where["timeout"],
        default_headers={"x-api-key": key} if key else {},
        http_client=anthropic.DefaultHttpxClient(follow_redirects=False),  # x-api-key would go wherever it is sent to
    )
    with investigated(where["model"]) as looked:
        for line in sys.stdin:
            asked = json.loads(line)
            if LOOKED in asked:
                looked(asked[LOOKED])
                continue
            for told in _answered(client, asked):
                sys.stdout.write(_line(told))
                sys.stdout.flush()


def _in_order(client: type[Any]) -> type[Any]:
    """The client, with what never changes first in each body: so a request begins with the one before it."""

    class InOrder(client):  # type: ignore[misc]
        def _prepare_options(self, options: Any) -> Any:
            body = options.json_data
            if isinstance(body, dict):
                first = {name: body[name] for name in FIRST if name in body}
                options.json_data = {**first, **{name: body[name] for name in body if name not in (*first, LAST)}}
                options.json_data |= {LAST: body[LAST]} if LAST in body else {}
            return options

    return InOrder


def _answered(client: Any, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    import anthropic
    import httpx2

    try:
        with client.messages.create(**request, stream=True) as stream:
            yield from _told(stream)
    except anthropic.APIStatusError as error:
        yield _refused(error)
    except (anthropic.APITimeoutError, httpx2.TimeoutException):
        yield _failed("later", "it did not answer in time")
    except (anthropic.APIConnectionError, httpx2.TransportError) as error:
        why = error.__cause__ or error
        yield _failed("unreached" if isinstance(why, httpx2.ConnectError) else "later", f"{type(why).__name__}: {why}")
    except TooMuch as error:
        yield _failed("malformed", str(error))
    except Exception as error:  # noqa: BLE001 - whatever an endpoint sends that the SDK trips over is the endpoint's fault
        yield _failed("malformed", f"{type(error).__name__}: {error}")


def _told(stream: Any) -> Iterator[dict[str, Any]]:
    """What a stream says. Raises whatever the SDK does where it is none."""
    if "text/event-stream" not in (kind := stream.response.headers.get("content-type", "")):
        yield _failed("malformed", f"it answered with {kind or 'nothing'} where a stream was asked for")
        return
    heard = Heard()
    held = ""  # half of a character, until the other one comes
    for event in stream:
        held += heard.take(event.to_dict())
        if held and not "\ud800" <= held[-1] <= "\udbff":
            yield {"text": held}
            held = ""
    if heard.stop_reason is None:
        yield _failed("later", "it broke off in the middle of an answer")
    else:
        yield {"done": heard.message()}


def _refused(error: Any) -> dict[str, Any]:
    status = error.status_code
    kind = STATUSES.get(status, "later" if status >= 500 else "refused")
    if status == 200:
        kind = TYPES.get(error.type, "later")
    return _failed(kind, error.api_message or error.message, _seconds(error.response.headers.get("retry-after", "")))


def _failed(kind: str, message: str, seconds: float | None = None) -> dict[str, Any]:
    return {"failed": kind, "message": message[:MOST_SAID], "seconds": seconds}


def _seconds(after: str) -> float | None:
    """Those of a Retry-After: a number, or a date; None where it is neither, or does not say how long."""
    try:
        seconds = float(after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(after).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _line(told: Mapping[str, Any]) -> str:
    """One answer. Servers cut text in the middle of a character."""
    return whole(json.dumps(told, ensure_ascii=False)) + "\n"


if __name__ == "__main__":
    main()
