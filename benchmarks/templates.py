"""How fast do log lines become templates, and how fast are changes ranked? CPU seconds, median of runs.

    python benchmarks/templates.py [--runs 5]

Lines are made, not taken from anywhere: kinds of line with times, ids and numbers that vary, JSON lines and stack
traces among them; then lines that have nothing in common, which is the worst case.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from invented import INCIDENTS  # noqa: E402
from stories import Change, Log, case_of  # noqa: E402

from console.analysis.incidents.changes import rank_changes  # noqa: E402
from console.analysis.incidents.news import log_news  # noqa: E402
from console.analysis.templates import templates_of  # noqa: E402
from console.model import Case  # noqa: E402

WORDS = "cart order user stock price route seat token label batch queue shard cache index frame".split()
VERBS = "opened closed read written refused found moved counted sent kept".split()


def usual_lines(count: int, rng: random.Random) -> list[str]:
    """Lines as services write them."""
    made = []
    for n in range(count):
        word, verb, ident = rng.choice(WORDS), rng.choice(VERBS), f"{rng.getrandbits(64):016x}"
        clock = f"2027-01-0{1 + n % 9}T{n % 24:02}:{n % 60:02}:00.{n % 1000:03}Z"
        if n % 10 == 0:
            made.append(f'{{"ts": "{clock}", "level": "error", "msg": "{word} {n} not {verb}", "trace_id": "{ident}"}}')
        elif n % 50 == 1:
            made.append(
                f"{word} not {verb}\njava.lang.IllegalStateException: {n}\n\tat c.e.{word}.run({word}.java:{n})"
            )
        else:
            said = f"[{verb}] [{word} of user {n % 977} in {n % 300} ms] [items: {n % 7}, {n % 11}]"
            made.append(f"{clock} INFO c.e.{word.title()}Service#{n % 40} trace_id={ident} {said}")
    return made


def strangers(count: int, rng: random.Random) -> list[str]:
    """Lines that have nothing in common but their length."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [" ".join("".join(rng.choices(letters, k=6)) for _ in range(12)) for _ in range(count)]


def big_case(events: int, lines: int, rng: random.Random) -> Case:
    """An invented incident with many more lines and changes."""
    incident = INCIDENTS[0]
    chatter = [
        Log(
            "storefront",
            "INFO",
            f"{rng.choice(WORDS)} {rng.choice(VERBS)} for user # in # ms",
            at=110,
            lines=lines // 100,
        )
        for _ in range(100)
    ]
    changes = [
        Change(
            f"c{n}",
            5 + n / 5,
            f"feat: {rng.choice(WORDS)} {rng.choice(VERBS)}",
            f"lib/{rng.choice(WORDS)}.py\n@@ def {rng.choice(VERBS)} @@\n"
            + "\n".join(f"+    {word}({n})" for word in WORDS),
        )
        for n in range(events)
    ]
    return case_of(replace(incident, logs=(*incident.logs, *chatter), changes=(*incident.changes, *changes)))


def seconds(run: Callable[[], object], runs: int) -> float:
    """CPU seconds of one run, the median of several."""
    took = []
    for _ in range(runs):
        began = time.process_time()
        run()
        took.append(time.process_time() - began)
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    rng = random.Random(11)
    print("| what | CPU seconds | templates |")
    print("|---|---|---|")
    for name, bodies in (
        ("100,000 usual lines", usual_lines(100_000, rng)),
        ("100,000 lines that have nothing in common", strangers(100_000, rng)),
    ):
        found = len(templates_of(bodies)[1])
        print(f"| {name} | {seconds(lambda bodies=bodies: templates_of(bodies), runs):.2f} | {found} |")
    case = big_case(500, 20_000, rng)
    assert case.logs is not None
    news = log_news(case.logs, case.current, case.baseline)
    told = seconds(lambda: log_news(case.logs, case.current, case.baseline), runs)
    ranked = seconds(lambda: rank_changes(case, news), runs)
    print(f"| news of {len(case.logs.bodies):,} lines | {told:.2f} | |")
    print(f"| {len(case.events)} changes ranked | {ranked:.2f} | |")


if __name__ == "__main__":
    main()
