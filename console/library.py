"""Where the shipped playbooks and plugins lie: one lookup for a wheel, an editable install and a checkout; and the
package that plugins which are files are modules of.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).resolve().parent
PLUGINS_PACKAGE = "andon_plugins"


def library_dir(name: str) -> Path:
    """The folder of `playbooks` or `plugins` that came with this andon.

    A wheel carries it under console/_library/; a checkout (and an editable install of one) has it beside console/.
    """
    shipped = PACKAGE / "_library" / name
    return shipped if shipped.is_dir() else PACKAGE.parent / name


def add_plugin_folder(folder: Path) -> None:
    """Let the files of a folder be imported as modules of `andon_plugins`."""
    package = sys.modules.setdefault(PLUGINS_PACKAGE, ModuleType(PLUGINS_PACKAGE))
    folders: list[str] = package.__dict__.setdefault("__path__", [])
    if str(folder) not in folders:
        folders.append(str(folder))
