"""A daemon that stands on one bundle: no source, a clock that stands still, the bundle's incident. Nothing is left."""

from __future__ import annotations

import base64
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.errors import DaemonUnreachable
from console.playbook.bundles.bundle import Bundle
from console.playbook.bundles.file import to_bytes
from console.service.client import Client
from console.service.starting import start_daemon

STOP_SECONDS = 10.0
LOOK_SECONDS = 0.05
CONFIG = """\
[daemon]
interval = "0s"
clock = "clock"
watch = false
"""


@contextmanager
def standing_replay(bundle: Bundle) -> Iterator[tuple[Path, str]]:
    """The daemon's data folder and the incident's id; both are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="andon-replay-"))
    try:
        (folder / "clock").write_text(f"{bundle.now!r}\n", "ascii")
        (folder / "config.toml").write_text(CONFIG, "utf-8")
        data = folder / "data"
        start_daemon(folder / "config.toml", data)
        client = Client(data)
        try:
            taken = client.request("incident.import", bundle=base64.b64encode(to_bytes(bundle)).decode())
            yield data, str(taken["id"])
        finally:
            _stop(client)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stop(client: Client) -> None:
    """Ask it to stop, and wait until it has: it writes into the folder until then."""
    deadline = time.monotonic() + STOP_SECONDS
    try:
        client.request("stop")
        while time.monotonic() < deadline:
            client.request("status", timeout=2.0)
            time.sleep(LOOK_SECONDS)
    except DaemonUnreachable:
        return
