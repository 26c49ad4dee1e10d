"""A real Prometheus on loopback, with history made from OpenMetrics by promtool. Debian's package will do."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

READY_SECONDS = 20.0


def is_installed() -> bool:
    return bool(shutil.which("prometheus") and shutil.which("promtool"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def prometheus(
    folder: Path,
    *flags: str,
    history: str = "",
    scrapes_itself: bool = False,
    scrapes: Sequence[str] = (),
    more: str = "",
) -> Iterator[str]:
    """Its URL. `history` is OpenMetrics text with times in seconds, ending in `# EOF`; it `scrapes` HOST:PORT pages.

    `more` is what else its configuration says, such as rules.
    """
    data, port = folder / "prometheus", free_port()
    data.mkdir(parents=True)
    if history:
        (folder / "history.om").write_text(history)
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h"]
        subprocess.run([*command, str(folder / "history.om"), str(data)], check=True, capture_output=True, timeout=120)
    targets = [*scrapes, *([f"127.0.0.1:{port}"] if scrapes_itself else [])]
    jobs = f"[{{job_name: tests, static_configs: [{{targets: {targets}}}]}}]" if targets else "[]"
    config = folder / "prometheus.yml"
    config.write_text(f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nscrape_configs: {jobs}\n{more}")
    server = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=10y",
            "--storage.tsdb.allow-overlapping-blocks",
            "--rules.alert.resend-delay=1s",  # what fires before it has found the alert manager is sent again soon
            f"--web.listen-address=127.0.0.1:{port}",
            *flags,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/-/ready", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "prometheus ended"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("prometheus did not become ready")
