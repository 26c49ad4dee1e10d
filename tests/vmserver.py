"""A real VictoriaMetrics on loopback, whose past is handed to it as text. Debian's package will do."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from promserver import free_port

READY_SECONDS = 20.0
PART = 20_000  # lines that are handed over at once


def is_installed() -> bool:
    return shutil.which("victoria-metrics") is not None


@contextmanager
def victoria(folder: Path, *flags: str) -> Iterator[str]:
    """Its URL. Flags are for what a test needs otherwise than here: the last one counts."""
    port = free_port()
    server = subprocess.Popen(
        [
            "victoria-metrics",
            f"-storageDataPath={folder / 'victoria'}",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=10y",
            "-search.latencyOffset=0s",
            "-search.maxUniqueTimeseries=2000000",
            *flags,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{url}/health", server)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def tell(url: str, lines: Iterable[str]) -> None:
    """Hand over samples, `name{labels} value milliseconds` a line. They can be asked for once this returns."""
    told = iter(lines)
    while part := [*islice(told, PART)]:
        body = ("\n".join(part) + "\n").encode()
        request = urllib.request.Request(f"{url}/api/v1/import/prometheus", body, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 204
    with urllib.request.urlopen(f"{url}/internal/force_flush", timeout=60):
        pass


def tell_openmetrics(url: str, text: str) -> None:
    """Hand over what promtool would make blocks of: times in seconds."""
    samples = (line.rsplit(" ", 2) for line in text.splitlines() if line and not line.startswith("#"))
    tell(url, (f"{series} {value} {float(moment) * 1000:.0f}" for series, value, moment in samples))


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "victoria-metrics ended"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("victoria-metrics did not become ready")
