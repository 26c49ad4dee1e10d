"""One request that cannot hurt us: bounded in time, in bytes on the wire and once inflated, and true to its host.

Header values never reach a message or a log: they may hold tokens.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import zlib
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Literal

import httpx

from console.errors import (
    SourceDenied,
    SourceError,
    SourceMalformed,
    SourceMissing,
    SourceRefused,
    SourceUnreached,
)
from console.sources.redact import MASK, shown_line, shown_url

MOST_REDIRECTS = 3
MOST_REASON_BYTES = 4096
MOST_REASON = 200  # characters
SAID_UNDER = ("error", "message", "detail", "msg", "errors")  # what servers call it, one within the other
SHORTEST_SECRET = 6  # characters: what is shorter would take ordinary words away
NO_SECRETS = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"}
GZIP = 16 + zlib.MAX_WBITS
ASK_LESS = "ask for less: a shorter window, fewer series (`where`, `by`), or give it longer (timeout)"
HINTS = {
    404: "check the URL, its prefix, and the kind that it was taken for (KIND+http://… on a command line says which)",
    413: ASK_LESS,
    422: ASK_LESS,
    429: "it is asked too often: by whom, and what does its own limit say?",
    500: "look at its log",
    502: "what lies between cannot reach it: is it up?",
    503: f"it is overloaded or just starting; {ASK_LESS}",
    504: ASK_LESS,
}

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs, and a query may hold a token


def open_client(url: str, trust: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """A client for one host, without the environment's proxies and passwords; `trust` is for TLS of one's own.

    Raises SourceError where the URL is none.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:  # its words may quote a password
        raise SourceError(f"{shown_url(url)!r} is not a URL", "write it like http://host:port/metrics") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise SourceError(f"{shown_url(url)!r} is not an http URL", "write it like http://host:port/metrics")
    return httpx.AsyncClient(trust_env=False, verify=trust or parsed.scheme == "https")


