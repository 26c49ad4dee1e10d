"""What the numbers of a GPU say is wrong with it, whatever the baseline: in words, with what to do, the gravest first.

It is a table. What a driver's error codes mean comes from the plugins' own tables (`andon_codes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from console.signals.codes import NO_CODES, CodeBook

if TYPE_CHECKING:
    from console.service.gpus import SeenGpu

RECENT_SECONDS = 900.0  # for so long a new error is what is wrong with a GPU
BUSY = 0.5  # of its time, from which what slows a GPU down can be seen in its numbers
HELD = 0.05  # of the time, from which clocks that are held down are a fault
REPLAYS = 0.2  # packets a second sent again: more than a good connection ever does
MANY_MENDED = 0.1  # corrected memory errors a second

XID, RECENT_XIDS = "gpu.xid", "gpu.xid.recent"
Books = Mapping[str, CodeBook]  # by signal

FaultState = Literal["degraded", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `rank` orders them: the lower the graver."""

    rank: float
    state: FaultState
    words: str
    action: str = ""

    @property
    def text(self) -> str:
        return f"{self.words}: {self.action}" if self.action else self.words


Shows = Callable[["SeenGpu", str, float], float | None]
"""(GPU, signal, now) -> the number worth saying, or None where all is well"""


@dataclass(frozen=True, slots=True)
class Rule:
    """`words` may name the number that showed it as {0}."""

    signal: str
    shows: Shows
    state: FaultState
    words: str
    action: str


def faults(gpu: SeenGpu, now: float, books: Books) -> tuple[Fault, ...]:
    """Everything that is wrong with it, the gravest first."""
    found = [*_by_rules(gpu, now), *_codes(gpu, now, books), *gpu.unlike]
    return tuple(sorted(found, key=lambda fault: fault.rank))


def last_code(gpu: SeenGpu) -> int | None:
    """The code of its last error, however old; None where it told none."""
    recent = [key.partition(":")[2] for key, value in gpu.values.items() if key.startswith(f"{RECENT_XIDS}:") and value]
    if recent and recent[-1].isdigit():
        return int(recent[-1])
    return int(gpu.values[XID]) if gpu.values.get(XID) else None


def _by_rules(gpu: SeenGpu, now: float) -> Iterator[Fault]:
    for rank, rule in enumerate(RULES):
        if (shown := rule.shows(gpu, rule.signal, now)) is not None:
            yield Fault(rank, rule.state, rule.words.format(shown), rule.action)


def _codes(gpu: SeenGpu, now: float, books: Books) -> Iterator[Fault]:
    """The errors of late by their codes. One that was there at first sight is no news: a gauge keeps it for ever."""
    told = [key.removeprefix(f"{RECENT_XIDS}:") for key, value in gpu.values.items() if value > 0]
    recent = {int(number) for number in told if number.isdigit()}
    when, _before = gpu.changed.get(XID, (-RECENT_SECONDS, 0.0))
    if now - when <= RECENT_SECONDS and gpu.values.get(XID):
        recent.add(int(gpu.values[XID]))
    book = books.get(XID, NO_CODES)
    for number in recent:
        code = book.look_up(number)
        if code.state != "ok":
            yield Fault(CODE_RANKS[code.state], code.state, book.words(number), code.action)


# ── how the numbers show it ──────────────────────────────────────────────────────────────────────────────────────────


def _is(value: float) -> Shows:
    return lambda gpu, signal, _now: value if gpu.values.get(signal) == value else None


def _is_more_than(least: float) -> Shows:
    return lambda gpu, signal, _now: value if (value := gpu.values.get(signal, 0.0)) > least else None


def _has(bits: int, *, without: int = 0) -> Shows:
    def shows(gpu: SeenGpu, signal: str, _now: float) -> float | None:
        reasons = int(gpu.values.get(signal, 0.0))
        return reasons if reasons & bits and not reasons & without else None

    return shows


def _any(gpu: SeenGpu, signal: str, _now: float) -> float | None:
    return next((value for key, value in gpu.values.items() if value > 0 and key.partition(":")[0] == signal), None)


def _grew(gpu: SeenGpu, signal: str, now: float) -> float | None:
    """The counter (or any of a signal) gained something lately."""
    for key, when in gpu.grew.items():
        if now - when <= RECENT_SECONDS and (key == signal or key.partition(":")[0] == signal):
            return gpu.values.get(key, 0.0)
    return None


def _faster(least: float, scale: float = 1.0) -> Shows:
    def shows(gpu: SeenGpu, signal: str, _now: float) -> float | None:
        rate = gpu.rates.get(signal, 0.0)
        return rate * scale if rate >= least else None

    return shows


def _below(most: str, *, busy: bool = False) -> Shows:
    def shows(gpu: SeenGpu, signal: str, _now: float) -> float | None:
        here = gpu.values.get(signal)
        if here is None or here >= gpu.values.get(most, 0.0):
            return None
        return here if not busy or gpu.values.get("gpu.utilization", 0.0) >= BUSY else None

    return shows


