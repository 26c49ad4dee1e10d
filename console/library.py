"""Where the shipped playbooks and plugins lie: one lookup for a wheel, an editable install and a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def library_dir(name: str) -> Path:
    """The folder of `playbooks` or `plugins` that came with this andon.

    A wheel carries it under console/_library/; a checkout (and an editable install of one) has it beside console/.
    """
    shipped = PACKAGE / "_library" / name
    return shipped if shipped.is_dir() else PACKAGE.parent / name
