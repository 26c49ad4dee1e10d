"""A real Ray Serve with load on it, for tests: run by .venv-ray's interpreter in a network namespace of its own.

    serve_ray.py METRICS_PORT FOLDER

Ray binds all interfaces, so nothing else may be in reach. Once its page tells of the load (30 good and 5 bad requests),
it writes FOLDER/loaded and stays until FOLDER/done is there.
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory

import ray
from ray import serve
from starlette.requests import Request

SECONDS = 90
REQUESTS = 35


@serve.deployment(num_replicas=1)
class Moody:
    async def __call__(self, request: Request) -> str:
        if request.query_params.get("value") == "-1":
            raise ValueError("not today")
        return "fine"


def ask(value: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:8000/?value={value}", timeout=30):
            return True
    except urllib.error.HTTPError:
        return False


def is_told(page: str) -> bool:
    """Whether proxy and replica, which report each in its own time, have told of all requests."""
    whole = []
    for name in ("ray_serve_http_request_latency_ms_count", "ray_serve_deployment_processing_latency_ms_count"):
        lines = [line for line in page.splitlines() if line.startswith(name)]
        whole.append(sum(float(line.rpartition(" ")[2]) for line in lines) >= REQUESTS)
    return all(whole)


def main() -> None:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    with TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as short:  # its sockets' paths are bounded
        run(port, folder, short)


def run(port: int, folder: Path, temporary: str) -> None:
    ray.init(num_cpus=2, include_dashboard=False, _metrics_export_port=port, _temp_dir=temporary)
    serve.start(http_options={"host": "127.0.0.1", "port": 8000})
    serve.run(Moody.bind(), name="glove")
    for value in ["1"] * 30 + ["-1"] * 5:
        ask(value)
    for _turn in range(SECONDS):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            page = answer.read().decode()
        if is_told(page):
            break
        time.sleep(1)
    (folder / "page").write_text(page)
    (folder / "loaded").touch()
    for _turn in range(SECONDS):
        if (folder / "done").exists():
            break
        time.sleep(1)
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
