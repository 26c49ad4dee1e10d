"""What runs on a GPU, and the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from console.model.samples import NO_LABELS, Labels


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that has the GPU open. What is not known is empty."""

    pid: int
    user: str = ""
    command: str = ""  # cut, and without secrets
    container: str = ""  # the first letters of its id
    pod: str = ""  # its uid
    memory: float | None = None  # bytes of the GPU's
    utilization: float | None = None  # of the GPU's time, 0..1
    kind: Literal["compute", "graphics"] = "compute"


@dataclass(frozen=True, slots=True)
class GpuLink:
    """One link to another GPU or to a switch."""

    link: int
    up: bool | None  # None: it does not tell
    errors: Mapping[str, float] = field(default_factory=dict)  # kind -> how many so far


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as it is now: what it is, what runs on it, what it is linked to."""

    gpu: str  # its number on its host
    host: str
    uuid: str
    name: str
    facts: Labels = NO_LABELS  # what else is worth knowing, in words
    processes: tuple[GpuProcess, ...] = ()
    links: tuple[GpuLink, ...] = ()