RESET = "drain the node and reset the GPU"
COOL = "look at its fans, its heat sink and the airflow"
SUPPLY = "look at its power supply and cables"
LINKS = "reset the GPU; if they stay down, look at its bridge and the switches"
RESEAT = "reseat the card, look at its slot and riser"
FABRIC = "look at the fabric manager and the switches; restart it, then reset the GPU"

BAD: FaultState = "degraded"
LOOK: FaultState = "inconclusive"
RULES: tuple[Rule, ...] = (
    Rule("gpu.up", _is(0), BAD, "it does not answer", "drain the node; a reset or a reboot may bring it back"),
    Rule("gpu.recovery.action", _is(7), BAD, "its driver asks for a reboot of the system", "drain and restart it"),
    Rule("gpu.recovery.action", _is(2), BAD, "its driver asks for a reboot of the node", "drain the node, restart it"),
    Rule("gpu.recovery.action", _is(6), BAD, "its driver asks for a reset of the bus", "drain the node and restart it"),
    Rule("gpu.recovery.action", _is(4), BAD, "its driver asks to drain it and for a reset", RESET),
    Rule("gpu.recovery.action", _is(1), BAD, "its driver asks for a reset", "reset the GPU once nothing runs on it"),
    Rule("gpu.recovery.action", _is(3), BAD, "its driver asks to drain it", "move what spans GPUs away from it"),
    Rule("gpu.recovery.action", _is(5), BAD, "its driver asks to recover the memory that nodes share",
         "restart the service that shares it (IMEX)"),
    Rule("gpu.xid.recent", _is_more_than(0), BAD, "its driver reported an error", "look for it in the kernel log"),
    Rule("gpu.ecc.errors:uncorrected", _grew, BAD, "new uncorrected memory errors",
         f"restart what ran on it; if they come again, {RESET}"),
    Rule("gpu.rows.failed", _any, BAD, "a bad memory row could not be taken out of use", "have the GPU replaced"),
    Rule("gpu.rows.pending", _any, BAD, "memory rows wait for a reset to be taken out of use", RESET),
    Rule("gpu.fabric.health", _is(2), BAD, "its fabric is not healthy", FABRIC),
    Rule("gpu.fabric.state", _is(4), BAD, "it could not join its fabric", FABRIC),
    Rule("gpu.throttle.reasons", _has(0x40), BAD, "too hot, the hardware slows it down", COOL),
    Rule("gpu.throttle.reasons", _has(0x80), BAD, "the power supply slows it down", SUPPLY),
    Rule("gpu.throttle.reasons", _has(0x20), BAD, "too hot, the driver slows it down", COOL),
    Rule("gpu.throttle.reasons", _has(0x08, without=0xC0), BAD, "the hardware slows it down", SUPPLY),
    Rule("gpu.throttle.time:thermal", _faster(HELD, 100), BAD, "heat held its clocks down {0:.0f}% of the time", COOL),
    Rule("gpu.throttle.time:reliability", _faster(HELD, 100), BAD,
         "its voltage held its clocks down {0:.0f}% of the time", SUPPLY),
    Rule("gpu.throttle.time:board_limit", _faster(HELD, 100), BAD,
         "the board's limit held its clocks down {0:.0f}% of the time", SUPPLY),
    Rule("gpu.pcie.link.width", _below("gpu.pcie.link.width.max"), BAD,
         "{0:.0f} PCIe lanes, fewer than it could use", RESEAT),
    Rule("gpu.nvlink.up", _below("gpu.nvlink.links"), BAD, "links to other GPUs are down", LINKS),
    Rule("gpu.fabric.health", _is(3), LOOK, "its fabric has less room than it should", FABRIC),
    Rule("gpu.fabric.state", _is(1), LOOK, "it has not joined its fabric", "start the fabric manager"),
    Rule("gpu.nvlink.errors:recovery", _grew, LOOK, "links to other GPUs had to be trained anew", LINKS),
    Rule("gpu.nvlink.errors", _grew, LOOK, "new errors on its links to other GPUs",
         "look whether they grow; then look at its bridge and the switches"),
    Rule("gpu.pcie.link.generation", _below("gpu.pcie.link.generation.max", busy=True), LOOK,
         "PCIe generation {0:.0f} under load, below what it could use", RESEAT),
    Rule("gpu.pcie.replays", _faster(REPLAYS, 60), LOOK, "{0:.0f} PCIe packets a minute are sent again", RESEAT),
    Rule("gpu.ecc.errors:corrected", _faster(MANY_MENDED, 60), LOOK, "{0:.0f} corrected memory errors a minute",
         "look whether uncorrected ones follow; plan a reset"),
)  # fmt: skip
LEAST_GRAVE = len(RULES)
# Where errors with a code stand among these: before new memory errors, or before what is only worth a look.
CODE_RANKS: Mapping[str, float] = {
    BAD: next(rank for rank, rule in enumerate(RULES) if rule.signal.startswith("gpu.ecc")) - 0.5,
    LOOK: next(rank for rank, rule in enumerate(RULES) if rule.state == LOOK) - 0.5,
}
