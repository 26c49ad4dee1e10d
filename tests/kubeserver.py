"""A real Kubernetes control plane on loopback: etcd, apiserver, controller manager and scheduler, and no kubelet.

`Kubelet` stands for that: a loop that has scheduled pods run (or not, where their image says so) and buries deleted
ones, and a small TLS server that has their logs. Everything healthy that a test sees of Kubernetes is the real one's.
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PARTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
READY_SECONDS = 90.0
UNPACKED = Path(tempfile.gettempdir()) / "andon-test-kube"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def binaries() -> Path | None:
    """The folder of the packed programs: $ANDON_TEST_KUBE, or shared/kube beside the checkout."""
    named = os.environ.get("ANDON_TEST_KUBE")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "kube"
    return folder if all((folder / f"{part}.xz").is_file() for part in PARTS) else None


def why_not() -> str:
    """Why there is no control plane here; empty where there can be one."""
    if binaries() is None:
        return "left out: the tests on a real Kubernetes control plane (its programs are not in $ANDON_TEST_KUBE)"
    if not shutil.which("etcd"):
        return "left out: the tests on a real Kubernetes control plane (no etcd: `make test-real` installs it)"
    return ""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Cluster:
    """A running control plane, and a way to speak to it as its administrator."""

    folder: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        return self.folder / "certs" / "apiserver.crt"

    def kubeconfig(self, user: str = "admin", *, token: str = "", **more: Any) -> Path:
        """A file that lets a user of tokens.csv in."""
        path = self.folder / f"{user}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.ca)}
        who = {"token": token or f"{user}-token", **more}
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": who}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        }))  # fmt: skip
        path.chmod(0o600)
        return path

    def ask(
        self, method: str, path: str, body: Any = None, *, kind: str = "application/json", user: str = "admin"
    ) -> Any:
        """The API's answer; urllib's HTTPError with its words where it refuses."""
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(), method=method,
            headers={"Authorization": f"Bearer {user}-token", "Content-Type": kind},
        )  # fmt: skip
        context = ssl.create_default_context(cafile=str(self.ca))
        try:
            with urllib.request.urlopen(request, timeout=20, context=context) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            error.msg += f": {error.read().decode()[:500]}"
            raise
        return json.loads(text) if text[:1] in b"{[" else text.decode()

    def apply(self, path: str, *objects: Mapping[str, Any]) -> None:
        """Create each of these under a collection's path."""
        for one in objects:
            self.ask("POST", path, one)

    def patch(self, path: str, change: Any, *, kind: str = STRATEGIC) -> Any:
        return self.ask("PATCH", path, change, kind=kind)

    def kubectl(self, *arguments: str) -> str:
        """What kubectl says. It does what people do."""
        done = subprocess.run(
            ["kubectl", f"--kubeconfig={self.kubeconfig()}", *arguments],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self, part: str) -> None:
        """End one part, as a crash would."""
        self.processes[part].send_signal(signal.SIGKILL)
        self.processes[part].wait(10)

    def start(self, part: str) -> None:
        with (self.folder / f"{part}.log").open("ab") as log:
            self.processes[part] = subprocess.Popen(self.commands[part], cwd=self.folder, stdout=log, stderr=log)

    def wait(self, holds: Callable[[], Any], seconds: float = 60.0, what: str = "it") -> Any:
        """What `holds` gives once that is something; AssertionError where it stays nothing."""
        deadline = time.monotonic() + seconds
        while True:
            with suppress(OSError, KeyError, IndexError):
                if found := holds():
                    return found
            assert time.monotonic() < deadline, f"{what} did not come within {seconds:g} s"
            time.sleep(0.2)

    def is_ready(self) -> bool:
        assert self.processes["kube-apiserver"].poll() is None, self._log("kube-apiserver")
        return self.ca.exists() and self.ask("GET", "/readyz") == "ok"

    def _log(self, part: str) -> str:
        return (self.folder / f"{part}.log").read_text(errors="replace")[-2000:]


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A control plane without nodes."""
    programs = _unpacked()
    folder.mkdir(parents=True, exist_ok=True)
    client, peer, port = free_port(), free_port(), free_port()
    here = Cluster(folder, port)
    for command in (["openssl", "genrsa", "-out", "sa.key", "2048"],
                    ["openssl", "rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub"]):  # fmt: skip
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=30)
    users = {"admin": "system:masters", "viewer": "viewers", "writer": "writers"}
    tokens = (f'{user}-token,{user},{place},"{group}"' for place, (user, group) in enumerate(users.items()))
    (folder / "tokens.csv").write_text("\n".join(tokens))
    etcd, kubeconfig = f"http://127.0.0.1:{client}", str(here.kubeconfig())
    quiet = ["--leader-elect=false", "--secure-port=0", "--port=0", f"--kubeconfig={kubeconfig}"]
    here.commands = {
        "etcd": ["etcd", "--data-dir=etcd", f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}",
                 f"--listen-peer-urls=http://127.0.0.1:{peer}", "--unsafe-no-fsync"],
        "kube-apiserver": [
            str(programs / "kube-apiserver"), f"--etcd-servers={etcd}", "--bind-address=127.0.0.1",
            f"--secure-port={port}", "--cert-dir=certs", "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=sa.pub", "--service-account-signing-key-file=sa.key",
            "--authorization-mode=RBAC", "--token-auth-file=tokens.csv", "--service-cluster-ip-range=10.96.0.0/24",
            "--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none",
        ],
        "kube-controller-manager": [
            str(programs / "kube-controller-manager"), *quiet, "--node-monitor-grace-period=4h",
            "--controllers=*,-nodeipam,-route,-cloud-node-lifecycle,-service",
        ],
        "kube-scheduler": [str(programs / "kube-scheduler"), *quiet],
    }  # fmt: skip
    try:
        here.start("etcd")
        here.start("kube-apiserver")
        here.wait(here.is_ready, READY_SECONDS, "a ready API server")
        here.start("kube-controller-manager")
        here.start("kube-scheduler")
        yield here
    finally:
        for process in reversed(here.processes.values()):
            process.kill()
        for process in here.processes.values():
            process.wait(10)


@contextmanager
def cluster_with_node(folder: Path) -> Iterator[tuple[Cluster, Kubelet]]:
    """A control plane with one node of eight GPUs, on which pods run."""
    with cluster(folder) as here, ExitStack() as stack:
        kubelet = Kubelet(here)
        stack.callback(kubelet.end)
        kubelet.add_node("gpu-1")
        kubelet.begin()
        yield here, kubelet


def _unpacked() -> Path:
    """The programs, unpacked once for all tests of this machine."""
    packed = binaries()
    assert packed is not None, why_not()
    UNPACKED.mkdir(exist_ok=True)
    for part in PARTS:
        target = UNPACKED / part
        if target.exists():
            continue
        partial = UNPACKED / f"{part}.{os.getpid()}"
        with lzma.open(packed / f"{part}.xz") as source, partial.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
        partial.chmod(0o755)
        partial.rename(target)
    return UNPACKED


class Kubelet:
    """Stands for the kubelets of all nodes.

    A pod whose image begins with `missing` cannot be pulled, with `crashing` it crashes again and again, with `oom` it
    is killed for its memory, with `slow` it runs and is never ready. Every other one runs and is ready. Nobody sees
    to the pods of a node whose name begins with `silent`.
    """

    def __init__(self, here: Cluster) -> None:
        self.lines: dict[str, list[str]] = {}  # what a pod's container says: by its name, or the image that it runs
        self.asked: list[str] = []  # the paths of the log requests that came
        self._here = here
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._server: ThreadingHTTPServer | None = None

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(10)
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def add_node(self, name: str, gpus: int = 8) -> None:
        port = self._serve()
        capacity = {"cpu": "64", "memory": "512Gi", "pods": "200", "nvidia.com/gpu": str(gpus)}
        self._here.apply("/api/v1/nodes", {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}})
        self._here.patch(f"/api/v1/nodes/{name}/status", {"status": {
            "capacity": capacity, "allocatable": capacity,
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }})  # fmt: skip
        self.set_ready(name, is_ready=True)
        self._here.patch(f"/api/v1/nodes/{name}", {"spec": {"taints": None}}, kind=MERGE)

    def set_ready(self, name: str, *, is_ready: bool) -> None:
        """A node's own word on whether it is ready."""
        condition = {"type": "Ready", "status": "True" if is_ready else "False", "lastHeartbeatTime": now(),
                     "lastTransitionTime": now(), "reason": "KubeletReady" if is_ready else "KubeletNotReady",
                     "message": "" if is_ready else "container runtime is down"}  # fmt: skip
        self._here.patch(f"/api/v1/nodes/{name}/status", {"status": {"conditions": [condition]}})

    def _run(self) -> None:
        while not self._ended.wait(0.3):
            with suppress(OSError, KeyError):  # the API server may be down for a moment
                for pod in self._here.ask("GET", "/api/v1/pods")["items"]:
                    self._look_after(pod)

    def _look_after(self, pod: dict[str, Any]) -> None:
        meta, spec = pod["metadata"], pod["spec"]
        if spec.get("nodeName", "").startswith("silent"):
            return
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        with suppress(urllib.error.HTTPError):  # gone, or changed by another: the next round sees
            if "deletionTimestamp" in meta:
                self._here.ask("DELETE", path, {"gracePeriodSeconds": 0})
            elif spec.get("nodeName"):
                before = pod["status"].get("containerStatuses", [{}])[0]
                image = spec["containers"][0]["image"]
                wanted = _status(image, before, spec["containers"][0]["name"])
                if before.get("state") != wanted["state"] or before.get("restartCount") != wanted["restartCount"]:
                    self._here.patch(f"{path}/status", {"status": _pod_status(pod, wanted)})
                    if image.startswith("missing"):
                        self._say(meta, "Failed", f'Failed to pull image "{image}": not found')

    def _say(self, meta: Mapping[str, Any], reason: str, message: str) -> None:
        about = {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}
        self._here.ask("POST", f"/api/v1/namespaces/{meta['namespace']}/events", {
            "metadata": {"generateName": f"{meta['name']}."}, "involvedObject": about, "reason": reason,
            "message": message, "type": "Warning", "count": 1, "firstTimestamp": now(), "lastTimestamp": now(),
            "source": {"component": "kubelet"},
        })  # fmt: skip

    def _serve(self) -> int:
        """The TLS port that answers for logs, with the API server's own certificate."""
        if self._server is None:
            kubelet = self

            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    kubelet.asked.append(self.path)
                    # /containerLogs/NAMESPACE/POD/CONTAINER?…
                    _, _, _namespace, pod, _container = self.path.partition("?")[0].split("/")
                    lines = next((said for start, said in kubelet.lines.items() if pod.startswith(start)), [])
                    body = "".join(f"{line}\n" for line in lines).encode()
                    self.send_response(200)
                    self.send_header("Content-Type", "text/plain")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *_args: object) -> None:
                    return None

            self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certs = self._here.folder / "certs"
            context.load_cert_chain(certs / "apiserver.crt", certs / "apiserver.key")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return int(self._server.server_address[1])


