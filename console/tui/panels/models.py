"""The models of the board: one row each, with a light per column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.tui.panels.figures import NOTHING, age, known, model_name, text
from console.tui.text import Span
from console.tui.widgets.table import Column, Row
from console.words import MARKS

LIGHTS = ("gpu", "latency", "errors", "queue", "drift", "data")
HEADS = {"latency": "lat.", "errors": "err."}  # where there is little room
WORDS = {"ok": "ok", "degraded": "bad", "stale": "old", "no_data": NOTHING}
WORD, SHORT = 10, 5  # cells of a light
EMPTY = ("no model has given data yet; `andon source check` says what each source gives",)


def columns(*, is_wide: bool) -> Sequence[Column]:
    """Model, lights, incident, owner, age."""
    return (
        Column("model", 12, model_name, grows=True, is_measured=True),
        *(_light(name, is_wide) for name in LIGHTS),
        Column("incident", 8, lambda row: text(row, "incident"), keep=8),
        Column("owner", 10, lambda row: text(row, "owner"), keep=3),
        Column("data age", 8, _oldest, right=True, keep=4),
    )


def facts(row: Row) -> Mapping[str, str]:
    """What the filter and links may name."""
    lights = {name: state_of(row, name) for name in LIGHTS}
    return {"model": text(row, "model"), "incident": text(row, "incident"), "owner": text(row, "owner")} | lights


def state_of(row: Row, light: str) -> str:
    """How a light of a model is."""
    state = str(_told(row, light).get("state"))
    return state if state in MARKS else "no_data"


def _light(name: str, is_wide: bool) -> Column:
    def draw(row: Row) -> Span:
        state = state_of(row, name)
        word = state.replace("_", " ") if is_wide else WORDS.get(state, state)
        return (f"{MARKS[state]} {word}", state)

    return Column(name if is_wide else HEADS.get(name, name), WORD if is_wide else SHORT, draw)


def _oldest(row: Row) -> Span:
    """Since when the light that is without news the longest has been so."""
    ages = {name: known(_told(row, name).get("age")) for name in LIGHTS}
    told = {name: age for name, age in ages.items() if age is not None}
    if not told:
        return (NOTHING, "dim")
    name = max(told, key=lambda light: told[light])
    return (age(told[name]), "stale" if state_of(row, name) == "stale" else "dim")


def _told(row: Row, light: str) -> Mapping[str, object]:
    lights = row.get("lights")
    found = lights.get(light) if isinstance(lights, Mapping) else None
    return found if isinstance(found, Mapping) else {}
