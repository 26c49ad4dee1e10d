"""A stand-in for a Kubernetes API server that holds objects and can be changed: strictly, and with faults when told.

It knows JSON Patch (RFC 6902), dry runs, versions, preconditions, evictions and status as a path of its own; nothing
else of what a server does. What a real one says is in tests/real.
"""

from __future__ import annotations

import copy
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

Fault = tuple[Literal["before", "after"], int]  # whether it was done, and what is said of it; 0: the line goes dead


class Refused(Exception):
    """An answer other than 200, and what caused it."""

    def __init__(self, code: int, words: str, *causes: str) -> None:
        super().__init__(words)
        self.code = code
        self.causes = causes

    @property
    def status(self) -> dict[str, Any]:
        """The object that says so."""
        details = {"causes": [{"reason": "Told", "message": each} for each in self.causes]} if self.causes else None
        return {"kind": "Status", "code": self.code, "message": str(self), "details": details}


@dataclass(slots=True)
class Held:
    """The objects by path, and what goes wrong."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault | None] = field(default_factory=list)  # of the next writes, one each
    denied: set[str] = field(default_factory=set)  # plurals that may not be read
    budget: int = 100  # evictions that are allowed
    meanwhile: Callable[[], object] | None = None  # once, between the next reading and what follows
    writes: list[tuple[str, str]] = field(default_factory=list)  # that were done: method, path
    port: int = 0
    _version: int = 100

    def put(self, path: str, **told: Any) -> dict[str, Any]:
        """Hold an object, whatever was there; its uid stays."""
        before = self.objects.get(path, {"metadata": {"uid": f"uid-{path}", "name": path.rpartition("/")[2]}})
        meta = {**before["metadata"], **told.pop("metadata", {}), "resourceVersion": self._next()}
        parts = path.split("/")
        if "namespaces" in parts:
            meta["namespace"] = parts[parts.index("namespaces") + 1]
        self.objects[path] = {**before, **told, "metadata": meta}
        return self.objects[path]

    def kubeconfig(self, folder: Path) -> str:
        """A file that leads here."""
        path = folder / "held.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        }))  # fmt: skip
        return str(path)

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        """What is said; done first where it is to be done."""
        if method == "GET":
            found = copy.deepcopy(self._read(path, query))
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                meanwhile()
            return found
        if "dryRun" in query or (isinstance(body, dict) and "dryRun" in (body.get("deleteOptions") or body)):
            kept, writes, left = copy.deepcopy(self.objects), [*self.writes], self.budget
            try:
                return self._write(method, path, body)
            finally:
                self.objects, self.writes, self.budget = kept, writes, left
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and fault[0] == "before":
            raise Refused(fault[1], "told to")
        done = self._write(method, path, body)
        if fault is not None:
            raise Refused(fault[1], "told to")
        return done

    def _read(self, path: str, query: Mapping[str, str]) -> Any:
        plural = path.split("/")[-1]
        if {plural, path.split("/")[-2]} & self.denied:
            raise Refused(403, f"may not read {plural}")
        if path in self.objects:
            return self.objects[path]
        kept = [held for each, held in self.objects.items() if each.rpartition("/")[0] == path or _is_all(path, each)]
        name, _, value = query.get("fieldSelector", "").partition("=")
        at = {"metadata.name": ("metadata", "name"), "spec.nodeName": ("spec", "nodeName")}.get(name)
        items = [held for held in kept if at is None or held.get(at[0], {}).get(at[1]) == value]
        if not items and not any(each.split("/")[-2] == plural for each in self.objects):
            raise Refused(404, f"no {plural}")
        return {"items": items}

    def _write(self, method: str, path: str, body: Any) -> Any:
        if method == "POST" and path.endswith("/eviction"):
            assert body["metadata"]["name"] == path.split("/")[-2]
            if self.budget <= 0:
                raise Refused(429, "the budget does not allow it.", "The budget keeps 2", "does not allow it")
            self.budget -= 1
            return self._gone(path.removesuffix("/eviction"), body["deleteOptions"])
        if method == "POST":
            target = f"{path}/{body['metadata']['name']}"
            if target in self.objects:
                raise Refused(409, "AlreadyExists")
            self.writes.append((method, target))
            return self.put(target, **body)
        whole = path.removesuffix("/status")
        if whole not in self.objects:
            raise Refused(404, "not there")
        if method == "DELETE":
            return self._gone(path, body)
        changed = patched(self.objects[whole], body)
        part = {"status": changed["status"]} if whole != path else {k: v for k, v in changed.items() if k != "status"}
        self.writes.append((method, path))
        return self.put(whole, **part)

    def _gone(self, path: str, options: Mapping[str, Any]) -> Any:
        if path not in self.objects:
            raise Refused(404, "not there")
        if options["preconditions"]["uid"] != self.objects[path]["metadata"]["uid"]:
            raise Refused(409, "Precondition failed")
        self.writes.append(("DELETE", path))
        return self.objects.pop(path)

    def _next(self) -> str:
        self._version += 1
        return str(self._version)


def patched(live: Any, operations: list[dict[str, Any]]) -> Any:
    """The object after a JSON Patch; Refused where a test fails or a place is not there."""
    live = copy.deepcopy(live)
    for each in operations:
        *parents, last = [step.replace("~1", "/").replace("~0", "~") for step in each["path"].split("/")[1:]]
        try:
            tree = live
            for step in parents:
                tree = tree[int(step)] if isinstance(tree, list) else tree[step]
            key: Any = last if isinstance(tree, dict) else len(tree) if last == "-" else int(last)
            match each["op"]:
                case "test" if tree[key] != each["value"]:
                    raise Refused(422, f"test {each['path']} failed")
                case "add" if isinstance(tree, list):
                    tree.insert(key, copy.deepcopy(each["value"]))
                case "add":
                    tree[key] = copy.deepcopy(each["value"])
                case "replace":
                    assert tree[key] is not None
                    tree[key] = copy.deepcopy(each["value"])
                case "remove":
                    del tree[key]
        except (KeyError, IndexError, TypeError) as error:
            raise Refused(422, f"{each['path']} is not there: {error}") from None
    return live


def _is_all(collection: str, path: str) -> bool:
    """Whether an object in a namespace is one of a collection over all of them."""
    root, _, rest = path.partition("/namespaces/")
    return bool(rest) and f"{root}/{rest.split('/')[1]}" == collection


@contextmanager
def held() -> Iterator[Held]:
    """One on loopback, without TLS."""
    here = Held()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer's body waits for a late acknowledgement of its head

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            code = 200
            try:
                assert self.command != "PATCH" or self.headers["Content-Type"] == "application/json-patch+json"
                body = here.answer(self.command, parts.path, dict(parse_qsl(parts.query)), json.loads(text or b"null"))
            except Refused as error:
                code, body = error.code, error.status
            if code == 0:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            said = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - as http.server wants them called

        def log_message(self, *_args: object) -> None:
            return None

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_args: object) -> None:
            return None  # who asked has hung up

    server = Server(("127.0.0.1", 0), Handler)
    here.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True).start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
