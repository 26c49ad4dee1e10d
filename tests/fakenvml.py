"""The stand-in for NVML: a real library in a folder of its own, with the file that says what it plays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parent / "plugins" / "fakenvml" / "fakenvml.c"
LIBRARY = "libnvidia-ml.so.1"
SETTINGS = "fakenvml.conf"


def compiler() -> str | None:
    """The C compiler to build it with: none where this is not Linux, which is where NVML is."""
    return shutil.which("cc") or shutil.which("gcc") if sys.platform == "linux" else None


def build(folder: Path) -> Path:
    """The library in this folder, to put on LD_LIBRARY_PATH; eight healthy GPUs until `play` says otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LIBRARY).write_bytes(_compiled())
    return folder


def play(folder: Path, **settings: object) -> None:
    """Have the library of this folder play this from its next call on: `play(folder, gpus=2, fault=1)`.

    fakenvml.c says what there is to play.
    """
    draft = folder / f"{SETTINGS}.new"
    draft.write_text("".join(f"{key} = {_shown(value)}\n" for key, value in settings.items()))
    draft.replace(folder / SETTINGS)


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


@cache
def _compiled() -> bytes:
    found = compiler()
    if found is None:
        raise FileNotFoundError("there is no C compiler")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / LIBRARY
        subprocess.run(
            [found, "-O2", "-fPIC", "-shared", "-fvisibility=hidden", f"-Wl,-soname,{LIBRARY}",
             "-o", os.fspath(library), os.fspath(SOURCE), "-lm", "-lpthread"],
            check=True, timeout=120,
        )  # fmt: skip
        return library.read_bytes()
