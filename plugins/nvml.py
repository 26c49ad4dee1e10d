"""The source kind `nvml`: the NVIDIA GPUs of this machine, asked through the driver's own library.

A call into a driver may hang for ever, so all of it runs in a child process; what is here is only the offer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from console.plugins import SourceType, hookimpl

LIBRARY = "libnvidia-ml.so.1"
HINT = 'GPUs of another machine: its dcgm-exporter tells, [sources.gpus] kind = "metrics", url = "http://NODE:9400/metrics"'
LOADER_CACHE = Path("/etc/ld.so.cache")


class NvmlOptions(BaseModel):
    """What there is to set: nothing, as a rule."""

    model_config = ConfigDict(extra="forbid")

    kernel_log: str | None = "/dev/kmsg"  # where XID errors are read from, beside NVML's own events


def library_is_here() -> bool:
    """Whether the loader would find the library, without loading it."""
    folders = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    if any(folder and Path(folder, LIBRARY).exists() for folder in folders):
        return True
    try:
        return LIBRARY.encode() in LOADER_CACHE.read_bytes()
    except OSError:
        return False


def _open(name: str, options: NvmlOptions) -> Any:
    from andon_plugins._nvml_source import open_nvml

    return open_nvml(name, options.kernel_log)


def _from_url(url: str) -> Mapping[str, Any] | None:
    return {} if url in ("nvml", "nvml://") else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """The GPUs of this machine."""
    return [
        SourceType(
            "nvml", "The NVIDIA GPUs of this machine", NvmlOptions, _open, isolated=True, live=True,
            from_url=_from_url, at_home=library_is_here,
            inside="andon_plugins._nvml_source:open_nvml", hint=HINT,
        )
    ]  # fmt: skip
