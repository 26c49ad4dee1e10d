"""What it costs to read an estate: a page of metrics beside prometheus_client, and GPUs behind a server of queries.

    python benchmarks/sources.py [--only page,gpus]

Exits 1 where a goal is missed. `make .venv-pages/.ready` installs what the page is measured beside.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from _gpus_behind import behind  # noqa: E402
from _page import pages  # noqa: E402

SECTIONS: dict[str, Callable[[], bool]] = {"page": pages, "gpus": behind}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas between them")
    names = parser.parse_args().only.split(",")
    if unknown := set(names) - set(SECTIONS):
        parser.error(f"there is no section {sorted(unknown)[0]}; there are {', '.join(SECTIONS)}")
    met = [SECTIONS[name]() for name in names]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
