"""The GPUs of this machine as a source: blocking, for it runs in a child that may be ended at any call."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from pathlib import Path

from andon_plugins._nvml_device import Device
from andon_plugins._nvml_facts import look
from andon_plugins._nvml_library import start, stop
from andon_plugins._nvml_xids import Xids

from console.model import Event, Gpu, Reading, Span
from console.sources.types import SourceStatus

PROC = Path("/proc")
ANEW_SECONDS = 300.0  # until NVML is started anew for the sake of a GPU that does not answer


def open_nvml(name: str, kernel_log: str | None) -> Nvml:
    """The source out of its plain options."""
    return Nvml(name, kernel_log=Path(kernel_log) if kernel_log else None)


class Nvml:
    """Collectable, EventReader, GpuReader and Checkable. NVML is started when it is first needed, so that a driver
    which comes later is found.
    """

    def __init__(self, name: str, *, kernel_log: Path | None = None, proc: Path = PROC) -> None:
        self.name = name
        self._host = socket.gethostname()
        self._proc = proc
        self._devices: tuple[Device, ...] = ()
        self._known: dict[int, Device] = {}
        self._anew = 0.0
        self._xids = Xids(name, self._host, kernel_log)

    def collect(self, now: float) -> Sequence[Reading]:
        """The readings of every GPU; of one that does not answer, that."""
        found: list[Reading] = []
        for device in self._all():
            found += device.read(now)
            self._xids.meet(device)
        self._xids.look(time.time())
        for device in self._devices:
            if (code := self._xids.last.get(str(device.index))) is not None:
                found.append(device.reading("gpu.xid", float(code), now))
        return found

    def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        """The XID errors of a span."""
        if kinds and "xid" not in kinds:
            return ()
        for device in self._all():
            self._xids.meet(device)
        self._xids.look(time.time())
        return self._xids.events(span)

    def gpus(self, gpu: str | None) -> Sequence[Gpu]:
        """What the GPU of this number is, and what runs on it; of all of them without one."""
        return [look(device, self._proc) for device in self._all() if gpu in (None, str(device.index))]

    def check(self) -> SourceStatus:
        """Which GPUs there are, and which of them do not answer. Raises SourceError where there are none."""
        began = time.monotonic()
        readings = self.collect(time.time())
        silent = [device for device in self._devices if device.trouble]
        names = sorted({device.name for device in self._devices if device.name})
        said = [f"{len(self._devices)} GPUs" if len(self._devices) > 1 else "1 GPU", *names]
        if self._xids.lacks_log:
            said.append("the kernel log may not be read, so earlier XID errors are not known")
        said += [f"GPU {device.index} does not answer: {device.trouble}" for device in silent]
        return SourceStatus(
            self.name, "nvml", "ok" if len(silent) < len(self._devices) else "unreachable", ", ".join(said),
            signals=tuple(sorted({reading.series.signal for reading in readings})),
            seconds=time.monotonic() - began,
        )  # fmt: skip

    def _all(self) -> Sequence[Device]:
        """The GPUs, once NVML has started. Raises SourceError."""
        if any(device.trouble for device in self._devices) and time.monotonic() >= self._anew:
            self._xids.hush()
            stop()  # only an NVML that starts anew sees a GPU that was reset
            self._devices = ()
        if not self._devices:
            self._anew = time.monotonic() + ANEW_SECONDS
            count = start(self.name)
            self._devices = tuple(self._known.setdefault(index, Device(index, self._host)) for index in range(count))
            for device in self._devices:
                device.forget()
            self._xids.listen(time.time())
        return self._devices
