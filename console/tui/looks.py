"""Looks by name, and the themes that give them their colours. Every look differs from the others without colour too,
or says with a shape what it says with a colour.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme

GREY_START = 232  # the grey ramp of the 256-colour palette

# look -> style; "" is the theme's own foreground.
ANSI = {
    "": "",
    "dim": "dim",
    "bold": "bold",
    "title": "bold",
    "head": "underline",
    "key": "cyan",
    "ok": "green",
    "degraded": "bold red",
    "warn": "yellow",
    "improved": "cyan",
    "stale": "magenta",
    "no_data": "dim",
    "inconclusive": "yellow",
    "skipped": "dim",
    "waiting": "yellow",
    "error": "bold red",
    "spark": "blue",
    "baseline": "cyan",
    "current": "bold",
    "beyond": "bold red",  # degraded, for half blocks: reversed they would say something else
    "cursor": "reverse",
    "bar": "reverse",
}
DARK = ANSI | {
    "dim": "#8a93a5",
    "head": "#8a93a5 underline",
    "key": "#7dcfff",
    "ok": "#7fd88f",
    "degraded": "bold #ff6b6b",
    "warn": "#f0c05a",
    "improved": "#7dcfff",
    "stale": "#c099ff",
    "no_data": "#8a93a5",
    "inconclusive": "#f0c05a",
    "skipped": "#8a93a5",
    "waiting": "#f0c05a",
    "error": "bold #ff6b6b",
    "spark": "#6ea8fe",
    "baseline": "#7dcfff",
    "beyond": "bold #ff6b6b",
    "cursor": "bold #0d1117 on #9fb4d8",
    "bar": "#d8dee9 on #253045",
}
LIGHT = ANSI | {
    "dim": "#5c6370",
    "head": "#5c6370 underline",
    "key": "#005f87",
    "ok": "#1a7f37",
    "degraded": "bold #b42318",
    "warn": "#8a5a00",
    "improved": "#005f87",
    "stale": "#7d3c98",
    "no_data": "#5c6370",
    "inconclusive": "#8a5a00",
    "skipped": "#5c6370",
    "waiting": "#8a5a00",
    "error": "bold #b42318",
    "spark": "#1f5fbf",
    "baseline": "#005f87",
    "beyond": "bold #b42318",
    "cursor": "bold #ffffff on #1f4f8f",
    "bar": "#1b1f24 on #d7dde6",
}
CONTRAST = ANSI | {
    "dim": "",
    "no_data": "",
    "skipped": "",
    "head": "bold underline",
    "key": "bold bright_cyan",
    "ok": "bold bright_green",
    "degraded": "bold bright_white on red",
    "warn": "bold bright_yellow",
    "improved": "bold bright_cyan",
    "stale": "bold bright_magenta",
    "inconclusive": "bold bright_yellow",
    "waiting": "bold bright_yellow",
    "error": "bold bright_white on red",
    "spark": "bright_white",
    "baseline": "bright_cyan",
    "beyond": "bold bright_red",
    "cursor": "bold black on bright_yellow",
    "bar": "bold black on bright_white",
}
MONOCHROME = dict.fromkeys(ANSI, "") | {
    "dim": "dim",
    "bold": "bold",
    "title": "bold",
    "head": "underline",
    "key": "bold",
    "degraded": "bold reverse",
    "error": "bold reverse",
    "warn": "bold",
    "stale": "italic",
    "no_data": "dim",
    "skipped": "dim",
    "waiting": "bold",
    "current": "bold",
    "beyond": "bold",
    "cursor": "reverse",
    "bar": "reverse",
}

LOOKS: Mapping[str, Mapping[str, str]] = {
    "ansi": ANSI,
    "dark": DARK,
    "light": LIGHT,
    "high-contrast": CONTRAST,
    "monochrome": MONOCHROME,
}


def _ansi(name: str) -> Theme:
    """The terminal's own colours, whatever they are: its background and foreground stay."""
    base = BUILTIN_THEMES["ansi-dark"]
    return Theme(**{**{field: getattr(base, field) for field in base.__dataclass_fields__}, "name": name})


THEMES = (
    _ansi("ansi"),
    Theme("dark", primary="#6ea8fe", background="#0d1117", surface="#0d1117", panel="#161b26", foreground="#d8dee9"),
    Theme(
        "light",
        primary="#1f5fbf",
        background="#fbfbf8",
        surface="#fbfbf8",
        panel="#eef0f3",
        foreground="#1b1f24",
        dark=False,
    ),
    Theme(
        "high-contrast",
        primary="#ffff00",
        background="#000000",
        surface="#000000",
        panel="#000000",
        foreground="#ffffff",
    ),
    _ansi("monochrome"),
)


def theme_for(environment: Mapping[str, str] = os.environ) -> str:
    """The theme to begin with: none of the colours of its own where they are refused, the terminal's own over SSH.

    >>> theme_for({"NO_COLOR": "1"}), theme_for({"SSH_TTY": "/dev/pts/0"}), theme_for({"COLORTERM": "truecolor"})
    ('monochrome', 'ansi', 'dark')
    """
    if "NO_COLOR" in environment:
        return "monochrome"
    if environment.get("ANDON_THEME") in LOOKS:
        return environment["ANDON_THEME"]
    is_far = bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))
    return "dark" if not is_far and environment.get("COLORTERM") in ("truecolor", "24bit") else "ansi"


class Looks(dict[str, Style]):
    """The styles of a theme by look; `grey.A.B` is made when it is first asked for: the halves of a picture's cell."""

    def __init__(self, theme: str) -> None:
        super().__init__({name: Style.parse(words) if words else Style.null() for name, words in LOOKS[theme].items()})

    def __missing__(self, look: str) -> Style:
        kind, upper, lower = look.split(".")
        assert kind == "grey", look
        style = Style.parse(f"color({GREY_START + int(upper)}) on color({GREY_START + int(lower)})")
        self[look] = style
        return style
