"""XID errors of late, from NVML's events and from the kernel log; what they mean says `_nvidia_codes.toml`.

NVML tells only those that happen while it is listened to; the kernel log, where it may be read, those since the boot,
in the driver's own words. One error that both tell is one event.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pynvml as nvml
from andon_plugins._nvidia_xids import xids
from andon_plugins._nvml_device import Device

from console.model import Event, Span
from console.report.clean import clean

MOST_KEPT = 512
MOST_AT_ONCE = 64  # events taken of NVML in one go
MOST_LINES = 20_000  # of the kernel log in one go
LINE_BYTES = 8192
SAME_SECONDS = 5.0  # within which NVML and the kernel log tell of the same error
REPEAT_SECONDS = 1.0  # after which a code that is told again is a new error: some come by the hundred
PROC_STAT = Path("/proc/stat")

LINE = re.compile(r"NVRM: Xid \(PCI:([0-9a-fA-F]+):([0-9a-fA-F]+):([0-9a-fA-F]+)[^)]*\): (\d+)(?:, *(.*))?")
RECORD = re.compile(r"\d+,\d+,(\d+),[^;]*;(.*)")  # of /dev/kmsg: level, number, microseconds, flags; words


@dataclass(slots=True)
class _Seen:
    time: float
    gpu: str  # its number, or its PCI address where it is none of ours
    code: int
    id: str
    words: str
    ways: set[str]
    until: float = 0.0  # when it was last told


class Xids:
    """The last XID errors of this host."""

    def __init__(self, source: str, host: str, kernel_log: Path | None) -> None:
        self.last: dict[str, int] = {}  # GPU -> its last code
        self._source = source
        self._host = host
        self._seen: deque[_Seen] = deque(maxlen=MOST_KEPT)
        self._log = KernelLog(kernel_log) if kernel_log is not None else None
        self.lacks_log = self._log is not None and not self._log.is_open
        self._events: Any = None
        self._by_handle: dict[int, Device] = {}
        self._by_address: dict[tuple[int, int, int], Device] = {}
        self._listened = 0.0

    def listen(self, now: float) -> None:
        """Be ready to meet GPUs. Where NVML tells no events, the kernel log may."""
        self._listened = now
        try:
            self._events = nvml.nvmlEventSetCreate()
        except nvml.NVMLError:
            self._events = None

    def hush(self) -> None:
        """Let go of every GPU."""
        if self._events is not None:
            with contextlib.suppress(nvml.NVMLError):  # it goes with NVML, which is about to stop
                nvml.nvmlEventSetFree(self._events)
        self._events = None
        self._by_handle.clear()

    def meet(self, device: Device) -> None:
        """Listen to one GPU, unless it is listened to already or does not answer."""
        if not device.is_known() or _address_of(handle := device.nvml.handle) in self._by_handle:
            return
        self._by_handle[_address_of(handle)] = device
        try:
            place = nvml.nvmlDeviceGetPciInfo(handle)
            self._by_address[place.domain, place.bus, place.device] = device
            if self._events is not None:
                nvml.nvmlDeviceRegisterEvents(handle, nvml.nvmlEventTypeXidCriticalError, self._events)
        except nvml.NVMLError as error:
            device.nvml.trouble = str(error)

    def look(self, now: float) -> None:
        """Take in what was told since the last time."""
        if self._log is not None:
            for seconds, address, code, words in self._log.errors():
                known = self._by_address.get(address)
                gpu = str(known.index) if known else "{:04x}:{:02x}:{:02x}".format(*address)
                self._note(_Seen(seconds, gpu, code, f"{seconds:.6f}", words, {"log"}), seconds)
        for _ in range(MOST_AT_ONCE):
            try:
                told = nvml.nvmlEventSetWait_v2(self._events, 0) if self._events is not None else None
            except nvml.NVMLError:  # nothing to tell, as a rule
                break
            if told is None:
                break
            device = self._by_handle.get(_address_of(told.device))
            if device is not None and told.eventType == nvml.nvmlEventTypeXidCriticalError:
                code = int(told.eventData)
                self._note(_Seen(now, str(device.index), code, f"{now:.6f}", "", {"nvml"}), self._listened)
        self._listened = now

    def events(self, span: Span) -> list[Event]:
        """The errors of a span, oldest first."""
        found = sorted((seen for seen in self._seen if span.start <= seen.time < span.end), key=lambda seen: seen.time)
        return [self._event(seen) for seen in found]

    def _note(self, new: _Seen, since: float) -> None:
        """Keep an error that happened after `since`, unless it is one that is kept already."""
        for old in reversed(self._seen):
            if (old.gpu, old.code) != (new.gpu, new.code):
                continue
            is_repeat = new.ways <= old.ways and abs(new.time - max(old.time, old.until)) < REPEAT_SECONDS
            is_other_way = not new.ways & old.ways and since - SAME_SECONDS <= old.time <= new.time + SAME_SECONDS
            if is_repeat or is_other_way:
                old.ways |= new.ways
                old.until = new.time
                old.words = old.words or new.words
                return
        self._seen.append(new)
        self.last[new.gpu] = new.code

    def _event(self, seen: _Seen) -> Event:
        code = xids().look_up(seen.code)
        where = f"GPU {seen.gpu}" if seen.gpu.isdigit() else f"the GPU at {seen.gpu}"
        said = f" The driver: {seen.words}" if seen.words else ""
        return Event(
            time=seen.time,
            kind="xid",
            target=f"{self._host}/{seen.gpu}",
            title=f"XID {seen.code} on {where}: {code.meaning}",
            id=f"xid-{seen.code}-{seen.id}",
            detail=f"{code.action}.{said}",
            source=self._source,
        )


class KernelLog:
    """XID lines of the kernel log, each once. A log that is absent, or not for us, has none."""

    def __init__(self, path: Path) -> None:
        self._rest = b""
        self._boot = _boot_time()
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self._file = -1
        self.is_open = self._file >= 0

    def errors(self) -> Iterator[tuple[float, tuple[int, int, int], int, str]]:
        """(time, PCI domain, bus and device, code, words) of what was written since the last time."""
        for line in self._lines():
            record = RECORD.match(line)
            found = LINE.search(record[2]) if record else None
            if record and found:
                domain, bus, device = (int(found[place], 16) for place in (1, 2, 3))
                words = clean(found[5] or "", limit=200)
                yield self._boot + int(record[1]) / 1e6, (domain, bus, device), int(found[4]), words

    def _lines(self) -> Iterator[str]:
        if self._file < 0:
            return
        for _ in range(MOST_LINES):
            try:
                piece = os.read(self._file, LINE_BYTES)
            except BrokenPipeError:  # what we had not read yet was written over; the next read goes on after it
                continue
            except OSError:
                return
            if not piece:
                return
            *lines, self._rest = (self._rest + piece)[-2 * LINE_BYTES :].split(b"\n")
            yield from (line.decode(errors="replace") for line in lines if b"NVRM: Xid" in line)


def _boot_time() -> float:
    """When this machine started: the kernel log counts from there."""
    try:
        return float(re.search(r"^btime (\d+)", PROC_STAT.read_text(), re.MULTILINE)[1])  # type: ignore[index]
    except (OSError, TypeError):
        return 0.0


def _address_of(handle: Any) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
