"""The process that talks to a model: JSON lines on both sides, and the SDK in between, whose import is its own affair.

    python -P -m console.triage.agent.endpoint

reads one line that says where and as whom, then a request a line; each is answered by lines of `text` as it comes,
and one that ends it: `done` with the whole message, or `failed` with why. A line of `looked` says which tool was called
in between, and has no answer.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from console.triage.agent.spans import investigated

KINDS = {401: "denied", 403: "denied", 408: "later", 413: "too large", 429: "busy", 503: "busy", 529: "busy"}
LOOKED = "looked"
FIRST, LAST = ("model", "max_tokens", "stream", "cache_control", "tools", "system"), "messages"
MOST_SAID = 300  # characters of what an endpoint says is wrong


def main() -> None:
    """Answer until the other side is gone."""
    import anthropic

    where = json.loads(sys.stdin.readline())
    key = os.environ.get(where["key_env"] or "", "")
    client = _in_order(anthropic.Anthropic)(
        api_key=key or "none",  # of a profile on disk nobody here knows
        base_url=where["url"],
        max_retries=0,  # whoever asks knows how much time is left
        timeout=where["timeout"],
        default_headers={"x-api-key": key} if key else {},
    )
    with investigated(where["model"]) as looked:
        for line in sys.stdin:
            asked = json.loads(line)
            if LOOKED in asked:
                looked(asked[LOOKED])
                continue
            for told in _answered(client, asked):
                sys.stdout.write(json.dumps(told) + "\n")
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

    try:
        with client.messages.stream(**request) as stream:
            for text in stream.text_stream:
                yield {"text": text}
            message = stream.get_final_message()
        yield {"done": message.model_dump(mode="json", exclude_none=True)}
    except anthropic.APIStatusError as error:
        retry = error.response.headers.get("retry-after", "")
        kind = KINDS.get(error.status_code, "later" if error.status_code >= 500 else "refused")
        yield {"failed": kind, "message": _said(error.message), "seconds": float(retry) if retry.isdigit() else None}
    except anthropic.APITimeoutError:
        yield {"failed": "later", "message": "it did not answer in time", "seconds": None}
    except anthropic.APIConnectionError as error:
        yield {"failed": "unreached", "message": _said(str(error.__cause__ or error)), "seconds": None}
    except Exception as error:  # noqa: BLE001 - whatever an endpoint sends that the SDK trips over is the endpoint's fault
        yield {"failed": "malformed", "message": _said(f"{type(error).__name__}: {error}"), "seconds": None}


def _said(text: str) -> str:
    return text[:MOST_SAID]


if __name__ == "__main__":
    main()
