"""A real Alertmanager on loopback. Debian's package will do."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from promserver import free_port

READY_SECONDS = 20.0
QUIET = "receivers: [{name: nobody}]\nroute: {receiver: nobody, group_wait: 1s}\n"


def is_installed() -> bool:
    return shutil.which("prometheus-alertmanager") is not None


@contextmanager
def alertmanager(folder: Path, config: str = QUIET) -> Iterator[str]:
    """Its URL."""
    port = free_port()
    (folder / "storage").mkdir(parents=True)
    path = folder / "alertmanager.yml"
    path.write_text(config)
    server = subprocess.Popen(
        [
            "prometheus-alertmanager",
            f"--config.file={path}",
            f"--storage.path={folder / 'storage'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/-/ready", server)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def send(url: str, *labels: Mapping[str, str], seconds: float = 300.0, **annotations: str) -> None:
    """Alerts that fire now, and for so long."""
    ends = datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()
    post(f"{url}/api/v2/alerts", [{"labels": each, "annotations": annotations, "endsAt": ends} for each in labels])


def post(url: str, body: Mapping[str, Any] | Sequence[Any]) -> bytes:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "alertmanager ended"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("alertmanager did not become ready")