async def fetch(
    client: httpx.AsyncClient,
    url: str,
    *,
    seconds: float,
    most_bytes: int,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    method: Literal["GET", "POST", "DELETE"] = "GET",
    body: bytes | None = None,
) -> bytes:
    """The body of an answer, all of it within `seconds` and `most_bytes`.

    Raises SourceDenied for 401 and 403, SourceMalformed for a body that is too large, broken off or wrongly packed,
    SourceError for everything else that is not a success.
    """
    target = httpx.URL(url).copy_merge_params(params or {})
    where = shown(target)
    try:
        async with asyncio.timeout(seconds):
            request = client.build_request(method, target, headers=headers, content=body)
            return await _fetch(client, request, most_bytes, tuple(httpx.URL(url).params.values()))
    except (TimeoutError, httpx.TimeoutException):
        raise SourceError(
            f"{where} took more than {seconds:g} s to answer", "raise its timeout, or look at it"
        ) from None
    except httpx.NetworkError as error:
        cause = _first_cause(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise SourceError(
                f"{where} cannot be trusted: {cause.verify_message}", "check its certificate, or name its `ca`"
            ) from None
        if isinstance(cause, ssl.SSLError) and "ALERT" in str(cause.reason):
            raise SourceDenied(
                f"{where} does not let us in: {cause.reason.lower().replace('_', ' ')}",
                "name the `cert` and `key` that it knows",
            ) from None
        if isinstance(cause, ssl.SSLError):
            raise SourceError(
                f"{where} does not speak TLS as we do: {cause.reason or cause}", "check the port, and http or https"
            ) from None
        if not isinstance(error, httpx.ConnectError):
            maybe = ", or does it want a certificate of ours (`cert`, `key`)?" if target.scheme == "https" else ""
            words = f"{where} broke off its answer: {error or type(error).__name__}"
            raise SourceMalformed(words, f"try again, then look at it{maybe}") from None
        raise SourceUnreached(
            f"{where} cannot be reached: {error}", "check that it runs and that the name is right"
        ) from None
    except httpx.RemoteProtocolError as error:
        raise SourceMalformed(f"{where} broke off its answer: {error}", "try again, then look at it") from None
    except httpx.HTTPError as error:
        raise SourceError(f"{where} cannot be read: {type(error).__name__}: {error}", "look at it") from None


def shown(url: httpx.URL) -> str:
    """A URL as it may be shown: without user, password and query."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))


async def _fetch(client: httpx.AsyncClient, request: httpx.Request, most_bytes: int, kept: tuple[str, ...]) -> bytes:
    """`kept` is what of the address itself is not shown; what is asked of it may be."""
    request.headers["Accept-Encoding"] = "gzip"
    request.extensions["timeout"] = {}  # the whole has one
    for _hop in range(MOST_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        try:
            url = request.url
            if response.has_redirect_location and request.method == "GET":
                request = client.build_request("GET", _next(url, response), headers=request.headers)
                request.extensions["timeout"] = {}
                continue
            if response.status_code != 200 and not (response.is_success and request.method != "GET"):
                raise await _refusal(url, response, (*_secrets(request.headers), *kept))
            return b"".join([piece async for piece in _pieces(response, url, most_bytes)])
        finally:
            await response.aclose()
    raise SourceError(f"{shown(request.url)} redirects in circles", "check the URL")


def _first_cause(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def _next(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    target = url.join(response.headers["location"])
    if (target.scheme, target.netloc) != (url.scheme, url.netloc):
        raise SourceError(
            f"{shown(url)} redirects to another host, {target.host}", "name that host in the source if you trust it"
        )
    return target


def _kind(status: int) -> type[SourceError]:
    if status == 404:
        return SourceMissing
    is_understood = 400 <= status < 500 and status != 408  # which is a timeout: who knows what was done by then
    return SourceRefused if is_understood else SourceError


async def _refusal(url: httpx.URL, response: httpx.Response, secrets: Sequence[str]) -> SourceError:
    if response.status_code in (401, 403):
        return SourceDenied(
            f"{shown(url)} answered {response.status_code}: we may not read it", "check the source's credentials"
        )
    answered = f"{shown(url)} answered {response.status_code} {_without(secrets, response.reason_phrase)}".rstrip()
    reason = _without(secrets, await _reason(url, response))
    words = f"{answered}: {reason}" if reason else answered
    return _kind(response.status_code)(words, HINTS.get(response.status_code, "look at its log"))


def _without(secrets: Sequence[str], said: str) -> str:
    """What a refusal says, cut: some say again what they were sent, and that may be a token."""
    for secret in secrets:
        said = said.replace(secret, MASK) if len(secret) >= SHORTEST_SECRET else said
    return shown_line(" ".join(said.split()), MOST_REASON)


def _secrets(sent: httpx.Headers) -> Iterator[str]:
    """What may be a secret of what was sent: each header's value, without its scheme, and a password as it is."""
    for name, value in sent.items():
        if name not in NO_SECRETS:
            scheme, _blank, told = value.partition(" ")
            yield from (value, told)
            if scheme == "Basic":
                yield b64decode(told).decode(errors="replace").partition(":")[2]


async def _reason(url: httpx.URL, response: httpx.Response) -> str:
    """What a refusal says: plain text, or what JSON calls its error."""
    try:
        said = b"".join([piece async for piece in _pieces(response, url, MOST_REASON_BYTES)])
        is_text = response.headers.get("content-type", "").startswith("text/plain")
        return _error_of(said) or (said.decode("utf-8", "replace") if is_text else "")
    except SourceMalformed:
        return ""


def _error_of(said: bytes) -> str:
    """In one of the shapes that servers use for it; none where it is no object."""
    try:
        fields = json.loads(said)
        return _words_of(fields) if isinstance(fields, dict) else ""
    except (ValueError, RecursionError):
        return ""


def _words_of(told: object) -> str:
    if isinstance(told, dict):
        return next((words for name in SAID_UNDER if (words := _words_of(told.get(name)))), "")
    if isinstance(told, list):
        return _words_of(told[0]) if told else ""
    return str(told) if told else ""


async def _pieces(response: httpx.Response, url: httpx.URL, most_bytes: int) -> AsyncIterator[bytes]:
    """The body, inflated by ourselves: a client that does it for us has no cap on what one packet turns into."""
    too_large = SourceMalformed(
        f"{shown(url)} answers with more than {most_bytes:,} bytes", "raise its max_bytes, or ask for less"
    )
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip"):
        raise SourceMalformed(f"{shown(url)} packs its answer as {packing[:20]!r}", "only gzip was offered")
    if int(response.headers.get("content-length", "0")) > most_bytes:
        raise too_large
    inflate = zlib.decompressobj(GZIP) if packing == "gzip" else None
    room = wire_room = most_bytes
    async for chunk in response.aiter_raw():
        wire_room -= len(chunk)
        try:
            piece = inflate.decompress(chunk, room + 1) if inflate else chunk
        except zlib.error as error:
            raise SourceMalformed(f"{shown(url)} sends broken gzip: {error}", "look at what lies between") from None
        room -= len(piece)
        if room < 0 or wire_room < 0:
            raise too_large
        yield piece
    if inflate and not inflate.eof:
        raise SourceMalformed(f"{shown(url)} broke off its answer", "try again, then look at it")
