"""The way into one API server: credentials as kubectl finds them, raw JSON, every answer bounded in time and bytes.

The typed objects of the `kubernetes` package cost several times the memory and time of the JSON that they are made of,
so only its loader of credentials and its TLS are used.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from console.errors import ActRefused, ConfigError, SourceDenied, SourceError, SourceMalformed, SourceUnreached

MOST_BYTES = 64 << 20  # of one page of a list
MOST_LINE_BYTES = 16 << 20  # of one object of a watch; etcd takes 1.5 MiB
MOST_REASON_BYTES = 4096
MOST_WORDS = 240  # characters of one that are told
CONNECT_SECONDS = 5.0
CONNECTIONS = 64
RELOAD_SECONDS = 10.0  # between two readings of the kubeconfig: a program that logs in is not to be run in a storm
PLAIN = "application/json"

logging.getLogger("kubernetes").setLevel(logging.CRITICAL)
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class Gone(SourceError):
    """410: what we held on to is too old, so list anew."""


class NotThere(SourceError):
    """404: this server has no such thing."""


class Refused(SourceError):
    """400, 409, 422, 429 …: it was understood, and not done."""


class Door:
    """An API server. Raises ConfigError where nothing says how to get in; safe for threads."""

    def __init__(self, name: str, kubeconfig: str | None, context: str | None, seconds: float) -> None:
        self._name = name
        self._kubeconfig = kubeconfig
        self._context = context
        self._seconds = seconds
        self._lock = threading.Lock()
        self._configuration: Any = None
        self._pool: Any = None
        self._loaded = 0  # how often
        self._loaded_at = 0.0
        self._load()

    def get(self, path: str, params: Mapping[str, str] | None = None, *, accept: str = PLAIN) -> dict[str, Any]:
        """An answer as JSON. Raises Gone, NotThere, SourceDenied, SourceMalformed or SourceError."""
        text = self.text(path, params, accept=accept, most=MOST_BYTES)
        try:
            answer = orjson.loads(text)
        except ValueError:
            raise SourceMalformed(
                f"{self._about(path)} answered what is no JSON", "look at what lies between"
            ) from None
        if not isinstance(answer, dict):
            raise SourceMalformed(f"{self._about(path)} answered what is no object", "look at what lies between")
        return answer

    def text(
        self, path: str, params: Mapping[str, str] | None = None, *, accept: str = "*/*", most: int, cut: bool = False
    ) -> bytes:
        """An answer as it is; where it is longer than `most`, with `cut` its beginning, else SourceMalformed."""
        import urllib3

        deadline = time.monotonic() + self._seconds
        response = self._ask(path, params, accept, self._seconds)
        pieces: list[bytes] = []
        room = most
        try:
            while piece := response.read1(1 << 20, decode_content=True):
                pieces.append(piece)
                room -= len(piece)
                if room < 0 and not cut:
                    raise SourceMalformed(f"{self._about(path)} answers with more than {most:,} bytes", "ask for less")
                if room < 0:
                    break
                if time.monotonic() > deadline:
                    raise SourceError(*self._late(path))
        except urllib3.exceptions.ReadTimeoutError:
            raise SourceError(*self._late(path)) from None
        except urllib3.exceptions.HTTPError as error:
            raise SourceError(
                f"{self._about(path)} broke off its answer: {_first(error)}", "it is tried again"
            ) from None
        finally:
            if room < 0 or time.monotonic() > deadline:
                response.close()
            response.release_conn()
        return b"".join(pieces)[:most]

    def change(
        self, method: str, path: str, body: Any, *, content: str = PLAIN, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Have something changed; the object as it is then.

        Raises ActRefused where it was refused or never reached, so that for sure nothing was changed, NotThere for 404,
        and SourceError where nobody can tell.
        """
        import urllib3

        try:
            response = self._send(path, params, PLAIN, self._seconds, method=method, body=body, content=content)
        except (SourceDenied, Refused, SourceUnreached) as error:
            raise ActRefused(error.message, error.hint) from None
        try:
            answer = orjson.loads(response.read(MOST_BYTES, decode_content=True))
        except (ValueError, OSError, urllib3.exceptions.HTTPError) as error:
            raise SourceMalformed(f"{self._about(path)} broke off its answer: {_first(error)}", "") from None
        finally:
            response.release_conn()
        if not isinstance(answer, dict):
            raise SourceMalformed(f"{self._about(path)} answered what is no object", "look at what lies between")
        return answer

    def watch(self, path: str, params: Mapping[str, str], *, accept: str, silence: float) -> Iterator[dict[str, Any]]:
        """The changes as they come, until the server ends it or is silent for so many seconds.

        Returns once it is connected. Raises as `get` does, and SourceError where the connection is lost.
        """
        return self._changes(path, self._ask(path, {**params, "watch": "1"}, accept, silence))

    def close(self) -> None:
        """Let go of idle connections."""
        self._pool.clear()

    def _changes(self, path: str, response: Any) -> Iterator[dict[str, Any]]:
        import urllib3

        rest = b""
        try:
            while piece := response.read1(1 << 16, decode_content=True):
                *lines, rest = (rest + piece).split(b"\n")
                for line in filter(None, lines):
                    yield self._change(path, line)
                if len(rest) > MOST_LINE_BYTES:
                    raise SourceMalformed(f"{self._about(path)} sends a line without end", "look at what lies between")
        except urllib3.exceptions.ReadTimeoutError:
            return
        except urllib3.exceptions.HTTPError as error:
            raise SourceError(f"{self._about(path)} hung up: {_first(error)}", "it is asked again") from None
        finally:
            response.close()

    def _change(self, path: str, line: bytes) -> dict[str, Any]:
        try:
            change = orjson.loads(line)
            kind, what = change["type"], change["object"]
            if kind != "ERROR":
                return {"type": str(kind), "object": dict(what)}
            code, words = int(what.get("code", 500)), str(what.get("message", ""))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise SourceMalformed(
                f"{self._about(path)} sends a change that is none", "look at what lies between"
            ) from None
        raise self._refusal(path, code, words)

    def _ask(self, path: str, params: Mapping[str, str] | None, accept: str, seconds: float) -> Any:
        loaded = self._loaded
        try:
            return self._send(path, params, accept, seconds)
        except SourceDenied as error:
            if "401" not in error.message:
                raise
        self._load(unless_after=loaded)  # a token was renewed where it is kept: in a file, by a program
        return self._send(path, params, accept, seconds)

    def _send(
        self,
        path: str,
        params: Mapping[str, str] | None,
        accept: str,
        seconds: float,
        *,
        method: str = "GET",
        body: Any = None,
        content: str = PLAIN,
    ) -> Any:
        import urllib3

        headers = {"Accept": accept, "Accept-Encoding": "gzip", "User-Agent": "andon"}
        if body is not None:
            headers["Content-Type"] = content
        with self._lock:
            configuration, pool = self._configuration, self._pool
            try:
                token = configuration.get_api_key_with_prefix("BearerToken")
            except Exception as error:  # noqa: BLE001 - the loader raises what it likes, OSError to JSONDecodeError
                raise SourceDenied(
                    f"{self._name}: its token cannot be renewed: {type(error).__name__}: {error}", "log in again"
                ) from None
        if token:
            headers["Authorization"] = token
        url = f"{configuration.host.rstrip('/')}{path}{'?' + urlencode(params) if params else ''}"
        try:
            response = pool.request(
                method, url, body=None if body is None else orjson.dumps(body), headers=headers,
                preload_content=False, retries=False, redirect=False,
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds),
            )  # fmt: skip
        except urllib3.exceptions.SSLError as error:
            raise SourceError(
                f"{configuration.host} cannot be trusted: {_first(error)}",
                "check certificate-authority in the kubeconfig",
            ) from None
        except urllib3.exceptions.NewConnectionError as error:  # a TimeoutError to urllib3, though nothing was late
            raise SourceUnreached(*self._away(error)) from None
        except urllib3.exceptions.TimeoutError:
            raise SourceError(*self._late(path)) from None
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise SourceError(*self._away(error)) from None
        if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            return response
        try:
            words = _words(response.read(MOST_REASON_BYTES, decode_content=True))
        except urllib3.exceptions.HTTPError:
            words = ""
        finally:
            response.close()
        raise self._refusal(path, response.status, words)

    def _refusal(self, path: str, code: int, words: str) -> SourceError:
        about = self._about(path)
        match code:
            case 401:
                return SourceDenied(
                    f"{about} answered 401: it does not know us", "the token may have expired: log in again"
                )
            case 403:
                return SourceDenied(f"{about} answered 403: {words or 'we may not'}", "add it to our role")
            case 404:
                return NotThere(f"{about} is not there", "")
            case 410:
                return Gone(f"{about} has forgotten what we held on to", "")
            case 400 | 405 | 409 | 415 | 422 | 429:
                return Refused(f"{about} answered {code}{': ' + words if words else ''}", "look at the object again")
        return SourceError(f"{about} answered {code}{': ' + words if words else ''}", "look at the API server's log")

    def _about(self, path: str) -> str:
        return f"{self._configuration.host}{path}"

    def _away(self, error: Exception) -> tuple[str, str]:
        said = f"{self._configuration.host} cannot be reached: {_first(error)}"
        return said, "check that it runs and the way to it"

    def _late(self, path: str) -> tuple[str, str]:
        return f"{self._about(path)} took more than {self._seconds:g} s", "raise its timeout, or look at the API server"

    def _load(self, unless_after: int | None = None) -> None:
        from kubernetes.client import Configuration
        from kubernetes.client.rest import RESTClientObject

        with self._lock:
            is_fresh = time.monotonic() - self._loaded_at < RELOAD_SECONDS
            if unless_after is not None and (is_fresh or self._loaded != unless_after):
                return
            configuration = Configuration()
            configuration.connection_pool_maxsize = CONNECTIONS
            try:
                self._let_in(configuration)
                self._pool = RESTClientObject(configuration).pool_manager
            except Exception as error:  # noqa: BLE001 - the loader raises what it likes, OSError to binascii.Error
                raise ConfigError(
                    f"source {self._name}: its kubeconfig cannot be used: {' '.join(str(error).split())[:300]}",
                    "try: kubectl get nodes" + (f" --context {self._context}" if self._context else ""),
                ) from None
            self._configuration = configuration
            self._loaded += 1
            self._loaded_at = time.monotonic()

    def _let_in(self, configuration: Any) -> None:
        from kubernetes.config.incluster_config import load_incluster_config
        from kubernetes.config.kube_config import load_kube_config

        paths = self._kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
        is_here = any(Path(path).expanduser().exists() for path in paths.split(":"))
        if not is_here and not self._kubeconfig and "KUBERNETES_SERVICE_HOST" in os.environ:
            load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        else:
            load_kube_config(paths, self._context, configuration, persist_config=False)  # type: ignore[no-untyped-call]


def _words(body: bytes) -> str:
    """What a Status object says, with the causes that it does not repeat; cut short, for it comes from outside."""
    try:
        status = orjson.loads(body)
        said = str(status["message"])
        causes = [str(each["message"]) for each in (status.get("details") or {}).get("causes") or ()]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return " ".join(" ".join((said, *(each for each in causes if each not in said))).split())[:MOST_WORDS]


def _first(error: BaseException) -> str:
    """The innermost reason of an error that wraps others."""
    reason = getattr(error, "reason", None)
    while isinstance(reason, BaseException) and reason is not error:
        error, reason = reason, getattr(reason, "reason", None)
    return " ".join(str(error).split())[:200]
