"""A stand-in for a Kubernetes API server, for answers that a healthy one does not give: it says what it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

GROUPS = {"apps": ("v1", ("deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"))}
Answer = tuple[int, bytes]
Query = Mapping[str, str]


@dataclass(slots=True)
class StandIn:
    """What it was asked, and what it says: `says` by path, else empty lists; watches are silent unless in `changes`."""

    says: dict[str, Callable[[Query], Answer]] = field(default_factory=dict)
    changes: dict[str, Callable[[Query, Callable[[bytes], None]], None]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=lambda: GROUPS)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def kubeconfig(self, folder: Path, **cluster: Any) -> str:
        """A file that leads here."""
        path = folder / "standin.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}", **cluster}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        }))  # fmt: skip
        return str(path)

    def count(self, end: str, *, watch: bool = False) -> int:
        """How often a path with this end was listed (or watched)."""
        return sum(path.endswith(end) and ("watch" in query) is watch for path, query in list(self.asked))

    def answer(self, path: str, query: Query) -> Answer:
        if path in self.says:
            return self.says[path](query)
        if path == "/version":
            return ok({"gitVersion": "v0.0.0-standin"})
        if path == "/apis":
            return ok({"groups": [
                {"name": group, "versions": [{"version": version}], "preferredVersion": {"version": version}}
                for group, (version, _plurals) in self.groups.items()
            ]})  # fmt: skip
        for group, (version, plurals) in self.groups.items():
            if path == f"/apis/{group}/{version}":
                return ok({"resources": [{"name": plural} for plural in plurals]})
        return ok(listed([]))


def ok(body: Any) -> Answer:
    return 200, encoded(body)


def encoded(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def refused(code: int, words: str = "no") -> Answer:
    return code, json.dumps({"kind": "Status", "code": code, "message": words}).encode()


def listed(
    items: list[Any], *, version: str = "10", following: str = "", remaining: int | None = None
) -> dict[str, Any]:
    meta: dict[str, Any] = {"resourceVersion": version}
    meta |= {"continue": following} if following else {}
    meta |= {"remainingItemCount": remaining} if remaining is not None else {}
    return {"metadata": meta, "items": items}


def change(kind: str, item: Mapping[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


def pod(name: str, *, namespace: str = "default", app: str = "web", hash_: str = "5c9745674b", version: str = "11",
        waiting: str = "", restarts: int = 0, labels: Mapping[str, str] | None = None) -> dict[str, Any]:  # fmt: skip
    """A pod of a Deployment, with about as much beside as real ones have."""
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {"startedAt": "2026-11-22T21:43:37Z"}}
    ready = "False" if waiting else "True"
    return {
        "metadata": {
            "name": name, "namespace": namespace, "uid": f"09fbdace-af9d-40dd-8269-{name[-12:]:0>12}",
            "resourceVersion": version, "creationTimestamp": "2026-11-22T21:43:37Z",
            "labels": {"app": app, "pod-template-hash": hash_, **(labels or {})},
            "ownerReferences": [{"kind": "ReplicaSet", "name": f"{app}-{hash_}", "controller": True}],
            "managedFields": [{"manager": "kubelet", "fieldsV1": {f"f:field{n}": {} for n in range(150)}}],
        },
        "spec": {
            "nodeName": "gpu-1",
            "containers": [{
                "name": "server", "image": "good:1", "args": ["--port", "8000"],
                "env": [{"name": f"SETTING_{n}", "value": "x" * 20} for n in range(10)],
                "resources": {"limits": {"nvidia.com/gpu": "1"}},
            }],
        },
        "status": {
            "phase": "Pending" if waiting else "Running",
            "conditions": [{"type": kind, "status": ready} for kind in ("Ready", "ContainersReady")],
            "containerStatuses": [{"name": "server", "ready": not waiting, "restartCount": restarts, "state": state}],
        },
    }  # fmt: skip


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """One on loopback, without TLS."""
    here = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            here.asked.append((parts.path, query))
            if "watch" in query:
                return self._watched(parts.path, query)
            code, body = here.answer(parts.path, query)
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            if code == 302:
                self.send_header("Location", body.decode())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return None

        def _watched(self, path: str, query: dict[str, str]) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.close_connection = True

            def say(text: bytes) -> None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
                self.wfile.flush()

            if path in here.changes:
                here.changes[path](query, say)
            else:
                here.ended.wait()
                say(b"")

        def log_message(self, *_args: object) -> None:
            return None

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_args: object) -> None:
            return None  # who asked has hung up

    server = Server(("127.0.0.1", 0), Handler)
    here.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield here
    finally:
        here.ended.set()
        server.shutdown()
        server.server_close()
