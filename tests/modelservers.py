"""Real model servers and a real node exporter on loopback, ended with the test. Their environments are made by make."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pages import every_dialect
from promserver import free_port

from console.model import Reading
from console.sources.options import MetricsOptions
from console.sources.scrape import Scrape
from console.sources.types import SourceStatus

ROOT = Path(__file__).parent.parent
READY_SECONDS = 120.0  # with other tests beside


@dataclass(frozen=True, slots=True)
class Served:
    """Where a server answers, and where its page is."""

    api: str
    page: str
    headers: Mapping[str, str] = field(default_factory=dict)

    async def read(self) -> list[Reading]:
        """The page as andon's own source reads it."""
        scrape = self._scrape()
        try:
            return list(await scrape.collect(time.time()))
        finally:
            await scrape.close()

    async def check(self) -> SourceStatus:
        """What `andon source check` says of it."""
        scrape = self._scrape()
        try:
            return await scrape.check()
        finally:
            await scrape.close()

    async def infer(self, model: str, values: Sequence[Sequence[float]], at_once: int = 4) -> int:
        """Send each as one request of the Open Inference Protocol; how many were answered well."""
        with ThreadPoolExecutor(at_once) as pool:
            loop = asyncio.get_running_loop()
            return sum(await asyncio.gather(*(loop.run_in_executor(pool, self._infer, model, each) for each in values)))

    def _infer(self, model: str, values: Sequence[float]) -> bool:
        tensor = {"name": "value", "datatype": "FP32", "shape": [1, len(values)], "data": list(values)}
        request = urllib.request.Request(
            f"{self.api}/v2/models/{model}/infer",
            json.dumps({"inputs": [tensor]}).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False

    def _scrape(self) -> Scrape:
        scrape = Scrape("served", MetricsOptions(url=self.page, headers=dict(self.headers)))
        scrape.speak({dialect.name: dialect for dialect in every_dialect()})
        return scrape


def has_environment(name: str) -> bool:
    return _python(name).exists()


@contextmanager
def node_exporter() -> Iterator[Served]:
    url = f"127.0.0.1:{free_port()}"
    with running(["prometheus-node-exporter", f"--web.listen-address={url}"], f"http://{url}/metrics"):
        yield Served(f"http://{url}", f"http://{url}/metrics")


def has_node_exporter() -> bool:
    return shutil.which("prometheus-node-exporter") is not None


@contextmanager
def triton(folder: Path) -> Iterator[Served]:
    http, grpc, metrics = (free_port() for _port in range(3))
    command = [str(_python("triton")), str(ROOT / "tests/real/serve_triton.py"), *map(str, (http, grpc, metrics))]
    with running(command, f"http://127.0.0.1:{http}/v2/models/moody/ready", folder):
        yield Served(f"http://127.0.0.1:{http}", f"http://127.0.0.1:{metrics}/metrics")


@contextmanager
def mlserver(folder: Path) -> Iterator[Served]:
    http, grpc, metrics = (free_port() for _port in range(3))
    settings = {"host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics,
                "parallel_workers": 0, "metrics_dir": str(folder)}  # fmt: skip
    (folder / "settings.json").write_text(json.dumps(settings))
    for name in ("Iris", "Moody"):
        (folder / name).mkdir()
        model = {"name": name.lower(), "implementation": f"serve_mlserver.{name}"}
        (folder / name / "model-settings.json").write_text(json.dumps(model))
    shutil.copy(ROOT / "tests/real/serve_mlserver.py", folder)
    command = [str(_python("mlserver").with_name("mlserver")), "start", str(folder)]
    with running(command, f"http://127.0.0.1:{http}/v2/models/moody/ready", folder):
        yield Served(f"http://127.0.0.1:{http}", f"http://127.0.0.1:{metrics}/metrics")


@contextmanager
def bentoml(folder: Path) -> Iterator[Served]:
    port = free_port()
    shutil.copy(ROOT / "tests/real/serve_bentoml.py", folder)
    command = [str(_python("bentoml")), "-m", "bentoml", "serve", "serve_bentoml:Glove", "--host", "127.0.0.1"]
    more = {"BENTOML_HOME": str(folder), "BENTOML_DO_NOT_TRACK": "True"}
    with running([*command, "--port", str(port)], f"http://127.0.0.1:{port}/readyz", folder, more):
        yield Served(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/metrics")


@contextmanager
def litellm(
    folder: Path, *, models: Sequence[Mapping[str, Any]] = (), settings: str = "", keeps: bool = False
) -> Iterator[Served]:
    """With `models` beside its usual ones; `settings` come to the end of its file; where it keeps, what is changed over
    its API stays.
    """
    port, key = free_port(), f"sk-{secrets.token_hex(24)}"
    config = yaml.safe_load((ROOT / "tests/real/litellm.yaml").read_text())
    config["model_list"] += models
    (folder / "litellm.yaml").write_text(yaml.safe_dump(config, sort_keys=False) + settings)
    python = _python("litellm")
    command = [str(python.with_name("litellm")), "--config", "litellm.yaml", "--host", "127.0.0.1", "--port", str(port)]
    if keeps:
        command = [str(python), str(ROOT / "tests/real/serve_litellm.py"), str(port)]
    more = {"LITELLM_MASTER_KEY": key, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "CONFIG_FILE_PATH": "litellm.yaml"}
    with running(command, f"http://127.0.0.1:{port}/health/liveliness", folder, more):
        yield Served(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/metrics", {"Authorization": f"Bearer {key}"})


@contextmanager
def ray_serve(folder: Path, name: str) -> Iterator[str]:
    """The page of a loaded Ray Serve in a network namespace of its own, `name`, where `within(name, …)` reaches it."""
    port = free_port()
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        script = str(ROOT / "tests/real/serve_ray.py")
        command = within(name, str(_python("ray")), script, str(port), str(folder))
        with open(folder / "log", "wb") as log:
            server = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=folder, env=_environment({"RAY_USAGE_STATS_ENABLED": "0"}),
                start_new_session=True,
            )  # fmt: skip
        try:
            _until(folder / "loaded", server, folder)
            yield f"http://127.0.0.1:{port}/metrics"
            (folder / "done").touch()
            server.wait(60)
        finally:
            _end(server)
    finally:
        left = subprocess.run(["ip", "netns", "pids", name], check=False, capture_output=True, text=True).stdout
        for pid in left.split():  # what Ray started and did not end: nobody else is in there
            with suppress(ProcessLookupError):
                os.kill(int(pid), 9)
        subprocess.run(["ip", "netns", "del", name], check=True)


def within(namespace: str, *command: str) -> list[str]:
    return ["ip", "netns", "exec", namespace, *command]


def has_namespaces() -> bool:
    """Whether network namespaces can be made: on Linux, by root."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        return False
    name = f"andon-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode == 0
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return made


def increase(before: Sequence[Reading], after: Sequence[Reading], signal: str, **labels: str) -> float:
    """How much a counter, or the count of a histogram, grew from one reading of a page to the next."""
    return _total(after, signal, labels) - _total(before, signal, labels)


def _total(readings: Sequence[Reading], signal: str, labels: dict[str, str]) -> float:
    return sum(
        each.counts[-1] if each.counts else each.value
        for each in readings
        if each.series.signal == signal and set(labels.items()) <= set(each.series.labels)
    )


def _python(name: str) -> Path:
    return ROOT / f".venv-{name}" / "bin" / "python"


@contextmanager
def running(
    command: Sequence[str], ready: str, folder: Path | None = None, more: Mapping[str, str] = MappingProxyType({})
) -> Iterator[None]:
    environment = _environment(more)
    with open(folder / "log", "wb") if folder else open(os.devnull, "wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, cwd=folder, env=environment, start_new_session=True
        )
        try:
            _wait(ready, server, folder)
            yield
        finally:
            _end(server)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    ours = ("PYTHON", "VIRTUAL")  # this interpreter's own, which is none of theirs
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | dict(more)


def _until(file: Path, server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 2 * READY_SECONDS
    while time.monotonic() < deadline:
        if file.exists():
            return
        assert server.poll() is None, f"it ended: {(folder / 'log').read_text(errors='replace')[-2000:]}"
        time.sleep(0.2)
    raise AssertionError(f"there is no {file.name}")


def _wait(url: str, server: subprocess.Popen[bytes], folder: Path | None) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        said = (folder / "log").read_text(errors="replace")[-2000:] if folder else ""
        assert server.poll() is None, f"it ended: {said}"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError("it did not become ready")


def _end(server: subprocess.Popen[bytes]) -> None:
    """The server and what it started: both lie in a process group of their own."""
    for signal_, seconds in ((15, 20), (9, 10)):
        try:
            os.killpg(server.pid, signal_)
            server.wait(seconds)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
