"""What NVIDIA's XID errors mean and ask for, whichever exporter tells the code: a table, `_nvidia_codes.toml`."""

from __future__ import annotations

from collections.abc import Iterable

from andon_plugins._nvidia_xids import xids

from console.plugins import hookimpl
from console.signals.codes import CodeBook


@hookimpl
def andon_codes() -> Iterable[CodeBook]:
    """The XID errors."""
    return [xids()]
