"""A web server that speaks TLS with certificates made here by openssl, as good or as bad as a test wants them."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs certificates."""

    folder: Path
    name: str

    @property
    def certificate(self) -> Path:
        return self.folder / f"{self.name}.pem"

    def sign(self, name: str, alternative: str = "IP:127.0.0.1", days: int = 2) -> tuple[Path, Path]:
        """A certificate and its key."""
        certificate, key, request, more = (self.folder / f"{name}.{end}" for end in ("pem", "key", "csr", "ext"))
        more.write_text(f"subjectAltName={alternative}\n")
        _openssl("req", *KEY, "-keyout", str(key), "-out", str(request), "-subj", f"/CN={name}")
        _openssl(
            *("x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAcreateserial"),
            *("-CAkey", str(self.folder / f"{self.name}.key"), "-days", str(days)),
            *("-extfile", str(more), "-out", str(certificate)),
        )
        return certificate, key


def authority(folder: Path, name: str) -> Authority:
    made = Authority(folder, name)
    key = str(folder / f"{name}.key")
    _openssl(
        *("req", "-x509", *KEY, "-keyout", key, "-out", str(made.certificate), "-subj", f"/CN={name}", "-days", "2")
    )
    return made


@dataclass(slots=True)
class TlsServer:
    """Where it is, and the paths that it was asked for."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def tls_server(pair: tuple[Path, Path], asks: Authority | None = None) -> Iterator[TlsServer]:
    """A server that answers with the path. With `asks`, only those whose certificate that authority signed are served.

    Its sockets block: OpenSSL itself says why it refuses, which asyncio's own TLS does not.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # that refuses before the client has said a word
    context.load_cert_chain(*map(str, pair))
    if asks is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(str(asks.certificate))
    there = TlsServer("")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.path)))
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, *_words: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: Any, client_address: Any) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(request, server_side=True) as wrapped:
                self.RequestHandlerClass(wrapped, client_address, self)

    server = Server(("127.0.0.1", 0), Answer)
    there.url = f"https://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)
