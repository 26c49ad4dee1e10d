"""What the engine itself costs: 200 steps and 1,000 items of `foreach` on a source that answers at once.

    python benchmarks/engine.py

Wanted: at most 3 s of engine time and 200 MB at the peak.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # not this folder, whose console.py is another

from console.model import Finding, Run, State, Verdict
from console.playbook.definition import Playbook
from console.playbook.engine import run
from console.playbook.expressions import Expression
from console.playbook.loader import load_text
from console.playbook.schema import Entry
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType
from console.sources.estate import Estate, Situation

STEPS = 200
ITEMS = 1_000
NOW = 1_795_348_800.0


class TellOptions(Entry):
    """What the step is to say."""

    text: str = ""
    n: float = 0.0


async def _tell(context: StepContext, options: TellOptions) -> StepOutcome:
    verdict = Verdict.DEGRADED if options.n > 990 else Verdict.OK
    finding = Finding("", "comparison", context.step, options.text, verdict, ratio=1 + options.n)
    return StepOutcome(State(verdict), "", (finding,), {"verdict": verdict, "n": options.n})


_tell.__module__ = "console.playbook.steps.tell"  # in place, as andon's own step types are

TYPES = {"tell": StepType("tell", "Tells", TellOptions, {"verdict": "string", "n": "double"}, _tell)}


def playbook(steps: int = STEPS, items: int = ITEMS) -> Playbook:
    """A chain of steps that read each other, and one that goes through many items."""
    lines = [
        "schema: andon/v1",
        "name: long",
        "title: Long",
        "inputs: {model: {type: string, default: glove}}",
        "steps:",
    ]
    for at in range(steps - 1):
        said = f"steps.s{at - 10}.n + 1.0" if at >= 10 else "1.0"
        condition = f', if: \'steps.s{at - 10}.verdict == "ok" && inputs.model != ""\'' if at >= 10 else ""
        lines.append(
            f'  - {{id: s{at}, title: Step {at}, uses: tell{condition}, with: {{n: "${{{{ {said} }}}}", text: t{at}}}}}'
        )
    every = ", ".join(map(str, range(items)))
    lines.append(f'  - {{id: each, title: "Is ${{{{ each }}}} well?", uses: tell, foreach: [{every}], most: {items},')
    lines.append('     if: each >= 0.0 && inputs.model == "glove", with: {n: "${{ each }}", text: "no ${{ each }}"}}')
    lines += ["causes:", "  - id: many", "    title: Many", "    evidence:"]
    lines += ["      - {if: steps.each.count > 5 && steps.s100.n > 1.0, weight: strong}"]
    return load_text("\n".join(lines) + "\n", "long.yaml", TYPES)


async def measured(book: Playbook) -> Run:
    """One run of it, with nothing but the engine to wait for."""
    return await run(book, {}, Situation(Estate(), NOW), step_types=TYPES)


def main() -> int:
    """Prints what it cost; 1 where that is more than is wanted."""
    began = time.perf_counter()
    book = playbook()
    loaded = time.perf_counter() - began
    count = 0
    evaluate = Expression.evaluate

    def counted(self: Expression, values: object) -> object:
        nonlocal count
        count += 1
        return evaluate(self, values)  # type: ignore[arg-type]

    best = min(_seconds(book) for _ in range(3))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    Expression.evaluate = counted  # type: ignore[method-assign, assignment]
    try:
        done = asyncio.run(measured(book))
    finally:
        Expression.evaluate = evaluate  # type: ignore[method-assign]
    each = next(step for step in done.steps if step.id == "each")
    print(f"{len(done.steps) - 1 + each.values['count']:,} step executions, {len(done.findings):,} findings")
    print(f"loading     {loaded:8.3f} s")
    print(f"engine      {best:8.3f} s   (wanted: 3 s)")
    print(f"CEL         {count:8,} evaluations")
    print(f"peak memory {peak:8.0f} MB  (wanted: 200 MB)")
    return int(best > 3 or peak > 200)


def _seconds(book: Playbook) -> float:
    began = time.perf_counter()
    asyncio.run(measured(book))
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
