"""How fast a metrics page is read: ours, cold and warm, beside prometheus_client where that is installed.

The page is vLLM's, repeated with other labels until it has 5 MB. CPU time counts, not the wall's.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from pages import DCGM, TRITON, VLLM, page  # noqa: E402

from console.signals.page import PageReader  # noqa: E402

MEGABYTES = 5
ROUNDS = 7


def big_page() -> bytes:
    """vLLM's page as many pods, each in its own label."""
    one = page("vllm")
    pods = range(MEGABYTES * 1_000_000 // len(one))
    return b"".join(one.replace(b'engine="0"', b'engine="0",pod="vllm-%d"' % pod) for pod in pods)


def seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def show(name: str, took: float, size: int) -> None:
    print(f"{name:42} {took * 1000:8.1f} ms {size / 1e6 / took:8.1f} MB/s")


def main() -> None:
    body = big_page()
    readers = [PageReader([VLLM, TRITON, DCGM]) for _round in range(3)]
    print(f"{len(body) / 1e6:.1f} MB, {body.count(b'{')} series")
    show("first scrape", min(seconds(lambda reader=reader: reader.read(body, 1.0)) for reader in readers), len(body))
    warm = readers[0]
    show("every scrape after it", min(seconds(lambda: warm.read(body, 2.0)) for _round in range(ROUNDS)), len(body))
    if importlib.util.find_spec("prometheus_client"):
        from prometheus_client.parser import text_string_to_metric_families

        text = body.decode()
        took = min(seconds(lambda: list(text_string_to_metric_families(text))) for _round in range(3))
        show("prometheus_client.parser", took, len(body))
    else:
        print("prometheus_client is not installed here: nothing to compare with")


if __name__ == "__main__":
    main()
