"""What the counters of one GPU say of its health: each, its value, whether that is bad, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.tui.panels.figures import age, figure, known, values, whole
from console.tui.panels.fleet import total
from console.tui.panels.gpus import FULL, HOT, memory, memory_share, throttle
from console.tui.text import Line, Span, fit, wrap
from console.tui.widgets.table import Row
from console.words import MARKS

WORST_FIRST = ("degraded", "inconclusive", "ok", "no_data")
ASKS = ("nothing", "a reset", "a reboot of the node", "to drain it")
HEAT = "look at its fans, the airflow and what runs beside it"
HELD = {"heat": HEAT, "supply": "its power supply cannot keep up", "slowed": "its hardware slows it down"}
WHAT, VALUE = 20, 20  # cells
Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    state: str  # degraded, inconclusive (worth a look), ok, no_data
    what: str
    value: str = ""
    why: str = ""


def checks(row: Row) -> Sequence[Check]:
    """All that is known of a GPU's health, the worst first."""
    found = [check(row, values(row)) for check in CHECKS]
    return sorted(found, key=lambda check: WORST_FIRST.index(check.state))


def lines(row: Row, width: int) -> list[Line]:
    """Them, as lines of so many cells; what is not told is named in the last."""
    shown: list[Line] = []
    told = [check for check in checks(row) if check.state != "no_data"]
    for check in told:
        value = max(VALUE, len(check.value))
        head: list[Span] = [
            (f" {MARKS[check.state]} ", check.state),
            (fit(check.what, WHAT) + " ", ""),
            (fit(check.value, value) + " ", "" if check.state == "ok" else check.state),
        ]
        if len(check.why) <= width - WHAT - value - 5:
            shown.append([*head, (check.why, "dim")])
        else:
            shown += [head, *([(f"     {more}", "dim")] for more in wrap(check.why, max(width - 5, 20)))]
    missing = ", ".join(check.what for check in checks(row) if check.state == "no_data")
    if missing:
        shown += [
            [(f" {part}", "dim")] for part in wrap(f"{MARKS['no_data']} not told: {missing}", width - 1, indent=2)
        ]
    return shown


def _answers(row: Row, told: Told) -> Check:
    up = known(told.get("gpu.up"))
    if row.get("state") == "stale":
        return Check(
            "inconclusive", "answers", f"not for {age(row.get('age'))}", "what is below is what was last known"
        )
    if up == 0:
        return Check("degraded", "answers", "no", "drain the node; a reset or a reboot may bring it back")
    return Check("ok" if up is not None or told else "no_data", "answers", "yes")


def _asks(_row: Row, told: Told) -> Check:
    action = known(told.get("gpu.recovery.action"))
    if action is None:
        return Check("no_data", "its driver asks for")
    words = ASKS[int(action)] if 0 <= action < len(ASKS) else figure(action)
    return Check("degraded" if action else "ok", "its driver asks for", words, "drain the node first" if action else "")


def _lost(_row: Row, told: Told) -> Check:
    lost = known(told.get("gpu.ecc.errors:uncorrected"))
    if lost is None:
        return Check("no_data", "memory errors lost")
    why = "each ends the work it hits; if their number grows, drain the node and reset the GPU"
    return (
        Check("inconclusive", "memory errors lost", whole(lost), why)
        if lost
        else Check("ok", "memory errors lost", "0")
    )


def _mended(_row: Row, told: Told) -> Check:
    mended = known(told.get("gpu.ecc.errors:corrected"))
    return Check("no_data" if mended is None else "ok", "memory errors mended", whole(mended))


def _rows(row: Row, _told: Told) -> Check:
    failed, pending = total(row, "gpu.rows.failed"), total(row, "gpu.rows.pending")
    remapped = total(row, "gpu.rows.remapped")
    if failed:
        return Check("degraded", "bad memory rows", "not taken out", "the GPU has to be replaced")
    if pending:
        return Check("degraded", "bad memory rows", "wait for a reset", "drain the node and reset the GPU")
    known_any = any(each is not None for each in (failed, pending, remapped))
    return Check("ok" if known_any else "no_data", "bad memory rows", f"{remapped or 0:.0f} taken out")


