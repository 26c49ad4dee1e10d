"""The table of XID errors, out of the TOML beside this file."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from console.signals.codes import Code, CodeBook

TABLE = Path(__file__).with_name("_nvidia_codes.toml")


@cache
def xids() -> CodeBook:
    """The XID errors, by code."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    actions = table["actions"]
    codes = {
        int(code): Code(meaning, actions[action]["do"], actions[action]["state"])
        for code, (meaning, action) in table["xid"].items()
    }
    return CodeBook("gpu.xid", "XID", table["source"], codes)
