"""What cells say of a GPU, and the GPUs of the board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.tui.panels.figures import (
    NOTHING,
    age,
    bar,
    dicts,
    figure,
    history,
    known,
    marked,
    percent,
    text,
    values,
    whole,
)
from console.tui.text import Span, cut, size_of, tame
from console.tui.widgets.table import Column, Row

HOT = 85.0  # °C, from which people look twice; the state alone says what is wrong
FULL = 0.97  # of the memory
# Bits of gpu.throttle.reasons that say that it is slower than it could be: whether that is bad, and a short word.
THROTTLES = (
    (0x40, True, "heat"),
    (0x20, True, "heat"),
    (0x80, True, "supply"),
    (0x08, True, "slowed"),
    (0x04, False, "power cap"),
    (0x10, False, "in step"),
    (0x02, False, "clock set"),
    (0x100, False, "clock set"),
    (0x01, False, "idle"),
)
EMPTY = ("no GPU has been seen",)


def columns() -> Sequence[Column]:
    """The GPUs on the board: how busy, how full, how hot, and what is wrong or how it went."""
    return (
        Column("gpu", 10, place, is_measured=True),
        Column("use", 4, lambda row: percent(values(row).get("gpu.utilization")), right=True),
        Column("memory", 6, lambda row: (percent(memory_share(row)), memory_look(row)), right=True, keep=8),
        Column("temp", 5, temperature, right=True, keep=6),
        Column("power", 6, lambda row: whole(values(row).get("gpu.power"), "W"), right=True, keep=4),
        Column("lately or fault", 12, lately, grows=True, keep=7, is_measured=True),
    )


def facts(row: Row) -> Mapping[str, str]:
    """What the filter and links may name."""
    told = {name: text(row, name) for name in ("host", "gpu", "name", "uuid", "source", "state", "reason")}
    return {name: value for name, value in told.items() if value}


def key(row: Row) -> str:
    """What tells one GPU from another."""
    return f"{text(row, 'host')}/{text(row, 'gpu')}"


def place(row: Row, width: int) -> Span:
    """Where a GPU is, behind the shape of its state: its number is always seen, whatever its host's name."""
    number = text(row, "gpu")
    host = host_of(row, width - len(number) - 3)
    return marked(row.get("state"), f"{host}/{number}" if host else number)


def host_of(row: Row, width: int) -> str:
    """Its host's name, without its domain and then without its beginning where there is no room for them.

    >>> host_of({"host": "rack7-node12.example.org"}, 12), host_of({"host": "rack7-node12.example.org"}, 8)
    ('rack7-node12', '…-node12')
    """
    host = tame(text(row, "host"))
    if size_of([(host, "")]) <= width:
        return host
    first = host if host.replace(".", "").isdigit() else host.partition(".")[0]
    if size_of([(first, "")]) <= width:
        return first
    return "…" + first[1 - width :] if first.isascii() and width > 1 else cut(first, width)


def lately(row: Row, width: int) -> Span:
    """What is wrong with it; of one that is well, how busy it was."""
    state, reason = text(row, "state"), text(row, "reason")
    if state == "stale":
        return (f"stale {old(row)}: {reason}", "stale")
    if reason:
        return (reason, "degraded" if state == "degraded" else "warn")
    return history(row.get("spark"), width)


def why(row: Row, board: Mapping[str, Any]) -> str:
    """What is wrong with it in full, and with its source where nothing comes from there."""
    source = next((each for each in dicts(board.get("sources")) if text(each, "name") == text(row, "source")), {})
    reason = text(source, "reason") if text(row, "state") == "stale" else ""
    return text(row, "reason") + (f"; source {text(row, 'source')}: {reason}" if reason else "")


def old(row: Row) -> str:
    """How old its newest values are."""
    return age(row.get("age"))


def memory(row: Row) -> tuple[float | None, float | None]:
    """(used, total), in bytes."""
    told = values(row)
    used, total = known(told.get("gpu.memory.used")), known(told.get("gpu.memory.total"))
    free = known(told.get("gpu.memory.free"))
    return used, total if total is not None or used is None or free is None else used + free


def memory_share(row: Row) -> float | None:
    """How full its memory is."""
    used, total = memory(row)
    return used / total if used is not None and total else known(values(row).get("gpu.memory.utilization"))


def memory_look(row: Row) -> str:
    """The look of a memory that is nearly full."""
    return "warn" if (memory_share(row) or 0.0) >= FULL else ""


def memory_said(row: Row) -> Span:
    """How much of its memory is in use."""
    used, total = memory(row)
    return (f"{_gib(used)}/{_gib(total)} GiB" if total is not None else figure(used, "By"), memory_look(row))


def memory_bar(row: Row, width: int) -> Span:
    """How full its memory is, as a bar."""
    return (bar(memory_share(row), width), memory_look(row) or "spark")


def use_bar(row: Row, width: int) -> Span:
    """How busy it is, as a bar."""
    return (bar(known(values(row).get("gpu.utilization")), width), "spark")


def temperature(row: Row) -> Span:
    """How hot it is."""
    degrees = known(values(row).get("gpu.temperature"))
    return (whole(degrees, "°C"), "warn" if degrees is not None and degrees >= HOT else "")


def throttle(row: Row) -> Span:
    """What holds its clocks down, in a word or two."""
    mask = known(values(row).get("gpu.throttle.reasons"))
    if mask is None:
        return (NOTHING, "dim")
    held = [(is_bad, word) for bit, is_bad, word in THROTTLES if int(mask) & bit]
    if not held:
        return ("no", "dim")
    return (", ".join(dict.fromkeys(word for _bad, word in held)), "degraded" if held[0][0] else "dim")


def _gib(value: float | None) -> str:
    return NOTHING if value is None else f"{value / 2**30:.3g}"
