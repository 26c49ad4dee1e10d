"""Files that say who may change what: read whole, and refused where somebody else than the operators may write them."""

from __future__ import annotations

import os
from pathlib import Path

from console.errors import ConfigError

OTHERS_MAY_WRITE = 0o022
MOST_BYTES = 1 << 20


def read_owned(path: Path, what: str) -> bytes | None:
    """The bytes of a file; None where there is none. `what` is what it says, for the error.

    Raises ConfigError for a file that others may write, that is too large, or that cannot be read.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", f"it says {what}") from error
    if mode & OTHERS_MAY_WRITE:
        raise ConfigError(f"others may write {path}, and it says {what}", f"chmod go-w {path}")
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{path} has more than {MOST_BYTES >> 20} MiB", f"it says {what}, and no more than that")
    return data