def _status(image: str, before: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What becomes of a container with this image."""
    base: dict[str, Any] = {"name": name, "image": image, "imageID": "", "ready": False, "restartCount": 0,
                            "started": False}  # fmt: skip
    started = before.get("state", {}).get("running", {}).get("startedAt") or now()
    if image.startswith("missing"):
        return base | {"state": {"waiting": {"reason": "ImagePullBackOff",
                                             "message": f'Back-off pulling image "{image}"'}}}  # fmt: skip
    if image.startswith(("crashing", "oom")):
        restarts = min(before.get("restartCount", 0) + 1, 3)
        last = before.get("lastState") if restarts == before.get("restartCount") else None
        ended = {"exitCode": 137 if image.startswith("oom") else 1, "finishedAt": now(), "startedAt": now(),
                 "reason": "OOMKilled" if image.startswith("oom") else "Error"}  # fmt: skip
        waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
        return base | {
            "restartCount": restarts,
            "state": {"waiting": waiting},
            "lastState": last or {"terminated": ended},
        }
    is_ready = not image.startswith("slow")
    return base | {"ready": is_ready, "started": True, "state": {"running": {"startedAt": started}}}


def _pod_status(pod: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, Any]:
    runs, is_ready = "running" in container["state"], bool(container["ready"])
    conditions = [
        {"type": kind, "status": "True" if holds else "False", "lastTransitionTime": now()}
        for kind, holds in (("Initialized", True), ("Ready", is_ready), ("ContainersReady", is_ready))
    ]
    return {
        "phase": "Running" if runs or container["restartCount"] else "Pending", "conditions": conditions,
        "containerStatuses": [dict(container)], "startTime": pod["status"].get("startTime") or now(),
        "hostIP": "127.0.0.1", "podIP": "10.0.0.1",
    }  # fmt: skip


def deployment(name: str, image: str, *, replicas: int = 2, gpus: int = 0, namespace: str = "default",
               labels: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:  # fmt: skip
    """A Deployment as people write them."""
    selector = {"app": name}
    container: dict[str, Any] = {"name": "server", "image": image, "args": ["--port", "8000"]}
    if gpus:
        container["resources"] = {"limits": {"nvidia.com/gpu": str(gpus)}}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": selector}, **spec,
                 "template": {"metadata": {"labels": {**selector, **(labels or {})}},
                              "spec": {"containers": [container]}}},
    }  # fmt: skip