def _xid(row: Row, told: Told) -> Check:
    last, recent = known(told.get("gpu.xid")), total(row, "gpu.xid.recent")
    if last is None and recent is None:
        return Check("no_data", "driver errors (XID)")
    codes = [key.partition(":")[2] for key, value in told.items() if key.startswith("gpu.xid.recent:") and value]
    code = ", ".join(codes) or (whole(last) if last else "")
    why = "the last one; the kernel log of the host says when and of what"
    return (
        Check("inconclusive", "driver errors (XID)", code, why) if code else Check("ok", "driver errors (XID)", "none")
    )


def _held(row: Row, told: Told) -> Check:
    words, look = throttle(row)
    clock = known(told.get("gpu.clock.sm"))
    speed = f"{clock / 1e6:.0f} MHz" if clock is not None else ""
    if known(told.get("gpu.throttle.reasons")) is None:
        return Check("ok" if speed else "no_data", "clock", speed)
    said = f"{speed}, held by {words}".removeprefix(", ") if words != "no" else f"{speed}, not held".removeprefix(", ")
    why = "; ".join(why for word, why in HELD.items() if word in words)
    return Check("degraded" if look == "degraded" else "ok", "clock", said, why)


def _hot(_row: Row, told: Told) -> Check:
    chip, memory_chip = known(told.get("gpu.temperature")), known(told.get("gpu.memory.temperature"))
    if chip is None:
        return Check("no_data", "temperature")
    also = f", memory {memory_chip:.0f} °C" if memory_chip is not None else ""
    return Check(
        "inconclusive" if chip >= HOT else "ok", "temperature", f"{chip:.0f} °C{also}", HEAT if chip >= HOT else ""
    )


def _full(row: Row, _told: Told) -> Check:
    used, of = memory(row)
    if used is None:
        return Check("no_data", "memory")
    said = figure(used, "By") + (f" of {figure(of, 'By')}" if of else "")
    is_full = (memory_share(row) or 0.0) >= FULL
    why = "nearly full, as servers that reserve it at their start have it; a process that asks for more fails"
    return Check("inconclusive" if is_full else "ok", "memory", said, why if is_full else "")


def _pcie(_row: Row, told: Told) -> Check:
    lanes, most = (known(told.get(f"gpu.pcie.link.width{end}")) for end in ("", ".max"))
    generation = known(told.get("gpu.pcie.link.generation"))
    if lanes is None:
        return Check("no_data", "PCIe")
    said = f"×{lanes:.0f}" + (f" of ×{most:.0f}" if most is not None else "")
    said += f", generation {generation:.0f}" if generation is not None else ""
    is_bad = most is not None and lanes < most
    why = "copies to and from the host are slower: reseat the card, look at its slot" if is_bad else ""
    return Check("degraded" if is_bad else "ok", "PCIe", said, why)


def _nvlink(row: Row, told: Told) -> Check:
    up, there = known(told.get("gpu.nvlink.up")), known(told.get("gpu.nvlink.links"))
    if up is None:
        return Check("no_data", "NVLink")
    errors = total(row, "gpu.nvlink.errors") or 0.0
    said = f"{up:.0f}" + (f" of {there:.0f}" if there is not None else "") + " up"
    said += f", {errors:,.0f} errors" if errors else ""
    if there is not None and up < there:
        return Check(
            "degraded", "NVLink", said, "work spread over GPUs is slower or fails; reset the GPU, look at its bridge"
        )
    why = "since its driver was loaded; worth a look if they grow" if errors else ""
    return Check("inconclusive" if errors else "ok", "NVLink", said, why)


CHECKS: tuple[Callable[[Row, Told], Check], ...] = (
    _answers, _asks, _lost, _rows, _xid, _held, _hot, _full, _pcie, _nvlink, _mended,
)  # fmt: skip
