"""Neighbours that each want a core all to themselves."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from console.lab.cores import settle
from console.lab.leash import ready

SPIN = 100_000  # steps between two looks whether the lab is still there


def main() -> None:
    """Compute, to no end, on the given core, in so many processes."""
    parser = argparse.ArgumentParser(description="processes that compete with the station")
    parser.add_argument("count", type=int)
    parser.add_argument("tell", type=Path)
    parser.add_argument("--core", type=int, default=None)
    options = parser.parse_args()
    settle(None if options.core is None else {options.core})
    first = os.getpid()
    for _ in range(options.count - 1):
        if not os.fork():
            break
    else:
        ready(options.tell, str(options.count))
    _spin(first)


def _spin(first: int) -> None:
    """The other processes end with the first, which is on the lab's leash."""
    number = 1
    while os.getpid() == first or os.getppid() == first:
        for _ in range(SPIN):
            number = number * 6364136223846793005 % 18446744073709551557


if __name__ == "__main__":
    main()
