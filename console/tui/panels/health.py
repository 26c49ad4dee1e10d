"""What the counters of one GPU say of its health: each, its value, whether that is bad, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.tui.panels.figures import age, figure, known, percent, rates, text, values, whole
from console.tui.panels.fleet import total
from console.tui.panels.gpus import FULL, HOT, memory, memory_share, throttle
from console.tui.text import Line, Span, fit, wrap
from console.tui.widgets.table import Row
from console.words import MARKS

WORST_FIRST = ("degraded", "inconclusive", "ok", "no_data")
ASKS: tuple[tuple[str, str], ...] = (  # what it asks for, and what that takes
    ("nothing", ""),
    ("a reset", "reset the GPU, once nothing runs on it"),
    ("a reboot of the node", "drain the node and restart it"),
    ("to drain it", "move what spans several GPUs away from it"),
    ("to drain it, then a reset", "drain the node and reset the GPU"),
    ("to recover shared memory", "restart the service that shares memory between nodes (IMEX)"),
    ("a reset of the bus", "drain the node, and reset its bus or restart it"),
    ("a reboot of the system", "drain the system and restart all of it"),
)
FABRIC = {1: "not started", 2: "in progress", 3: "joined", 4: "failed to join"}
FABRIC_HEALTH = {1: "healthy", 2: "not healthy", 3: "limited"}
CAUSES = {  # of clocks that were held down: whether that is bad from HELD_SHARE of the time on
    "thermal": ("heat", True), "reliability": ("voltage", True), "board_limit": ("the board's limit", True),
    "power": ("power cap", False), "sync_boost": ("its siblings", False), "low_utilization": ("little work", False),
}  # fmt: skip
RESEAT = "copies to and from the host are slower: reseat the card, look at its slot and riser"
HELD_SHARE = 0.05
REPLAYS = 0.2  # packets a second
BUSY = 0.5
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
    missing = ", ".join(check.what for check in checks(row) if check.state == "no_data" and check.what)
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
    words, what_to_do = ASKS[int(action)] if 0 <= action < len(ASKS) else (figure(action), "ask its vendor about it")
    return Check("degraded" if action else "ok", "its driver asks for", words, what_to_do)


def _lost(row: Row, _told: Told) -> Check:
    lost, words = _counted(row, "gpu.ecc.errors:uncorrected")
    if lost is None:
        return Check("no_data", "memory errors lost")
    why = "each ends the work it hits; if their number grows, drain the node and reset the GPU"
    return Check("inconclusive" if lost else "ok", "memory errors lost", words, why if lost else "")


def _mended(row: Row, _told: Told) -> Check:
    mended, words = _counted(row, "gpu.ecc.errors:corrected")
    return Check("no_data" if mended is None else "ok", "memory errors mended", words)


def _counted(row: Row, key: str) -> tuple[float | None, str]:
    """A counter's total; from a source that tells only what it gained, that of a minute. And in words."""
    count = known(values(row).get(key))
    if count is not None:
        return count, whole(count)
    rate = known(rates(row).get(key))
    return (None, "") if rate is None else (round(60 * rate), f"{60 * rate:,.0f} in the last minute")


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
    if not code:
        return Check("ok", "driver errors (XID)", "none")
    known_code = row.get("code")
    meant = known_code if isinstance(known_code, Mapping) else {}
    words, action = text(meant, "words"), text(meant, "action")
    if words and words in text(row, "reason"):  # it is news
        state = text(meant, "state")
        return Check(state if state in WORST_FIRST else "inconclusive", "driver errors (XID)", words, action)
    why = "the last one, from before andon looked; the kernel log of the host says when and of what"
    return Check("inconclusive", "driver errors (XID)", words or code, why)


def _held(row: Row, told: Told) -> Check:
    words, look = throttle(row)
    clock = known(told.get("gpu.clock.sm"))
    speed = f"{clock / 1e6:.0f} MHz" if clock is not None else ""
    if known(told.get("gpu.throttle.reasons")) is None:
        return Check("ok" if speed else "no_data", "clock", speed)
    said = f"{speed}, held by {words}".removeprefix(", ") if words != "no" else f"{speed}, not held".removeprefix(", ")
    why = "; ".join(why for word, why in HELD.items() if word in words)
    return Check("degraded" if look == "degraded" else "ok", "clock", said, why)


def _held_lately(row: Row, _told: Told) -> Check:
    """For how much of the last while its clocks were held down, by cause."""
    shares = {cause: known(rates(row).get(f"gpu.throttle.time:{cause}")) for cause in CAUSES}
    told = {cause: share for cause, share in shares.items() if share is not None}
    if not told:
        return Check("no_data", "clocks held down")
    said = [f"{CAUSES[cause][0]} {percent(min(share, 1.0))}" for cause, share in told.items() if share >= 0.005]
    bad = [cause for cause, share in told.items() if CAUSES[cause][1] and share >= HELD_SHARE]
    why = HEAT if "thermal" in bad else "its power supply and cables" if bad else ""
    return Check("degraded" if bad else "ok", "clocks held down", ", ".join(said) or "never", why)


def _fabric(_row: Row, told: Told) -> Check:
    state, summary = known(told.get("gpu.fabric.state")), known(told.get("gpu.fabric.health"))
    if not state and not summary:
        return Check("no_data", "fabric")
    words = [FABRIC.get(int(state or 0), ""), FABRIC_HEALTH.get(int(summary or 0), "")]
    is_bad = state == 4 or summary == 2
    is_odd = state == 1 or summary == 3
    why = "look at the fabric manager and the switches; restart it, then reset the GPU" if is_bad or is_odd else ""
    return Check(
        "degraded" if is_bad else "inconclusive" if is_odd else "ok", "fabric", ", ".join(filter(None, words)), why
    )


def _siblings(row: Row, _told: Told) -> Check:
    """In what it differs from the others that do the same work, or of its kind on its host."""
    found = row.get("unlike")
    pairs = [pair for pair in found if isinstance(pair, list) and len(pair) == 2] if isinstance(found, list) else []
    if not pairs:
        return Check("no_data", "")
    return Check("inconclusive", "beside siblings", "; ".join(str(words) for words, _action in pairs), str(pairs[0][1]))


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


def _pcie(row: Row, told: Told) -> Check:
    lanes, most = (known(told.get(f"gpu.pcie.link.width{end}")) for end in ("", ".max"))
    generation = known(told.get("gpu.pcie.link.generation"))
    if lanes is None:
        return Check("no_data", "PCIe")
    said = f"×{lanes:.0f}" + (f" of ×{most:.0f}" if most is not None else "")
    said += f", generation {generation:.0f}" if generation is not None else ""
    fastest, again = known(told.get("gpu.pcie.link.generation.max")), known(rates(row).get("gpu.pcie.replays"))
    is_slow = None not in (generation, fastest) and generation < fastest  # type: ignore[operator]
    if is_slow:
        said += f" of {fastest:.0f}"
    is_bad = most is not None and lanes < most
    is_odd = (again or 0.0) >= REPLAYS or (is_slow and (known(told.get("gpu.utilization")) or 0.0) >= BUSY)
    said += f", {60 * (again or 0.0):,.0f} packets/min again" if (again or 0.0) >= REPLAYS else ""
    why = RESEAT if is_bad or is_odd else ""
    return Check("degraded" if is_bad else "inconclusive" if is_odd else "ok", "PCIe", said, why)


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
    _answers, _asks, _xid, _lost, _rows, _fabric, _held, _held_lately, _siblings, _hot, _full, _pcie, _nvlink, _mended,
)  # fmt: skip
