"""GPUs that are unlike their siblings: those that do the same work, or else those of the same kind on the same host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from console.analysis.siblings import LEAST_SIBLINGS, apart
from console.model import Direction
from console.service.gpu_faults import BUSY, LEAST_GRAVE, Fault
from console.service.gpus import Gpus, SeenGpu

if TYPE_CHECKING:
    from console.model import Array, Codes

LOOK_SECONDS = 5.0  # between two looks at the same GPU: what lasts for less is nothing to act on
LOOKS = 2  # in a row, before it is said
SILENT_SECONDS = 120.0  # a GPU without newer samples is compared with nobody
HOLDS = 0.1  # of its memory, from which something runs on a GPU


@dataclass(frozen=True, slots=True)
class Rule:
    """What is compared. Among the `busy`, or those that `hold` memory, or all that are as busy or idle `alike`."""

    signal: str
    bad: Direction
    words: str  # {0}: what it is, {1}: what its siblings have
    action: str
    unit: str
    least: float = 0.0
    share: float = 0.0
    floor: float = 0.0
    among: Literal["busy", "holding", "alike", "all"] = "alike"


DOWN, UP, EITHER = Direction.DOWN, Direction.UP, Direction.EITHER
COOL = "look at its heat sink and fans; siblings in the same air are cooler"
RULES: tuple[Rule, ...] = (
    Rule("gpu.nvlink.up", DOWN, "{0} links are up, its siblings have {1}", "reset the GPU, look at its bridge",
         "1", least=1, floor=0.1, among="all"),
    Rule("gpu.pcie.link.width", DOWN, "{0} PCIe lanes, its siblings have {1}", "reseat the card, look at its slot",
         "1", share=0.4, floor=0.1, among="all"),
    Rule("gpu.clock.sm", DOWN, "clock {0}, its siblings {1}", "see what holds it down: heat, power, its cables",
         "MHz", share=0.3, floor=3e7, among="busy"),
    Rule("gpu.temperature", UP, "{0} hot, its siblings {1}", COOL, "°C", least=15, floor=2),
    Rule("gpu.memory.temperature", UP, "memory {0} hot, its siblings' {1}", COOL, "°C", least=15, floor=2),
    Rule("gpu.utilization", DOWN, "busy {0} of the time, its siblings {1}", "see whether its process hangs",
         "%", least=0.4, floor=0.05, among="holding"),
    Rule("gpu.power", DOWN, "draws {0}, its siblings {1}", "see whether it does less work, or is held down",
         "W", share=0.35, least=60, floor=15, among="busy"),
    Rule("gpu.memory.utilization", EITHER, "memory {0} full, its siblings' {1}", "see whether it has the same work",
         "%", least=0.25, floor=0.03, among="busy"),
)  # fmt: skip


class Siblings:
    """Compares all GPUs each time it is asked to, and says of each what stood out twice in a row."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[float, dict[int, int]]] = {}  # GPU -> when it was looked at, and by rule how often

    def look(self, gpus: Gpus, now: float) -> None:
        """Look at those that have new samples: what is unlike is among their faults from now on."""
        found = [gpu for gpu in gpus.all(now) if now - gpu.newest <= SILENT_SECONDS]
        due = {id(gpu) for gpu in found if gpu.newest - self._seen.get(id(gpu), (0.0, {}))[0] >= LOOK_SECONDS}
        if not due:
            return
        told: dict[int, list[tuple[int, str]]] = {}
        for rank, rule in enumerate(RULES):
            for place, words in _unlike(found, rule):
                told.setdefault(id(found[place]), []).append((rank, words))
        seen = {}
        for gpu in found:
            when, counts = self._seen.get(id(gpu), (0.0, {}))
            if id(gpu) in due:
                here = told.get(id(gpu), [])
                counts = {rank: counts.get(rank, 0) + 1 for rank, _words in here}
                unlike = tuple(_fault(rank, words) for rank, words in here if counts[rank] >= LOOKS)
                if unlike or gpu.unlike:
                    gpu.unlike = unlike
                    gpu.judge(gpu.newest, gpus.books)
                when = gpu.newest
            seen[id(gpu)] = (when, counts)
        self._seen = seen


def _fault(rank: int, words: str) -> Fault:
    return Fault(LEAST_GRAVE + rank / len(RULES), "inconclusive", words, RULES[rank].action)


def _unlike(gpus: Sequence[SeenGpu], rule: Rule) -> list[tuple[int, str]]:
    """(place, words) of those that are unlike their siblings by one rule."""
    values = np.array([_value(gpu, rule) for gpu in gpus])
    found: list[tuple[int, str]] = []
    groups = _groups([(gpu.name, gpu.job, _mood(gpu, rule)) if gpu.job else None for gpu in gpus], values)
    if (alone := groups < 0).any():  # of those that share no work with enough others
        of_host = _groups(
            [(gpu.name, gpu.host, _mood(gpu, rule)) if alone[place] else None for place, gpu in enumerate(gpus)], values
        )
        groups = np.where(of_host >= 0, of_host + groups.max() + 1, groups)
    far, usual = apart(values, groups, rule.bad, least=rule.least, share=rule.share, floor=rule.floor)
    for place in np.flatnonzero(far).tolist():
        here = rule.words.format(_said(values[place], rule.unit), _said(usual[place], rule.unit))
        found.append((place, here))
    return found


def _groups(keys: Sequence[tuple[object, ...] | None], values: Array) -> Codes:
    """The number of each one's group; -1 for those in none, or in one that is too small to say anything."""
    numbers: dict[tuple[object, ...], int] = {}
    known = np.isfinite(values)
    group = np.array([
        numbers.setdefault(key, len(numbers)) if key is not None and known[place] else -1
        for place, key in enumerate(keys)
    ], dtype=np.intp)  # fmt: skip
    sizes = np.bincount(group[group >= 0], minlength=max(len(numbers), 1))
    return np.where((group >= 0) & (sizes[group] > LEAST_SIBLINGS), group, -1)


def _value(gpu: SeenGpu, rule: Rule) -> float:
    """NaN for one that the rule is not about."""
    busy, full = gpu.values.get("gpu.utilization"), gpu.values.get("gpu.memory.utilization")
    if rule.among == "busy" and (busy is None or busy < BUSY):
        return np.nan
    if rule.among == "holding" and (full is None or full < HOLDS):
        return np.nan
    return gpu.values.get(rule.signal, np.nan)


def _mood(gpu: SeenGpu, rule: Rule) -> bool | None:
    """Whether it is busy, where only those that are as busy can be compared."""
    return gpu.values.get("gpu.utilization", 0.0) >= BUSY if rule.among == "alike" else None


def _said(value: float, unit: str) -> str:
    match unit:
        case "%":
            return f"{100 * value:.0f}%"
        case "MHz":
            return f"{value / 1e6:.0f} MHz"
        case "1":
            return f"{value:.0f}"
    return f"{value:.0f} {unit}"
