"""Where the receiver of webhooks listens, whom it lets in, and how much they may ask."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import ssl
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass

from console.errors import ConfigError, UsageError


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be asked of the receiver."""

    body_bytes: int = 16 * 2**20
    alerts: int = 10_000  # of one request
    at_once: int = 8  # requests that are read or handed on
    connections: int = 100
    head_seconds: float = 10.0  # from a connection to its first request
    body_seconds: float = 20.0  # for all of a body to come
    idle_seconds: float = 75.0  # between two requests
    rate: float = 20.0  # requests a second of one sender
    burst: float = 100.0
    senders: int = 4096  # that are told apart


@dataclass(frozen=True, slots=True)
class Secret:
    """What a sender must know: a bearer token, or a password where there is a user name."""

    text: str
    username: str = ""

    def is_in(self, header: str) -> bool:
        """Whether an Authorization header holds it, in a time that does not depend on how much of it is right."""
        scheme, _blank, told = header.partition(" ")
        if self.username:
            wanted = f"{self.username}:{self.text}"
            told = _plain(told) if scheme.lower() == "basic" else ""
        else:
            wanted = self.text
            told = told.strip() if scheme.lower() == "bearer" else ""
        return hmac.compare_digest(_digest(told), _digest(wanted))


@dataclass(frozen=True, slots=True)
class Door:
    """Where to listen, and whom to let in."""

    host: str
    port: int
    secret: Secret | None = None
    tls: ssl.SSLContext | None = None
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if self.secret is None and not self.wants_certificates:
            raise ConfigError(
                "a receiver needs a secret or certificates of its senders",
                "set ANDON_LISTEN_TOKEN, or give --token-file or --client-ca; docs/alerts.md shows how",
            )

    @property
    def wants_certificates(self) -> bool:
        """Whether senders prove themselves by a certificate."""
        return self.tls is not None and self.tls.verify_mode is ssl.CERT_REQUIRED

    @property
    def is_open_to_listeners(self) -> bool:
        """Whether a secret would travel readable over a network."""
        return self.tls is None and not _is_loopback(self.host)


def tls_context(cert: str, key: str | None, client_ca: str | None) -> ssl.SSLContext:
    """Our certificate and, where `client_ca` is given, whose senders must have one from. ConfigError if none is."""
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert, key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the certificates cannot be used: {error}", "they are PEM files you may read") from None
    return context


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `[V6]:PORT` or `:PORT`; UsageError for anything else."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{text[:60]!r} is not HOST:PORT", "write it like 127.0.0.1:9097")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _plain(told: str) -> str:
    try:
        return b64decode(told.strip(), validate=True).decode()
    except (NotBase64, UnicodeDecodeError, ValueError):
        return ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
