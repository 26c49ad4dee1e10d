"""An HTTP server that a source asks: one address, one way to be let in, one set of bounds for all its questions."""

from __future__ import annotations

import asyncio
import os
import ssl
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from console.errors import ConfigError
from console.sources.fetch import fetch, open_client
from console.sources.options import HeaderName, HeaderValue, LocalPath

AT_ONCE = 4  # questions; a server serves others too
OTHERS_MAY_READ = 0o077

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class SiteOptions(BaseModel):
    """Where a server is, how it lets us in, and how much of it to ask for at once."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(repr=False)  # http://host:port, or with the prefix that it is served under
    token_env: VariableName | None = None  # the environment variable that holds a bearer token
    token_file: LocalPath | None = None  # or the file that does, read anew for every question: tokens are renewed
    username: str | None = None
    password_env: VariableName | None = None
    ca: LocalPath | None = None  # the certificates that its own is signed by, where they are not the usual ones
    cert: LocalPath | None = None  # ours, and its key: mutual TLS
    key: LocalPath | None = None
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, repr=False)  # X-Scope-OrgID, for example
    timeout: float = Field(default=10.0, gt=0)  # of one question
    max_bytes: int = Field(default=32 << 20, gt=0)  # of one answer

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if sum(each is not None for each in (self.token_env, self.token_file, self.username)) > 1:
            raise ValueError("give one of token_env, token_file and username")
        if (self.username is None) != (self.password_env is None):
            raise ValueError("username and password_env go together")
        if self.key is not None and self.cert is None:
            raise ValueError("a key needs its cert")
        return self


class Site:
    """One server. Its secrets are read from where the options say and never shown.

    Raises ConfigError for a secret that is not there or that others may read, and for certificates that are none.
    """

    def __init__(self, name: str, options: SiteOptions) -> None:
        self.url = options.url.rstrip("/")
        self._name = name
        self._options = options
        self._headers = dict(options.headers) | _authorization(name, options)
        self._client = open_client(options.url, _trust(name, options))
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> bytes:
        """The answer to a GET of a path below the address. Raises the errors of `fetch`."""
        return await self.ask("GET", path, params=params)

    async def ask(
        self,
        method: Literal["GET", "POST", "DELETE"],
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The answer to any question, the time it waits for its turn not counted. Raises the errors of `fetch`."""
        async with self._turn:
            token = {}
            if self._options.token_file is not None:
                token = await asyncio.to_thread(_token_of, self._name, self._options.token_file)
            return await fetch(
                self._client,
                f"{self.url}/{path.lstrip('/')}" if path else self.url,
                seconds=self._options.timeout,
                most_bytes=self._options.max_bytes,
                headers=self._headers | token | dict(headers or {}),
                params=params,
                method=method,
                body=body,
            )

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()


def secret_in(name: str, variable: str) -> str:
    """What an environment variable holds; ConfigError, naming the source, where it holds nothing."""
    secret = os.environ.get(variable, "").strip()
    if not secret:
        raise ConfigError(f"source {name}: the environment has no {variable}", f"set {variable} where andon is started")
    return secret


def secret_file(name: str, path: str) -> str:
    """What a file holds; ConfigError where it cannot be read, is empty, or others may read it."""
    try:
        if Path(path).stat().st_mode & OTHERS_MAY_READ:
            raise ConfigError(f"source {name}: others may read {path}", f"chmod 600 {path}")
        secret = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"source {name}: {path} cannot be read: {error}", "it must be a file you may read") from None
    if not secret:
        raise ConfigError(f"source {name}: {path} is empty", "it must hold the secret alone")
    return secret


def _authorization(name: str, options: SiteOptions) -> dict[str, str]:
    if options.token_env is not None:
        return {"Authorization": f"Bearer {secret_in(name, options.token_env)}"}
    if options.username is not None and options.password_env is not None:
        pair = f"{options.username}:{secret_in(name, options.password_env)}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    _token_of(name, options.token_file)
    return {}


def _token_of(name: str, path: str | None) -> dict[str, str]:
    return {} if path is None else {"Authorization": f"Bearer {secret_file(name, path)}"}


def _trust(name: str, options: SiteOptions) -> ssl.SSLContext | None:
    if options.ca is None and options.cert is None:
        return None
    try:
        context = ssl.create_default_context(cafile=options.ca)
        if options.cert is not None:
            context.load_cert_chain(options.cert, options.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"source {name}: its certificates cannot be used: {error}", "ca, cert and key are PEM files you may read"
        ) from None
    return context
