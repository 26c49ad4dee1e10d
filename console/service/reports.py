"""What a mistake of ours leaves behind: a file with the traceback, for whoever mends it, never sent over the wire."""

from __future__ import annotations

import itertools
import os
import platform
import time
import traceback
from pathlib import Path

import console
from console.errors import AndonError

MOST_REPORTS = 20
_count = itertools.count(1)


def write_report(data: Path, doing: str, error: BaseException) -> AndonError:
    """Write DATA/reports/… and return what to tell the operator; the oldest reports make room."""
    folder = data / "reports"
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = folder / f"{stamp}-{os.getpid()}-{next(_count)}.txt"
    told = f"andon made a mistake while {doing}: {type(error).__name__}: {error}"
    about = f"andon {console.__version__}, Python {platform.python_version()}, {platform.platform()}\nwhile {doing}\n\n"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in sorted(folder.glob("*.txt"))[: -MOST_REPORTS + 1]:
            old.unlink(missing_ok=True)
        path.write_text(about + "".join(traceback.format_exception(error)), "utf-8")
    except OSError as trouble:
        return AndonError(told, f"no report could be written to {folder}: {trouble.strerror}")
    return AndonError(told, f"the report is {path}")
