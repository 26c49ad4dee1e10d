"""Handing one message to an address that may itself be the secret: it is never shown, only its host is."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, model_validator

from console.errors import (
    ConfigError,
    SourceBusy,
    SourceDenied,
    SourceError,
    SourceMalformed,
    SourceRefused,
    SourceUnreached,
)
from console.sources.options import LocalPath
from console.sources.redact import MASK, shown_line
from console.sources.site import VariableName

MOST_ANSWER_BYTES = 4096
MOST_SAID = 120  # characters
SHORTEST_SECRET = 6  # characters of a part of an address: shorter ones are ordinary words
TOO_MANY = 429
BUSY = 503  # what stands before it may say so too, of what it handed on
REFUSED = (401, 403, 404, 410)  # a wrong secret, or an address that was taken back
LATER = (408, 425)
DEFAULT_BUSY_SECONDS = 30.0


class TooMany(SourceBusy, SourceRefused):
    """It took none of it, and wants to be left alone."""


class AddressOptions(BaseModel):
    """Where messages go."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(default=None, repr=False)
    url_env: VariableName | None = None  # the environment variable that holds it, where it is a secret
    ca: LocalPath | None = None  # the certificates that its own is signed by, where they are not the usual ones
    timeout: float = Field(default=10.0, gt=0, le=15.0)

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("give either url or url_env")
        return self


def secret_of(variable: str) -> str:
    """What an environment variable holds; ConfigError where it holds nothing."""
    secret = os.environ.get(variable, "").strip()
    if not secret:
        raise ConfigError(f"the environment has no {variable}", "set it where the daemon is started")
    return secret


async def post(options: AddressOptions, body: bytes, headers: Mapping[str, str]) -> None:
    """Hand over one message.

    Raises ConfigError without an address, SourceBusy where it wants to be left alone, and TooMany where it says beside
    that it took none of it, SourceDenied where it does not let us in, SourceMalformed where it does not take this
    message, SourceUnreached where nobody hears it, and SourceError for all else that may pass.
    """
    url = _url(options.url or secret_of(options.url_env or ""))
    where = url.host
    try:
        trust = ssl.create_default_context(cafile=options.ca) if options.ca else url.scheme == "https"
        async with (
            asyncio.timeout(options.timeout),
            httpx.AsyncClient(trust_env=False, verify=trust) as client,
            client.stream("POST", url, content=body, headers=headers, timeout=None) as response,
        ):
            if not response.is_success:
                raise _refusal(where, response, await _said(response, url))
    except TimeoutError:
        raise SourceError(f"{where} did not answer within {options.timeout:g} s", "look at it") from None
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise SourceUnreached(f"{where} cannot be reached: {type(error).__name__}", "check that it runs") from None
    except (httpx.HTTPError, OSError) as error:  # its own words may hold the address
        raise SourceError(f"{where} broke off: {type(error).__name__}", "check that it runs") from None


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError("the address is not an http URL", "write it like https://host/path")
    return url


async def _said(response: httpx.Response, url: httpx.URL) -> str:
    """The beginning of what it answers, for the log; without the address, which many servers say when they refuse."""
    said = b""
    async for piece in response.aiter_raw():
        said += piece
        if len(said) >= MOST_ANSWER_BYTES:
            break
    words = " ".join(said[:MOST_ANSWER_BYTES].decode("utf-8", "replace").split())
    for part in re.split(r"[/?&=]", f"{url.path}/{url.query.decode()}/{url.raw_path.decode()}/{url.password}"):
        words = words.replace(part, MASK) if len(part) >= SHORTEST_SECRET else words
    words = shown_line(words, MOST_SAID)
    return f": {words}" if words and words.isprintable() else ""


def _refusal(where: str, response: httpx.Response, said: str) -> SourceError:
    code = response.status_code
    answered = f"{where} answered {code}{said}"
    if code in (TOO_MANY, BUSY):
        kind = TooMany if code == TOO_MANY else SourceBusy
        return kind(answered, "", seconds=_retry_after(response.headers.get("retry-after", "")))
    if code in REFUSED:
        return SourceDenied(answered, "check its address and secret")
    if code >= 500 or code in LATER:
        return SourceError(answered, "look at its log")
    return SourceMalformed(answered, "it does not take this message")


def _retry_after(text: str) -> float:
    """Seconds of a Retry-After header, which may be a number or a date."""
    try:
        seconds = float(text) if text.strip().isdecimal() else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        seconds = DEFAULT_BUSY_SECONDS
    return max(seconds, 1.0)
