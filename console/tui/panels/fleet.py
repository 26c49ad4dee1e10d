"""The GPUs of all hosts, one row each: what a person on call looks for, the least telling columns going first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from console.tui.panels.figures import NOTHING, dicts, figure, known, percent, rates, short, text, values, whole
from console.tui.panels.gpus import (
    host_of,
    lately,
    memory_bar,
    memory_said,
    memory_share,
    temperature,
    throttle,
    use_bar,
)
from console.tui.text import Span
from console.tui.widgets.table import Column, Row
from console.words import MARKS

STATES = {"degraded": 0, "stale": 1, "inconclusive": 2}
SAID = {"degraded": "degraded", "stale": "stale", "inconclusive": "worth a look", "ok": "ok"}
MOST_HOSTS = 3  # named
UNKNOWN: Row = {}


def columns() -> Sequence[Column]:
    """Everything that one line can say of a GPU."""
    return (
        Column("host", 12, host_of, keep=9, is_measured=True),
        Column("gpu", 6, _number_of, right=True, is_measured=True),
        Column("state", 10, _state, keep=2),
        Column("use", 4, lambda row: percent(values(row).get("gpu.utilization")), right=True),
        Column("", 8, use_bar, keep=1, is_measured=True),
        Column("memory", 13, memory_said, right=True, keep=8),
        Column("", 8, memory_bar, keep=1, is_measured=True),
        Column("temp", 6, temperature, right=True, keep=7),
        Column("power", 11, _power, right=True, keep=6),
        Column("clock", 8, _clock, right=True, keep=3),
        Column("held by", 12, throttle, keep=4),
        Column("ECC", 10, _ecc, keep=4),
        Column("links", 9, _links, keep=4),
        Column("XID", 4, _xid, right=True, keep=5),
        Column("procs", 5, lambda row: whole(values(row).get("gpu.processes")), right=True, keep=5),
        Column("name", 15, lambda row: text(row, "name"), keep=1),
        Column("why, or use lately", 24, lately, keep=8, is_measured=True, grows=True),
    )


def _number(name: str) -> Callable[[Row], float]:
    return lambda row: -(known(values(row).get(name)) or 0.0)


# What `s` sorts by, one after the other; None: as the daemon gives them, by host and then by number.
ORDERS: Mapping[str, Callable[[Row], float] | None] = {
    "host and number": None,
    "trouble": lambda row: STATES.get(text(row, "state"), len(STATES)),
    "use": _number("gpu.utilization"),
    "memory": lambda row: -(memory_share(row) or 0.0),
    "temperature": _number("gpu.temperature"),
}


class Some(Sequence[Row]):
    """So many rows, of which only those around the place that is looked at are known."""

    def __init__(self, total: int = 0, first: int = 0, rows: Sequence[Row] = ()) -> None:
        self._total = total
        self.known = range(first, first + len(rows))
        self._rows = rows

    def __len__(self) -> int:
        return self._total

    def __getitem__(self, place: Any) -> Any:
        if place >= self._total:
            raise IndexError(place)
        return self._rows[place - self.known.start] if place in self.known else UNKNOWN


def summary(told: Any, rows: Sequence[Row], by: str) -> Sequence[str]:
    """All GPUs in a few words, the most telling first; nothing where there are none."""
    fleet = told if isinstance(told, Mapping) else {}
    count, hosts = known(fleet.get("gpus")), known(fleet.get("hosts"))
    states = fleet.get("states")
    by_state = states if isinstance(states, Mapping) else Counter(text(row, "state") for row in rows)
    said = [f"{number:,.0f} {word}" for state, word in SAID.items() if (number := known(by_state.get(state)))]
    parts = [", ".join(said), f"by {by}"] if said else []
    if not count:
        return parts
    unwell = [
        f"{text(each, 'host')} {known(each.get('gpus')) or 0:.0f}" for each in dicts(fleet.get("unwell"))[:MOST_HOSTS]
    ]
    if unwell and (hosts or 0) > 1:
        parts.append(f"most on {', '.join(unwell)}")
    parts.append(f"{known(fleet.get('busy')) or 0:,.0f} of {count:,.0f} in use")
    given, there = known(fleet.get("requested")), known(fleet.get("allocatable"))
    if there is not None:
        parts.append(f"{given or 0:,.0f} of {there:,.0f} given to work")
    return parts


def ordered(rows: Sequence[Row], by: str) -> Sequence[Row]:
    """The rows, the first of what they are sorted by first."""
    key = ORDERS[by]
    return rows if key is None else sorted(rows, key=key)


def total(row: Row, signal: str, *, but: Sequence[str] = ()) -> float | None:
    """All series of one signal added up; None where there is none."""
    told = {key: known(value) for key, value in values(row).items() if key.partition(":")[0] == signal}
    found = [value for key, value in told.items() if value is not None and key.partition(":")[2] not in but]
    return sum(found) if found else None


def _known_state(row: Row) -> str:
    state = text(row, "state")
    return state if state in MARKS else "no_data"


def _number_of(row: Row, width: int) -> Span:
    """Its number; of one that is known by its UUID alone, the end."""
    if not row:
        return ("…", "dim")
    state, number = _known_state(row), text(row, "gpu")
    return (f"{MARKS[state]} {number if len(number) <= width - 2 else '…' + number[3 - width :]}", state)


def _state(row: Row) -> Span:
    state = _known_state(row)
    return (state.replace("_", " "), state)


def _power(row: Row) -> Span:
    draws, limit = (known(values(row).get(name)) for name in ("gpu.power", "gpu.power.limit"))
    of = "" if limit is None else f"/{limit:.0f}"
    return (NOTHING if draws is None else f"{draws:.0f}{of} W", "")


def _clock(row: Row) -> str:
    hertz = known(values(row).get("gpu.clock.sm"))
    return NOTHING if hertz is None else f"{hertz / 1e6:.0f} MHz"


def _ecc(row: Row) -> Span:
    told = values(row)
    gained = rates(row)
    lost, mended = (
        known(told.get(key, gained.get(key))) for key in ("gpu.ecc.errors:uncorrected", "gpu.ecc.errors:corrected")
    )
    if lost:
        return ("lost" if lost < 1 else f"{short(lost)} lost", "degraded")
    if mended:
        return ("mended" if mended < 1 else f"{short(mended)} mended", "dim")
    return (NOTHING, "dim") if lost is None and mended is None else ("none", "dim")


def _links(row: Row) -> Span:
    """What is wrong with its way to other GPUs and to its host."""
    told = values(row)
    up, there = known(told.get("gpu.nvlink.up")), known(told.get("gpu.nvlink.links"))
    lanes, most = known(told.get("gpu.pcie.link.width")), known(told.get("gpu.pcie.link.width.max"))
    if up is not None and there is not None and up < there:
        return (f"{there - up:.0f} down", "degraded")
    if lanes is not None and most is not None and lanes < most:
        return (f"PCIe ×{lanes:.0f}", "degraded")
    errors = total(row, "gpu.nvlink.errors")
    if errors:
        return (f"{short(errors)} err.", "warn")
    return (NOTHING, "dim") if up is None and lanes is None else ("well", "dim")


def _xid(row: Row) -> Span:
    """The last error code of its driver."""
    told = values(row)
    codes = [key.partition(":")[2] for key, value in told.items() if key.startswith("gpu.xid.recent:") and value]
    code = codes[-1] if codes else figure(told.get("gpu.xid"))
    return (code, "dim" if code in (NOTHING, "0") else "warn")
