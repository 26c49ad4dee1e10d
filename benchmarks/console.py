"""What the console costs, how soon it paints, and what a hung driver or a bad line does to it; its peers beside it.

    python benchmarks/console.py [--only live,rows,paint,hang,link] [--seconds 60]

Everything is real but what is watched: a pseudo-terminal of 200×50, the daemon with its children, and a GPU driver's
stand-in with 8 GPUs, a made-up LLM server and a growing prediction log, all of whose numbers move each second. It only
prints; it judges nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from _estate import Estate, estate  # noqa: E402
from _hang import hang  # noqa: E402
from _link import link  # noqa: E402
from _live import live, rows  # noqa: E402
from _paint import paint  # noqa: E402
from fakenvml import compiler  # noqa: E402

Section = Callable[[Estate, float], None]
SECTIONS: dict[str, Section] = {"paint": paint, "live": live, "rows": rows, "link": link, "hang": hang}
"""In the order they are run: the last one breaks what is watched."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas between them")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each program is measured")
    chosen = parser.parse_args()
    names = set(chosen.only.split(","))
    if unknown := names - set(SECTIONS):
        parser.error(f"there is no section {sorted(unknown)[0]}; there are {', '.join(SECTIONS)}")
    if compiler() is None:
        print("there is no C compiler here, so there is no stand-in for the GPU driver: nothing was measured")
        return 0
    with ExitStack() as stack:
        at = stack.enter_context(estate())
        for name, section in SECTIONS.items():
            if name in names:
                section(at, chosen.seconds)
                print(flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
