"""A first playbook from three answers: which signal hurts, whose it is, and what to look at beside it.

What comes out is a whole playbook that loads as it is; its comments say what its author still has to decide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from console.errors import UsageError
from console.model import Direction, Kind, Signal
from console.signals.catalogue import catalogue, find_signal

MOST_SUSPECTS = 8
LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
WORD = re.compile(r"[a-z]{3,}")
EMPTY_WORDS = frozenset("and are for from has its that the there was were with share time number over".split())
# What a signal of each scope is told apart by, and which scopes have those labels too.
WHOSE = {"model": ("model",), "data": ("model",), "gpu": ("host", "gpu"), "host": ("host",), "workload": ("workload",)}
SEASONAL = "{seasonal: {period: 1d, count: 7}}"
# What is worth a look beside anything of a scope, before the names say anything.
USUAL = {
    "model": ("model.requests", "model.queue.duration", "model.inference.duration", "model.dependency.latency"),
    "data": ("data.rows", "data.missing", "data.freshness", "data.columns"),
    "gpu": ("gpu.throttle.share", "gpu.temperature", "gpu.power", "gpu.utilization"),
    "host": ("host.load", "host.processes", "host.memory.utilization", "host.io.stalled"),
    "workload": ("workload.restarts", "workload.cpu.throttled", "workload.pods.pending", "workload.memory.used"),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """The three answers, and the name that the playbook is to have."""

    name: str
    signal: str
    by: tuple[str, ...]
    suspects: tuple[str, ...]


def draft(signal: str, by: Sequence[str], suspects: Sequence[str], name: str = "") -> Draft:
    """The answers, checked. UsageError for a signal, a label or a name that is none, or for too many suspects.

    >>> draft("model.ttft", ["model"], ["model.queue.depth"]).name
    'model_ttft'
    """
    main = find_signal(signal)
    others = suspected(signal, suspects)
    labels = told_apart(signal, by)
    name = name or main.name.replace(".", "_")
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a playbook", "small letters, digits, _ and -, a letter first")
    return Draft(name, main.name, labels, others)


def name_of(stem: str) -> str:
    """What a playbook in a file of this name is called.

    >>> name_of("Slow chat")
    'slow_chat'
    """
    return re.sub(r"[^a-z0-9_-]", "_", stem.lower())


def suspected(signal: str, suspects: Sequence[str]) -> tuple[str, ...]:
    """The suspects beside a signal, each once; UsageError where one is no signal, for none and for too many."""
    main = find_signal(signal)
    others = tuple(dict.fromkeys(find_signal(each).name for each in suspects if each != main.name))
    if not others:
        raise UsageError(
            "a playbook needs a suspect beside the signal that hurts", f"near it: {', '.join(near(signal))}"
        )
    if len(others) > MOST_SUSPECTS:
        raise UsageError(f"{len(others)} suspects are too many to begin with", f"name at most {MOST_SUSPECTS}")
    return others


def told_apart(signal: str, by: Sequence[str]) -> tuple[str, ...]:
    """The labels that say whose a signal is, each once; UsageError where one is no label, and for none."""
    for label in by:
        if not LABEL.fullmatch(label):
            raise UsageError(f"{label!r} is no label", "labels look like model, host or gpu")
    if not by:
        raise UsageError("nothing says whose it is", f"{signal} is usually told apart by {', '.join(whose(signal))}")
    return tuple(dict.fromkeys(by))


def whose(signal: str) -> tuple[str, ...]:
    """The labels that a signal is usually told apart by."""
    return WHOSE[find_signal(signal).scope]


def near(signal: str, most: int = MOST_SUSPECTS) -> tuple[str, ...]:
    """Signals worth a look beside this one, the nearest first: by their scope, their names and what they are about."""
    main = find_signal(signal)
    others = [each for each in catalogue().values() if each is not main and not _is_retold(each, main)]
    ranked = sorted(others, key=lambda each: -_nearness(each, main))
    return tuple(each.name for each in ranked[:most])


def playbook_text(told: Draft) -> str:
    """The playbook, as YAML."""
    main = find_signal(told.signal)
    lines = [
        "# yaml-language-server: $schema=playbook.schema.json",
        "schema: andon/v1",
        f"name: {told.name}",
        f'title: "{main.title}: it got worse"',
        "description: |",
        "  Say for whom this is, and how the steps tell the causes apart.",
        "triggers:",
        f"  - {{signal: {main.name}, verdict: degraded}}",
        f'  # - {{alert: {{alertname: "*{_short(main)}*"}}}}  # an alert of yours that means the same',
        "inputs:",
        *(f'  {label.lower()}: {{type: string, from: incident.labels.{label}, default: ""}}' for label in told.by),
        f"windows: {{current: 15m, baseline: {SEASONAL}}}",
        "",
        "steps:",
        *_step("harm", f"Did this get worse? {main.title}", main, told, main),
    ]
    for suspect in map(find_signal, told.suspects):
        lines += _step(_id(suspect), f"And beside it? {suspect.title}", suspect, told, main)
    lines += [
        "  - id: changed",
        "    title: What was changed around the onset?",
        "    uses: events",
        "    with: {kinds: [deploy, config, flag, model_version], around: {onset_of: harm, before: 30m, after: 5m}}",
        "",
        "causes:",
    ]
    for suspect in map(find_signal, told.suspects):
        lines += _cause(suspect)
    lines += _end(told)
    return "\n".join(lines) + "\n"


# ── the parts of the text ────────────────────────────────────────────────────────────────────────────────────────────


def _step(id_: str, title: str, signal: Signal, told: Draft, main: Signal) -> list[str]:
    where = ""
    if WHOSE[signal.scope] == WHOSE[main.scope]:  # a signal of another scope has other labels
        pairs = ", ".join(f'{label}: "${{{{ inputs.{label.lower()} }}}}"' for label in told.by)
        where = f", where: {{{pairs}}}"
    return [
        f"  - id: {id_}",
        f'    title: "{title}"',
        "    uses: compare",
        f"    with: {{signal: {signal.name}{where}, tolerance: 25%}}",
    ]


def _cause(suspect: Signal) -> list[str]:
    id_ = _id(suspect)
    moved = {Direction.UP: "it rose", Direction.DOWN: "it fell"}.get(suspect.bad, "it moved")
    return [
        f"  - id: {id_}  # the cause's own name: what an operator would say",
        f'    title: "{suspect.title}: {moved}, and that is why"',
        "    evidence:",
        "      - {if: 'steps.harm.verdict == \"degraded\"', weight: weak, group: harm, title: what hurts is worse}",
        f"      - {{if: 'steps.{id_}.verdict == \"degraded\"', weight: strong, group: {id_}, title: {moved}}}",
        f'      - {{if: \'steps.{id_}.verdict in ["ok", "improved"]\', weight: strong, against: true, group: {id_},',
        "         title: it is as before}",
        "      - {if: 'steps.changed.count > 0', weight: weak, group: changed, title: something was changed then}",
        "    remedies: [roll_back]",
    ]


def _end(told: Draft) -> list[str]:
    cause = _id(find_signal(told.suspects[0]))
    return [
        "",
        "remedies:",
        "  - id: roll_back  # what would mend it; nothing is done without a plan that somebody approved",
        "    uses: model.rollback",
        f'    with: {{model: "${{{{ inputs.{told.by[0].lower()} }}}}"}}',
        "    risk: medium",
        "    verify: {step: harm, want: ok, within: 10m}",
        "",
        "# A runbook is tested as code is: record an incident, and say what this playbook must read in it.",
        "# tests:",
        f"#   - bundle: bundles/{told.name.replace('_', '-')}.andon  # from `andon incident export ID`",
        f"#     expect: {{cause: {cause}, odds: 3, exit: 1}}",
        "#   - bundle: bundles/healthy.andon",
        "#     expect: {cause: none, exit: 0}",
    ]


def _short(signal: Signal) -> str:
    return signal.name.partition(".")[2].replace(".", "").upper()


def _id(signal: Signal) -> str:
    """An id that no other signal's is: `model.memory.used` and `host.memory.used` may both be suspects."""
    return signal.name.replace(".", "_")


def _is_retold(one: Signal, other: Signal) -> bool:
    """Whether one tells the same as the other in another way."""
    return one.name.startswith(f"{other.name}.") or other.name.startswith(f"{one.name}.")


def _nearness(one: Signal, main: Signal) -> float:
    score = float(one.scope == main.scope)
    if one.name in USUAL[main.scope]:
        score += 2.0 - 0.1 * USUAL[main.scope].index(one.name)
    names = set(one.name.split(".")[1:]) & set(main.name.split(".")[1:])
    words = _words(one) & _words(main)
    return score + len(names) + 0.5 * len(words) + 0.1 * (one.kind is not Kind.GAUGE or one.bad is not Direction.EITHER)


def _words(signal: Signal) -> set[str]:
    return {word for word in WORD.findall(signal.title.lower()) if word not in EMPTY_WORDS}
