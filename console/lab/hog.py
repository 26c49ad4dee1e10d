"""A neighbour that wants a core all to itself."""

from __future__ import annotations

import argparse

from console.lab.cores import settle


def main() -> None:
    """Compute, to no end, on the given core."""
    parser = argparse.ArgumentParser(description="a process that competes with the station")
    parser.add_argument("--core", type=int, default=None)
    settle(parser.parse_args().core)
    number = 1
    while True:
        number = number * 6364136223846793005 % 18446744073709551557


if __name__ == "__main__":
    main()
